import { unreachable } from "./assert.ts";
import type { Decision } from "./decide.ts";
import type { Event } from "./events.ts";
import { parentHeldUp, stopped } from "./hierarchy.ts";
import { isSettled, type Loop, type LoopId, type Millis } from "./loop.ts";
import { mark, returned } from "./mail-consequences.ts";
import {
  aboutCharsMax,
  alertMax,
  answerKeptMs,
  bodyCharsMax,
  boxMax,
  expiredAt,
  isUnread,
  keptMs,
  type Letter,
  type LoopMailCommand,
  type MailCommand,
  type Message,
  type MessageEvent,
  type MessageId,
  mailMax,
  person,
  personQueriesMax,
  queriesMax,
  queryTimeoutMsMax,
  type Sender,
  topicCharsMax,
} from "./message.ts";
import { isDeaf, isUnder, mayStop, peersOf } from "./reach.ts";
import type { State } from "./state.ts";
import { pathOfWaits } from "./wait-graph.ts";

type Addressed = Exclude<Letter, { kind: "alert" }>;
type Of<Type> = Extract<MailCommand | LoopMailCommand, { type: Type }>;

/** What people, and time, do with the mail. */
export function decideMail(state: State, command: MailCommand, now: Millis): Decision {
  switch (command.type) {
    case "tell":
      return told(state, command, now);
    case "expireMail":
      return { ok: true, id: null, events: expiredAt(state, now).map(expired) };
    case "requeueMail":
      return requeued(state, command.message, now);
    case "dropMail": {
      const letter = state.mail.get(command.message);
      if (letter?.status !== "dead") return refuse(notDead(command.message));
      return accept(letter.to, [mark(letter, "message.dropped", "dropped by a person")]);
    }
    default:
      return unreachable(command);
  }
}

/** What a loop at work does with it. */
export function decideLoopMail(
  state: State,
  loop: Loop,
  command: LoopMailCommand,
  now: Millis,
): Decision {
  switch (command.type) {
    case "send":
      return sent(state, loop, command.letter, now);
    case "receive":
      return accept(loop.id, received(state, loop, command.messages));
    case "handBack": {
      const held = mineOf(state, loop, command.messages, "delivered");
      return accept(loop.id, held.map(returned));
    }
    case "reply":
      return replied(state, loop, command, now);
    default:
      return unreachable(command);
  }
}

function told(state: State, { letter, repo, plan }: Of<"tell">, now: Millis): Decision {
  const problem = problemOf(letter);
  if (problem !== null) return refuse(problem);
  if (letter.kind === "alert") {
    const open = [...state.loops.values()].filter((loop) => loop.repo === repo && !isDeaf(loop));
    const meant = open.filter(({ id }) => plan === null || id === plan || isUnder(id, plan));
    return alerted(state, person, letter, meant, now);
  }
  const to = state.loops.get(letter.to);
  if (to === undefined) return refuse(`there is no loop ${letter.to}`);
  if (letter.kind === "stop") return stoppedBy(state, person, to, letter, now);
  return delivered(state, person, to, letter, now);
}

function sent(state: State, loop: Loop, letter: Letter, now: Millis): Decision {
  const problem = problemOf(letter);
  if (problem !== null) return refuse(problem);
  if (letter.kind === "alert") {
    return alerted(state, loop.id, letter, peersOf(state, loop), now);
  }
  const to = state.loops.get(letter.to);
  if (to === undefined || to.repo !== loop.repo) {
    return refuse(
      `there is no loop ${letter.to} in your repository; there is ${names(state, loop)}`,
    );
  }
  if (to.id === loop.id) return refuse(`${loop.id} is yourself`);
  if (letter.kind !== "stop") return delivered(state, loop.id, to, letter, now);
  if (!mayStop(state, loop, to)) {
    return refuse(
      `you may stop only loops below you and those beside you in your plan, and ${to.id} is neither: ask_person, or share with it why it should end`,
    );
  }
  return stoppedBy(state, loop.id, to, letter, now);
}

const namesMax = 20;

function names(state: State, loop: Loop): string {
  const known = peersOf(state, loop).map(({ id }) => id);
  return known.length === 0 ? "nobody else at work" : known.slice(0, namesMax).join(", ");
}

