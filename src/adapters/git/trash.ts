import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LoopId, Millis } from "../../core/loop.ts";
import { NotInTrash, WorktreeError } from "../../ports.ts";
import { absent, removeTree } from "./files.ts";

/** A removed worktree that can still be brought back. */
export interface TrashEntry {
  readonly id: string;
  readonly loop: LoopId;
  readonly removedAt: Millis;
  /** Only the files of a worktree that had to be made anew; it cannot go back by itself. */
  readonly isFilesOnly: boolean;
}

export interface TrashPlaces {
  readonly trash: string;
  readonly worktrees: string;
}

/** Moves a loop's directory to the trash, under a name that tells whose and when. */
export async function trashLoop(places: TrashPlaces, loop: LoopId, now: Millis): Promise<void> {
  const from = join(places.worktrees, loop);
  if ((await stat(from).catch(absent)) === null) return;
  await mkdir(places.trash, { recursive: true, mode: 0o700 });
  await rename(from, join(places.trash, `${loop}-${now}`));
}

export async function listTrash({ trash }: TrashPlaces): Promise<TrashEntry[]> {
  const names = (await readdir(trash).catch(absent)) ?? [];
  const entries: TrashEntry[] = [];
  for (const id of names.sort()) {
    const match = /^(.+?)-(\d+)(-unsaved)?$/.exec(id);
    if (match === null) continue;
    const [, loop, time, unsaved] = match;
    entries.push({
      id,
      loop: loop as LoopId,
      removedAt: Number(time),
      isFilesOnly: unsaved !== undefined,
    });
  }
  return entries;
}

/** Puts a worktree back. Rejects with WorktreeError when its place is taken. */
export async function restoreTrash(places: TrashPlaces, id: string): Promise<LoopId> {
  const entry = (await listTrash(places)).find((each) => each.id === id);
  if (entry === undefined) {
    throw new NotInTrash(`there is no ${id} in the trash: td trash list shows what is`);
  }
  const dir = join(places.trash, id);
  if (entry.isFilesOnly) {
    throw new WorktreeError(`${id} holds files only. Copy what you need out of ${dir}.`);
  }
  const target = join(places.worktrees, entry.loop);
  if ((await stat(target).catch(absent)) !== null) {
    throw new WorktreeError(
      `Loop ${entry.loop} has a worktree already; ${id} stays in the trash. td shell ${entry.loop} opens it.`,
    );
  }
  await rename(dir, target);
  return entry.loop;
}

/** Deletes for good what was removed before `olderThan`; resolves to how many. */
export async function emptyTrash(places: TrashPlaces, olderThan: Millis): Promise<number> {
  const old = (await listTrash(places)).filter(({ removedAt }) => removedAt <= olderThan);
  for (const { id } of old) await removeTree(join(places.trash, id));
  return old.length;
}
