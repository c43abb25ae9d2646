/**
 * A grid of cells, and what to send so that the terminal shows it: only cells that differ from what
 * it shows already. Whatever is drawn, no control character reaches the terminal from here.
 */
import { width } from "../cli/text.ts";
import type { Style } from "./style.ts";

/** `""` is the right half of the wide cluster before it. */
interface Cells {
  readonly text: string[];
  readonly style: Int32Array;
}

export interface Caret {
  readonly x: number;
  readonly y: number;
}

const segmenter = new Intl.Segmenter();
const clusterUnitsMax = 64;
const widthsMax = 4_096;
const unknown = "\ufffd";
const ascii = /^[\u0020-\u007e]*$/;
const control = /\p{Cc}/u;

export class Screen {
  readonly columns: number;
  readonly rows: number;
  /** Where the terminal's own cursor is wanted; null hides it. */
  caret: Caret | null = null;
  #next: Cells;
  /** What the terminal shows; null when that is not known. */
  #shown: Cells | null = null;
  #shownCaret: Caret | null = null;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#next = blank(columns * rows);
  }

  /** An empty grid to draw on. */
  clear(): void {
    this.#next.text.fill(" ");
    this.#next.style.fill(0);
    this.caret = null;
  }

  /** The terminal may show anything: the next frame sends every cell. */
  forget(): void {
    this.#shown = null;
  }

  /** Draws on one row, from `x` to before `end`; returns the column after it. */
  put(x: number, y: number, text: string, style: Style, end: number = this.columns): number {
    const stop = Math.min(end, this.columns);
    if (y < 0 || y >= this.rows || x < 0 || x >= stop) return x;
    return ascii.test(text)
      ? this.#putAscii(x, y, text, style, stop)
      : this.#putClusters(x, y, text, style, stop);
  }

  /** Gives a stretch of a row one more mark, whatever is drawn there. */
  mark(x: number, y: number, end: number, style: Style): void {
    if (y < 0 || y >= this.rows) return;
    const { style: styles } = this.#next;
    for (let at = Math.max(0, x); at < Math.min(end, this.columns); at += 1) {
      const index = y * this.columns + at;
      styles[index] = (styles[index] ?? 0) | style;
    }
  }

  /** What the terminal needs to be sent; empty when it shows this already. */
  flush(paint: (style: Style) => string): string {
    const isAnew = this.#shown === null;
    const shown = this.#shown ?? blank(this.columns * this.rows);
    const body = difference(this.#next, shown, this.columns, this.rows, paint);
    this.#shown = this.#next;
    this.#next = shown;
    const caret = this.#caretText(isAnew || body !== "");
    if (!isAnew && body === "" && caret === "") return "";
    return `\u001b[?2026h\u001b[?25l${isAnew ? "\u001b[0m\u001b[2J" : ""}${body}${caret}\u001b[?2026l`;
  }

  #caretText(hasMoved: boolean): string {
    const { caret } = this;
    const before = this.#shownCaret;
    this.#shownCaret = caret;
    if (caret === null) return before === null || hasMoved ? "" : "\u001b[?25l";
    if (!hasMoved && before?.x === caret.x && before.y === caret.y) return "";
    return `\u001b[${caret.y + 1};${caret.x + 1}H\u001b[?25h`;
  }

  #putAscii(x: number, y: number, text: string, style: Style, stop: number): number {
    const length = Math.min(text.length, stop - x);
    for (let at = 0; at < length; at += 1) this.#set(x + at, y, text[at] ?? " ", style, 1);
    return x + length;
  }

  #putClusters(x: number, y: number, text: string, style: Style, stop: number): number {
    let at = x;
    for (const { segment } of segmenter.segment(text)) {
      const cluster = harmless(segment);
      const columns = widthOf(cluster);
      if (columns === 0) continue;
      if (at + columns > stop) break;
      this.#set(at, y, cluster, style, columns);
      at += columns;
    }
    return at;
  }

  #set(x: number, y: number, cluster: string, style: Style, columns: number): void {
    const { text, style: styles } = this.#next;
    const index = y * this.columns + x;
    // Half of a wide cluster is nothing.
    if (text[index] === "") text[index - 1] = " ";
    const after = index + columns;
    if (x + columns < this.columns && text[after] === "") text[after] = " ";
    text[index] = cluster;
    styles[index] = style;
    if (columns === 2) {
      text[index + 1] = "";
      styles[index + 1] = style;
    }
  }
}

function difference(
  next: Cells,
  shown: Cells,
  columns: number,
  rows: number,
  paint: (style: Style) => string,
): string {
  let sent = "";
  let cursor = -1;
  let style = -1;
  for (let index = 0; index < columns * rows; index += 1) {
    const text = next.text[index] ?? " ";
    const wanted = next.style[index] ?? 0;
    const isShown = text === shown.text[index] && wanted === shown.style[index];
    if (isShown || text === "") continue;
    if (cursor !== index) {
      sent += `\u001b[${Math.floor(index / columns) + 1};${(index % columns) + 1}H`;
    }
    if (style !== wanted) {
      sent += paint(wanted);
      style = wanted;
    }
    sent += text;
    cursor = cursorAfter(index, text, next.text[index + 1] === "", columns);
  }
  return sent;
}

/** -1 where terminals differ on how wide a cluster is, and at a row's end. */
function cursorAfter(index: number, text: string, isWide: boolean, columns: number): number {
  const after = index + (isWide ? 2 : 1);
  return text.length === 1 && after % columns !== 0 ? after : -1;
}

function blank(count: number): Cells {
  return { text: new Array<string>(count).fill(" "), style: new Int32Array(count) };
}

function harmless(cluster: string): string {
  return cluster.length > clusterUnitsMax || control.test(cluster) ? unknown : cluster;
}

const widths = new Map<string, number>();

/** 0, 1 or 2 columns; remembered, for the tables are slow. */
function widthOf(cluster: string): number {
  const known = widths.get(cluster);
  if (known !== undefined) return known;
  const columns = Math.min(2, width(cluster));
  if (widths.size >= widthsMax) widths.clear();
  widths.set(cluster, columns);
  return columns;
}
