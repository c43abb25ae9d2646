/** Lines broken to the width of a pane; each is broken once for each width. */
import { width } from "../cli/text.ts";
import { colours, type Line, type Span, type Style } from "./style.ts";

/** A longer word is cut. */
const wordColumnsMax = 24;
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

interface Cell {
  readonly cluster: string;
  readonly columns: number;
  readonly style: Style;
}

/** After a space where one is near the edge, else at the edge. */
function breakLine(line: Line, columns: number): readonly Line[] {
  const isFitting = line.reduce((sum, { text }) => sum + columnsOf(text), 0) <= columns;
  if (isFitting) return [line];
  const cells = line.flatMap(({ text, style }) =>
    Array.from(clustersOf(text), (cluster): Cell => {
      return { cluster, columns: columnsOf(cluster), style };
    }),
  );
  const rows: Line[] = [];
  const hang = Math.min(hangOf(line), Math.floor(columns * hangShare));
  const indent = hang === 0 ? [] : [{ text: " ".repeat(hang), style: colours.text }];
  for (let from = 0; from < cells.length; ) {
    const isFirst = from === 0;
    const to = endOf(cells, from, isFirst ? columns : columns - hang);
    const row = joined(cells.slice(from, to));
    rows.push(isFirst ? row : [...indent, ...row]);
    from = to;
  }
  return rows;
}

const hangShare = 0.4;
const labelColumnsMax = 24;

/** What goes on does so below what it belongs to: beside a label, after a bullet, indented. */
function hangOf(line: Line): number {
  const [first, second] = line;
  if (first === undefined) return 0;
  // Words of a sentence before something marked in it are plain.
  const isPlain = first.style === colours.text;
  const isLabel = second !== undefined && !isPlain && /\S +$/.test(first.text);
  if (isLabel && columnsOf(first.text) <= labelColumnsMax) return columnsOf(first.text);
  return /^ *(?:[-*→] )?/.exec(first.text)?.[0].length ?? 0;
}

/** Always beyond `from`, even where a cluster is wider than the pane. */
function endOf(cells: readonly Cell[], from: number, columns: number): number {
  let to = from;
  for (let used = 0; to < cells.length; to += 1) {
    used += cells[to]?.columns ?? 0;
    if (used > columns) break;
  }
  const edge = Math.max(to, from + 1);
  if (edge >= cells.length) return edge;
  const least = Math.max(from + 1, edge - wordColumnsMax);
  for (let at = edge; at > least; at -= 1) if (cells[at - 1]?.cluster === " ") return at;
  return edge;
}

function joined(cells: readonly Cell[]): Line {
  const spans: Span[] = [];
  for (const { cluster, style } of cells) {
    const last = spans.at(-1);
    if (last?.style === style) spans[spans.length - 1] = { text: last.text + cluster, style };
    else spans.push({ text: cluster, style });
  }
  return spans;
}

function columnsOf(text: string): number {
  return ascii.test(text) ? text.length : width(text);
}

function clustersOf(text: string): Iterable<string> {
  if (ascii.test(text)) return text;
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
