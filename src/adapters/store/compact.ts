import { chmod, mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { again, findStart, readState } from "./history.ts";
import { privateDir, storeDirOf, syncDir } from "./home.ts";
import { diskFiles, type LogFiles } from "./log-file.ts";
import {
  capture,
  listSnapshots,
  readSnapshot,
  type SnapshotFile,
  snapshotFile,
  writeSnapshot,
} from "./snapshot-file.ts";
import { archiveDir, listSegments } from "./walk.ts";

const dayMs = 86_400_000;

export interface Compaction {
  /** The last event of the newest snapshot; null when the log is empty. */
  readonly snapshotSeq: number | null;
  /** Segments that were put away now, and archived ones that were removed for good. */
  readonly archived: readonly string[];
  readonly removed: readonly string[];
  /** The first event that is still where it was; null when there is none. */
  readonly firstSeq: number | null;
}

/**
 * Keeps a snapshot of the whole log, also beside a running writer: what it holds is made durable
 * first. Null when the log is empty.
 */
export async function snapshotStore(
  home: string,
  files: LogFiles = diskFiles,
): Promise<SnapshotFile | null> {
  const dir = storeDirOf(home);
  const { state, seq } = await readState(home);
  if (seq === 0) return null;
  const newest = await again(async () => {
    const { restored, segments } = await findStart(dir);
    for (const { file } of segments) await files.sync(file);
    return restored?.seq ?? 0;
  });
  if (newest === seq) return { file: snapshotFile(dir, seq), seq };
  return writeSnapshot(files, dir, capture(state, seq));
}

/**
 * Keeps a snapshot, then puts away the segments that lie wholly before the newest but one: should
 * the newest be damaged, the next still has its log. With `archivedDaysMax`, archived segments that
 * have not changed for longer are removed for good. Works beside a running writer.
 */
export async function compactStore(
  home: string,
  { archivedDaysMax }: { readonly archivedDaysMax: number | null },
  files: LogFiles = diskFiles,
): Promise<Compaction> {
  const dir = storeDirOf(home);
  const snapshot = await snapshotStore(home, files);
  const archived = await again(() => putAway(files, dir));
  const removed = archivedDaysMax === null ? [] : await removeOld(files, dir, archivedDaysMax);
  const first = (await listSegments(dir))[0];
  const firstSeq = first?.seq ?? null;
  return { snapshotSeq: snapshot?.seq ?? null, archived, removed, firstSeq };
}

/** The oldest first, so that what stays has no gap wherever it is broken off. */
async function putAway(files: LogFiles, dir: string): Promise<readonly string[]> {
  const before = await newestButOne(dir);
  const segments = await listSegments(dir);
  const over = segments.filter((_, index) => {
    const next = segments[index + 1];
    return before !== null && next !== undefined && next.seq <= before.seq + 1;
  });
  if (over.length === 0) return [];
  const archive = archiveDir(dir);
  await mkdir(archive, { recursive: true, mode: privateDir });
  await chmod(archive, privateDir);
  await syncDir(dir);
  for (const { file } of over) await files.rename(file, join(archive, basename(file)));
  return over.map(({ file }) => join(archive, basename(file)));
}

async function newestButOne(dir: string): Promise<SnapshotFile | null> {
  let whole = 0;
  for (const snapshot of await listSnapshots(dir)) {
    if ((await readSnapshot(snapshot)).kind !== "whole") continue;
    whole += 1;
    if (whole === 2) return snapshot;
  }
  return null;
}

async function removeOld(
  files: LogFiles,
  dir: string,
  daysMax: number,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { file } of await listSegments(archiveDir(dir))) {
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs <= daysMax * dayMs) break;
    await files.remove(file);
    removed.push(file);
  }
  return removed;
}
