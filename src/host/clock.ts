import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../ports.ts";

/** Timers longer than this fire at once; a longer sleep is several. */
const timerMsMax = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleepUntil: async (at, signal) => {
    while (!signal.aborted) {
      const leftMs = at - Date.now();
      if (leftMs <= 0) return;
      await sleep(Math.min(leftMs, timerMsMax), undefined, { signal }).catch(() => undefined);
    }
  },
};
