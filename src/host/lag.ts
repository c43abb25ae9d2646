import { monitorEventLoopDelay } from "node:perf_hooks";

/** Of the meter; it counts its own waiting as delay. */
const resolutionMs = 20;
/** Twice half a minute is looked back on. */
const turnMs = 30_000;

export interface LagMeter {
  /** The 99th percentile of what the event loop was late by lately: the higher of two half minutes. */
  lagMs(): number;
  close(): void;
}

export function openLagMeter(turnEveryMs = turnMs): LagMeter {
  const now = monitorEventLoopDelay({ resolution: resolutionMs });
  now.enable();
  let before = now.percentile(99);
  const timer = setInterval(() => {
    before = now.percentile(99);
    now.reset();
  }, turnEveryMs);
  timer.unref();
  return {
    lagMs: () => Math.max(0, Math.max(before, now.percentile(99)) / 1e6 - resolutionMs),
    close: () => {
      clearInterval(timer);
      now.disable();
    },
  };
}
