/** One vocabulary of states: glyph, word and colour, never colour alone. */
import type { LiveEvent } from "../src/ports.ts";
import { plain } from "../src/views/plain.ts";

const glyphs: Readonly<Record<string, string>> = {
  draft: "○",
  pending: "◌",
  running: "●",
  paused: "◐",
  blocked: "◆",
  delegated: "▽",
  complete: "✓",
  failed: "✗",
  stopped: "■",
};

export const statuses = Object.keys(glyphs);

export function glyphOf(status: string): string {
  return glyphs[status] ?? "?";
}

/** On one line, without what would act on a reader. */
export function line(text: string): string {
  return plain(text).replace(/\s+/gu, " ").trim();
}

/** What a loop does at this moment. */
export function stepText(event: LiveEvent | undefined): string {
  if (event === undefined) return "";
  switch (event.type) {
    case "stage":
      return line(`${event.stage} ${event.detail ?? ""}`);
    case "tool":
      return line(`${event.name} ${event.summary}`);
    case "verdict":
      return line(`${event.passed ? "✓ passed" : "✗ not passed"} ${event.detail}`);
    case "waiting":
      return line(`waits: ${event.reason}`);
    case "note":
      return line(event.text);
    default:
      return "";
  }
}
