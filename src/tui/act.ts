/** What the actions of the key table do. */
import { chatAct } from "./chat-update.ts";
import { emptyDraft } from "./editor.ts";
import { noticed, released, withLists } from "./frames.ts";
import type { Action } from "./keys.ts";
import type { Ask, Effect, ListName, Model, Step, Verb, ViewName } from "./model.ts";
import {
  isList,
  listOf,
  marksShown,
  selectedLoop,
  sorts,
  tabOf,
  tabsOf,
  unchanged,
  unmarked,
} from "./model.ts";
import { listRows, moveList, movePage, pageRect, selectAt } from "./move.ts";
import { parentOf } from "./rows.ts";
import { nextMatch, shownFilter } from "./search.ts";
import { themeNames } from "./theme.ts";

const far = 1_000_000;

type Doing = (model: Model) => Step;

export function act(model: Model, action: Action): Step {
  const inChat = model.view === "chat" ? chatAct(model, action) : null;
  return inChat ?? doing[action](model);
}

const doing: Readonly<Record<Action, Doing>> = {
  chat: (model) => {
    const { model: there } = to("chat")(model);
    return unchanged({ ...there, chat: { ...there.chat, isTyping: true } });
  },
  plan: to("plan"),
  executions: to("executions"),
  records: to("records"),
  events: to("events"),
  "next-pane": otherPane,
  "previous-pane": otherPane,
  "previous-tab": (model) => unchanged(tabbed(model, -1)),
  "next-tab": (model) => unchanged(tabbed(model, 1)),
  down: moving(() => 1),
  up: moving(() => -1),
  top: moving(() => -far),
  bottom: moving(() => far),
  "page-down": moving((rows) => rows),
  "page-up": moving((rows) => -rows),
  "half-down": moving((rows) => Math.ceil(rows / 2)),
  "half-up": moving((rows) => -Math.ceil(rows / 2)),
  open,
  back,
  fold: (model) => unchanged(folded(model)),
  unfold: (model) => unchanged(unfolded(model)),
  mark: (model) => unchanged(marked(model)),
  filter: (model) =>
    model.pane === "detail" && model.view !== "events"
      ? asking(model, { type: "search" }, "search", model.page.search)
      : asking(model, { type: "filter" }, "filter", shownFilter(model)),
  "next-match": (model) => unchanged(nextMatch(model, 1)),
  "previous-match": (model) => unchanged(nextMatch(model, -1)),
  sort: (model) => unchanged(resorted(model)),
  freeze: (model) => unchanged(frozen(model)),
  pause: verb("pause"),
  resume: resumed,
  stop: confirming("stop", "Stop for good"),
  retry: verb("retry"),
  approve: confirming("approve", "Approve"),
  reject: (model) => askingOf(model, "reject", "what to change"),
  edit: (model) => withLoop(model, (id) => ({ model, effects: [{ type: "edit", id }] })),
  answer: (model) => askingOf(model, "answer", "your answer"),
  replay: (model) =>
    withLoop(model, (id) => ({
      model: { ...model, replay: { id, known: [], at: 0 }, pane: "detail", isZoomed: true },
      effects: [{ type: "iterations", id }],
    })),
  log: (model) => (isFolded(model) ? unchanged(unfolded(model)) : unchanged(tab(model, "output"))),
  diff: (model) => unchanged(tab(model, "diff")),
  why: (model) => unchanged(tab(model, "why")),
  "previous-iteration": (model) => unchanged(iterated(model, -1)),
  "next-iteration": (model) => unchanged(iterated(model, 1)),
  type: unchanged,
  "new-line": unchanged,
  compare,
  export: (model) =>
    isList(model.view)
      ? asking(model, { type: "export" }, "export as json, csv or md", "md")
      : unchanged(model),
  alerts: (model) => unchanged({ ...model, overlay: { type: "alerts", top: 0 } }),
  questions: (model) => ({
    model: { ...model, overlay: { type: "questions", index: 0 } },
    effects: [{ type: "questions" }],
  }),
  zoom: (model) => unchanged({ ...model, isZoomed: !model.isZoomed }),
  theme: (model) => unchanged(themed(model)),
  copy: (model) =>
    withLoop(model, (id) => ({
      model: noticed(model, `copied ${id}`),
      effects: [{ type: "copy", text: id }],
    })),
  browse: (model) =>
    withLoop(model, (id) => {
      const path = `/${model.view === "plan" ? "plan" : "loop"}/${id}`;
      return { model, effects: [{ type: "browse", path }] };
    }),
  redraw: effect({ type: "redraw" }),
  palette: (model) =>
    unchanged({ ...model, overlay: { type: "palette", draft: emptyDraft, index: 0 } }),
  help: (model) => unchanged({ ...model, overlay: { type: "help", top: 0, filter: emptyDraft } }),
  suspend: effect({ type: "suspend" }),
  quit: effect({ type: "quit" }),
};

