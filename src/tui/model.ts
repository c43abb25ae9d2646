/** What the screen knows. All of it is a value; `update` makes the next one. */
import type { LiveEvent } from "../ports.ts";
import type { BoardRow } from "../protocol/board.ts";
import type { FeedEvent } from "../protocol/door.ts";
import type { StatusView } from "../protocol/status.ts";
import type { QuestionView } from "../views/questions.ts";
import { type ChatDoing, type ChatModel, type ChatNews, newChat } from "./chat-model.ts";
import type { Draft } from "./editor.ts";
import type { KeyMap } from "./keys.ts";
import type { Line } from "./style.ts";
import type { ThemeName } from "./theme.ts";

export const viewNames = ["chat", "plan", "executions", "records", "events"] as const;
export type ViewName = (typeof viewNames)[number];

const tabNames = ["documents", "graph", "output", "diff", "verdict", "cost", "why"] as const;
export type TabName = (typeof tabNames)[number];

/** What the detail may show of a loop; documents are shown where plans are. */
export type PageName = TabName | "replay" | "compare";

export const sorts = ["tree", "updated", "cost", "status"] as const;
export type SortName = (typeof sorts)[number];

/** The views that show loops. */
export type ListName = "plan" | "executions" | "records";

export interface ListRow {
  readonly id: string;
  readonly depth: number;
  readonly fold: "leaf" | "open" | "folded";
}

export interface LoopList {
  readonly rows: readonly ListRow[];
  readonly selected: string | null;
  /** The first row on the screen. */
  readonly top: number;
  readonly filter: string;
  readonly sort: SortName;
  readonly folded: ReadonlySet<string>;
}

/** Text that is read: lines, and where in them the eye is. */
export interface Page {
  readonly key: string;
  readonly lines: readonly Line[];
  readonly top: number;
  /** Stays at the end as more comes. */
  readonly follows: boolean;
  readonly isLoading: boolean;
  readonly search: string;
  /** What the model has written so far where it still writes, at the end of the lines. */
  readonly said: string | null;
  /** As of which change of its loop it was asked for. */
  readonly revision: string;
}

export interface EventList {
  readonly events: readonly FeedEvent[];
  readonly next: number;
  readonly selected: number;
  readonly top: number;
  readonly filter: string;
}

/** What is asked of a person, and what becomes of the answer. */
export type Ask =
  | { readonly type: "filter" }
  | { readonly type: "search" }
  | { readonly type: "reject" | "answer" | "raise"; readonly id: string }
  | { readonly type: "export" };

export type Overlay =
  | { readonly type: "help"; readonly top: number; readonly filter: Draft }
  | { readonly type: "palette"; readonly draft: Draft; readonly index: number }
  | {
      readonly type: "confirm";
      readonly text: string;
      readonly verb: Verb;
      readonly ids: readonly string[];
    }
  | {
      readonly type: "ask";
      readonly ask: Ask;
      readonly title: string;
      readonly draft: Draft;
      readonly before: string;
    }
  | { readonly type: "alerts"; readonly top: number }
  | { readonly type: "questions"; readonly index: number }
  | { readonly type: "chats"; readonly index: number };

export interface Model {
  readonly columns: number;
  readonly rows: number;
  readonly now: number;
  readonly keys: KeyMap;
  readonly theme: ThemeName;
  readonly view: ViewName;
  readonly pane: "list" | "detail";
  readonly isZoomed: boolean;
  readonly link: "connecting" | "live" | "lost";
  readonly status: StatusView | null;
  readonly loops: ReadonlyMap<string, BoardRow>;
  /** All ids, each after its parent. */
  readonly order: readonly string[];
  /** What each running loop did last. */
  readonly steps: ReadonlyMap<string, string>;
  readonly lists: Readonly<Record<ListName, LoopList>>;
  readonly events: EventList;
  readonly marks: ReadonlySet<string>;
  readonly tab: TabName;
  readonly page: Page;
  /** The iterations of the loop that is replayed, and which is shown; null while none is. */
  readonly replay: {
    readonly id: string;
    readonly known: readonly number[];
    readonly at: number;
  } | null;
  readonly questions: readonly QuestionView[];
  readonly chat: ChatModel;
  readonly overlay: Overlay | null;
  /** What came while the list stood still; null while it follows. */
  readonly held: ReadonlyMap<string, BoardRow> | null;
  readonly notice: {
    readonly text: string;
    readonly isError: boolean;
    readonly until: number;
  } | null;
  /** Two records beside one another. */
  readonly isComparing: boolean;
  /** Ctrl-C once. */
  readonly isLeaving: boolean;
}

export type Verb = "pause" | "resume" | "stop" | "retry" | "approve";

