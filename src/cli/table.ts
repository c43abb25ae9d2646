/** Tables that fit: by display width, the least wanted columns leaving first. */
import { type Colour, type Look, paint } from "./look.ts";
import { cut, pad, width } from "./text.ts";

export interface Column<Row> {
  readonly head: string;
  /** Plain text on one line, already stripped. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  readonly colour?: (row: Row) => Colour;
  /** The one column that gives way: cut down to this before any column is left out. */
  readonly columnsMin?: number;
  /** Columns are left out from the highest number down; those without stay. */
  readonly rank?: number;
}

const gap = "  ";

export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  look: Look,
): string {
  const { shown, widths } = fitted(columns, rows, look.width);
  const last = shown.length - 1;
  const line = (texts: readonly string[], colourOf: (index: number) => Colour | null) =>
    texts
      .map((text, index) => {
        const align = shown[index]?.align ?? "left";
        const columnsWide = widths[index] ?? 0;
        const isRagged = index === last && align === "left";
        const fitted = isRagged ? cut(text, columnsWide) : pad(text, columnsWide, align);
        const colour = colourOf(index);
        return colour === null ? fitted : paint(look, colour, fitted);
      })
      .join(gap)
      .trimEnd();
  return [
    line(
      shown.map(({ head }) => head),
      () => "dim",
    ),
    ...rows.map((row) =>
      line(
        shown.map(({ cell }) => cell(row)),
        (index) => shown[index]?.colour?.(row) ?? null,
      ),
    ),
  ].join("\n");
}

interface Fit<Row> {
  readonly shown: readonly Column<Row>[];
  readonly widths: readonly number[];
}

function fitted<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  room: number | null,
): Fit<Row> {
  const natural = new Map(
    columns.map((column) => [
      column,
      Math.max(width(column.head), ...rows.map((row) => width(column.cell(row)))),
    ]),
  );
  const wide = (column: Column<Row>) => natural.get(column) ?? 0;
  if (room === null) return { shown: columns, widths: columns.map(wide) };
  let shown = columns;
  for (;;) {
    const fixed = shown.filter(({ columnsMin }) => columnsMin === undefined);
    const taken = fixed.reduce(
      (sum, column) => sum + wide(column),
      gap.length * (shown.length - 1),
    );
    const left = room - taken;
    const least = Math.max(0, ...shown.map(({ columnsMin }) => columnsMin ?? 0));
    const leaving = shown.reduce<Column<Row> | null>(
      (worst, column) => ((column.rank ?? 0) > (worst?.rank ?? 0) ? column : worst),
      null,
    );
    if (left >= least || leaving === null) {
      const widths = shown.map((column) =>
        column.columnsMin === undefined ? wide(column) : Math.min(wide(column), Math.max(1, left)),
      );
      return { shown, widths };
    }
    shown = shown.filter((column) => column !== leaving);
  }
}