function problemOf(letter: Letter): string | null {
  const { body } = letter;
  if (body.trim() === "") return "it says nothing: give it a text";
  if (body.length > bodyCharsMax) return `it is longer than ${bodyCharsMax} characters: cut it`;
  if (letter.kind === "alert") {
    const { topic } = letter;
    if (topic.trim() === "") return "an alert needs a topic";
    if (topic.length > topicCharsMax) return `the topic is longer than ${topicCharsMax} characters`;
  }
  if (letter.kind === "query") {
    const { timeoutMs } = letter;
    if (!(timeoutMs >= 1 && timeoutMs <= queryTimeoutMsMax)) {
      return `a question waits between 1 ms and ${queryTimeoutMsMax} ms`;
    }
  }
  return null;
}

function alerted(
  state: State,
  from: Sender,
  { topic, body }: Extract<Letter, { kind: "alert" }>,
  meant: readonly Loop[],
  now: Millis,
): Decision {
  const [first] = meant;
  if (first === undefined) return refuse("nobody else is at work here: there is nobody to alert");
  const hearing = meant.filter(({ id }) => unreadOf(state, id) < boxMax).slice(0, alertMax);
  if (hearing.length === 0) return refuse("everybody's mailbox is full: wait until they have read");
  if (state.mail.size + hearing.length > mailMax) return refuse(postIsFull);
  const events = hearing.map(({ id: to }, index) =>
    message(state, to, { kind: "alert", from, topic, body, expiresAt: now + keptMs }, index),
  );
  return accept(first.id, events);
}

function delivered(state: State, from: Sender, to: Loop, letter: Addressed, now: Millis): Decision {
  const { kind, body } = letter;
  if (state.mail.size >= mailMax) return refuse(postIsFull);
  if (letter.kind !== "query") {
    return posted(state, to, { kind, from, body, expiresAt: now + keptMs });
  }
  const open = openQueriesOf(state, from);
  if (open.length >= (from === person ? personQueriesMax : queriesMax)) {
    const ids = open.map(({ id }) => id).join(", ");
    return refuse(`you have ${open.length} open questions (${ids}): wait for their answers first`);
  }
  const asker = from === person ? undefined : state.loops.get(from);
  const toAttempt = to.status === "running" ? to.attempt : null;
  const asking =
    asker === undefined
      ? null
      : { attempt: asker.attempt, iteration: asker.iteration + 1, toAttempt };
  const draft = { kind, from, body, asking, expiresAt: now + letter.timeoutMs } as const;
  const path =
    asker === undefined || toAttempt === null ? null : pathOfWaits(state, to.id, asker.id);
  if (path === null || asker === undefined) return posted(state, to, draft);
  const cycle = [asker.id, ...path].join(" → ");
  return died(state, to, draft, `a cycle of waits, ${cycle}: the youngest question gives way`);
}

function posted(state: State, to: Loop, draft: Draft): Decision {
  if (isDeaf(to)) return died(state, to, draft, readsNoMore(to));
  if (unreadOf(state, to.id) >= boxMax) {
    return refuse(`the mailbox of ${to.id} is full (${boxMax} unread): wait until it has read`);
  }
  return accept(to.id, [message(state, to.id, draft)]);
}

/** It is a dead letter from its first moment. */
function died(state: State, to: Loop, draft: Draft, reason: string): Decision {
  const event = message(state, to.id, draft);
  const dead = { type: "message.dead", loop: to.id, data: { id: event.data.id, reason } } as const;
  return accept(to.id, [event, dead]);
}

/** Stopping is done here, in the same decision: no model has to agree. */
function stoppedBy(
  state: State,
  from: Sender,
  target: Loop,
  { kind, body }: Addressed,
  now: Millis,
): Decision {
  if (isSettled(target) && target.status !== "failed") {
    return refuse(`${target.id} is already ${target.status}`);
  }
  const event = message(state, target.id, { kind, from, body, expiresAt: now + keptMs });
  const { id } = event.data;
  const by = from === person ? "a person" : `loop ${from}`;
  const stopping = { reason: `stopped by ${by}: ${body}`, interruptedAt: `stopped by ${by}` };
  const receipt = { type: "message.read", loop: target.id, data: { id } } as const;
  return accept(target.id, [
    event,
    receipt,
    ...stopped(state, target, stopping),
    ...parentHeldUp(state, target, "was stopped"),
  ]);
}

function received(state: State, loop: Loop, ids: readonly MessageId[]): MessageEvent[] {
  return mineOf(state, loop, ids, "waiting").map(({ id }) => ({
    type: "message.delivered",
    loop: loop.id,
    data: { id, attempt: loop.attempt },
  }));
}

