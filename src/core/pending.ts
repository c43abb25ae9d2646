import type { Loop, LoopId, Millis, Priority } from "./loop.ts";
import type { State } from "./state.ts";
import { Touching } from "./touching.ts";

/** What holds a loop up besides its own time: its repository or type is full, its models parked. */
export interface Lane {
  readonly repo: string;
  readonly type: string;
  readonly model: string;
  readonly fallback: string | null;
}

/** What a plan or a repository has of the slots. */
export interface Share {
  readonly running: number;
  /** When it was last given one; `never` before the first. */
  readonly startedAt: Millis;
  /** Decides between equals: the older plan, the first repository by name. */
  readonly order: number | string;
}

export interface Waiter {
  readonly id: LoopId;
  readonly lane: Lane;
  readonly group: Group;
  readonly rank: number;
  /** Since when only limits hold it up; infinite while a dependency, or work that overlaps, holds it. */
  readonly since: Millis;
  /** The id in numbers: 7.2 is [7, 2]. */
  readonly path: readonly number[];
}

/** A plan with all below it, or the loops of a repository that belong to no plan. */
export interface Group extends Share {
  readonly repo: Repo;
  /** By rank and lane, the eldest last: whoever starts is taken from the end. */
  readonly queues: readonly ReadonlyMap<Lane, readonly Waiter[]>[];
}

export interface Repo extends Share {
  /** By rank, those in which somebody waits; who is due next first. */
  readonly groups: readonly (readonly Group[])[];
}

/** Before any moment, and still a number to compare. */
const never: Millis = -1;
const ranks: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 };
export const rankMax = 3;

/** Who has waited longest, then by id, number by number: 2 before 10, 7 before 7.1. */
export function byAge(a: Waiter, b: Waiter): number {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return byId(a, b);
}

export function byId(a: Waiter, b: Waiter): number {
  const at = a.path.findIndex((part, index) => part !== b.path[index]);
  return at < 0 ? a.path.length - b.path.length : (a.path[at] ?? 0) - (b.path[at] ?? -1);
}

function byYouth(a: Waiter, b: Waiter): number {
  return byAge(b, a);
}

/** Who has fewer running, then who was last given a slot longest ago. */
export function byShare(a: Share, b: Share): number {
  if (a.running !== b.running) return a.running - b.running;
  if (a.startedAt !== b.startedAt) return a.startedAt - b.startedAt;
  return a.order === b.order ? 0 : a.order < b.order ? -1 : 1;
}

interface MutableGroup extends Group {
  running: number;
  startedAt: Millis;
  readonly repo: MutableRepo;
  readonly queues: readonly Map<Lane, Waiter[]>[];
}

interface MutableRepo extends Repo {
  running: number;
  startedAt: Millis;
  readonly plans: Map<string, MutableGroup>;
  readonly groups: readonly MutableGroup[][];
}

interface MutableWaiter extends Waiter {
  readonly group: MutableGroup;
}

interface Seat {
  readonly group: MutableGroup;
  readonly repo: string;
  readonly type: string;
}

/**
 * The pending and running loops that somebody `wants`, sorted as the dispatcher needs them, kept up
 * by see() at every change of a loop. What it holds depends on the loops alone, not on the way they
 * came to be what they are. A change costs binary searches and moves in two sorted lists.
 */
export class PendingIndex {
  readonly #state: Pick<State, "loops" | "starts">;
  readonly #wants: (loop: Loop) => boolean;
  readonly #pending = new Map<LoopId, MutableWaiter>();
  readonly #seats = new Map<LoopId, Seat>();
  /** Started here, and not yet in the state. */
  readonly #begun = new Set<LoopId>();
  #criticalBegun = 0;
  /** Running, by type and repository, and by type with none. */
  readonly #types = new Map<string, number>();
  readonly #repos = new Map<string, MutableRepo>();
  readonly #lanes = new Map<string, Lane>();
  readonly #byAge = new Map<Lane, Waiter[]>();
  readonly #dependents = new Map<LoopId, Set<LoopId>>();
  readonly #touching: Touching;

  constructor(state: Pick<State, "loops" | "starts">, wants: (loop: Loop) => boolean) {
    this.#state = state;
    this.#wants = wants;
    this.#touching = new Touching(state);
    for (const id of state.loops.keys()) this.see(id);
  }

  get running(): number {
    return this.#seats.size;
  }

