import { backoffMs } from "./backoff.ts";
import type { LoopSettings, Millis } from "./loop.ts";

/** Daemons in a row that ended while they carried a loop out, before it is left to a person. */
export const crashesMax = 10;
/** After so few it may well have been another's doing, or the power. */
const crashesForgiven = 2;

/** What becomes of a loop that a daemon's end left at work for the `crashes`-th time in a row. */
export function afterCrash(
  crashes: number,
  { now, jitter }: { readonly now: Millis; readonly jitter: number },
): { readonly blocked: string } | { readonly backoffUntil: Millis | null } {
  if (crashes >= crashesMax) {
    const blocked = `the daemon ended ${crashes} times in a row while it carried this out, and no iteration was finished between: td logs shows what it did, td resume tries again`;
    return { blocked };
  }
  if (crashes <= crashesForgiven) return { backoffUntil: null };
  return { backoffUntil: now + backoffMs(crashes - crashesForgiven, jitter) };
}

/** Preparing a worktree, and what no setting bounds: git, hooks, a stream's end. */
const restMs: Millis = 1_800_000;
/** On the loop's own worktree, on a fresh one, and once more where it seems flaky. */
const verdictsMax = 3;

/** An attempt that gives no sign of life for longer than all its own time-outs together hangs. */
export function silenceMsMax({ iterationTimeoutMs, gate }: LoopSettings): Millis {
  return iterationTimeoutMs + verdictsMax * gate.timeoutMs + restMs;
}

/** How often somebody listens. */
export const beatMs: Millis = 60_000;

/**
 * How long it has been silent. A machine that slept, or whose clock was set, was not silent for
 * all of that time: what one beat counts for is bounded.
 */
export function silenceAfter(
  silenceMs: Millis,
  { heard, elapsedMs }: { readonly heard: boolean; readonly elapsedMs: Millis },
): Millis {
  return heard ? 0 : silenceMs + Math.min(Math.max(elapsedMs, 0), 2 * beatMs);
}
