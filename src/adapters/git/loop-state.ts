import { readFile } from "node:fs/promises";
import type { CommitId } from "../../core/loop.ts";
import { absent } from "./files.ts";
import { pathsOfLoop } from "./loop-tree.ts";
import type { Placement } from "./placement.ts";
import { writeWhole } from "./shadow.ts";

/** What the daemon remembers of a worktree between its lives; beside it, out of reach of agents. */
export interface LoopState {
  readonly repo: string;
  readonly base: CommitId;
  readonly placement: Placement;
  /** Of the set-up that was last run there; null: none. */
  readonly setUpKey: string | null;
}

/** Null when the worktree was never finished: nobody has worked in it yet. */
export async function readLoopState(dir: string): Promise<LoopState | null> {
  const text = await readFile(pathsOfLoop(dir).state, "utf8").catch(absent);
  return text === null || text === "" ? null : (JSON.parse(text) as LoopState);
}

export async function writeLoopState(dir: string, state: LoopState): Promise<void> {
  await writeWhole(pathsOfLoop(dir).state, `${JSON.stringify(state)}\n`);
}
