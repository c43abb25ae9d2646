import type { Alert } from "./alerts.ts";
import type { Event } from "./events.ts";
import type { BlockedOn, Loop, LoopId, LoopStatus, Millis } from "./loop.ts";
import type { State } from "./state.ts";

/** What a person may want to hear of while they do not look. */
export const noticeEvents = [
  "question", // a loop asks something
  "blocked", // it needs a person for something else
  "failed",
  "finished", // a plan, or a loop that belongs to none
  "approval", // a draft waits for it
  "budget", // nearly spent, or spent
  "alert", // critical
] as const;
/** A test is what somebody asked for, whatever they want to be told of. */
export type NoticeEvent = (typeof noticeEvents)[number] | "test";

export interface Notice {
  readonly event: NoticeEvent;
  readonly at: Millis;
  /** Of the event in the log; null where there is none. */
  readonly seq: number | null;
  readonly loop: LoopId | null;
  /** What it is as long as the notice holds; null where that is no matter of a status. */
  readonly status: LoopStatus | null;
  readonly title: string;
  readonly repo: string | null;
  /** Some of it may be a model's words. */
  readonly reason: string;
  readonly remedy: string;
}

type Heard = Pick<Notice, "event" | "reason" | "remedy"> & { readonly status?: LoopStatus };

/** What is to be told of an event that is in `state`; null of most. */
export function noticeOf(state: State, event: Event, seq: number, at: Millis): Notice | null {
  if (event.loop === null) return null;
  const loop = state.loops.get(event.loop);
  if (loop === undefined) return null;
  const heard = heardOf(event, loop);
  if (heard === null) return null;
  const { id, title, repo } = loop;
  return { status: null, ...heard, at, seq, loop: id, title, repo };
}

export function noticeOfAlert({ text, remedy }: Alert, at: Millis): Notice {
  const nowhere = { seq: null, loop: null, status: null, repo: null };
  return { event: "alert", at, ...nowhere, title: "", reason: text, remedy };
}

/** What was answered, retried or stopped meanwhile need not be told any more. */
export function stillHolds(state: State, { loop, status }: Notice): boolean {
  if (loop === null || status === null) return true;
  return state.loops.get(loop)?.status === status;
}

/** Of the notices of one loop about one thing the newest, in the order in which they came. */
export function newestOf(notices: readonly Notice[]): readonly Notice[] {
  const newest = new Map<string, Notice>();
  for (const notice of notices) {
    const key = notice.loop === null ? notice.reason : `${notice.loop} ${notice.event}`;
    newest.delete(key);
    newest.set(key, notice);
  }
  return [...newest.values()];
}

/** An alert that comes and goes is told again after this. */
const againMs: Millis = 3_600_000;

/** The critical alerts that nobody was told of; `told` says of each when it was told last. */
export function untold(
  told: ReadonlyMap<string, Millis>,
  alerts: readonly Alert[],
  now: Millis,
): { readonly tell: readonly Alert[]; readonly told: ReadonlyMap<string, Millis> } {
  const standing = new Set(alerts.map(({ id }) => id));
  const kept = new Map([...told].filter(([id, at]) => standing.has(id) || now - at < againMs));
  const tell = alerts.filter(({ id, level }) => level === "critical" && !kept.has(id));
  for (const { id } of tell) kept.set(id, now);
  return { tell, told: kept };
}

function heardOf(event: Event, { id, parent }: Loop): Heard | null {
  if (event.type === "budget.warned") {
    const { level, unit, spent, limit } = event.data;
    const [of, most] =
      unit === "usd"
        ? [`$${spent.toFixed(2)}`, `$${limit.toFixed(2)}`]
        : [`${spent}`, `${limit} tokens`];
    const reason = `the budget of the ${level} is nearly spent: ${of} of ${most}`;
    return { event: "budget", reason, remedy: level === "day" ? "td status" : `td show ${id}` };
  }
  if (event.type !== "loop.status") return null;
  const { to: status, reason, blockedOn } = event.data;
  switch (status) {
    case "failed":
      return { event: "failed", status, reason: reason ?? "it failed", remedy: `td why ${id}` };
    case "complete":
      if (parent !== null) return null;
      return { event: "finished", status, reason: "it is complete", remedy: `td report ${id}` };
    case "draft":
      return {
        event: "approval",
        status,
        reason: "it waits for approval",
        remedy: `td approve ${id}`,
      };
    case "blocked":
      return blockedOn === undefined ? null : blocked(id, blockedOn, reason);
    default:
      return null;
  }
}

function blocked(id: LoopId, on: BlockedOn, words: string | null): Heard | null {
  const status = "blocked";
  const reason = words ?? `it is blocked on ${on}`;
  switch (on) {
    case "question":
    case "gate":
    case "stuck":
      return { event: "question", status, reason, remedy: `td answer ${id} TEXT` };
    case "budget":
      return { event: "budget", status, reason, remedy: `td resume ${id} --budget USD` };
    case "child": // That one was told of itself.
      return null;
    default:
      return { event: "blocked", status, reason, remedy: `td why ${id}` };
  }
}
