/** TOML without comments, each string on one line: no string can look like a heading then. */
function plainToml(text: string): string {
  return text.replace(
    /#[^\n]*|"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'/g,
    (token) => (token.startsWith("#") ? "" : token.replaceAll("\n", "\\n")),
  );
}

/** Without what may stand about a name: `[ tool . "pytest" ]` is `[tool.pytest]`. */
function bare(line: string): string {
  return line.replace(/[\s"']/g, "");
}

/** What could be an element of an array leaves no section. */
const leaves = /^\[{1,2}\s*(?!true|false|inf|nan)[A-Za-z][^=,]*\]\s*$/;

/** The lines below headings like this one; and those that an escape in a heading may hide. */
export function tomlSections(text: string, heading: RegExp): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of plainToml(text).split("\n")) {
    const isHeading = /^\s*\[/.test(line);
    if (isHeading && (heading.test(bare(line)) || /^\s*\[[^=]*\\/.test(line))) inside = true;
    else if (leaves.test(line)) inside = false;
    if (inside && line.trim() !== "") kept.push(line.trimEnd());
  }
  return kept.join("\n");
}

export function tomlLines(text: string, pattern: RegExp): string {
  return plainToml(text)
    .split("\n")
    .filter((line) => pattern.test(bare(line)))
    .map((line) => line.trim())
    .join("\n");
}
