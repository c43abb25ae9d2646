import type { Event, StatusChange } from "./events.ts";
import type { Loop, LoopStatus } from "./loop.ts";

/** The event of a change of status, from what the loop is now. */
export function to(
  loop: Loop,
  status: LoopStatus,
  reason: string | null,
  more: Partial<StatusChange> = {},
): Event {
  const data = { from: loop.status, to: status, reason, ...more };
  return { type: "loop.status", loop: loop.id, data };
}
