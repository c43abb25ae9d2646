import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../ports.ts";

/** A machine that slept, or whose clock was set forward, is noticed so soon. */
const sliceMs = 30_000;
/** What a clock may lose while it is slewed, which is no jump: of a second, and in all. */
const slewShare = 0.001;
const slewMs = 1_000;

/**
 * The machine's time, but for jumps back: who set the clock an hour back did not mean that what
 * waits for a second waits for an hour. A jump forward is followed; time never goes back.
 */
export function steadyClock(machine: {
  readonly wall: () => number;
  readonly monotonic: () => number;
}): Clock {
  let [last, lastMonotonic] = [machine.wall(), machine.monotonic()];
  let ahead = 0;
  const now = () => {
    const monotonic = machine.monotonic();
    const wall = machine.wall();
    const elapsed = monotonic - lastMonotonic;
    const lost = last + elapsed - (wall + ahead);
    if (lost > slewMs + slewShare * elapsed) ahead += lost;
    last = Math.max(last, wall + ahead);
    lastMonotonic = monotonic;
    return Math.round(last);
  };
  const sleepUntil: Clock["sleepUntil"] = async (at, signal) => {
    while (!signal.aborted) {
      const leftMs = at - now();
      if (leftMs <= 0) return;
      await sleep(Math.min(leftMs, sliceMs), undefined, { signal }).catch(() => undefined);
    }
  };
  return { now, sleepUntil };
}

export const systemClock: Clock = steadyClock({
  wall: () => Date.now(),
  monotonic: () => performance.now(),
});
