import { assert } from "./assert.ts";
import type { Loop, LoopId, LoopStatus, Millis, Priority } from "./loop.ts";

/** The model that a loop would use now, and what may stand in for it. */
export interface Models {
  readonly model: string;
  readonly fallback: string | null;
}

/** Of a loop, all that its place in the queue depends on. */
export interface Queued extends Models {
  readonly id: LoopId;
  readonly type: string;
  readonly status: LoopStatus;
  readonly priority: Priority;
  readonly repo: string;
  readonly dependsOn: readonly LoopId[];
  readonly notBeforeAt: Millis;
  readonly reason: string | null;
  /** When its newest attempt started; null before the first. */
  readonly startedAt: Millis | null;
  readonly completedAt: Millis | null;
}

export function queuedOf(loop: Loop, startedAt: Millis | null): Queued {
  const { id, type, status, priority, repo, dependsOn, notBeforeAt, reason } = loop;
  const { model, escalation, fallback } = loop.settings;
  const own = loop.escalated ? (escalation ?? model) : model;
  const completedAt = status === "complete" ? loop.updatedAt : null;
  const waits = { dependsOn, notBeforeAt, reason, model: own, fallback };
  return { id, type, status, priority, repo, ...waits, startedAt, completedAt };
}

/** What a plan or a repository has of the slots; `startedAt` is `never` before its first. */
export interface Share {
  readonly running: number;
  readonly startedAt: Millis;
}

/** Before any moment, and still a number to subtract. */
const never: Millis = -1;

/** The id in numbers: 7.2 is [7, 2]. */
export type Path = readonly number[];

export interface Waiter {
  readonly loop: Queued;
  readonly path: Path;
  /** Since when only limits hold it up; infinite while a dependency is not complete. */
  readonly readyAt: Millis;
}

/** Waiters that limits of type and model concern alike. */
export interface Lane extends Models {
  readonly type: string;
  readonly priority: Priority;
  /** Queues of plans that have started before. */
  readonly started: ReadonlyMap<Share, Queue>;
  /** By repository, queues of plans that never have: equal in all but age, so sorted by it. */
  readonly fresh: ReadonlyMap<Share, readonly Queue[]>;
}

/** The waiters of one plan in one lane, by age; never empty. */
export interface Queue {
  readonly lane: Lane;
  readonly plan: Share;
  readonly repo: Share;
  readonly waiters: readonly Waiter[];
}

/** Who has waited longest, then by id, number by number: 2 before 10, 7 before 7.1. */
export function byAge(a: Waiter, b: Waiter): number {
  if (a.readyAt !== b.readyAt) return a.readyAt - b.readyAt;
  const at = a.path.findIndex((part, index) => part !== b.path[index]);
  return at < 0 ? a.path.length - b.path.length : (a.path[at] ?? 0) - (b.path[at] ?? -1);
}

type MutableShare = { -readonly [Key in keyof Share]: Share[Key] };
type LaneKey = Models & Pick<Lane, "type" | "priority">;

interface MutableQueue extends Queue {
  readonly lane: MutableLane;
  readonly waiters: Waiter[];
}

interface MutableLane extends Lane {
  readonly queues: Map<Share, MutableQueue>;
  readonly started: Map<Share, MutableQueue>;
  readonly fresh: Map<Share, MutableQueue[]>;
}

/**
 * The pending loops, sorted and counted as the dispatcher needs them, kept up at every change of a
 * loop. What it answers depends on the loops alone, not on the way they came to be what they are:
 * the newest start of a plan is remembered, and it is the newest `startedAt` of its loops.
 * Cost of a put: binary searches and one move each in its plan's queue and its repository's.
 */
export class PendingIndex {
  readonly #waiters = new Map<LoopId, Waiter>();
  readonly #lanes = new Map<string, MutableLane>();
  readonly #plans = new Map<string, MutableShare>();
  readonly #repos = new Map<string, MutableShare>();
  readonly #types = new Map<string, MutableShare>();
  readonly #completedAt = new Map<LoopId, Millis>();
  /** Who waits for a loop, complete or not. */
  readonly #dependents = new Map<LoopId, Set<LoopId>>();
  #running = 0;

  get running(): number {
    return this.#running;
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  runningOf(type: string): number {
    return this.#types.get(type)?.running ?? 0;
  }

  waiter(id: LoopId): Waiter | null {
    return this.#waiters.get(id) ?? null;
  }

  isComplete(id: LoopId): boolean {
    return this.#completedAt.has(id);
  }

  /** Every change of a loop comes here: what it was when it last came, null if never; what it is. */
  put(before: Queued | null, after: Queued): void {
    if (before?.status === "running") this.#count(before, -1);
    if (after.status === "running") this.#count(after, 1);
    assert(after.status !== "running" || after.startedAt !== null, `${after.id} never started`);
    if (after.startedAt !== null) this.#started(after, after.startedAt);
    if (before?.status === "pending") this.#withdraw(before);
    if (after.status === "pending") this.#enqueue(after);
    this.#complete(after.id, after.completedAt);
  }

  #count(loop: Queued, by: 1 | -1): void {
    this.#running += by;
    for (const share of this.#sharesOf(loop)) share.running += by;
  }

  /** A plan's first start takes its queues out of the fresh ones. */
  #started(loop: Queued, at: Millis): void {
    const [plan, repo, type] = this.#sharesOf(loop);
    if (plan.startedAt === never) {
      for (const lane of this.#lanes.values()) {
        const queue = lane.queues.get(plan);
        if (queue === undefined) continue;
        leaveFresh(queue);
        lane.started.set(plan, queue);
      }
    }
    for (const share of [plan, repo, type]) share.startedAt = Math.max(share.startedAt, at);
  }

