import { assert, Bug, unreachable } from "./assert.ts";
import { bookChat, type ChatEvent, isChatEvent } from "./chat-events.ts";
import type { Event, Transaction } from "./events.ts";
import { type Account, book, type MutableBooks, noSpending, type Spending } from "./ledger.ts";
import {
  addUsage,
  type Loop,
  type LoopId,
  type Millis,
  noUsage,
  progressMax,
  type Reservation,
  successors,
} from "./loop.ts";
import {
  deliveredTo,
  isMergeEvent,
  mergedBy,
  startedBy,
  startsOf,
  waitAfterMove,
} from "./merge-events.ts";
import {
  isMessageEvent,
  type Message,
  type MessageEvent,
  type MessageId,
  messageAfter,
  numberOf,
} from "./message.ts";
import { adoptMoney, type Money, moneyOf } from "./money-moved.ts";
import { isPipelineEvent, plannedBy } from "./pipeline-events.ts";

export interface Parking {
  readonly until: Millis;
  readonly reason: string;
}

/** What the log amounts to. Everyone may read it; only apply() and adopt() write it. */
export interface State {
  readonly loops: ReadonlyMap<LoopId, Loop>;
  readonly children: ReadonlyMap<LoopId, readonly LoopId[]>;
  /** By `provider/model`. */
  readonly parked: ReadonlyMap<string, Parking>;
  readonly rootsCreated: number;
  /** Unread messages, open questions and dead letters, oldest first. */
  readonly mail: ReadonlyMap<MessageId, Message>;
  readonly messagesSent: number;
  readonly spending: Spending;
  readonly plans: ReadonlyMap<LoopId, Account>;
  /** Attempts that were ever started, but those of critical loops: core/dispatch.ts takes turns. */
  readonly starts: number;
}

export interface MutableState extends State, MutableBooks {
  readonly loops: Map<LoopId, Loop>;
  readonly children: Map<LoopId, LoopId[]>;
  readonly parked: Map<string, Parking>;
  readonly plans: Map<LoopId, Account>;
  rootsCreated: number;
  readonly mail: Map<MessageId, Message>;
  messagesSent: number;
  spending: Spending;
  starts: number;
}

export function emptyState(): MutableState {
  return {
    loops: new Map(),
    children: new Map(),
    parked: new Map(),
    rootsCreated: 0,
    mail: new Map(),
    messagesSent: 0,
    spending: noSpending,
    plans: new Map(),
    starts: 0,
  };
}

/** Replaying a log through apply() rebuilds the state exactly; nothing else may change it. */
export function replay(transactions: Iterable<Transaction>): MutableState {
  const state = emptyState();
  for (const { events, at } of transactions) for (const event of events) apply(state, event, at);
  return state;
}

/** In place, because copying makes replay quadratic: 55,000 events took 32 s, now 0.08 s. */
export function apply(state: MutableState, event: Event, at: Millis): void {
  if (event.type === "provider.parked") {
    const { provider, model, until, reason } = event.data;
    state.parked.set(`${provider}/${model}`, { until, reason });
    return;
  }
  // Proves something to who reads the log, and changes nothing.
  if (event.type === "audit.anchored") return;
  if (event.type === "loop.created") {
    create(state, event, at);
    return;
  }
  if (isMessageEvent(event)) {
    const { id } = event.data;
    lay(state, { id, message: messageAfter(event, state.mail.get(id), at) });
    return;
  }
  if (isChatEvent(event)) {
    bookChat(state, event, at);
    return;
  }
  const loop = loopOf(state, event.loop);
  if (movesMoney(event)) book(state, event, loop, at);
  const changes = movesMoney(event) ? progressedBy(event, loop, at) : changesBy(event, loop, at);
  put(state, { ...loop, ...changes, updatedAt: at }, loop);
}

type MoneyEvent = Extract<Event, { type: `budget.${string}` | "attempt.ended" }>;

function movesMoney(event: Event): event is MoneyEvent {
  return event.type === "attempt.ended" || event.type.startsWith("budget.");
}

type LoopEvent = Exclude<
  Event,
  MessageEvent | ChatEvent | { type: "provider.parked" | "audit.anchored" | "loop.created" }
>;

