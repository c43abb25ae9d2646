/** Boxes. */
import { cut, width } from "../cli/text.ts";
import type { Rect } from "./layout.ts";
import type { Screen } from "./screen.ts";
import { colours, type Span, type Style } from "./style.ts";

/** A frame with words in its upper edge, and others at the right of the lower one. */
export function drawFrame(
  screen: Screen,
  { x, y, columns, rows }: Rect,
  title: readonly Span[],
  { style, foot = "" }: { readonly style: Style; readonly foot?: string },
): void {
  if (columns < 2 || rows < 2) return;
  const line = "─".repeat(columns - 2);
  screen.put(x, y, `╭${line}╮`, style);
  for (let row = y + 1; row < y + rows - 1; row += 1) {
    screen.put(x, row, "│", style);
    screen.put(x + columns - 1, row, "│", style);
  }
  screen.put(x, y + rows - 1, `╰${line}╯`, style);
  const end = x + columns - 2;
  let at = screen.put(x + 1, y, " ", style);
  for (const { text, style: own } of title) at = screen.put(at, y, text, own, end);
  screen.put(at, y, " ", style, end + 1);
  if (foot === "" || width(foot) + 4 > columns) return;
  screen.put(x + columns - width(foot) - 4, y + rows - 1, ` ${foot} `, style);
}

export function frameStyle(isFocused: boolean): Style {
  return isFocused ? colours.cyan : colours.dim;
}

/** An empty box over what is there. */
export function clearRect(screen: Screen, { x, y, columns, rows }: Rect): void {
  const empty = " ".repeat(Math.max(0, columns));
  for (let row = y; row < y + rows; row += 1) screen.put(x, row, empty, colours.text);
}

/** A sliver of what lies below would only confuse. */
const marginColumns = 8;

/** Above an overlay, and below it: what there is, and what one can do. */
const headerRows = 2;
const hintRows = 1;

/** In the middle of the screen, no larger than what lies between its header and its hints. */
export function centred(screen: Screen, columns: number, rows: number): Rect {
  const isWide = columns > screen.columns - marginColumns;
  const wide = isWide ? screen.columns : Math.max(2, columns);
  const room = screen.rows - headerRows - hintRows;
  const high = Math.max(2, Math.min(rows, room));
  return {
    x: Math.max(0, Math.floor((screen.columns - wide) / 2)),
    y: Math.max(0, headerRows + Math.floor((room - high) / 2)),
    columns: wide,
    rows: high,
  };
}

/** Text on one row, with an ellipsis where it goes on. */
export function putCut(screen: Screen, x: number, y: number, span: Span, end: number): number {
  return screen.put(x, y, cut(span.text, Math.max(0, end - x)), span.style, end);
}
