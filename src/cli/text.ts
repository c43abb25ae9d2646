/** Text on a grid of columns: what it is wide, how it is cut, and what must never reach a terminal. */
import { createRequire } from "node:module";
import type stringWidth from "string-width";
import { plain } from "../views/plain.ts";

/** What is no sign of one column that joins no other: ASCII and what we draw with are such. */
const uncommon = /[^ -~·À-ɏ–—…←-↓─-▟◆◌○◐●✓✗]/;
/** More than any script needs; a longer cluster is an attack on whoever draws it. */
const clusterUnitsMax = 64;

/** Without control sequences and characters; line breaks stay, a tab becomes spaces. */
export function strip(text: string): string {
  return plain(text).replaceAll("\t", "    ");
}

/** The same on one line. */
export function oneLine(text: string): string {
  return strip(text).replace(/\s+/gu, " ").trim();
}

/** Columns that a terminal needs. */
export function width(text: string): number {
  return uncommon.test(text) ? unicode().width(text) : text.length;
}

interface Unicode {
  readonly width: typeof stringWidth;
  readonly segmenter: Intl.Segmenter;
}

let loaded: Unicode | null = null;

/** The tables take 20 ms to load, and most commands never need them. */
function unicode(): Unicode {
  const require = createRequire(import.meta.url);
  loaded ??= {
    width: (require("string-width") as { default: typeof stringWidth }).default,
    segmenter: new Intl.Segmenter(),
  };
  return loaded;
}

/** At most `columns` wide, with an ellipsis where something is missing; clusters stay whole. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return "";
  const beginning = text.slice(0, columns + 1);
  if (!uncommon.test(beginning)) {
    return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
  }
  let taken = "";
  let used = 0;
  /** The longest beginning that leaves room for the ellipsis. */
  let shorter = "";
  for (const { segment } of unicode().segmenter.segment(text)) {
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
