import { assert } from "../src/core/assert.ts";
import type { Event } from "../src/core/events.ts";
import { isSettled, type LoopId, type Millis } from "../src/core/loop.ts";
import {
  deadMax,
  isUnread,
  type Letter,
  type MessageId,
  mailMax,
  queryTimeoutMsMax,
} from "../src/core/message.ts";
import type { State } from "../src/core/state.ts";
import { pathOfWaits, waitsOf } from "../src/core/wait-graph.ts";
import type { SeededRandom } from "./random.ts";

const loopsMax = 8;

function anyLoop(random: SeededRandom): LoopId {
  return String(random.between(1, random.chance(0.7) ? 3 : loopsMax)) as LoopId;
}

/** A tool call about others, by a model that knows what its conversation says. */
export function talk(
  random: SeededRandom,
  text: string,
  atWork: readonly LoopId[],
): readonly [name: string, input: object] {
  const asked = [...text.matchAll(/query_id (m\d+)/g)].map(([, id]) => id);
  const near = atWork[random.between(0, atWork.length - 1)];
  const to = near !== undefined && random.chance(0.8) ? near : anyLoop(random);
  const timeout = 10 ** random.between(3, 6);
  const deeds: readonly (readonly [string, object])[] = [
    ["query", { to, question: "Which one?", timeout_ms: timeout }],
    ["query", { to, question: "Which one?", timeout_ms: timeout }],
    ["share", { to, body: "```\nThis one." }],
    ["alert", { topic: "api", body: "It has changed." }],
    ["reply", { query_id: asked.at(-1) ?? "m1", answer: "That one." }],
    ["reply", { query_id: asked.at(-1) ?? "m1", answer: "That one." }],
    random.chance(0.2)
      ? ["stop_loop", { to, reason: "It is enough." }]
      : ["reply", { query_id: `m${random.between(1, 9)}`, answer: "Mine." }],
  ];
  return deeds[random.between(0, deeds.length - 1)] as readonly [string, object];
}

/** What a person does with the mail. */
export function mailDeed(random: SeededRandom, { mail }: State) {
  const to = anyLoop(random);
  const body = "From a person.";
  const dead = [...mail.values()].filter(({ status }) => status === "dead");
  const message = dead[random.between(0, Math.max(0, dead.length - 1))]?.id ?? ("m1" as MessageId);
  const timeoutMs = random.between(1, queryTimeoutMsMax);
  const letters: readonly Letter[] = [
    { kind: "query", to, body, timeoutMs },
    { kind: "share", to, body },
    { kind: "alert", topic: "news", body },
    random.chance(0.2) ? { kind: "stop", to, body } : { kind: "share", to, body },
  ];
  const letter = letters[random.between(0, letters.length - 1)] as Letter;
  if (random.chance(0.5)) return { type: "tell", letter, repo: "/repo", plan: null } as const;
  return random.chance(0.7)
    ? ({ type: "requeueMail", message } as const)
    : ({ type: "dropMail", message } as const);
}

/** What may follow what in the life of a message: it is read once, or it is a dead letter. */
const successors: Readonly<Record<string, readonly string[]>> = {
  "message.sent": ["delivered", "read", "dead", "answered"],
  "message.delivered": ["read", "returned", "dead", "answered"],
  "message.returned": ["delivered", "dead", "answered"],
  "message.dead": ["requeued", "dropped"],
  "message.requeued": ["delivered", "dead", "answered"],
  "message.answered": ["dropped"],
  "message.read": [],
  "message.dropped": [],
};

/** True after every transaction. `fates`: the newest event of each message. */
export function checkMail(
  state: State,
  events: readonly Event[],
  fates: Map<MessageId, Event["type"]>,
): void {
  for (const { type, data } of events) {
    const successor = type.replace("message.", "");
    if (type === successor || !("id" in data)) continue;
    const id = data.id as MessageId;
    const before = fates.get(id);
    const isLegal =
      before === undefined ? successor === "sent" : successors[before]?.includes(successor);
    assert(isLegal === true, `${id}: ${successor} after ${before}`);
    fates.set(id, type);
  }
  assert(state.mail.size <= mailMax, `${state.mail.size} messages are kept`);
  let dead = 0;
  for (const each of state.mail.values()) {
    if (each.status === "dead") dead += 1;
    const reader = state.loops.get(each.to);
    const isRead = reader !== undefined && !isSettled(reader);
    assert(!isUnread(each) || isRead, `${each.id} waits for ${each.to}, which reads no more`);
    const isHeld = each.status !== "delivered" || reader?.status === "running";
    assert(isHeld, `${each.id} is held by ${each.to}, which does not run`);
  }
  assert(dead <= deadMax, `${dead} dead letters`);
  for (const id of state.loops.keys()) {
    for (const { to } of waitsOf(state, id)) {
      assert(pathOfWaits(state, to, id) === null, `a cycle of waits through ${id} and ${to}`);
    }
  }
}

/** Nobody waits for an answer beyond its time. `sinceAt`: nothing has happened since. */
export function checkWaits(state: State, sinceAt: Millis): void {
  for (const id of state.loops.keys()) {
    const late = waitsOf(state, id).find(({ expiresAt }) => expiresAt < sinceAt);
    assert(late === undefined, `${id} waits for ${late?.to} though the time is up`);
  }
}
