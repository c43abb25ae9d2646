import { levelOf } from "./aging.ts";
import { byId, type Loop, type LoopId, type Millis } from "./loop.ts";
import { isDelivery, isMerging } from "./merge.ts";
import type { State } from "./state.ts";

/** Merges under way at once, over all repositories: each runs a validation command. */
const mergingMax = 8;

/** The merge queue of one branch. */
export interface MergeLane {
  readonly repo: string;
  readonly target: string;
  readonly merging: LoopId | null;
  /** In the order in which they come; without those that wait for a time. */
  readonly waiting: readonly LoopId[];
}

export interface MergeTurns {
  /** Loops that get an attempt, and what is delivered without one. */
  readonly start: readonly LoopId[];
  readonly wakeAt: Millis | null;
}

/**
 * Who stands in which merge queue, kept up by see() at every change of a loop. A queue goes on one
 * by one: who came first, but that a higher priority counts as having come earlier, `agingMs` for
 * each level.
 */
export class MergeLanes {
  readonly #state: State;
  readonly #wants: (loop: Loop) => boolean;
  /** By repository and target; of each who stands there. */
  readonly #lanes = new Map<string, Set<LoopId>>();
  readonly #laneOf = new Map<LoopId, string>();
  /** Whose attempt or delivery is under way here. */
  readonly #begun = new Map<LoopId, string>();

  constructor(state: State, wants: (loop: Loop) => boolean) {
    this.#state = state;
    this.#wants = wants;
    for (const id of state.loops.keys()) this.see(id);
  }

  see(id: LoopId): void {
    const loop = this.#state.loops.get(id);
    if (loop === undefined) return;
    const stands = this.#wants(loop) && (isMerging(loop) || mayBeDelivered(loop));
    const key = stands ? keyOf(loop) : null;
    const before = this.#laneOf.get(id);
    if (before !== undefined && before !== key) this.#leave(id, before);
    if (key === null || before === key) return;
    this.#laneOf.set(id, key);
    const lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, new Set([id]));
    else lane.add(id);
  }

  /** Whose turn it is now; each of them must come to its end(). */
  turns(now: Millis, agingMs: Millis, isBusy: (id: LoopId) => boolean): MergeTurns {
    const start: LoopId[] = [];
    let wakeAt: Millis | null = null;
    const busy = new Set(this.#begun.values());
    for (const [key, ids] of this.#lanes) {
      if (busy.has(key) || this.#begun.size >= mergingMax) continue;
      const line = this.#lineOf(ids, now, agingMs);
      const next = line.find((loop) => readyAt(loop) <= now && !isBusy(loop.id));
      if (next !== undefined) {
        this.#begun.set(next.id, key);
        start.push(next.id);
        continue;
      }
      for (const loop of line) {
        const at = readyAt(loop);
        if (at > now) wakeAt = Math.min(wakeAt ?? at, at);
      }
    }
    return { start, wakeAt };
  }

  /** Its attempt or delivery is over. */
  end(id: LoopId): void {
    this.#begun.delete(id);
  }

  holds(id: LoopId): boolean {
    return this.#begun.has(id);
  }

  /** All queues in which somebody stands. */
  lanes(now: Millis, agingMs: Millis): readonly MergeLane[] {
    return [...this.#lanes.values()].flatMap((ids): MergeLane[] => {
      const line = this.#lineOf(ids, now, agingMs);
      const merging = [...ids].find((id) => this.#begun.has(id)) ?? null;
      const first = line[0] ?? (merging === null ? undefined : this.#state.loops.get(merging));
      if (first === undefined || first.merge === null) return [];
      const { repo, merge } = first;
      const waiting = line.map(({ id }) => id);
      return [{ repo, target: merge.target, merging, waiting }];
    });
  }

  /** Those that wait, in their order. */
  #lineOf(ids: ReadonlySet<LoopId>, now: Millis, agingMs: Millis): Loop[] {
    const waiting = [...ids].flatMap((id) => {
      const loop = this.#state.loops.get(id);
      const waits = loop !== undefined && !this.#begun.has(id) && this.#isDue(loop);
      return waits ? [loop] : [];
    });
    const levels = new Map(
      waiting.map(({ id, priority, merge, verdict }) => [
        id,
        // Who was laid in a batch is on the branch already, and only has to find itself there.
        verdict?.judgedAt !== undefined
          ? -Number.MAX_VALUE
          : levelOf(priority, merge?.since ?? now, now, agingMs),
      ]),
    );
    const level = ({ id }: Loop) => levels.get(id) ?? 0;
    const since = ({ merge }: Loop) => merge?.since ?? 0;
    return waiting.sort((a, b) => level(a) - level(b) || since(a) - since(b) || byId(a, b));
  }

  #isDue(loop: Loop): boolean {
    return loop.status === "pending" || isDelivery(this.#state, loop);
  }

  #leave(id: LoopId, key: string): void {
    this.#laneOf.delete(id);
    const lane = this.#lanes.get(key);
    lane?.delete(id);
    if (lane?.size === 0) this.#lanes.delete(key);
  }
}

/** Whether it is to be depends on its children too: asked when its turn comes. */
function mayBeDelivered({ status, merge }: Loop): boolean {
  return merge !== null && (status === "complete" || status === "delegated");
}

/** What has no attempt waits for no time. */
function readyAt({ status, notBeforeAt }: Loop): Millis {
  return status === "pending" ? notBeforeAt : 0;
}

function keyOf({ repo, merge }: Loop): string {
  return JSON.stringify([repo, merge?.target, merge?.as]);
}