  get runningIds(): readonly LoopId[] {
    return [...this.#seats.keys()];
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Attempts ever started, those that begin just now among them, critical ones not. */
  get starts(): number {
    return this.#state.starts + this.#begun.size - this.#criticalBegun;
  }

  /** By lane all that only limits or time hold up, the eldest last. */
  get lanes(): ReadonlyMap<Lane, readonly Waiter[]> {
    return this.#byAge;
  }

  get repos(): Iterable<Repo> {
    return this.#repos.values();
  }

  get waiters(): Iterable<Waiter> {
    return this.#pending.values();
  }

  /** In one repository, or in all. */
  runningOf(type: string, repo = ""): number {
    return this.#types.get(`${type}\n${repo}`) ?? 0;
  }

  runningIn(repo: string): number {
    return this.#repos.get(repo)?.running ?? 0;
  }

  waiter(id: LoopId): Waiter | null {
    return this.#pending.get(id) ?? null;
  }

  isRunning(id: LoopId): boolean {
    return this.#seats.has(id);
  }

  /** Every change of a loop comes here. With `keepSeat` what runs goes on to count as running. */
  see(id: LoopId, { keepSeat = false }: { readonly keepSeat?: boolean } = {}): void {
    const loop = this.#state.loops.get(id);
    if (loop === undefined) return;
    const seat = this.#seats.get(id);
    if (seat !== undefined && loop.status === "running" && loop.merge === null) {
      this.#settle(loop);
      this.#noteStart(seat.group, loop.startedAt ?? never);
      return;
    }
    if (this.#wants(loop) && (seat === undefined || !keepSeat)) this.#place(loop);
    this.#placeAgain([...(this.#dependents.get(id) ?? [])]);
  }

  /** It is about to start: it counts as running from now on. */
  begin({ id, lane, group }: Waiter, now: Millis): void {
    const waiter = this.#pending.get(id);
    if (waiter === undefined) return;
    this.#withdraw(waiter);
    this.#begun.add(id);
    if (waiter.rank === 0) this.#criticalBegun += 1;
    const { repo, type } = lane;
    this.#sit(id, { group: waiter.group, repo, type }, Math.max(group.startedAt, now));
  }

  /** Makes a begin() undone: the newest first, before anything else changes. */
  takeBack(waiter: Waiter, group: Millis, repo: Millis): void {
    const seat = this.#seats.get(waiter.id);
    if (seat === undefined) return;
    this.#settle(waiter);
    this.#stand(waiter.id, seat);
    this.#reorder(seat.group, () => {
      seat.group.startedAt = group;
      seat.group.repo.startedAt = repo;
    });
    this.#enlist({ ...waiter, group: seat.group });
  }

  #place(loop: Loop): void {
    const { id, status, repo, type, startedAt } = loop;
    this.#settle(loop);
    const waiter = this.#pending.get(id);
    if (waiter !== undefined) this.#withdraw(waiter);
    const seat = this.#seats.get(id);
    if (seat !== undefined) this.#stand(id, seat);
    // Who waits to be merged, or is merged, takes none of the slots: core/merge-lanes.ts.
    this.#placeAgain(this.#touching.queue(loop));
    const isApart = loop.merge !== null;
    if (status === "running" && !isApart) {
      this.#sit(id, { group: this.#groupOf(loop), repo, type }, startedAt ?? never);
    } else if (startedAt !== null) {
      this.#noteStart(this.#groupOf(loop), startedAt);
    }
    if (status === "pending" && !isApart) this.#enlist(this.#waiterOf(loop));
  }

  /** What began is in the state by now, or never will be. */
  #settle({ id }: Pick<Loop, "id">): void {
    const hadBegun = this.#begun.delete(id);
    if (hadBegun && this.#state.loops.get(id)?.priority === "critical") this.#criticalBegun -= 1;
  }

