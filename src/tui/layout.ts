/** Where things are: a function of the size and of what is shown. */
import type { Model } from "./model.ts";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly rows: number;
}

export interface Layout {
  readonly header: Rect;
  readonly hints: Rect;
  readonly body: Rect;
  /** With their frames; null where the pane is not on the screen. */
  readonly list: Rect | null;
  readonly detail: Rect | null;
}

const besideColumns = 120;
const aboveColumns = 80;
const aboveRows = 20;
const listShare = 0.62;
const listRowsShare = 0.5;
const headerRows = 2;

export function layoutOf(model: Model): Layout {
  const { columns, rows } = model;
  const header = { x: 0, y: 0, columns, rows: headerRows };
  const hints = { x: 0, y: Math.max(0, rows - 1), columns, rows: 1 };
  const body = { x: 0, y: headerRows, columns, rows: Math.max(1, rows - headerRows - 1) };
  return { header, hints, body, ...panes(model, body) };
}

function panes(model: Model, body: Rect): Pick<Layout, "list" | "detail"> {
  const { columns, rows } = model;
  if (model.view === "events" || model.view === "chat") return { list: body, detail: null };
  const isSingle = model.isZoomed || columns < aboveColumns || rows < aboveRows;
  if (isSingle) {
    return model.pane === "list" ? { list: body, detail: null } : { list: null, detail: body };
  }
  if (columns >= besideColumns) {
    const listColumns = Math.round(columns * listShare);
    return {
      list: { ...body, columns: listColumns },
      detail: { ...body, x: listColumns, columns: columns - listColumns },
    };
  }
  const listRows = Math.round(body.rows * listRowsShare);
  return {
    list: { ...body, rows: listRows },
    detail: { ...body, y: body.y + listRows, rows: body.rows - listRows },
  };
}

/** Without its frame. */
export function inside({ x, y, columns, rows }: Rect): Rect {
  return { x: x + 1, y: y + 1, columns: Math.max(0, columns - 2), rows: Math.max(0, rows - 2) };
}