function effect(one: Effect): Doing {
  return (model) => ({ model, effects: [one] });
}

function to(view: ViewName): Doing {
  return (model) => {
    const here: Model = { ...model, view, pane: "list", replay: null, isComparing: false };
    const isZoomed = model.replay === null && !model.isComparing && model.isZoomed;
    // Of a plan one wants to read what it says, of a loop what it does.
    const tab = view === "plan" ? "documents" : tabOf(here);
    return unchanged(withLists({ ...here, isZoomed, tab }));
  };
}

function otherPane(model: Model): Step {
  if (!isList(model.view)) return unchanged(model);
  return unchanged({ ...model, pane: model.pane === "list" ? "detail" : "list" });
}

function tabbed(model: Model, by: 1 | -1): Model {
  const tabs = tabsOf(model.view);
  const at = tabs.indexOf(tabOf(model)) + by + tabs.length;
  return { ...model, tab: tabs[at % tabs.length] ?? "output" };
}

function tab(model: Model, name: Model["tab"]): Model {
  return isList(model.view) ? { ...model, tab: name, pane: "detail" } : model;
}

function moving(by: (rows: number) => number): Doing {
  return (model) => {
    if (model.pane === "detail" && isList(model.view)) {
      return unchanged(movePage(model, by(pageRect(model)?.rows ?? 1)));
    }
    const rows = by(listRows(model));
    if (Math.abs(rows) < far) return unchanged(moveList(model, rows));
    return unchanged(selectAt(model, rows));
  };
}

function open(model: Model): Step {
  if (!isList(model.view) || selectedLoop(model) === null) return unchanged(model);
  return unchanged({ ...model, pane: "detail" });
}

/** Each step undoes the nearest thing; the last one does nothing. */
function back(model: Model): Step {
  if (model.replay !== null) {
    return unchanged({ ...model, replay: null, isZoomed: false, pane: "list" });
  }
  if (model.isComparing) {
    return unchanged({ ...model, isComparing: false, isZoomed: false, pane: "list" });
  }
  if (model.pane === "detail") {
    return unchanged({ ...model, pane: "list", page: { ...model.page, search: "" } });
  }
  if (shownFilter(model) !== "") return unchanged(filtered(model, ""));
  if (model.marks.size > 0) return unchanged({ ...model, marks: new Set() });
  return unchanged(model.isZoomed ? { ...model, isZoomed: false } : model);
}

/** The view with another filter. */
export function filtered(model: Model, filter: string): Model {
  if (model.view === "events") {
    return { ...model, events: { ...model.events, filter, selected: 0, top: 0 } };
  }
  return withListChanged(model, { filter, top: 0 });
}

function withListChanged(model: Model, change: Partial<Model["lists"][ListName]>): Model {
  const { view } = model;
  if (!isList(view)) return model;
  const list = { ...model.lists[view], ...change };
  return withLists({ ...model, lists: { ...model.lists, [view]: list } });
}

function isFolded(model: Model): boolean {
  const list = listOf(model);
  return list?.selected !== null && list?.folded.has(list.selected) === true;
}

