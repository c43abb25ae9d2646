import { Bug } from "../core/assert.ts";
import { holdsLease } from "../core/decide.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import { isDelivery } from "../core/merge.ts";
import { nextExpiryAt } from "../core/message.ts";
import type { Clock, Random } from "../ports.ts";
import { runAttempt } from "./attempt.ts";
import { deliverQueued } from "./delivery.ts";
import type { Engine } from "./engine.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { watchTargets } from "./main-watcher.ts";
import { greetDays } from "./purse.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StateManager } from "./state-manager.ts";

/** An attempt that was told to end with the process and does not is left behind. */
const leaveAtEndMs: Millis = 15_000;

/** Who carries out loops of many repositories. */
export interface Crew {
  readonly states: StateManager;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this process in `attempt.started`. */
  readonly owner: string;
  /** The world of the loop's repository; rejects when that is gone or its configuration broken. */
  engineOf(loop: Loop): Promise<Engine>;
  /** Aborts when nothing new may start and what runs should end at its next turn. */
  readonly drain: AbortSignal;
}

interface Running {
  /** Whether what is done here is still to be done. */
  readonly isDue: (loop: Loop) => boolean;
  readonly halt: AbortController;
  readonly done: Promise<void>;
}

/**
 * Keeps what should be running, running, and nothing else; looks again when state changes or time
 * is up. On abort: interrupts every attempt and waits for its end, for `leaveAtEndMs` at most.
 */
export async function reconcile(
  crew: Crew,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  const { states, clock, drain } = crew;
  const running = new Map<LoopId, Running>();
  const failures: unknown[] = [];
  const wake = () => states.changes.ring();
  const onBug = (error: unknown) => {
    failures.push(error);
    wake();
  };
  for (const bell of [signal, drain]) bell.addEventListener("abort", wake, { once: true });
  const isOver = () => signal.aborted || (drain.aborted && running.size === 0);
  const over = new AbortController();
  const greeting = greetDays(crew, over.signal).catch(onBug);
  const watching = watchTargets(crew, scheduler.limits.pollMs, over.signal).catch(onBug);
  while (!isOver() && failures.length === 0) {
    const change = states.changes.next();
    haltFenced(states, running);
    const parked = scheduler.parks();
    if (parked !== null) running.get(parked)?.halt.abort("memory is short: it goes on later");
    const { start, wakeAt } = scheduler.decide();
    const starting = start.map((id) => startAttempt(crew, scheduler, running, id, onBug));
    await Promise.all(starting.map((each) => each.catch(onBug)));
    const mailAt = await expireMail(states, clock.now()).catch((error: unknown) => {
      onBug(error);
      return null;
    });
    if (failures.length === 0) await changeOrTime(clock, change, sooner(wakeAt, mailAt));
  }
  for (const bell of [signal, drain]) bell.removeEventListener("abort", wake);
  for (const { halt } of running.values()) halt.abort(signal.reason);
  over.abort();
  await Promise.all([greeting, watching, endOrLeave(clock, running)]);
  if (failures.length > 0) throw failures[0];
  await handBack(states, running);
}

async function endOrLeave(clock: Clock, running: ReadonlyMap<LoopId, Running>): Promise<void> {
  const ended = new AbortController();
  const all = Promise.all([...running.values()].map(({ done }) => done));
  await Promise.race([all, clock.sleepUntil(clock.now() + leaveAtEndMs, ended.signal)]);
  ended.abort();
}

/** The process ends, and with it whatever did not end by itself: that is no failure of the loop. */
async function handBack(
  states: StateManager,
  running: ReadonlyMap<LoopId, Running>,
): Promise<void> {
  for (const [id, { isDue }] of [...running]) {
    const loop = states.state.loops.get(id);
    if (loop?.status !== "running" || !isDue(loop)) continue;
    const { attempt, iteration, notBeforeAt } = loop;
    const reason = "the daemon was stopped, and the attempt did not end";
    const again = { during: `iteration ${iteration + 1}`, reason, notBeforeAt };
    const outcome = { type: "interrupted", ...again } as const;
    await states.submit({ type: "finishAttempt", id, attempt, outcome });
  }
}

