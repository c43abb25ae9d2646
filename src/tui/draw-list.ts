/** The list of loops: a row each, the least wanted columns leaving first. */
import { statusColour, statusText } from "../cli/look.ts";
import { age, cost, tokenSum, tokens } from "../cli/numbers.ts";
import { cut, oneLine, pad } from "../cli/text.ts";
import type { BoardRow } from "../protocol/board.ts";
import { drawFrame, frameStyle } from "./frame.ts";
import { inside, type Rect } from "./layout.ts";
import type { ListRow, Model } from "./model.ts";
import { isList, listOf } from "./model.ts";
import type { Screen } from "./screen.ts";
import { colours, marks, type Style, styleOf } from "./style.ts";

interface Field {
  readonly columns: number;
  /** The list must be so wide for it. */
  readonly from: number;
  readonly text: (loop: BoardRow, now: number) => string;
  readonly style?: (loop: BoardRow) => Style;
}

const fields: readonly Field[] = [
  {
    columns: 11,
    from: 36,
    text: ({ status }) => statusText(status),
    style: ({ status }) => styleOf(statusColour(status)),
  },
  { columns: 9, from: 66, text: progress },
  { columns: 6, from: 84, text: ({ usage }) => tokens(tokenSum(usage)) },
  {
    columns: 8,
    from: 48,
    text: ({ usage }) => (usage.costUsd === null ? "$?" : cost(usage.costUsd)),
  },
  { columns: 4, from: 42, text: ({ updatedAt }, now) => age(Date.parse(updatedAt), now) },
];
const gap = 2;

function progress({ status, stage, iteration, maxIterations, blockedOn }: BoardRow): string {
  if (status === "blocked" && blockedOn !== null) return blockedOn;
  return stage !== null && stage !== "working" ? stage : `${iteration}/${maxIterations}`;
}

const titles = { plan: "plans", executions: "loops", records: "records" } as const;

export function drawList(screen: Screen, model: Model, rect: Rect): void {
  const list = listOf(model);
  if (list === null || !isList(model.view)) return;
  const isFocused = model.pane === "list";
  const style = frameStyle(isFocused);
  const { x, y, columns, rows } = inside(rect);
  const last = Math.min(list.top + rows, list.rows.length);
  const foot = list.rows.length > rows ? `${list.top + 1}–${last}` : "";
  drawFrame(screen, rect, [{ text: titles[model.view], style: marks.bold }], { style, foot });
  if (list.rows.length === 0) drawEmpty(screen, model, { x, y, columns, rows });
  for (let index = list.top; index < last; index += 1) {
    const row = list.rows[index];
    const loop = row === undefined ? undefined : model.loops.get(row.id);
    if (row === undefined || loop === undefined) continue;
    const at = { x, y: y + index - list.top, columns, rows: 1 };
    const isSelected = row.id === list.selected;
    drawRow(screen, model, at, { row, loop, isSelected });
  }
}

function drawEmpty(screen: Screen, model: Model, { x, y, columns }: Rect): void {
  const words =
    model.link === "connecting"
      ? ["Asking the daemon …"]
      : listOf(model)?.filter === ""
        ? (emptyWords[model.view] ?? [])
        : ["Nothing passes the filter: Esc clears it."];
  for (const [index, text] of words.entries()) {
    screen.put(x + 1, y + index, cut(text, columns - 2), colours.dim);
  }
}

const emptyWords: Readonly<Record<string, readonly string[]>> = {
  executions: [
    "Nothing yet.",
    "",
    'td run ralph "fix the tests" sets one piece of work going,',
    'td new-plan "…" plans a larger one.',
  ],
  plan: ["No plans yet.", "", 'td new-plan "…" makes one.'],
  records: ["Nothing has ended yet."],
};

interface Shown {
  readonly row: ListRow;
  readonly loop: BoardRow;
  readonly isSelected: boolean;
}

function drawRow(screen: Screen, model: Model, rect: Rect, of: Shown): void {
  const { x, y, columns } = rect;
  const { loop, isSelected } = of;
  const shown = fields.filter(({ from }) => columns >= from);
  const fieldColumns = shown.reduce((sum, field) => sum + field.columns + gap, 0);
  const end = x + columns;
  const titleEnd = Math.max(x, end - fieldColumns);
  const isMarked = model.marks.has(loop.id);
  screen.put(x, y, isSelected ? "▌" : " ", colours.cyan);
  screen.put(x + 1, y, isMarked ? "*" : " ", colours.yellow | marks.bold);
  // Without room for its status the glyph of it stands before the title.
  const glyph = shown.length === 0 ? statusText(loop.status).slice(0, 2) : "";
  drawTitle(screen, model, { x: x + 2, y, columns: titleEnd - x - 2, rows: 1 }, { ...of, glyph });
  let at = titleEnd;
  for (const field of shown) {
    const align = field === fields[0] || field === fields[1] ? "left" : "right";
    const text = pad(field.text(loop, model.now), field.columns, align);
    screen.put(at + gap, y, text, field.style?.(loop) ?? colours.text, end);
    at += gap + field.columns;
  }
  if (isSelected) screen.mark(x, y, end, marks.selected);
}

const folds = { open: "▾ ", folded: "▸ ", leaf: "  " } as const;
const depthMax = 6;

function drawTitle(
  screen: Screen,
  model: Model,
  rect: Rect,
  { row, loop, isSelected, glyph }: Shown & { readonly glyph: string },
): void {
  const { x, y, columns } = rect;
  const end = x + columns;
  const indent = "  ".repeat(Math.min(row.depth, depthMax));
  let at = screen.put(x, y, `${indent}${folds[row.fold]}${glyph}`, colours.dim, end);
  at = screen.put(at, y, `${loop.id} `, isSelected ? marks.bold : colours.dim, end);
  const title = cut(oneLine(loop.title), Math.max(0, end - at));
  at = screen.put(at, y, title, isSelected ? marks.bold : colours.text, end);
  const step = loop.status === "running" ? (model.steps.get(loop.id) ?? "") : "";
  const room = end - at - 3;
  if (step === "" || room < stepColumnsMin) return;
  screen.put(at, y, ` · ${cut(step, room)}`, colours.dim, end);
}

const stepColumnsMin = 8;
