/**
 * A Markdown code block that its content cannot close: its fence is longer than any run of
 * backticks inside.
 */
export function fence(text: string, label: string): string {
  const runs = text.match(/`+/g) ?? [];
  const longest = runs.reduce((most, run) => Math.max(most, run.length), 0);
  const ticks = "`".repeat(Math.max(3, longest + 1));
  return `${ticks}${label.replaceAll(/[^\w.-]/g, "")}\n${text}${text.endsWith("\n") ? "" : "\n"}${ticks}`;
}
