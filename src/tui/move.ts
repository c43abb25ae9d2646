/** Where the eye goes: selections, scrolling, and what a click points at. */

import { eventRows } from "./event-rows.ts";
import { inside, layoutOf, type Rect } from "./layout.ts";
import type { EventList, LoopList, Model, Page } from "./model.ts";
import { isList, listOf } from "./model.ts";
import { columnsOfTab, tabAt } from "./tabs.ts";
import { wrapped } from "./wrap.ts";

export function moveList(model: Model, by: number): Model {
  if (model.view === "events") return moveEvents(model, by);
  const list = listOf(model);
  if (list === null || list.rows.length === 0) return model;
  const at = Math.max(
    0,
    list.rows.findIndex(({ id }) => id === list.selected),
  );
  return selectAt(model, at + by);
}

/** The row at `index`, or the nearest there is. */
export function selectAt(model: Model, index: number): Model {
  if (model.view === "events") return moveEvents(model, index - model.events.selected);
  const { view } = model;
  if (!isList(view)) return model;
  const list = model.lists[view];
  const at = Math.min(Math.max(0, index), list.rows.length - 1);
  const selected = list.rows[at]?.id ?? null;
  return { ...model, lists: { ...model.lists, [view]: { ...list, selected } } };
}

/** How far the list is scrolled so that the selection is on the screen. */
export function scrolled(model: Model): Model {
  const { view } = model;
  const rows = listRows(model);
  if (view === "events") {
    const { events } = model;
    const top = topFor(events.top, events.selected, rows, eventRows(events).length);
    return top === events.top ? model : { ...model, events: { ...events, top } };
  }
  if (!isList(view)) return model;
  const list = model.lists[view];
  const at = list.rows.findIndex(({ id }) => id === list.selected);
  const top = topFor(list.top, at, rows, list.rows.length);
  if (top === list.top) return model;
  return { ...model, lists: { ...model.lists, [view]: { ...list, top } satisfies LoopList } };
}

function topFor(top: number, at: number, rows: number, count: number): number {
  const least = Math.max(0, Math.min(top, count - rows));
  if (at < least) return Math.max(0, at);
  return at >= least + rows ? at - rows + 1 : least;
}

/** Rows of the list's pane, without frame and head. */
export function listRows(model: Model): number {
  const { list } = layoutOf(model);
  return list === null ? 1 : Math.max(1, inside(list).rows);
}

function moveEvents(model: Model, by: number): Model {
  const { events } = model;
  const last = eventRows(events).length - 1;
  const selected = Math.min(Math.max(0, events.selected + by), Math.max(0, last));
  return { ...model, events: { ...events, selected } satisfies EventList };
}

/** The part of the detail's pane that has the text. */
export function pageRect(model: Model): Rect | null {
  const { detail } = layoutOf(model);
  return detail === null ? null : inside(detail);
}

export function movePage(model: Model, by: number): Model {
  const rect = pageRect(model);
  if (rect === null) return model;
  const { page } = model;
  const last = lastTop(page, rect);
  const from = page.follows ? last : Math.min(page.top, last);
  const top = Math.min(Math.max(0, from + by), last);
  return { ...model, page: { ...page, top, follows: top === last && canFollow(model) } };
}

/** Only output grows at its end. */
export function canFollow({ page }: Model): boolean {
  return page.key.startsWith("output|");
}

export function topOf(page: Page, rect: Rect): number {
  const last = lastTop(page, rect);
  return page.follows ? last : Math.min(page.top, last);
}

function lastTop(page: Page, { columns, rows }: Rect): number {
  return Math.max(0, wrapped(page.lines, columns).length - rows);
}

/** A click: a tab of the header, a row, a pane. */
export function pointed(model: Model, x: number, y: number): Model {
  if (y === 0) {
    const view = tabAt(columnsOfTab(model), x);
    return view === null ? model : { ...model, view, pane: "list" };
  }
  const { list, detail } = layoutOf(model);
  if (detail !== null && holds(detail, x, y)) return { ...model, pane: "detail" };
  if (list === null || !holds(list, x, y)) return model;
  const { y: first } = inside(list);
  const here: Model = { ...model, pane: "list" };
  const top = here.view === "events" ? here.events.top : (listOf(here)?.top ?? 0);
  return y < first ? here : selectAt(here, top + y - first);
}

function holds({ x, y, columns, rows }: Rect, column: number, row: number): boolean {
  return column >= x && column < x + columns && row >= y && row < y + rows;
}
