import {
  type Dispatch,
  type DispatchLimits,
  dispatch,
  type Hold,
  type OfRepository,
  opensAt,
} from "../core/dispatch.ts";
import { type Loop, type LoopId, type Millis, priorities } from "../core/loop.ts";
import { type MergeLane, MergeLanes } from "../core/merge-lanes.ts";
import { PendingIndex } from "../core/pending.ts";
import { type Line, lineOf } from "../core/waiting.ts";
import type { Clock, Random } from "../ports.ts";
import type { StateManager } from "./state-manager.ts";

export interface Limits {
  readonly runningMax: number;
  readonly perType: Readonly<Record<string, number>>;
  /** What a repository's own configuration allows; null when it says nothing. */
  readonly inRepo?: (repo: string) => OfRepository | null;
  /** After so long in the queue every second start is that of who waited longest. */
  readonly agingMs: Millis;
  /** A model parked for longer is replaced by its fallback, or waited for in the queue. */
  readonly retryAfterMaxMs: Millis;
  /** Something is looked at again after this at the latest, though nothing was heard. */
  readonly pollMs: Millis;
  /** Which loops this process cares for. */
  readonly wants: (loop: Loop) => boolean;
}

interface Outside {
  readonly states: StateManager;
  readonly clock: Clock;
  readonly random: Random;
  readonly drain: AbortSignal;
  /** Why nothing new may start; null when it may. */
  readonly hold: () => Hold | null;
}

/** What one leaves behind is given back by the time the next is looked for. */
const parkEveryMs = 15_000;

const draining: Hold = { on: "draining", reason: "the daemon is stopping" };

/** Says which loops start now, and why the others wait; follows the durable state. */
export class Scheduler {
  readonly limits: Limits;
  readonly #outside: Outside;
  readonly #index: PendingIndex;
  readonly #lanes: MergeLanes;
  /** Loops whose attempt has not ended here, whatever became of them meanwhile. */
  readonly #attended = new Set<LoopId>();
  readonly #leave: () => void;
  /** Told to go, and not gone yet. */
  readonly #parked = new Set<LoopId>();
  #parkedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(outside: Outside, limits: Limits) {
    const { states } = outside;
    this.#outside = outside;
    this.limits = limits;
    this.#index = new PendingIndex(states.state, limits.wants);
    this.#lanes = new MergeLanes(states.state, limits.wants);
    this.#leave = states.subscribe(({ events }) => {
      for (const id of new Set(events.map((event) => event.loop))) if (id !== null) this.#see(id);
    });
  }

  /** What starts now; each of them must come to its end(). */
  decide(): Dispatch {
    const { clock, random } = this.#outside;
    const now = clock.now();
    const { start, wakeAt } = dispatch(this.#index, now, this.#dispatchLimits());
    for (const id of start) this.#attended.add(id);
    const merges = this.#merges(now);
    const all = { start: [...merges.start, ...start], wakeAt: sooner(wakeAt, merges.wakeAt) };
    if (this.#index.lanes.size === 0) return all;
    const { pollMs } = this.limits;
    const pollAt = now + Math.ceil(pollMs * (0.5 + random.next() / 2));
    return { start: all.start, wakeAt: Math.min(all.wakeAt ?? pollAt, pollAt) };
  }

  /**
   * Who is to be parked just now, where what is held up is too much even for those that run: the
   * least urgent, of those the newest, one in `parkEveryMs`, and never the last.
   */
  parks(): LoopId | null {
    if (this.hold?.parks !== true) return null;
    const now = this.#outside.clock.now();
    const { loops } = this.#outside.states.state;
    const staying = this.runningIds.filter((id) => !this.#parked.has(id));
    const running = staying.flatMap((id) => loops.get(id) ?? []);
    if (running.length <= 1 || now < this.#parkedAt + parkEveryMs) return null;
    this.#parkedAt = now;
    const { id } = running.reduce((a, b) => (isParkedBefore(b, a) ? b : a));
    this.#parked.add(id);
    return id;
  }

  /** Its attempt is over, or was refused: its slot is free. */
  end(id: LoopId): void {
    this.#attended.delete(id);
    this.#parked.delete(id);
    this.#lanes.end(id);
    this.#see(id);
  }

  get running(): number {
    return this.#index.running;
  }

  /** Longest at it first. */
  get runningIds(): readonly LoopId[] {
    return this.#index.runningIds;
  }

  get pending(): number {
    return this.#index.pending;
  }

  get hold(): Hold | null {
    return this.#outside.drain.aborted ? draining : this.#outside.hold();
  }

  runningOf(type: string): number {
    return this.#index.runningOf(type);
  }

  /** Since when limits alone hold up the one who waits longest; null while they hold up nobody. */
  eldestReadyAt(): Millis | null {
    const now = this.#outside.clock.now();
    const limits = this.#dispatchLimits();
    const eldest = [...this.#index.lanes]
      .filter(([lane]) => opensAt(lane, now, limits) <= now)
      .flatMap(([, waiters]) => waiters.at(-1)?.since ?? [])
      .reduce((least, since) => Math.min(least, since), Number.POSITIVE_INFINITY);
    return eldest <= now ? eldest : null;
  }

  /** The first `max` of those that wait, in the order in which they start. */
  line(max: number): Line {
    return lineOf(this.#index, this.#outside.clock.now(), this.#dispatchLimits(), max);
  }

  /** The merge queues in which somebody stands. */
  lanes(): readonly MergeLane[] {
    return this.#lanes.lanes(this.#outside.clock.now(), this.limits.agingMs);
  }

  close(): void {
    this.#leave();
  }

  #merges(now: Millis): Dispatch {
    if (this.#outside.drain.aborted) return { start: [], wakeAt: null };
    const merges = this.#lanes.turns(now, this.limits.agingMs, (id) => this.#attended.has(id));
    for (const id of merges.start) this.#attended.add(id);
    return merges;
  }

  #see(id: LoopId): void {
    this.#lanes.see(id);
    // Its attempt is none of the index's; when it is over the index looks again.
    if (this.#lanes.holds(id)) return;
    this.#index.see(id, { keepSeat: this.#attended.has(id) });
  }

  #dispatchLimits(): DispatchLimits {
    const { runningMax: loops, perType, inRepo, agingMs, retryAfterMaxMs } = this.limits;
    const { parked } = this.#outside.states.state;
    const own = inRepo === undefined ? {} : { inRepo };
    return { loops, perType, ...own, agingMs, retryAfterMaxMs, parked, hold: this.hold };
  }
}

function sooner(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function isParkedBefore(a: Loop, b: Loop): boolean {
  const [ours, theirs] = [priorities.indexOf(a.priority), priorities.indexOf(b.priority)];
  return ours === theirs ? (a.startedAt ?? 0) > (b.startedAt ?? 0) : ours > theirs;
}
