/** Text on a grid of columns: what it is wide, how it is cut, and what must never reach a terminal. */
import stringWidth from "string-width";

const segmenter = new Intl.Segmenter();
/** More than any script needs; a longer cluster is an attack on whoever draws it. */
const clusterUnitsMax = 64;

// One pass over all of it: nothing is left that could join to a new sequence.
const hostile = new RegExp(
  [
    String.raw`\u001b\][^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?`, // OSC: titles, links
    String.raw`\u009d[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?`,
    String.raw`(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c\n]*(?:\u001b\\|\u009c)?`,
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?`, // CSI: colours, the cursor
    String.raw`\u001b[ -/]*[0-~]?`,
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f]`,
    String.raw`[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]`, // marks that turn the reading order
  ].join("|"),
  "g",
);

/** Without control sequences and characters; line breaks stay, a tab becomes spaces. */
export function strip(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(hostile, "")
    .replaceAll("\t", "    ");
}

/** The same on one line. */
export function oneLine(text: string): string {
  return strip(text).replace(/\s+/gu, " ").trim();
}

/** Columns that a terminal needs. */
export function width(text: string): number {
  return stringWidth(text);
}

/** At most `columns` wide, with an ellipsis where something is missing; clusters stay whole. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  let taken = "";
  let used = 0;
  /** The longest beginning that leaves room for the ellipsis. */
  let shorter = "";
  for (const { segment } of segmenter.segment(text)) {
    const cluster = segment.length > clusterUnitsMax ? "\ufffd" : segment;
    used += width(cluster);
    if (used > columns) return `${shorter}…`;
    taken += cluster;
    if (used < columns) shorter = taken;
  }
  return taken;
}

/** Filled with spaces, or cut, to be exactly `columns` wide. */
export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const fitting = cut(text, columns);
  const gap = " ".repeat(Math.max(0, columns - width(fitting)));
  return align === "left" ? fitting + gap : gap + fitting;
}
