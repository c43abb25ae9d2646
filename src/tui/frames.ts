/** What the daemon tells, taken into the model. */
import type { BoardRow } from "../protocol/board.ts";
import { takeChat } from "./chat-news.ts";
import { appended, liveKeyOf, loaded, stepText } from "./live.ts";
import type { ListName, Message, Model } from "./model.ts";
import { isList } from "./model.ts";
import { keepsRows, ordered, refreshed } from "./rows.ts";

const eventsMax = 5_000;
const noticeMs = 6_000;

type Frame = Exclude<Message, { readonly type: "key" | "paste" | "mouse" | "resize" }>;

type Taking = {
  readonly [Type in Frame["type"]]: (
    model: Model,
    message: Extract<Frame, { readonly type: Type }>,
  ) => Model;
};

const taking: Taking = {
  tick: (model, { now }) => ({
    ...model,
    now,
    notice: model.notice !== null && model.notice.until < now ? null : model.notice,
  }),
  link: (model, { link }) => ({ ...model, link, notice: noticeAfter(model, link) }),
  rows: (model, { rows, isFirst }) => takeRows(model, rows, isFirst),
  steps: (model, { events }) => {
    const steps = new Map(model.steps);
    for (const event of events) steps.set(event.loop, stepText(event));
    return { ...model, steps };
  },
  // What is not at work has all of it in its record.
  live: (model, { loop, events }) =>
    model.page.key.startsWith(liveKeyOf(loop)) && model.loops.get(loop)?.status === "running"
      ? { ...model, page: appended(model.page, events) }
      : model,
  status: (model, { status }) => ({ ...model, status }),
  questions: (model, { questions }) => ({ ...model, questions }),
  events: (model, { events }) => takeEvents(model, events),
  page: (model, { key, lines }) =>
    model.page.key === key ? { ...model, page: loaded(model.page, lines) } : model,
  iterations: (model, { id, known }) =>
    model.replay?.id === id
      ? { ...model, replay: { id, known, at: Math.max(0, known.length - 1) } }
      : model,
  chat: (model, { news }) => ({ ...model, chat: takeChat(model.chat, news) }),
  notice: (model, { text, isError }) => noticed(model, text, isError),
};

export function take(model: Model, message: Frame): Model {
  const of = taking[message.type] as (model: Model, message: Frame) => Model;
  return of(model, message);
}

export function noticed(model: Model, text: string, isError = false): Model {
  return { ...model, notice: { text, isError, until: model.now + noticeMs } };
}

/** What the daemon could not be asked while it was gone is old news once it is back. */
function noticeAfter({ link, notice }: Model, now: Model["link"]): Model["notice"] {
  return now === "live" && link === "lost" && notice?.isError === true ? null : notice;
}

function takeRows(model: Model, rows: readonly BoardRow[], isFirst: boolean): Model {
  if (model.held !== null && !isFirst) {
    const held = new Map(model.held);
    for (const row of rows) held.set(row.id, row);
    return { ...model, held };
  }
  const loops = new Map(isFirst ? [] : model.loops);
  for (const row of rows) loops.set(row.id, row);
  const isSame = !isFirst && loops.size === model.loops.size;
  const order = isSame ? model.order : ordered(loops.keys());
  const next = { ...model, loops, order, held: isFirst ? null : model.held };
  const { view } = model;
  const isKept = !isFirst && isList(view) && keepsRows(model, view, rows);
  return isKept ? next : withLists(next);
}

/** Lets the list go on: what was held back comes at once. */
export function released(model: Model): Model {
  const held = [...(model.held?.values() ?? [])];
  return takeRows({ ...model, held: null }, held, false);
}

/** Only what is on the screen is made anew; the others are when they come on. */
export function withLists(model: Model): Model {
  const { view } = model;
  return isList(view) ? withList(model, view) : model;
}

function withList(model: Model, name: ListName): Model {
  return { ...model, lists: { ...model.lists, [name]: refreshed(model, name) } };
}

function takeEvents(model: Model, more: Extract<Message, { type: "events" }>["events"]): Model {
  const { events } = model;
  const fresh = more.filter(({ seq }) => seq >= events.next);
  const last = fresh.at(-1);
  if (last === undefined) return model;
  const wasLast = events.selected >= events.events.length - 1;
  const all = [...events.events, ...fresh].slice(-eventsMax);
  const selected = wasLast && model.held === null ? all.length - 1 : events.selected;
  return { ...model, events: { ...events, events: all, next: last.seq + 1, selected } };
}