  #sharesOf({ id, repo, type }: Queued): readonly [MutableShare, MutableShare, MutableShare] {
    const root = `${rootOf(id)} ${repo}`;
    return [of(this.#plans, root), of(this.#repos, repo), of(this.#types, type)];
  }

  #complete(id: LoopId, at: Millis | null): void {
    if (at === (this.#completedAt.get(id) ?? null)) return;
    if (at === null) this.#completedAt.delete(id);
    else this.#completedAt.set(id, at);
    for (const each of this.#dependents.get(id) ?? []) {
      const loop = this.#waiters.get(each)?.loop;
      if (loop === undefined) continue;
      this.#withdraw(loop);
      this.#enqueue(loop);
    }
  }

  #enqueue(loop: Queued): void {
    const { id, dependsOn, notBeforeAt } = loop;
    let readyAt = notBeforeAt;
    for (const dependency of dependsOn) {
      const dependents = this.#dependents.get(dependency);
      if (dependents === undefined) this.#dependents.set(dependency, new Set([id]));
      else dependents.add(id);
      const at = this.#completedAt.get(dependency) ?? Number.POSITIVE_INFINITY;
      readyAt = Math.max(readyAt, at);
    }
    const waiter = { loop, path: id.split(".").map(Number), readyAt };
    this.#waiters.set(id, waiter);
    if (readyAt === Number.POSITIVE_INFINITY) return;
    const queue = this.#queueFor(loop);
    leaveFresh(queue);
    queue.waiters.splice(placeOf(waiter, queue.waiters, byAge), 0, waiter);
    enterFresh(queue);
  }

  #withdraw({ id, dependsOn }: Queued): void {
    const waiter = this.#waiters.get(id);
    if (waiter === undefined) return;
    this.#waiters.delete(id);
    for (const dependency of dependsOn) {
      const dependents = this.#dependents.get(dependency);
      dependents?.delete(id);
      if (dependents?.size === 0) this.#dependents.delete(dependency);
    }
    if (waiter.readyAt === Number.POSITIVE_INFINITY) return;
    const queue = this.#queueFor(waiter.loop);
    const { lane, plan, waiters } = queue;
    leaveFresh(queue);
    waiters.splice(placeOf(waiter, waiters, byAge), 1);
    if (waiters.length > 0) {
      enterFresh(queue);
      return;
    }
    lane.queues.delete(plan);
    lane.started.delete(plan);
    if (lane.queues.size === 0) this.#lanes.delete(laneKey(lane));
  }

  #queueFor(loop: Queued): MutableQueue {
    const lane = this.#laneFor(loop);
    const [plan, repo] = this.#sharesOf(loop);
    const known = lane.queues.get(plan);
    if (known !== undefined) return known;
    const queue: MutableQueue = { lane, plan, repo, waiters: [] };
    lane.queues.set(plan, queue);
    if (plan.startedAt !== never) lane.started.set(plan, queue);
    return queue;
  }

  #laneFor(like: LaneKey): MutableLane {
    const key = laneKey(like);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const { type, priority, model, fallback } = like;
    const maps = { queues: new Map(), started: new Map(), fresh: new Map() };
    const lane: MutableLane = { type, priority, model, fallback, ...maps };
    this.#lanes.set(key, lane);
    return lane;
  }
}

/** Out of the fresh ones while the head may change; nothing for an empty queue or another plan. */
function leaveFresh(queue: MutableQueue): void {
  const { lane, plan, repo, waiters } = queue;
  if (plan.startedAt !== never || waiters.length === 0) return;
  const row = lane.fresh.get(repo) ?? [];
  row.splice(placeOf(queue, row, byHead), 1);
  if (row.length === 0) lane.fresh.delete(repo);
}

function enterFresh(queue: MutableQueue): void {
  const { lane, plan, repo } = queue;
  if (plan.startedAt !== never) return;
  const row = lane.fresh.get(repo);
  if (row === undefined) lane.fresh.set(repo, [queue]);
  else row.splice(placeOf(queue, row, byHead), 0, queue);
}

function byHead(a: Queue, b: Queue): number {
  return byAge(a.waiters[0] as Waiter, b.waiters[0] as Waiter);
}

function laneKey({ type, priority, model, fallback }: LaneKey): string {
  return JSON.stringify([type, priority, model, fallback]);
}

function rootOf(id: LoopId): string {
  const dot = id.indexOf(".");
  return dot < 0 ? id : id.slice(0, dot);
}

function of(shares: Map<string, MutableShare>, key: string): MutableShare {
  const known = shares.get(key);
  if (known !== undefined) return known;
  const share = { running: 0, startedAt: never };
  shares.set(key, share);
  return share;
}

/** Where it is among the sorted, or belongs. */
function placeOf<T>(item: T, among: readonly T[], order: (a: T, b: T) => number): number {
  let [low, high] = [0, among.length];
  const last = among.at(-1);
  if (last !== undefined && order(last, item) < 0) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(among[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
