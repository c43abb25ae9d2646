import { holdsLease } from "../core/decide.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import { schedule } from "../core/schedule.ts";
import type { Clock } from "../ports.ts";
import { runAttempt } from "./attempt.ts";
import type { Engine } from "./engine.ts";
import type { StateManager } from "./state-manager.ts";

export interface Limits {
  readonly runningMax: number;
  /** Which loops this process cares for. */
  readonly wants: (loop: Loop) => boolean;
}

interface Running {
  readonly attempt: number;
  readonly halt: AbortController;
  readonly done: Promise<void>;
}

/**
 * Keeps what should be running, running, and nothing else; looks again when state changes or time
 * is up. On abort: interrupts every attempt and waits for its end.
 */
export async function reconcile(
  engine: Engine,
  limits: Limits,
  signal: AbortSignal,
): Promise<void> {
  const { states, world } = engine;
  const running = new Map<LoopId, Running>();
  const failures: unknown[] = [];
  const wake = () => states.changes.ring();
  signal.addEventListener("abort", wake, { once: true });
  while (!signal.aborted && failures.length === 0) {
    const change = states.changes.next();
    haltFenced(engine, running);
    const loops = [...states.state.loops.values()].filter(limits.wants);
    const slots = limits.runningMax - running.size;
    const { start, wakeAt } = schedule(states.state, loops, world.clock.now(), slots);
    for (const id of start) {
      if (running.has(id)) continue;
      await startAttempt(engine, running, id, (error) => failures.push(error));
    }
    await changeOrTime(world.clock, change, wakeAt);
  }
  signal.removeEventListener("abort", wake);
  for (const { halt } of running.values()) halt.abort(signal.reason);
  await Promise.all([...running.values()].map(({ done }) => done));
  if (failures.length > 0) throw failures[0];
}

async function startAttempt(
  engine: Engine,
  running: Map<LoopId, Running>,
  id: LoopId,
  onBug: (error: unknown) => void,
): Promise<void> {
  const { states, owner } = engine;
  const started = await states.submit({ type: "startAttempt", id, owner });
  if (!started.ok) return;
  const loop = states.state.loops.get(id);
  if (loop?.status !== "running") return;
  const halt = new AbortController();
  const { attempt } = loop;
  const done = runAttempt(engine, id, attempt, halt.signal)
    .catch(onBug)
    .then(() => {
      running.delete(id);
      states.changes.ring();
    });
  running.set(id, { attempt, halt, done });
}

/** An attempt whose loop was paused or stopped, or given to another, must not act any more. */
function haltFenced({ states }: Engine, running: ReadonlyMap<LoopId, Running>): void {
  for (const [id, { attempt, halt }] of running) {
    const loop = states.state.loops.get(id);
    if (loop === undefined || !holdsLease(loop, attempt)) halt.abort("the loop has moved on");
  }
}

async function changeOrTime(clock: Clock, change: Promise<void>, wakeAt: Millis | null) {
  if (wakeAt === null) return change;
  const timer = new AbortController();
  await Promise.race([change, clock.sleepUntil(wakeAt, timer.signal)]);
  timer.abort();
}

/** Attempts that a crash left running are nobody's: hand them back to the queue. */
export async function recover(states: StateManager, now: Millis): Promise<readonly LoopId[]> {
  const orphans = [...states.state.loops.values()].filter((loop) => loop.status === "running");
  for (const { id, attempt, iteration } of orphans) {
    const during = `iteration ${iteration + 1}, by a crash`;
    const reason = "the daemon ended in the middle of an attempt";
    const outcome = { type: "interrupted", during, reason, notBeforeAt: now } as const;
    await states.submit({ type: "finishAttempt", id, attempt, outcome });
  }
  return orphans.map(({ id }) => id);
}