function changesBy(event: LoopEvent, loop: Loop, at: Millis): Partial<Loop> {
  if (isPipelineEvent(event)) return plannedBy(event, loop);
  if (isMergeEvent(event)) return mergedBy(event, loop, at);
  switch (event.type) {
    case "loop.status":
      return moved(loop, event.data);
    case "loop.prepared":
      return { baseline: event.data.baseline };
    case "loop.escalated":
      return { escalated: true, stuckFrom: loop.iteration };
    case "loop.allowed":
      return {
        gateAllowed: [...loop.gateAllowed, ...event.data.paths],
        gateAsked: [],
        rejudge: true,
      };
    case "loop.answered":
      return { answers: [...loop.answers, event.data] };
    case "loop.delivered":
      return deliveredTo(event.data, loop);
    case "loop.rolledBack":
      return {
        ...(event.data.base === undefined
          ? {}
          : { settings: { ...loop.settings, baseCommit: event.data.base } }),
        headCommit: event.data.commit,
        verdict: null,
        rejudge: false,
        // What its children have made waits for its check or its merge all the same.
        merge: loop.status === "delegated" ? loop.merge : null,
        conflicts: [],
        progress: loop.progress.filter(({ iteration }) => iteration <= event.data.to),
      };
    case "loop.raised":
      return { settings: { ...loop.settings, ...event.data }, warned: [] };
    default:
      return progressedBy(event, loop, at);
  }
}

type WorkEvent = Extract<LoopEvent, { type: `${"attempt" | "iteration" | "budget"}.${string}` }>;

function progressedBy(event: WorkEvent, loop: Loop, at: Millis): Partial<Loop> {
  switch (event.type) {
    case "attempt.started":
      return startedBy(event.data.attempt, loop, at);
    case "attempt.ended": {
      const { interruptedAt, erred, crashed } = event.data;
      const failures = erred ? loop.failures + 1 : loop.failures;
      const crashes = crashed === true ? loop.crashes + 1 : loop.crashes;
      return { ...charged(loop), interruptedAt, failures, crashes };
    }
    case "attempt.saved":
      return { headCommit: event.data.commit };
    case "iteration.started":
      return event.data.typeVersion === undefined ? {} : { typeVersion: event.data.typeVersion };
    case "iteration.finished": {
      const { iteration, commit, verdict, progress } = event.data;
      assert(iteration === loop.iteration + 1, `${loop.id}: iteration ${iteration} out of turn`);
      return {
        iteration,
        verdict,
        headCommit: commit,
        checkpoints: [...loop.checkpoints, commit],
        progress: [...loop.progress, progress].slice(-progressMax),
        passes: loop.passes + (verdict.passed ? 1 : 0),
        failures: 0,
        crashes: 0,
        conflicts: event.data.conflicts ?? [],
        interruptedAt: null,
        rejudge: false,
      };
    }
    case "budget.reserved":
      return { reservations: withOne(loop.reservations, { ...event.data, at }) };
    case "budget.settled":
      return settled(loop, event.data.turn, event.data.usage);
    case "budget.warned":
      return event.data.level === "day" ? {} : { warned: [...loop.warned, event.data.level] };
    default:
      return unreachable(event);
  }
}

/** Nearly always the only one: a spread would make room for sixteen more. */
function withOne(open: readonly Reservation[], one: Reservation): readonly Reservation[] {
  return open.length === 0 ? [one] : [...open, one];
}

/** A reservation still open when its attempt ends was in flight: it is charged in full. */
function charged(loop: Loop): Partial<Loop> {
  const usage = loop.reservations.reduce(
    (sum, { tokens, usd }: Reservation) =>
      addUsage(sum, { ...noUsage, outputTokens: tokens, costUsd: usd }),
    loop.usage,
  );
  return { usage, reservations: [] };
}

function settled(loop: Loop, turn: string, usage: Loop["usage"]): Partial<Loop> {
  return {
    usage: addUsage(loop.usage, usage),
    reservations: loop.reservations.filter((open) => open.turn !== turn),
  };
}

function moved(loop: Loop, data: Extract<Event, { type: "loop.status" }>["data"]): Partial<Loop> {
  const { from, to, reason, blockedOn, asked, notBeforeAt, until, by } = data;
  assert(loop.status === from, `${loop.id} is ${loop.status}, the event says ${from}`);
  assert(successors[from].includes(to), `${loop.id}: ${from} -> ${to}`);
  const isHelped = from === "blocked" || from === "failed";
  return {
    status: to,
    merge: waitAfterMove(loop),
    reason,
    blockedOn: to === "paused" ? loop.blockedOn : (blockedOn ?? null),
    blockedUntil: to === "paused" ? loop.blockedUntil : (until ?? null),
    pausedFrom: to === "paused" ? from : null,
    pausedBy: by ?? null,
    rejudge: loop.rejudge || (isHelped && to === "pending" && loop.conflicts.length > 0),
    gateAsked: to === "blocked" ? (asked ?? []) : loop.gateAsked,
    notBeforeAt: notBeforeAt ?? loop.notBeforeAt,
    stuckFrom: isHelped ? loop.iteration : loop.stuckFrom,
    failures: isHelped ? 0 : loop.failures,
    crashes: isHelped ? 0 : loop.crashes,
  };
}

