import type { Decision } from "./decide.ts";
import type { Event } from "./events.ts";
import type { LoopId } from "./loop.ts";
import {
  deadMax,
  isUnread,
  type Message,
  type MessageEvent,
  type MessageId,
  person,
} from "./message.ts";
import type { State } from "./state.ts";

/**
 * What a decision means for the mail, in the same transaction: the boxes of loops that read no
 * more become dead letters, what a finished conversation held is read, and what one that was
 * broken off held waits again. Too many dead letters push out the oldest.
 */
export function withMail(state: State, decision: Decision): Decision {
  if (!decision.ok || state.mail.size === 0) return decision;
  const events = [...decision.events, ...consequences(state, decision.events)];
  const dead = new Set(
    events.flatMap(({ type, data }) => (type === "message.dead" ? data.id : [])),
  );
  if (dead.size > 0) events.push(...pushedOut(state, dead));
  return events.length === decision.events.length ? decision : { ...decision, events };
}

function consequences(state: State, events: readonly Event[]): MessageEvent[] {
  const deaf = new Set<LoopId>();
  const over = new Set<LoopId>();
  const finished = new Set<LoopId>();
  for (const { type, loop, data } of events) {
    if (type === "attempt.ended") over.add(loop);
    if (type === "iteration.finished") finished.add(loop);
    if (type === "loop.status" && deafening.includes(data.to)) deaf.add(loop);
  }
  if (deaf.size + over.size + finished.size === 0) return [];
  return [...state.mail.values()].filter(isUnread).flatMap((each): MessageEvent[] => {
    const { to, from, kind, status } = each;
    if (deaf.has(to)) return [mark(each, "message.dead", `${to} reads no more`)];
    if (kind === "query" && from !== person && deaf.has(from)) {
      return [mark(each, "message.dead", `${from}, who asked, reads no more`)];
    }
    if (status !== "delivered") return [];
    if (finished.has(to)) {
      return kind === "query"
        ? [returned(each)]
        : [{ type: "message.read", loop: to, data: { id: each.id } }];
    }
    return over.has(to) ? [returned(each)] : [];
  });
}

const deafening: readonly string[] = ["complete", "failed", "stopped", "delegated"];

function pushedOut(state: State, dying: ReadonlySet<MessageId>): MessageEvent[] {
  const dead = [...state.mail.values()].filter(({ status }) => status === "dead");
  const excess = Math.max(0, dead.length + dying.size - deadMax);
  return dead
    .slice(0, excess)
    .map((each) => mark(each, "message.dropped", "too many dead letters"));
}

export function mark(
  { id, to }: Message,
  type: "message.dead" | "message.dropped",
  reason: string,
): MessageEvent {
  return { type, loop: to, data: { id, reason } };
}

export function returned({ id, to }: Message): MessageEvent {
  return { type: "message.returned", loop: to, data: { id } };
}
