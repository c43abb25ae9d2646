import { performance } from "node:perf_hooks";
import { ProcessTable, proportionalBytes, readPageBytes } from "./tree.ts";

export interface TreeLimits {
  readonly memoryBytesMax: number;
  readonly processesMax: number;
}

export type TreeBreach = "memory" | "processes";

const intervalMs = 100;
/** However long a look takes: what is to be held must not have ten times that to grow. */
const intervalMsMax = 1_000;
/** Looking at the processes may take this share of one core at most. */
const shareMax = 0.1;

interface Watched {
  readonly limits: TreeLimits;
  readonly breached: (breach: TreeBreach) => void;
}

/**
 * Measures what process trees use, all with one look at /proc, for limits that the kernel does
 * not hold: RLIMIT_AS kills programs that only reserve memory, RLIMIT_NPROC counts per user.
 */
export class TreeWatch {
  readonly #watched = new Map<number, Watched>();
  #pageBytes: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `breached` is called once at most. The returned function ends the watch. */
  watch(root: number, limits: TreeLimits, breached: (breach: TreeBreach) => void): () => void {
    this.#watched.set(root, { limits, breached });
    if (this.#timer === null) this.#plan(intervalMs);
    return () => {
      this.#watched.delete(root);
      if (this.#watched.size > 0 || this.#timer === null) return;
      clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  #plan(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const startedAt = performance.now();
      this.#look();
      const tookMs = performance.now() - startedAt;
      if (this.#watched.size === 0) this.#timer = null;
      else this.#plan(Math.min(Math.max(intervalMs, tookMs / shareMax), intervalMsMax));
    }, delayMs);
    this.#timer.unref();
  }

  #look(): void {
    const table = new ProcessTable();
    this.#pageBytes ??= readPageBytes();
    for (const [root, { limits, breached }] of this.#watched) {
      const { pids, rssPages } = table.tree(root);
      const breach = this.#breach(pids, rssPages * this.#pageBytes, limits);
      if (breach === null) continue;
      this.#watched.delete(root);
      breached(breach);
    }
  }

  #breach(pids: readonly number[], rssBytes: number, limits: TreeLimits): TreeBreach | null {
    if (pids.length > limits.processesMax) return "processes";
    if (rssBytes <= limits.memoryBytesMax) return null;
    // The sum counts shared pages (a database's buffers) once per process: look closer.
    const bytes = proportionalBytes(pids) ?? rssBytes;
    return bytes > limits.memoryBytesMax ? "memory" : null;
  }
}
