import type { Config } from "../adapters/config/schema.ts";
import { systemClock } from "./clock.ts";

/** A changed configuration is followed after no more than this. */
const readEveryMs = 10_000;

/** The day's limit as it is written now; the last good one where the file cannot be read. */
export function dayLimit(read: () => Config, first: Config): () => number | null {
  let usd = first.budget["day-usd"];
  let readAt = systemClock.now();
  return () => {
    const now = systemClock.now();
    if (Math.abs(now - readAt) < readEveryMs) return usd;
    readAt = now;
    usd = lastGood(read, usd);
    return usd;
  };
}

/** What is wrong with a file is told to whoever starts something with it. */
function lastGood(read: () => Config, usd: number | null): number | null {
  try {
    return read().budget["day-usd"];
  } catch {
    return usd;
  }
}
