/**
 * Which loops start now, of 100,000 in a few milliseconds.
 *
 * Order: level, then fairness, then age, then id. A loop's level is its priority, one step better
 * for every `agingMs` that it has been ready. Critical is above all levels: in a long queue
 * everything is old, and somebody must be able to say "now". Fairness is hierarchical max-min, as
 * in Hadoop's fair scheduler: repositories share the slots, plans share their repository's; fewest
 * running first, then least recently started.
 *   1. While a loop of rank r (high 1, normal 2, low 3), ready since t, can start, none of rank q
 *      (not critical) starts that became ready at t + (r - q + 1) * agingMs or later. So a low one
 *      behind high ones that start as they come waits 3 * agingMs and a slot.
 *   2. Nothing of lower priority goes before a loop unless it has been ready for `agingMs`.
 *   3. Only what the index holds counts, not in which order it was put there.
 */
import type { LoopId, Millis, Priority } from "./loop.ts";
import {
  byAge,
  type Models,
  type Path,
  type PendingIndex,
  type Queue,
  type Share,
  type Waiter,
} from "./pending.ts";
import type { Parking } from "./state.ts";

export interface DispatchLimits {
  /** How many may run at once, and how many of a type. */
  readonly loops: number;
  readonly perType: Readonly<Record<string, number>>;
  readonly agingMs: number;
  /** A model parked for longer is replaced by the fallback. */
  readonly retryAfterMaxMs: number;
  readonly parked: ReadonlyMap<string, Parking>;
  /** Loops whose budget is reserved to the last for now; it holds up all that is below them. */
  readonly short: ReadonlySet<LoopId>;
  /** Why nothing at all may start; null when it may. */
  readonly hold: "draining" | "memory" | null;
}

export interface Dispatch {
  readonly start: readonly LoopId[];
  /** When to look again if nothing happens before; null when only an event can help. */
  readonly wakeAt: Millis | null;
}

/** Why a loop waits. `slots`: it is the next; `budget`: its own, or that of a loop above it. */
export type Waiting =
  | Because<"dependency", { ids: readonly LoopId[] }>
  | Because<"notBefore", { until: Millis; reason: string | null }>
  | Because<"parked", { model: string; until: Millis; reason: string }>
  | Because<"budget", { of: LoopId }>
  | Because<"draining" | "memory", object>
  | Because<"perType", { type: string; running: number; max: number }>
  | Because<"slots", { running: number; max: number }>
  | Because<"behind", { ahead: number }>;

type Because<On, More> = { readonly on: On } & Readonly<More>;

/** What starts now. A start counts as running when the next is chosen. */
export function dispatch(index: PendingIndex, now: Millis, limits: DispatchLimits): Dispatch {
  const slots = limits.hold === null ? limits.loops - index.running : 0;
  if (slots <= 0) return { start: [], wakeAt: null };
  const line = new Line(index, now, limits);
  const start = line.take(slots);
  return { start, wakeAt: start.length < slots ? line.wakeAt() : null };
}

/** How far whyWaiting() counts: one `behind` this many is behind at least so many. */
export const aheadMax = 1_000;

/** Answers for any loop; null for one that starts now or is not pending. */
export function whyWaiting(
  index: PendingIndex,
  now: Millis,
  limits: DispatchLimits,
): (id: LoopId) => Waiting | null {
  const slots = Math.max(limits.loops - index.running, 0);
  let order: ReadonlyMap<LoopId, number> | null = null;
  return (id) => {
    const waiter = index.waiter(id);
    if (waiter === null) return null;
    const own = ownCause(index, waiter, now, limits);
    if (own !== null) return own;
    if (limits.hold !== null) return { on: limits.hold };
    const line = () => new Line(index, now, limits).take(slots + aheadMax);
    order ??= new Map(line().map((each, place) => [each, place]));
    const place = order.get(id);
    if (place !== undefined && place < slots) return null;
    if (place === slots) return { on: "slots", running: index.running, max: limits.loops };
    if (place !== undefined) return { on: "behind", ahead: place - slots };
    const isCut = order.size === slots + aheadMax;
    return ofType(index, waiter.loop.type, limits, isCut) ?? { on: "behind", ahead: aheadMax };
  };
}

/** Who is not in the line: its type is full, or will be by those that start before it. */
function ofType(
  index: PendingIndex,
  type: string,
  limits: DispatchLimits,
  isCut: boolean,
): Waiting | null {
  const max = limits.perType[type];
  const running = index.runningOf(type);
  return max === undefined || (isCut && running < max)
    ? null
    : { on: "perType", type, running, max };
}

