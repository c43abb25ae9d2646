import { assert } from "./assert.ts";

/** Exponential, capped: 1 s, 2 s, 4 s … 5 min. `jitter` in [0, 1) spreads retries by up to a half. */
export function backoffMs(failures: number, jitter: number): number {
  assert(failures >= 1, "failures count from one");
  assert(jitter >= 0 && jitter < 1, "jitter is a fraction");
  const growthMs = Math.min(1_000 * 2 ** (failures - 1), 300_000);
  return Math.round(growthMs * (1 + jitter / 2));
}