export function loopOf(state: State, id: LoopId): Loop {
  const loop = state.loops.get(id);
  // No assert(): it would put its message together at every event.
  if (loop === undefined) throw new Bug(`no loop ${id}`);
  return loop;
}

export function childrenOf(state: State, id: LoopId): readonly Loop[] {
  return (state.children.get(id) ?? []).map((child) => loopOf(state, child));
}

/** Brings `state` to where `source` is for what `event` touched, without applying it again. */
export function adopt(state: MutableState, touched: readonly Touched[]): void {
  for (const { loop, parking, mail, money } of touched) {
    if (parking !== null) state.parked.set(parking.key, parking.value);
    if (mail !== undefined) lay(state, mail);
    if (money !== undefined) adoptMoney(state, money);
    if (loop === null) continue;
    const before = state.loops.get(loop.id);
    if (before === undefined) register(state, loop);
    put(state, loop, before);
  }
}

/** Brings an empty state to where `source` is. Loops and accounts are shared: they never change. */
export function copyInto(empty: MutableState, source: State): void {
  for (const loop of source.loops.values()) adopt(empty, [{ loop, parking: null }]);
  for (const [key, value] of source.parked) empty.parked.set(key, value);
  for (const [id, message] of source.mail) empty.mail.set(id, message);
  empty.messagesSent = source.messagesSent;
  for (const [root, account] of source.plans) empty.plans.set(root, account);
  empty.spending = source.spending;
}

export interface Touched {
  readonly loop: Loop | null;
  readonly parking: { readonly key: string; readonly value: Parking } | null;
  readonly mail?: Mailed;
  readonly money?: Money;
}

interface Mailed {
  readonly id: MessageId;
  /** Null when state is done with it. */
  readonly message: Message | null;
}

function lay(state: MutableState, { id, message }: Mailed): void {
  state.messagesSent = Math.max(state.messagesSent, numberOf(id));
  if (message === null) state.mail.delete(id);
  else state.mail.set(id, message);
}

/** What `event` left in `state`, as adopt() takes it. Ask right after apply(). */
export function touchedBy(state: State, event: Event): Touched {
  if (event.type === "audit.anchored") return { loop: null, parking: null };
  if (isMessageEvent(event)) {
    const { id } = event.data;
    return { loop: null, parking: null, mail: { id, message: state.mail.get(id) ?? null } };
  }
  if (isChatEvent(event)) return { loop: null, parking: null, money: moneyOf(state, null) };
  if (event.type !== "provider.parked") {
    const loop = loopOf(state, event.loop);
    if (!movesMoney(event)) return { loop, parking: null };
    return { loop, parking: null, money: moneyOf(state, loop) };
  }
  const key = `${event.data.provider}/${event.data.model}`;
  const { until, reason } = event.data;
  return { loop: null, parking: { key, value: { until, reason } } };
}

function create(
  state: MutableState,
  event: Extract<Event, { type: "loop.created" }>,
  at: Millis,
): void {
  assert(!state.loops.has(event.loop), `loop ${event.loop} created twice`);
  const loop: Loop = {
    ...event.data,
    ...unstarted,
    id: event.loop,
    document: event.data.document ?? null,
    touches: event.data.touches ?? [],
    gateAllowed: event.data.gateAllowed ?? [],
    approved: event.data.approved ?? false,
    notBeforeAt: at,
    createdAt: at,
    updatedAt: at,
  };
  register(state, loop);
  put(state, loop, undefined);
}

function register(state: MutableState, { id, parent }: Loop): void {
  if (parent === null) state.rootsCreated += 1;
  else state.children.set(parent, [...(state.children.get(parent) ?? []), id]);
}

const unstarted = {
  pausedFrom: null,
  pausedBy: null,
  blockedOn: null,
  blockedUntil: null,
  reason: null,
  attempt: 0,
  startedAt: null,
  iteration: 0,
  escalated: false,
  stuckFrom: 0,
  failures: 0,
  crashes: 0,
  interruptedAt: null,
  baseline: null,
  verdict: null,
  headCommit: null,
  checkpoints: [],
  branch: null,
  delivered: null,
  pullRequest: null,
  merge: null,
  tip: null,
  merges: 0,
  conflicts: [],
  bases: [],
  gateAsked: [],
  rejudge: false,
  answers: [],
  progress: [],
  document: null,
  touches: [],
  documents: [],
  passes: 0,
  approved: false,
  dropped: false,
  usage: noUsage,
  reservations: [],
  warned: [],
} satisfies Partial<Loop>;

function put(state: MutableState, loop: Loop, before: Loop | undefined): void {
  if (loop.priority !== "critical") state.starts += startsOf(loop) - startsOf(before);
  state.loops.set(loop.id, loop);
}
