/**
 * Which loops start now, of 100,000 in a moment.
 *
 * Order: priority, then fairness, then age, then id. Fairness is max-min in two steps: repositories
 * share the slots and plans share their repository's; fewest running first, then who was given a
 * slot longest ago. Who has waited for `agingMs` is overdue: every second start is that of the
 * eldest who is overdue, whatever its priority. Critical ones go before all, and take no turn.
 *   1. Who is overdue waits for two starts more for each loop that is older, however many high
 *      ones come.
 *   2. A high one waits for one start of another, however long and old the queue is.
 *   3. Only state, time and limits count: after a restart the same loops start.
 */
import type { LoopId, Millis } from "./loop.ts";
import {
  byAge,
  byShare,
  type Group,
  type Lane,
  type PendingIndex,
  rankMax,
  type Waiter,
} from "./pending.ts";
import type { Parking } from "./state.ts";

/** Why nothing new may start, in words for a person. */
export interface Hold {
  readonly on: "draining" | "memory" | "disk";
  readonly reason: string;
  /** That nothing starts is not enough: who runs is parked, the least urgent first. */
  readonly parks?: true;
}

export interface OfRepository {
  readonly loops: number;
  readonly perType: Readonly<Record<string, number>>;
}

export interface DispatchLimits {
  /** How many may run at once, and how many of a type. */
  readonly loops: number;
  readonly perType: Readonly<Record<string, number>>;
  /** What the configuration of a repository allows of its own loops; null when it says nothing. */
  readonly inRepo?: (repo: string) => OfRepository | null;
  /** After so long in the queue a loop is overdue. */
  readonly agingMs: Millis;
  /** A model parked for longer is replaced by the fallback. */
  readonly retryAfterMaxMs: Millis;
  readonly parked: ReadonlyMap<string, Parking>;
  /** Null when new loops may start. */
  readonly hold: Hold | null;
}

export interface Dispatch {
  readonly start: readonly LoopId[];
  /** When to look again if nothing happens before; null when only an event can help. */
  readonly wakeAt: Millis | null;
}

/** What starts now; in the index it counts as running from here on. */
export function dispatch(index: PendingIndex, now: Millis, limits: DispatchLimits): Dispatch {
  const start: LoopId[] = [];
  if (limits.hold !== null) return { start, wakeAt: null };
  while (index.running < limits.loops) {
    const next = nextOf(index, now, limits);
    if (next === null) return { start, wakeAt: wakeAt(index, now, limits) };
    index.begin(next, now);
    start.push(next.id);
  }
  return { start, wakeAt: null };
}

/** The next `max` in the order in which they would start, one slot after the other. */
export function lineUp(
  index: PendingIndex,
  now: Millis,
  limits: DispatchLimits,
  max: number,
): readonly Waiter[] {
  const begun: { waiter: Waiter; group: Millis; repo: Millis }[] = [];
  const { inRepo: _, ...unlimited } = { ...limits, perType: {} };
  for (const given of [limits, unlimited]) {
    while (begun.length < max) {
      const waiter = nextOf(index, now, given);
      if (waiter === null) break;
      const { group } = waiter;
      begun.push({ waiter, group: group.startedAt, repo: group.repo.startedAt });
      index.begin(waiter, now);
    }
  }
  for (const { waiter, group, repo } of begun.toReversed()) index.takeBack(waiter, group, repo);
  return begun.map(({ waiter }) => waiter);
}

/** When there will be a model to work with; not after `now` when there is. */
export function opensAt({ model, fallback }: Lane, now: Millis, limits: DispatchLimits): Millis {
  const { parked, retryAfterMaxMs } = limits;
  const own = parked.get(model)?.until ?? now;
  if (own <= now || fallback === null) return own;
  const other = Math.max(parked.get(fallback)?.until ?? now, now);
  return own - other > retryAfterMaxMs ? other : own;
}