  #placeAgain(ids: readonly LoopId[]): void {
    for (const each of ids) {
      const waiter = this.#pending.get(each);
      const loop = this.#state.loops.get(each);
      if (waiter === undefined || loop === undefined) continue;
      this.#withdraw(waiter);
      this.#enlist(this.#waiterOf(loop));
    }
  }

  #sit(id: LoopId, seat: Seat, at: Millis): void {
    const { group } = seat;
    this.#seats.set(id, seat);
    this.#count(seat, 1);
    this.#reorder(group, () => {
      group.running += 1;
      group.repo.running += 1;
    });
    this.#noteStart(group, at);
    this.#placeAgain(this.#touching.sit(id));
  }

  #stand(id: LoopId, seat: Seat): void {
    const { group } = seat;
    this.#seats.delete(id);
    this.#count(seat, -1);
    this.#reorder(group, () => {
      group.running -= 1;
      group.repo.running -= 1;
    });
    this.#placeAgain(this.#touching.stand(id));
  }

  #count({ type, repo }: Seat, more: number): void {
    for (const where of ["", repo]) {
      this.#types.set(`${type}\n${where}`, this.runningOf(type, where) + more);
    }
  }

  #noteStart(group: MutableGroup, at: Millis): void {
    const { repo } = group;
    repo.startedAt = Math.max(repo.startedAt, at);
    if (at <= group.startedAt) return;
    this.#reorder(group, () => {
      group.startedAt = at;
    });
  }

  /** Its place among the groups of its repository follows its share. */
  #reorder(group: MutableGroup, change: () => void): void {
    const rows = group.repo.groups.filter((_, rank) => (group.queues[rank]?.size ?? 0) > 0);
    for (const row of rows) row.splice(placeOf(group, row, byShare), 1);
    change();
    for (const row of rows) row.splice(placeOf(group, row, byShare), 0, group);
  }

  #waiterOf(loop: Loop): MutableWaiter {
    const { id, repo, type, priority, settings, escalated, dependsOn } = loop;
    const { model, escalation, fallback } = settings;
    const own = escalated ? (escalation ?? model) : model;
    const lane = this.#laneOf({ repo, type, model: own, fallback });
    let since = loop.notBeforeAt;
    for (const dependency of dependsOn) {
      const other = this.#state.loops.get(dependency);
      const at = other?.status === "complete" ? other.updatedAt : Number.POSITIVE_INFINITY;
      since = Math.max(since, at);
    }
    if (this.#touching.isHeld(loop)) since = Number.POSITIVE_INFINITY;
    const path = id.split(".").map(Number);
    return { id, lane, group: this.#groupOf(loop), rank: ranks[priority], since, path };
  }

  #enlist(waiter: MutableWaiter): void {
    const { id, lane, group, rank, since } = waiter;
    this.#pending.set(id, waiter);
    this.#touching.enlist(id);
    for (const dependency of this.#state.loops.get(id)?.dependsOn ?? []) {
      const others = this.#dependents.get(dependency);
      if (others === undefined) this.#dependents.set(dependency, new Set([id]));
      else others.add(id);
    }
    if (since === Number.POSITIVE_INFINITY) return;
    insert(waiter, listIn(this.#byAge, lane), byYouth);
    const queues = group.queues[rank] as Map<Lane, Waiter[]>;
    if (queues.size === 0) insert(group, group.repo.groups[rank] as MutableGroup[], byShare);
    insert(waiter, listIn(queues, lane), byYouth);
  }

  #withdraw(waiter: MutableWaiter): void {
    const { id, lane, group, rank, since } = waiter;
    this.#pending.delete(id);
    this.#touching.withdraw(id);
    for (const dependency of this.#state.loops.get(id)?.dependsOn ?? []) {
      const others = this.#dependents.get(dependency);
      others?.delete(id);
      if (others?.size === 0) this.#dependents.delete(dependency);
    }
    if (since === Number.POSITIVE_INFINITY) return;
    removeFrom(this.#byAge, lane, waiter);
    const queues = group.queues[rank] as Map<Lane, Waiter[]>;
    removeFrom(queues, lane, waiter);
    if (queues.size > 0) return;
    const row = group.repo.groups[rank] as MutableGroup[];
    row.splice(placeOf(group, row, byShare), 1);
  }

  #laneOf({ repo, type, model, fallback }: Lane): Lane {
    const key = JSON.stringify([repo, type, model, fallback]);
    const lane = this.#lanes.get(key) ?? { repo, type, model, fallback };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** A loop without a parent that begets nothing is its repository's; so is a plan's own work. */
  #groupOf({ id, parent, repo: name }: Loop): MutableGroup {
    const repo = this.#repos.get(name) ?? { ...newShare(name), plans: new Map(), groups: rows() };
    this.#repos.set(name, repo);
    const root = parent === null ? "" : (id.split(".", 1)[0] ?? "");
    const known = repo.plans.get(root);
    if (known !== undefined) return known;
    const queues = Array.from({ length: rankMax + 1 }, () => new Map<Lane, Waiter[]>());
    const group: MutableGroup = { ...newShare(Number(root)), repo, queues };
    repo.plans.set(root, group);
    return group;
  }
}

function newShare<Order extends number | string>(order: Order) {
  return { running: 0, startedAt: never, order };
}

function rows(): MutableGroup[][] {
  return Array.from({ length: rankMax + 1 }, () => []);
}

function listIn(lists: Map<Lane, Waiter[]>, lane: Lane): Waiter[] {
  const known = lists.get(lane);
  if (known !== undefined) return known;
  const list: Waiter[] = [];
  lists.set(lane, list);
  return list;
}

function removeFrom(lists: Map<Lane, Waiter[]>, lane: Lane, waiter: Waiter): void {
  const list = listIn(lists, lane);
  list.splice(placeOf(waiter, list, byYouth), 1);
  if (list.length === 0) lists.delete(lane);
}

function insert<T>(item: T, among: T[], order: (a: T, b: T) => number): void {
  among.splice(placeOf(item, among, order), 0, item);
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
