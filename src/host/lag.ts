import { monitorEventLoopDelay } from "node:perf_hooks";

/** Of the meter; it counts its own waiting as delay. */
const resolutionMs = 20;
/** Twice half a minute is looked back on. */
const turnMs = 30_000;
/** Of a turn: the hundredth of a few looks would be the worst of them. */
const shareMin = 1 / 3;

export interface LagMeter {
  /** The 99th percentile of what the event loop was late by lately: the higher of two half minutes. */
  lagMs(): number;
  close(): void;
}

export function openLagMeter(turnEveryMs = turnMs): LagMeter {
  const now = monitorEventLoopDelay({ resolution: resolutionMs });
  now.enable();
  let before = now.percentile(99);
  const countMin = (turnEveryMs / resolutionMs) * shareMin;
  const ofThisTurn = () => (now.count < countMin ? 0 : now.percentile(99));
  const timer = setInterval(() => {
    before = now.percentile(99);
    now.reset();
  }, turnEveryMs);
  timer.unref();
  return {
    lagMs: () => Math.max(0, Math.max(before, ofThisTurn()) / 1e6 - resolutionMs),
    close: () => {
      clearInterval(timer);
      now.disable();
    },
  };
}
