/** What a person writes, on the rows of a box. */
import { strip, width } from "../cli/text.ts";
import type { Draft } from "./editor.ts";

export interface LaidDraft {
  readonly rows: readonly string[];
  readonly caret: { readonly row: number; readonly column: number };
}

const segmenter = new Intl.Segmenter();

/** Broken at the edge; the caret may stand behind the last column's text. */
export function layDraft({ before, after }: Draft, columns: number): LaidDraft {
  const rows: string[] = [""];
  let used = 0;
  const put = (text: string) => {
    for (const { segment } of segmenter.segment(strip(text))) {
      if (segment === "\n") {
        rows.push("");
        used = 0;
        continue;
      }
      const wide = width(segment);
      if (used + wide > columns) {
        rows.push("");
        used = 0;
      }
      rows[rows.length - 1] += segment;
      used += wide;
    }
  };
  put(before);
  if (used >= columns) {
    rows.push("");
    used = 0;
  }
  const caret = { row: rows.length - 1, column: used };
  put(after);
  return { rows, caret };
}

/** The caret a line up or down; null where there is none. */
export function movedLine({ before, after }: Draft, by: -1 | 1): Draft | null {
  const above = before.lastIndexOf("\n");
  const column = [...before.slice(above + 1)].length;
  if (by === -1) {
    if (above === -1) return null;
    const from = before.lastIndexOf("\n", above - 1) + 1;
    return cutAt(before + after, from, above, column);
  }
  const below = after.indexOf("\n");
  if (below === -1) return null;
  const from = before.length + below + 1;
  const end = (before + after).indexOf("\n", from);
  return cutAt(before + after, from, end === -1 ? before.length + after.length : end, column);
}

function cutAt(text: string, from: number, end: number, column: number): Draft {
  let at = from;
  let left = column;
  for (const { segment } of segmenter.segment(text.slice(from, end))) {
    if (left <= 0) break;
    at += segment.length;
    left -= [...segment].length;
  }
  return { before: text.slice(0, at), after: text.slice(at) };
}