/** What would hold it up if it were alone. */
function ownCause(
  index: PendingIndex,
  { loop, path }: Waiter,
  now: Millis,
  limits: DispatchLimits,
): Waiting | null {
  const ids = loop.dependsOn.filter((id) => !index.isComplete(id));
  if (ids.length > 0) return { on: "dependency", ids };
  const { model, notBeforeAt } = loop;
  if (notBeforeAt > now) return { on: "notBefore", until: notBeforeAt, reason: loop.reason };
  const until = opensAt(loop, now, limits);
  const parking = limits.parked.get(model);
  if (until > now && parking !== undefined) {
    return { on: "parked", model, until, reason: parking.reason };
  }
  const of = shortOf(path, limits.short);
  return of === null ? null : { on: "budget", of };
}

/** When there will be a model to work with; not after `now` when there is. */
function opensAt({ model, fallback }: Models, now: Millis, limits: DispatchLimits): Millis {
  const { parked, retryAfterMaxMs } = limits;
  const own = parked.get(model)?.until ?? now;
  if (own <= now || fallback === null) return own;
  const other = Math.max(parked.get(fallback)?.until ?? now, now);
  return own - other > retryAfterMaxMs ? other : own;
}

/** The loop at or above `path` whose budget is short. */
function shortOf(path: Path, short: ReadonlySet<LoopId>): LoopId | null {
  if (short.size === 0) return null;
  const above = path.map((_, index) => path.slice(0, index + 1).join(".") as LoopId);
  return above.find((id) => short.has(id)) ?? null;
}

const rank: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 };

/** The lower, the sooner. A clock that was put back makes nobody younger than new. */
export function levelOf(priority: Priority, since: Millis, now: Millis, agingMs: number): number {
  if (priority === "critical") return Number.MIN_SAFE_INTEGER;
  return rank[priority] - Math.floor(Math.max(now - since, 0) / agingMs);
}

/** A waiter next in its queue, with its plan's share as it was when it was looked at. */
interface Candidate extends Share {
  readonly queue: Queue;
  readonly waiter: Waiter;
  readonly level: number;
  /** The fresh queues of which its own is the next; null when it stands for its queue alone. */
  readonly row: readonly Queue[] | null;
}

/** The ready loops in the order in which they start, were there no end of slots. */
class Line {
  readonly #index: PendingIndex;
  readonly #now: Millis;
  readonly #limits: DispatchLimits;
  /** What the starts so far change: how many are gone of a queue or row, shares, running by type. */
  readonly #gone = new Map<Queue | readonly Queue[], number>();
  readonly #shares = new Map<Share, Share>();
  readonly #types = new Map<string, number>();
  /** By repository, because a start changes the order of repositories, not the one within. */
  readonly #heaps = new Map<Share, Heap>();

  constructor(index: PendingIndex, now: Millis, limits: DispatchLimits) {
    this.#index = index;
    this.#now = now;
    this.#limits = limits;
    for (const lane of index.lanes) {
      if (this.#isFull(lane.type) || opensAt(lane, now, limits) > now) continue;
      for (const queue of lane.started.values()) this.#enter(this.#candidate(queue));
      for (const row of lane.fresh.values()) this.#enter(this.#firstOf(row));
    }
  }

  take(max: number): LoopId[] {
    const ids: LoopId[] = [];
    while (ids.length < max) {
      const best = this.#best();
      if (best === null) break;
      this.#start(best);
      ids.push(best.waiter.loop.id);
    }
    return ids;
  }

  /** The first moment at which time alone makes one ready of those that are left. */
  wakeAt(): Millis | null {
    let first = Number.POSITIVE_INFINITY;
    for (const lane of this.#index.lanes) {
      if (this.#isFull(lane.type)) continue;
      const at = opensAt(lane, this.#now, this.#limits);
      const see = (head: Waiter | undefined) => {
        first = Math.min(first, Math.max(head?.readyAt ?? first, at));
      };
      for (const queue of lane.started.values()) see(this.#head(queue));
      for (const row of lane.fresh.values()) {
        const gone = this.#gone.get(row) ?? 0;
        for (const queue of row.slice(0, gone + 1)) see(this.#head(queue));
      }
    }
    return first === Number.POSITIVE_INFINITY ? null : first;
  }

  #isFull(type: string): boolean {
    const max = this.#limits.perType[type];
    if (max === undefined) return false;
    return this.#index.runningOf(type) + (this.#types.get(type) ?? 0) >= max;
  }

  /** The first in the queue that has not started here and whose budget allows it. */
  #head(queue: Queue): Waiter | undefined {
    const { short } = this.#limits;
    const { waiters } = queue;
    const gone = this.#gone.size === 0 ? 0 : (this.#gone.get(queue) ?? 0);
    if (short.size === 0) return waiters[gone];
    let at = gone;
    while (at < waiters.length && shortOf((waiters[at] as Waiter).path, short) !== null) at += 1;
    if (at > gone) this.#gone.set(queue, at);
    return waiters[at];
  }

  #candidate(queue: Queue, row: Candidate["row"] = null): Candidate | null {
    const waiter = this.#head(queue);
    const now = this.#now;
    if (waiter === undefined || waiter.readyAt > now) return null;
    const level = levelOf(queue.lane.priority, waiter.readyAt, now, this.#limits.agingMs);
    const { running, startedAt } = this.#shareOf(queue.plan);
    return { queue, waiter, level, running, startedAt, row };
  }

  /** The next of a row. One that cannot start its first waiter leaves the row, and goes alone. */
  #firstOf(row: readonly Queue[]): Candidate | null {
    for (let gone = this.#gone.get(row) ?? 0; gone < row.length; gone += 1) {
      this.#gone.set(row, gone);
      const queue = row[gone] as Queue;
      const candidate = this.#candidate(queue, row);
      const isFirst = this.#head(queue) === queue.waiters[0];
      const isUntouched = !this.#shares.has(queue.plan);
      if (isFirst && isUntouched) return candidate;
      this.#enter(candidate === null ? null : { ...candidate, row: null });
    }
    this.#gone.set(row, row.length);
    return null;
  }

  #enter(candidate: Candidate | null): void {
    if (candidate === null) return;
    const { repo } = candidate.queue;
    const heap = this.#heaps.get(repo);
    if (heap === undefined) this.#heaps.set(repo, new Heap(candidate));
    else heap.push(candidate);
  }

  #shareOf(share: Share): Share {
    return this.#shares.get(share) ?? share;
  }