function nextOf(index: PendingIndex, now: Millis, limits: DispatchLimits): Waiter | null {
  const open = openLanes(index, now, limits);
  if (open.size === 0) return null;
  const critical = mostUrgent(index, 0, open, now);
  if (critical !== null) return critical;
  const isTurnOfAge = index.starts % 2 === 1;
  const eldest = isTurnOfAge ? eldestOf(index.lanes, open) : null;
  if (eldest !== null && eldest.since <= now - limits.agingMs) return eldest;
  for (let rank = 1; rank <= rankMax; rank += 1) {
    const waiter = mostUrgent(index, rank, open, now);
    if (waiter !== null) return waiter;
  }
  return null;
}

/** Lanes in which somebody is ready whom neither type nor model holds up. */
function openLanes(index: PendingIndex, now: Millis, limits: DispatchLimits): ReadonlySet<Lane> {
  const open = new Set<Lane>();
  for (const [lane, waiters] of index.lanes) {
    const first = waiters.at(-1);
    if (first === undefined || first.since > now || fullOf(index, lane, limits) !== null) continue;
    if (opensAt(lane, now, limits) <= now) open.add(lane);
  }
  return open;
}

/** A limit that is used up: of a type, or of a repository with all its types or one. */
export interface Full {
  readonly type: string | null;
  readonly repo: string | null;
  readonly running: number;
  readonly max: number;
}

/** The limit that keeps a lane from starting anybody; null when none does. */
export function fullOf(
  index: PendingIndex,
  { repo, type }: Lane,
  { perType, inRepo }: Pick<DispatchLimits, "perType" | "inRepo">,
): Full | null {
  const own = inRepo?.(repo) ?? null;
  const limits = [
    { type, repo: null, max: limitIn(perType, type), running: index.runningOf(type) },
    { type: null, repo, max: own?.loops, running: index.runningIn(repo) },
    { type, repo, max: limitIn(own?.perType, type), running: index.runningOf(type, repo) },
  ];
  for (const { max, ...limit } of limits) {
    if (max !== undefined && limit.running >= max) return { ...limit, max };
  }
  return null;
}

function limitIn(perType: Readonly<Record<string, number>> = {}, type: string): number | undefined {
  return Object.hasOwn(perType, type) ? perType[type] : undefined;
}

function mostUrgent(
  index: PendingIndex,
  rank: number,
  open: ReadonlySet<Lane>,
  now: Millis,
): Waiter | null {
  const repos = [...index.repos].filter(({ groups }) => (groups[rank]?.length ?? 0) > 0);
  for (const { groups } of repos.sort(byShare)) {
    for (const group of groups[rank] ?? []) {
      const waiter = headOf(group, rank, open);
      if (waiter !== null && waiter.since <= now) return waiter;
    }
  }
  return null;
}

function headOf({ queues }: Group, rank: number, open: ReadonlySet<Lane>): Waiter | null {
  return eldestOf(queues[rank] ?? new Map(), open);
}

function eldestOf(
  lists: ReadonlyMap<Lane, readonly Waiter[]>,
  open: ReadonlySet<Lane>,
): Waiter | null {
  let eldest: Waiter | null = null;
  for (const [lane, waiters] of lists) {
    const first = waiters.at(-1);
    if (first === undefined || !open.has(lane)) continue;
    if (eldest === null || byAge(first, eldest) < 0) eldest = first;
  }
  return eldest;
}

/** The first moment at which time alone makes one ready of those that are left. */
function wakeAt(index: PendingIndex, now: Millis, limits: DispatchLimits): Millis | null {
  let first = Number.POSITIVE_INFINITY;
  for (const [lane, waiters] of index.lanes) {
    if (fullOf(index, lane, limits) !== null) continue;
    const opens = opensAt(lane, now, limits);
    const next = opens > now ? waiters.at(-1) : waiters[countAfter(waiters, now) - 1];
    if (next !== undefined) first = Math.min(first, Math.max(next.since, opens));
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}

/** How many of the sorted, the eldest last, are not ready by now. */
function countAfter(waiters: readonly Waiter[], now: Millis): number {
  let [low, high] = [0, waiters.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((waiters[middle]?.since ?? 0) > now) low = middle + 1;
    else high = middle;
  }
  return low;
}
