/** Lines broken to the width of a pane; each is broken once for each width. */
import { width } from "../cli/text.ts";
import type { Line, Span } from "./style.ts";

const segmenter = new Intl.Segmenter();
const ascii = /^[\u0020-\u007e]*$/;
const broken = new WeakMap<Line, { readonly columns: number; readonly rows: readonly Line[] }>();
const pages = new WeakMap<
  readonly Line[],
  { readonly columns: number; readonly rows: readonly Line[] }
>();

export function wrapped(lines: readonly Line[], columns: number): readonly Line[] {
  const known = pages.get(lines);
  if (known?.columns === columns) return known.rows;
  const rows = lines.flatMap((line) => rowsOf(line, Math.max(1, columns)));
  pages.set(lines, { columns, rows });
  return rows;
}

function rowsOf(line: Line, columns: number): readonly Line[] {
  const known = broken.get(line);
  if (known?.columns === columns) return known.rows;
  const rows = breakLine(line, columns);
  broken.set(line, { columns, rows });
  return rows;
}

function breakLine(line: Line, columns: number): readonly Line[] {
  const fits = line.reduce((sum, { text }) => sum + columnsOf(text), 0) <= columns;
  if (fits) return [line];
  const rows: Line[] = [];
  let row: Span[] = [];
  let used = 0;
  for (const { text, style } of line) {
    let piece = "";
    for (const cluster of clustersOf(text)) {
      const wide = columnsOf(cluster);
      if (used + wide > columns && used > 0) {
        rows.push(piece === "" ? row : [...row, { text: piece, style }]);
        row = [];
        piece = "";
        used = 0;
      }
      piece += cluster;
      used += wide;
    }
    if (piece !== "") row = [...row, { text: piece, style }];
  }
  return row.length === 0 ? rows : [...rows, row];
}

function columnsOf(text: string): number {
  return ascii.test(text) ? text.length : width(text);
}

function clustersOf(text: string): Iterable<string> {
  if (ascii.test(text)) return text;
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
