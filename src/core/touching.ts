import { rootIdOf } from "./ledger.ts";
import type { Loop, LoopId } from "./loop.ts";
import type { State } from "./state.ts";
import { clash, holdsFiles, touchyChain } from "./touches.ts";

/**
 * Who waits because work that overlaps with theirs is running, or not merged yet. Each start is compared with the
 * pending of its own plan alone, each end frees those that it held.
 */
export class Touching {
  readonly #state: Pick<State, "loops">;
  readonly #running = new Set<LoopId>();
  /** Pending, by the root of their plan. */
  readonly #pending = new Map<LoopId, Set<LoopId>>();
  /** By the running loop that was met first. */
  readonly #held = new Map<LoopId, Set<LoopId>>();

  constructor(state: Pick<State, "loops">) {
    this.#state = state;
  }

  enlist(id: LoopId): void {
    const loop = this.#touchy(id);
    if (loop !== null) added(this.#pending, rootIdOf(loop), id);
  }

  withdraw(id: LoopId): void {
    const loop = this.#touchy(id);
    if (loop === null) return;
    const root = rootIdOf(loop);
    const pending = this.#pending.get(root);
    pending?.delete(id);
    if (pending?.size === 0) this.#pending.delete(root);
  }

  isHeld(loop: Loop): boolean {
    if (this.#running.size === 0 || this.#touchy(loop.id) === null) return false;
    const { loops } = this.#state;
    for (const id of this.#running) {
      const other = loops.get(id);
      if (other === undefined || !clash(loops, loop, other)) continue;
      added(this.#held, id, loop.id);
      return true;
    }
    return false;
  }

  /** It runs from now on: those that have to be looked at again. */
  sit(id: LoopId): readonly LoopId[] {
    const loop = this.#touchy(id);
    if (loop === null) return [];
    this.#running.add(id);
    const { loops } = this.#state;
    return [...(this.#pending.get(rootIdOf(loop)) ?? [])].filter((other) => {
      const waiting = loops.get(other);
      return waiting !== undefined && clash(loops, waiting, loop);
    });
  }

  /** It runs no longer: those that have to be looked at again. */
  stand(id: LoopId): readonly LoopId[] {
    this.#running.delete(id);
    const held = [...(this.#held.get(id) ?? [])];
    this.#held.delete(id);
    return held;
  }

  /** In a merge queue, or not any more: whoever overlaps begins when it is merged. */
  queue(loop: Loop): readonly LoopId[] {
    return loop.merge !== null && holdsFiles(loop) ? this.sit(loop.id) : this.stand(loop.id);
  }

  #touchy(id: LoopId): Loop | null {
    const loop = this.#state.loops.get(id);
    if (loop === undefined || loop.parent === null) return null;
    return touchyChain(this.#state.loops, loop).length === 0 ? null : loop;
  }
}

function added(sets: Map<LoopId, Set<LoopId>>, key: LoopId, id: LoopId): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([id]));
  else known.add(id);
}