/** What happened. */
export type Message =
  | { readonly type: "key"; readonly key: string }
  | { readonly type: "paste"; readonly text: string }
  | {
      readonly type: "mouse";
      readonly does: "press" | "wheelUp" | "wheelDown";
      readonly x: number;
      readonly y: number;
    }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "link"; readonly link: Model["link"] }
  | { readonly type: "rows"; readonly rows: readonly BoardRow[]; readonly isFirst: boolean }
  | { readonly type: "steps"; readonly events: readonly LiveEvent[] }
  | { readonly type: "live"; readonly loop: string; readonly events: readonly LiveEvent[] }
  | { readonly type: "status"; readonly status: StatusView }
  | { readonly type: "questions"; readonly questions: readonly QuestionView[] }
  | { readonly type: "events"; readonly events: readonly FeedEvent[] }
  | { readonly type: "page"; readonly key: string; readonly lines: readonly Line[] }
  | { readonly type: "iterations"; readonly id: string; readonly known: readonly number[] }
  | { readonly type: "chat"; readonly news: ChatNews }
  | { readonly type: "notice"; readonly text: string; readonly isError: boolean };

/** What is to be done about it, outside. */
export type Effect =
  | {
      readonly type: "load";
      readonly key: string;
      readonly page: PageName;
      readonly ids: readonly string[];
      readonly iteration: number | null;
    }
  | { readonly type: "iterations"; readonly id: string }
  | { readonly type: "events"; readonly from: number | null }
  | { readonly type: "act"; readonly verb: Verb; readonly ids: readonly string[] }
  | { readonly type: "reject" | "answer"; readonly id: string; readonly text: string }
  | { readonly type: "raise"; readonly id: string; readonly budgetUsd: number }
  | { readonly type: "edit"; readonly id: string }
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "browse"; readonly path: string }
  | { readonly type: "export"; readonly format: string; readonly rows: readonly BoardRow[] }
  | { readonly type: "questions" }
  | { readonly type: "chat"; readonly does: ChatDoing }
  | { readonly type: "redraw" | "suspend" | "quit" };

export interface Step {
  readonly model: Model;
  readonly effects: readonly Effect[];
}

export function unchanged(model: Model): Step {
  return { model, effects: [] };
}

export function noPage(key = ""): Page {
  return {
    key,
    lines: [],
    top: 0,
    follows: false,
    isLoading: key !== "",
    search: "",
    said: null,
    revision: "",
  };
}

function emptyList(sort: SortName): LoopList {
  return { rows: [], selected: null, top: 0, filter: "", sort, folded: new Set() };
}

export function firstModel(
  given: Pick<Model, "columns" | "rows" | "now" | "keys" | "theme">,
): Model {
  return {
    ...given,
    view: "executions",
    pane: "list",
    isZoomed: false,
    link: "connecting",
    status: null,
    loops: new Map(),
    order: [],
    steps: new Map(),
    lists: {
      plan: emptyList("tree"),
      executions: emptyList("tree"),
      records: emptyList("updated"),
    },
    events: { events: [], next: 0, selected: 0, top: 0, filter: "" },
    marks: new Set(),
    tab: "output",
    page: noPage(),
    replay: null,
    questions: [],
    chat: newChat(""),
    overlay: null,
    held: null,
    notice: null,
    isComparing: false,
    isLeaving: false,
  };
}

/** The list that the view shows; null where it shows none. */
export function listOf(model: Model): LoopList | null {
  return isList(model.view) ? model.lists[model.view] : null;
}

export function isList(view: ViewName): view is ListName {
  return view === "plan" || view === "executions" || view === "records";
}

export function selectedLoop(model: Model): BoardRow | null {
  const id = listOf(model)?.selected ?? null;
  return id === null ? null : (model.loops.get(id) ?? null);
}

/** The marked loops that the list shows: what is out of sight is nobody's meaning. */
export function marksShown(model: Model): readonly string[] {
  if (model.marks.size === 0) return [];
  const shown = new Set(listOf(model)?.rows.map(({ id }) => id));
  return [...model.marks].filter((id) => shown.has(id));
}

export function unmarked(model: Model, ids: readonly string[]): Model {
  const gone = new Set(ids);
  return { ...model, marks: new Set([...model.marks].filter((id) => !gone.has(id))) };
}

const tabsOfPlans: readonly TabName[] = ["documents", "graph"];

/** Only where plans are, documents and the graph are tabs. */
export function tabsOf(view: ViewName): readonly TabName[] {
  return view === "plan" ? tabNames : tabNames.filter((name) => !tabsOfPlans.includes(name));
}

/** The tab that is shown: what the view does not have is its first. */
export function tabOf({ view, tab }: Model): TabName {
  return tabsOf(view).includes(tab) ? tab : "output";
}
