import { statfs } from "node:fs/promises";
import type { Millis } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { diskUsage } from "./files.ts";
import type { HomePlaces } from "./places.ts";

const measuredForMs = 60_000;

export interface DiskLimits {
  /** Of everything below the home that belongs to worktrees; null: no limit. */
  readonly quotaBytes: number | null;
  /** What must stay free on the disk of the home. */
  readonly freeBytesMin: number;
}

/** Says no before a worktree is made for which there is no room. */
export class DiskGuard {
  readonly #limits: DiskLimits;
  readonly #now: () => Millis;
  #measured: { readonly at: Millis; readonly bytes: Promise<number> } | null = null;

  constructor(limits: DiskLimits, now: () => Millis) {
    this.#limits = limits;
    this.#now = now;
  }

  async admit(places: HomePlaces): Promise<void> {
    const { bavail, bsize } = await statfs(places.home);
    const { quotaBytes, freeBytesMin } = this.#limits;
    if (bavail * bsize < freeBytesMin) {
      throw new WorktreeError(
        `Only ${inMegabytes(bavail * bsize)} are free below ${places.home}. ` +
          "Free some: td trash empty.",
      );
    }
    if (quotaBytes === null) return;
    const used = await this.#used(places);
    if (used <= quotaBytes) return;
    throw new WorktreeError(
      `Worktrees take ${inMegabytes(used)}, the quota is ${inMegabytes(quotaBytes)}. ` +
        "Run td trash empty, or raise worktree.disk-quota.",
    );
  }

  #used({ shadows, worktrees, fresh, trash }: HomePlaces): Promise<number> {
    const at = this.#now();
    if (this.#measured === null || at - this.#measured.at > measuredForMs) {
      this.#measured = { at, bytes: diskUsage([shadows, worktrees, fresh, trash]) };
    }
    return this.#measured.bytes;
  }
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
