/** What must be true of who starts and when, whatever happens besides. */
import { assert } from "../src/core/assert.ts";
import type { DispatchLimits } from "../src/core/dispatch.ts";
import type { Transaction } from "../src/core/events.ts";
import type { Loop, LoopId, Millis } from "../src/core/loop.ts";
import { loopOf, type State } from "../src/core/state.ts";
import { clash } from "../src/core/touches.ts";
import type { Limits } from "../src/engine/scheduler.ts";
import { isReady, plainStart, sinceOf } from "./plain-schedule.ts";

/** Few slots, fewer of a kind, and a queue that is soon old: every limit is met in many lives. */
export const limits: Limits = {
  runningMax: 3,
  perType: { chore: 1 },
  agingMs: 60_000,
  retryAfterMaxMs: 60_000,
  pollMs: 600_000,
  wants: () => true,
};

function dispatchLimits({ parked }: State): DispatchLimits {
  return { ...limits, loops: limits.runningMax, parked, hold: null };
}

/** Never more at once than allowed, of all and of each type. */
export function checkLimits({ loops }: State): void {
  // Who is just being merged takes no slot.
  const running = [...loops.values()].filter((loop) => loop.status === "running" && !loop.merge);
  for (const loop of running) {
    const other = running.find((each) => clash(loops, loop, each));
    assert(other === undefined, `${loop.id} and ${other?.id} run, and their work overlaps`);
  }
  const { runningMax, perType } = limits;
  assert(running.length <= runningMax, `${running.length} running, at most ${runningMax} allowed`);
  for (const [type, max] of Object.entries(perType)) {
    const count = running.filter((loop) => loop.type === type).length;
    assert(count <= max, `${count} of type ${type} running, at most ${max} allowed`);
  }
}

/** Promptness: what may start does not wait through a time in which nothing else happens. */
export function checkPromptness(state: State, sinceAt: Millis): void {
  const start = plainStart(state, sinceAt, dispatchLimits(state));
  assert(start.length === 0, `${start.join()} could run since ${sinceAt} and nobody starts it`);
}

/** Starts that were decided before it was overdue may still be on their way to the disk. */
const lateMax = 1 + limits.runningMax;

/** Nobody starves: those that are not critical overtake who is overdue only at every second start. */
export class Fairness {
  readonly #graceMs: Millis;
  /** How often in a row a younger one was started before an overdue one that could have been. */
  readonly #overtaken = new Map<LoopId, number>();

  constructor(graceMs: Millis) {
    this.#graceMs = graceMs;
  }

  check(state: State, { events, at }: Transaction): void {
    for (const event of events) {
      if (event.type === "attempt.started") this.#started(state, loopOf(state, event.loop), at);
    }
  }

  #started(state: State, started: Loop, at: Millis): void {
    this.#overtaken.delete(started.id);
    if (started.merge !== null) return;
    if (started.priority === "critical") return;
    const before = at - limits.agingMs - this.#graceMs;
    const others = [...state.loops.values()].filter(
      ({ id, status, merge }) => status === "running" && merge === null && id !== started.id,
    );
    const isFull = (type: string) =>
      others.filter((loop) => loop.type === type).length >=
      (limits.perType[type] ?? limits.runningMax);
    for (const loop of state.loops.values()) {
      const since = sinceOf(state, loop);
      const couldStart = isReady(state, loop, at, dispatchLimits(state)) && !isFull(loop.type);
      const isOvertaken = couldStart && since <= before && since < sinceOf(state, started);
      const count = isOvertaken ? (this.#overtaken.get(loop.id) ?? 0) + 1 : 0;
      assert(count <= lateMax, `${loop.id} is overdue and was overtaken ${count} times in a row`);
      if (count > 0) this.#overtaken.set(loop.id, count);
      else this.#overtaken.delete(loop.id);
    }
  }
}
