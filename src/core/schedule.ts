import type { Loop, LoopId, Millis, Priority } from "./loop.ts";
import type { State } from "./state.ts";

export interface Schedule {
  readonly start: readonly LoopId[];
  /** When to look again if nothing happens before; null when only an event can help. */
  readonly wakeAt: Millis | null;
}

const rank: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 };

/** Which of `candidates` should start now. A function of state alone: a restart decides the same. */
export function schedule(
  state: State,
  candidates: Iterable<Loop>,
  now: Millis,
  slots: number,
): Schedule {
  const waiting: Loop[] = [];
  for (const loop of candidates) {
    if (loop.status === "pending" && dependenciesMet(state, loop)) waiting.push(loop);
  }
  const ready = waiting.filter((loop) => loop.notBeforeAt <= now).sort(byUrgency);
  const later = waiting.filter((loop) => loop.notBeforeAt > now).map((loop) => loop.notBeforeAt);
  return {
    start: ready.slice(0, Math.max(slots, 0)).map((loop) => loop.id),
    wakeAt: later.length > 0 ? Math.min(...later) : null,
  };
}

function dependenciesMet(state: State, loop: Loop): boolean {
  return loop.dependsOn.every((id) => state.loops.get(id)?.status === "complete");
}

/** High before low, then the one that has waited longest, then by id so that ties never vary. */
function byUrgency(a: Loop, b: Loop): number {
  return (
    rank[a.priority] - rank[b.priority] || a.notBeforeAt - b.notBeforeAt || (a.id < b.id ? -1 : 1)
  );
}
