import { type DispatchLimits, fullOf, type Hold, lineUp, opensAt } from "./dispatch.ts";
import type { LoopId, Millis } from "./loop.ts";
import { byId, type PendingIndex, type Waiter } from "./pending.ts";

/** Why a loop waits whose dependencies are complete and whose time has come. */
export type Waiting =
  | Because<"hold", { hold: Hold }>
  | Because<"parked", { model: string; until: Millis; reason: string }>
  | Because<"type", { type: string; running: number; max: number }>
  /** Its repository allows no more; of one type when that is named. */
  | Because<"repo", { type: string | null; running: number; max: number }>
  /** `place` 1 is the next; null when it is farther back than was counted. */
  | Because<"slots", { place: number | null; running: number; max: number }>
  /** It starts this very moment. */
  | Because<"nothing", object>;

type Because<On, More> = { readonly on: On } & Readonly<More>;

export interface Line {
  /** In the order in which they start; then who waits for a time, then for another loop. */
  readonly ids: readonly LoopId[];
  /** Null for a loop that is not pending, or whose own dependencies or time hold it up. */
  waitingOf(id: LoopId): Waiting | null;
  /** From 1, among those that only limits hold up; null when it is not counted. */
  placeOf(id: LoopId): number | null;
}

/** The first `max` of those that wait. */
export function lineOf(
  index: PendingIndex,
  now: Millis,
  limits: DispatchLimits,
  max: number,
): Line {
  const ready = lineUp(index, now, limits, max);
  const places = new Map(ready.map(({ id }, place) => [id, place + 1]));
  const others = () =>
    [...index.waiters]
      .filter(({ id }) => !places.has(id))
      .sort((a, b) => mayStartAt(a, now, limits) - mayStartAt(b, now, limits) || byId(a, b))
      .slice(0, max - ready.length);
  const all = ready.length < max ? [...ready, ...others()] : ready;
  return {
    ids: all.map(({ id }) => id),
    placeOf: (id) => places.get(id) ?? null,
    waitingOf: (id) => {
      const waiter = index.waiter(id);
      if (waiter === null || waiter.since > now) return null;
      return causeOf(index, waiter, places.get(id) ?? null, now, limits);
    },
  };
}

function causeOf(
  index: PendingIndex,
  { lane }: Waiter,
  place: number | null,
  now: Millis,
  limits: DispatchLimits,
): Waiting {
  const parking = limits.parked.get(lane.model);
  const until = opensAt(lane, now, limits);
  if (parking !== undefined && until > now) {
    return { on: "parked", model: lane.model, until, reason: parking.reason };
  }
  if (limits.hold !== null) return { on: "hold", hold: limits.hold };
  const full = fullOf(index, lane, limits);
  if (full !== null) {
    const { type, repo, running, max } = full;
    return repo === null
      ? { on: "type", type: lane.type, running, max }
      : { on: "repo", type, running, max };
  }
  const free = Math.max(limits.loops - index.running, 0);
  if (place !== null && place <= free) return { on: "nothing" };
  const slots = { running: index.running, max: limits.loops };
  return { on: "slots", place: place === null ? null : place - free, ...slots };
}

function mayStartAt({ since, lane }: Waiter, now: Millis, limits: DispatchLimits): Millis {
  // A difference of infinities is no number.
  return Math.min(Math.max(since, opensAt(lane, now, limits)), Number.MAX_SAFE_INTEGER);
}