function mineOf(
  state: State,
  loop: Loop,
  ids: readonly MessageId[],
  status: Message["status"],
): readonly Message[] {
  return [...new Set(ids)].flatMap((id) => {
    const found = state.mail.get(id);
    return found?.to === loop.id && found.status === status ? [found] : [];
  });
}

function replied(
  state: State,
  loop: Loop,
  { query: id, answer }: Of<"reply">,
  now: Millis,
): Decision {
  const problem = problemOf({ kind: "share", to: loop.id, body: answer });
  if (problem !== null) return refuse(problem);
  const query = state.mail.get(id);
  if (query?.kind !== "query" || query.to !== loop.id || !isUnread(query)) {
    const open = [...state.mail.values()].filter((each) => isUnread(each) && each.kind === "query");
    const mine = open.filter(({ to }) => to === loop.id).map((each) => each.id);
    const hint =
      mine.length === 0 ? "nobody asks you anything" : `you are asked ${mine.join(", ")}`;
    return refuse(`there is no open question ${id} for you: ${hint}`);
  }
  const until = query.from === person ? now + answerKeptMs : null;
  const data = { id, answer, until };
  const events: MessageEvent[] = [{ type: "message.answered", loop: loop.id, data }];
  const asker = query.from === person ? undefined : state.loops.get(query.from);
  if (asker === undefined) return accept(loop.id, events);
  const about = { query: id, question: query.body.slice(0, aboutCharsMax).toWellFormed() };
  const expiresAt = now + keptMs;
  const reply = { kind: "reply", from: loop.id, body: answer, about, expiresAt } as const;
  // A reply takes the place of its question: a full box or post does not refuse it.
  const letter = message(state, asker.id, reply);
  if (!isDeaf(asker)) return accept(loop.id, [...events, letter]);
  const lost = { id: letter.data.id, reason: readsNoMore(asker) };
  return accept(loop.id, [...events, letter, { type: "message.dead", loop: asker.id, data: lost }]);
}

function requeued(state: State, id: MessageId, now: Millis): Decision {
  const letter = state.mail.get(id);
  if (letter?.status !== "dead") return refuse(notDead(id));
  const to = state.loops.get(letter.to);
  if (to === undefined || isDeaf(to)) {
    const why = to === undefined ? `there is no loop ${letter.to}` : readsNoMore(to);
    return refuse(`${why}: retry the loop first, or td dead-letters drop ${id}`);
  }
  if (unreadOf(state, to.id) >= boxMax) {
    return refuse(`the mailbox of ${to.id} is full (${boxMax} unread): wait until it has read`);
  }
  const keepMs = letter.kind === "query" ? letter.expiresAt - letter.sentAt : keptMs;
  const data = { id, expiresAt: now + Math.min(keptMs, Math.max(1, keepMs)) };
  return accept(letter.to, [{ type: "message.requeued", loop: letter.to, data }]);
}

type Draft = Partial<Omit<Message, "id">> & Pick<Message, "kind" | "from" | "body" | "expiresAt">;

function message(
  { messagesSent }: State,
  to: LoopId,
  { kind, from, topic = null, body, about = null, asking = null, expiresAt }: Draft,
  index = 0,
): Extract<MessageEvent, { type: "message.sent" }> {
  const id = `m${messagesSent + 1 + index}` as MessageId;
  const data = { id, kind, from, topic, body, about, asking, expiresAt };
  return { type: "message.sent", loop: to, data };
}

function expired(each: Message): MessageEvent {
  if (each.status === "answered") return mark(each, "message.dropped", "nobody fetched the answer");
  const reason = each.kind === "query" ? "no answer in time" : "nobody read it in time";
  return mark(each, "message.dead", reason);
}

function openQueriesOf({ mail }: State, from: Sender): readonly Message[] {
  return [...mail.values()].filter(
    (each) => each.from === from && each.kind === "query" && isUnread(each),
  );
}

function unreadOf({ mail }: State, id: LoopId): number {
  let count = 0;
  for (const each of mail.values()) if (each.to === id && isUnread(each)) count += 1;
  return count;
}

function readsNoMore({ id, status }: Loop): string {
  return `${id} is ${status} and reads no more`;
}

function notDead(id: MessageId): string {
  return `there is no dead letter ${id}: td dead-letters lists them`;
}

const postIsFull = `the post holds ${mailMax} messages: wait until some are read, or drop dead letters`;

function accept(id: LoopId, events: readonly Event[]): Decision {
  return { ok: true, id, events };
}

function refuse(reason: string): Decision {
  return { ok: false, reason };
}
