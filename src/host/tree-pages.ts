import type { ShellEntry, TrashView } from "../protocol/program.ts";
import { timeOf } from "../views/loop-view.ts";
import { find, readState } from "./reader.ts";
import { readingTrees } from "./reading-trees.ts";
import type { Surroundings } from "./surroundings.ts";

export async function listTrash(around: Surroundings, home: string): Promise<readonly TrashView[]> {
  const entries = await readingTrees(around, home).listTrash();
  return entries.map(({ id, loop, removedAt }) => ({ id, loop, removedAt: timeOf(removedAt) }));
}

/** Resolves to where the worktree is now. */
export async function restoreTrash(
  around: Surroundings,
  home: string,
  id: string,
): Promise<string> {
  const trees = readingTrees(around, home);
  const loop = await trees.restoreTrash(id);
  return (await trees.shellEntry(loop)).dir;
}

export function emptyTrash(around: Surroundings, home: string): Promise<number> {
  return readingTrees(around, home).emptyTrash(0);
}

export async function enter(around: Surroundings, home: string, id: string): Promise<ShellEntry> {
  const loop = find(await readState(home), id);
  return readingTrees(around, home).shellEntry(loop.id);
}
