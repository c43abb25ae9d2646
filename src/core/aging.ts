import type { Millis, Priority } from "./loop.ts";

const rank: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 };

/** The lower, the sooner. A clock that was put back makes nobody younger than new. */
export function levelOf(priority: Priority, since: Millis, now: Millis, agingMs: number): number {
  if (priority === "critical") return Number.MIN_SAFE_INTEGER;
  return rank[priority] - Math.floor(Math.max(now - since, 0) / agingMs);
}