  #best(): Candidate | null {
    let best: Candidate | null = null;
    for (const heap of this.#heaps.values()) {
      const top = this.#upToDate(heap);
      if (top !== null && (best === null || this.#byRepository(top, best) < 0)) best = top;
    }
    return best;
  }

  #byRepository(a: Candidate, b: Candidate): number {
    const [ours, theirs] = [this.#shareOf(a.queue.repo), this.#shareOf(b.queue.repo)];
    return a.level - b.level || byShare(ours, theirs) || byUrgency(a, b);
  }

  /** A candidate gets only worse while we choose, so an outdated one sinks when it is renewed. */
  #upToDate(heap: Heap): Candidate | null {
    for (let top = heap.top; top !== undefined; top = heap.top) {
      const { queue, running, row } = top;
      if (this.#isFull(queue.lane.type)) heap.pop();
      else if (this.#shareOf(queue.plan).running === running) return top;
      else {
        heap.pop();
        this.#enter(row === null ? this.#candidate(queue) : this.#firstOf(row));
      }
    }
    return null;
  }

  #start({ queue, row }: Candidate): void {
    const { plan, repo, lane } = queue;
    for (const share of [plan, repo]) {
      const { running } = this.#shareOf(share);
      this.#shares.set(share, { running: running + 1, startedAt: this.#now });
    }
    this.#types.set(lane.type, (this.#types.get(lane.type) ?? 0) + 1);
    this.#gone.set(queue, (this.#gone.get(queue) ?? 0) + 1);
    this.#heaps.get(repo)?.pop();
    this.#enter(row === null ? this.#candidate(queue) : this.#firstOf(row));
  }
}

function byUrgency(a: Candidate, b: Candidate): number {
  return a.level - b.level || byShare(a, b) || byAge(a.waiter, b.waiter);
}

function byShare(a: Share, b: Share): number {
  return a.running - b.running || a.startedAt - b.startedAt;
}

/** A binary heap, the most urgent on top. */
class Heap {
  readonly #items: Candidate[];

  constructor(first: Candidate) {
    this.#items = [first];
  }

  get top(): Candidate | undefined {
    return this.#items[0];
  }

  push(item: Candidate): void {
    const items = this.#items;
    let at = items.length;
    for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
      const parent = items[above] as Candidate;
      if (byUrgency(parent, item) <= 0) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items.pop();
    if (item === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [items[child], items[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && byUrgency(right, left) < 0) child += 1;
      const better = items[child] as Candidate;
      if (byUrgency(better, item) >= 0) break;
      items[at] = better;
      at = child;
    }
    items[at] = item;
  }
}

/**
 * The first cycle that `added` closes in a graph without one, as a walk along "depends on" that
 * ends where it began: [a, b, a]; null when there is none. Every id and edge is visited once.
 */
export function cycleAmong<Id extends string>(
  dependsOn: (id: Id) => readonly Id[],
  added: ReadonlyMap<Id, readonly Id[]>,
): readonly Id[] | null {
  const done = new Set<Id>();
  const next = (id: Id) => [...dependsOn(id), ...(added.get(id) ?? [])];
  for (const start of added.keys()) {
    if (done.has(start)) continue;
    const walk = new Map([[start, next(start)]]);
    const path = [start];
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const to = walk.get(id)?.pop();
      if (to === undefined) {
        done.add(id);
        walk.delete(id);
        path.pop();
      } else if (walk.has(to)) {
        return [...path.slice(path.indexOf(to)), to];
      } else if (!done.has(to)) {
        walk.set(to, next(to));
        path.push(to);
      }
    }
  }
  return null;
}