async function startAttempt(
  crew: Crew,
  scheduler: Scheduler,
  running: Map<LoopId, Running>,
  id: LoopId,
  onBug: (error: unknown) => void,
): Promise<void> {
  const { states, owner } = crew;
  const queued = states.state.loops.get(id);
  if (queued !== undefined && isDelivery(states.state, queued)) {
    const isDue = (now: Loop) => isDelivery(states.state, now);
    take(crew, scheduler, running, queued, { isDue, onBug, carryOut: deliver });
    return;
  }
  // What was chosen was durable; a person may have taken it from the queue of a branch since.
  const isTurn = queued !== undefined && queued.merge !== null;
  const started = await states.submit({ type: "startAttempt", id, owner, isTurn });
  const loop = states.state.loops.get(id);
  if (!started.ok || loop?.status !== "running") {
    scheduler.end(id);
    return;
  }
  const { attempt } = loop;
  const isDue = (now: Loop) => holdsLease(now, attempt);
  take(crew, scheduler, running, loop, { isDue, onBug, carryOut: attend });
}

interface Taking {
  readonly isDue: Running["isDue"];
  readonly onBug: (error: unknown) => void;
  readonly carryOut: (crew: Crew, loop: Loop, signal: AbortSignal) => Promise<void>;
}

function take(
  crew: Crew,
  scheduler: Scheduler,
  running: Map<LoopId, Running>,
  loop: Loop,
  { isDue, onBug, carryOut }: Taking,
): void {
  const { id } = loop;
  const halt = new AbortController();
  const done = carryOut(crew, loop, halt.signal)
    .catch(onBug)
    .then(() => {
      running.delete(id);
      scheduler.end(id);
      crew.states.changes.ring();
    });
  running.set(id, { isDue, halt, done });
}

/** What is delivered without an attempt: nothing but its end is recorded. */
async function deliver(crew: Crew, loop: Loop, signal: AbortSignal): Promise<void> {
  const { id } = loop;
  const engine = await engineFor(crew, loop);
  if (typeof engine !== "string") {
    return deliverQueued({ engine, id, signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  const result = { type: "refused", reason: engine } as const;
  await crew.states.submit({ type: "finishDelivery", id, result });
}

/** The engine of its repository, or why there is none. */
async function engineFor(crew: Crew, loop: Loop): Promise<Engine | string> {
  return crew.engineOf(loop).catch((error: unknown) => {
    if (error instanceof Bug) throw error;
    return error instanceof Error ? error.message : String(error);
  });
}

/** A repository that cannot be worked in is a person's to mend, and no other loop's concern. */
async function attend(crew: Crew, loop: Loop, signal: AbortSignal): Promise<void> {
  const { id, attempt } = loop;
  const engine = await engineFor(crew, loop);
  if (typeof engine !== "string") {
    return withHeartbeat(engine, loop, signal, (heard, halt) =>
      runAttempt(heard, id, attempt, halt),
    );
  }
  const outcome = { type: "blocked", on: "setup", reason: engine, asked: [] } as const;
  await crew.states.submit({ type: "finishAttempt", id, attempt, outcome });
}

/** An attempt whose loop was paused or stopped, or given to another, must not act any more. */
function haltFenced(states: StateManager, running: ReadonlyMap<LoopId, Running>): void {
  for (const [id, { isDue, halt }] of running) {
    const loop = states.state.loops.get(id);
    if (loop === undefined || !isDue(loop)) halt.abort("the loop has moved on");
  }
}

/** Mail whose time is up becomes dead letters; resolves to when to look again. */
async function expireMail(states: StateManager, now: Millis): Promise<Millis | null> {
  const at = nextExpiryAt(states.state);
  if (at === null || at > now) return at;
  const decision = await states.submit({ type: "expireMail" });
  // Nothing to decide: what settles it is on its way to the disk, and rings when it is there.
  const isUnderWay = decision.ok && decision.events.length === 0;
  return isUnderWay ? null : nextExpiryAt(states.state);
}

function sooner(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

async function changeOrTime(clock: Clock, change: Promise<void>, wakeAt: Millis | null) {
  if (wakeAt === null) return change;
  const timer = new AbortController();
  await Promise.race([change, clock.sleepUntil(wakeAt, timer.signal)]);
  timer.abort();
}

/**
 * Attempts that a crash left running are nobody's: hand them back to the queue, as old as they are.
 * Calls of chats that it left open are charged.
 */
export async function recover(states: StateManager): Promise<readonly LoopId[]> {
  const orphans = [...states.state.loops.values()].filter((loop) => loop.status === "running");
  for (const { id, attempt, iteration, notBeforeAt } of orphans) {
    const during = `iteration ${iteration + 1}, by a crash`;
    const reason = "the daemon ended in the middle of an attempt";
    const again = { during, reason, notBeforeAt, crashed: true };
    const outcome = { type: "interrupted", ...again } as const;
    await states.submit({ type: "finishAttempt", id, attempt, outcome });
  }
  await states.submit({ type: "chargeChats" });
  return orphans.map(({ id }) => id);
}