function folded(model: Model): Model {
  const list = listOf(model);
  const row = list?.rows.find(({ id }) => id === list.selected);
  if (list === null || row === undefined) return model;
  if (row.fold === "open") {
    return withListChanged(model, { folded: new Set([...list.folded, row.id]) });
  }
  const parent = list.rows.findIndex(({ id }) => id === parentOf(row.id));
  return parent === -1 ? model : selectAt(model, parent);
}

function unfolded(model: Model): Model {
  const list = listOf(model);
  const at = list?.rows.findIndex(({ id }) => id === list.selected) ?? -1;
  const row = list?.rows[at];
  if (list === null || row === undefined) return model;
  if (row.fold === "open") return selectAt(model, at + 1);
  const rest = [...list.folded].filter((id) => id !== row.id);
  return withListChanged(model, { folded: new Set(rest) });
}

function marked(model: Model): Model {
  const id = selectedLoop(model)?.id;
  if (id === undefined) return model;
  const marks = new Set(model.marks);
  if (!marks.delete(id)) marks.add(id);
  return moveList({ ...model, marks }, 1);
}

function resorted(model: Model): Model {
  const list = listOf(model);
  if (list === null) return model;
  const sort = sorts[(sorts.indexOf(list.sort) + 1) % sorts.length] ?? "tree";
  return withListChanged(model, { sort, top: 0 });
}

function frozen(model: Model): Model {
  return model.held === null ? { ...model, held: new Map() } : released(model);
}

function themed(model: Model): Model {
  const theme = themeNames[(themeNames.indexOf(model.theme) + 1) % themeNames.length] ?? "dark";
  return noticed({ ...model, theme }, `theme: ${theme}`);
}

/** The marked loops that are in sight, or the selected one. */
function concerned(model: Model): readonly string[] {
  const marked = marksShown(model);
  if (marked.length > 0) return marked;
  const id = selectedLoop(model)?.id;
  return id === undefined ? [] : [id];
}

function verb(name: Verb): Doing {
  return (model) => {
    const ids = concerned(model);
    if (ids.length === 0) return unchanged(model);
    return { model: unmarked(model, ids), effects: [{ type: "act", verb: name, ids }] };
  };
}

/** Who has spent a budget needs another one: resumed without, it would stop again at once. */
function resumed(model: Model): Step {
  const [id, more] = concerned(model);
  const isSpent = id !== undefined && model.loops.get(id)?.blockedOn === "budget";
  if (!isSpent || more !== undefined) return verb("resume")(model);
  return asking(unmarked(model, [id]), { type: "raise", id }, `resume ${id}: new limit in $`, "");
}

function confirming(name: Verb, words: string): Doing {
  return (model) => {
    const ids = concerned(model);
    const [only] = ids;
    if (only === undefined) return unchanged(model);
    const what = ids.length === 1 ? titled(model, only) : `${ids.length} loops`;
    const text = `${words}: ${what}?`;
    return unchanged({ ...model, overlay: { type: "confirm", text, verb: name, ids } });
  };
}

function titled({ loops }: Model, id: string): string {
  return `${id} ${loops.get(id)?.title ?? ""}`;
}

function withLoop(model: Model, then: (id: string) => Step): Step {
  const id = selectedLoop(model)?.id;
  return id === undefined ? unchanged(model) : then(id);
}

function askingOf(model: Model, type: "reject" | "answer", words: string): Step {
  return withLoop(model, (id) => asking(model, { type, id }, `${type} ${id}: ${words}`, ""));
}

export function asking(model: Model, ask: Ask, title: string, before: string): Step {
  const draft = { before, after: "" };
  return unchanged({ ...model, overlay: { type: "ask", ask, title, draft, before } });
}

function iterated(model: Model, by: 1 | -1): Model {
  const { replay } = model;
  if (replay === null) return model;
  const at = Math.min(Math.max(0, replay.at + by), replay.known.length - 1);
  return { ...model, replay: { ...replay, at } };
}

function compare(model: Model): Step {
  if (model.view !== "records") return unchanged(model);
  if (marksShown(model).length !== 2) {
    return unchanged(noticed(model, "mark two records with Space, then = compares them"));
  }
  return unchanged({ ...model, isComparing: true, pane: "detail", isZoomed: true });
}
