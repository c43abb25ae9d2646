import { Buffer } from "node:buffer";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { type BackupHead, type OpenedBackup, openBackup } from "./backup.ts";
import { decodeLine } from "./codec.ts";
import { BackupInvalid, BackupRefused, codeOf, HomeUnusable } from "./errors.ts";
import { lockHome, privateDir, readyDirOf, storeDirOf, syncDir, timeForName } from "./home.ts";
import { diskFiles, type LogFile, type LogFiles } from "./log-file.ts";
import { verifyDir } from "./repair.ts";
import { listSnapshots, snapshotFile } from "./snapshot-file.ts";
import { listSegments, segmentFile } from "./walk.ts";

const segmentBytesMax = 64 * 1024 * 1024;
const newlineByte = 10;

export interface StoreRestored {
  readonly head: BackupHead;
  /** Where the store is that was there before; null when there was none. */
  readonly movedTo: string | null;
}

/**
 * Puts the log of a backup in the place of the home's, which must be empty or is, with `force`,
 * moved aside. Broken off at any point, the home has its old log or the new one, whole. Throws
 * BackupRefused, HomeBusy, HomeUnusable.
 */
export async function restoreStore(
  home: string,
  path: string,
  { force }: { readonly force: boolean },
  files: LogFiles = diskFiles,
): Promise<StoreRestored> {
  const backup = await openBackup(path);
  const lock = await lockHome(home);
  try {
    const dir = lock.storeDir;
    const isEmpty = (await listSegments(dir)).length + (await listSnapshots(dir)).length === 0;
    if (!isEmpty && !force) {
      throw new BackupRefused(`${home} has a log already: --force moves it aside`);
    }
    const building = `${storeDirOf(home)}.restoring`;
    const ready = readyDirOf(home);
    for (const leftover of [building, ready]) await rm(leftover, { recursive: true, force: true });
    await build(files, building, backup);
    await rename(building, ready);
    const movedTo = `${dir}.before-${timeForName()}`;
    await rename(dir, movedTo);
    // Broken off here, lockHome() does the rest.
    await rename(ready, dir);
    await syncDir(home);
    return { head: backup.head, movedTo: isEmpty ? null : movedTo };
  } catch (error) {
    throw codeOf(error) === null ? error : new HomeUnusable(home, error);
  } finally {
    await lock.release();
  }
}

async function build(files: LogFiles, dir: string, backup: OpenedBackup): Promise<void> {
  const { seq, snapshotSeq } = backup.head;
  await mkdir(dir, { mode: privateDir });
  await chmod(dir, privateDir);
  if (snapshotSeq !== null) {
    const file = await files.create(snapshotFile(dir, snapshotSeq));
    try {
      for await (const chunk of backup.snapshot()) await file.writeAside(chunk);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
  await writeSegments(files, dir, backup.log());
  await syncDir(dir);
  const { problems, tornBytes, keepableSeq } = await verifyDir(dir);
  if (problems.length > 0 || tornBytes > 0 || keepableSeq !== seq) {
    const what = problems[0]?.what ?? `it ends with event ${keepableSeq ?? 0}, not ${seq}`;
    throw new BackupInvalid(`the log in the backup is not whole: ${what}`);
  }
}

async function writeSegments(
  files: LogFiles,
  dir: string,
  chunks: AsyncGenerator<Buffer>,
): Promise<void> {
  let file: LogFile | null = null;
  let size = 0;
  let carry: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of chunks) {
      const bytes: Buffer = Buffer.concat([carry, chunk]);
      const whole = bytes.lastIndexOf(newlineByte) + 1;
      carry = bytes.subarray(whole);
      if (whole === 0) continue;
      if (size >= segmentBytesMax) {
        const full = file;
        file = null;
        await finish(full);
      }
      if (file === null) {
        file = await files.create(segmentFile(dir, firstSeq(bytes)));
        size = 0;
      }
      await file.writeAside(bytes.subarray(0, whole));
      size += whole;
    }
  } finally {
    await finish(file);
  }
}

async function finish(file: LogFile | null): Promise<void> {
  if (file === null) return;
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

function firstSeq(lines: Buffer): number {
  const decoded = decodeLine(lines.subarray(0, lines.indexOf(newlineByte)));
  if (!decoded.ok) throw new BackupInvalid(`the log in the backup is not whole: ${decoded.what}`);
  return decoded.transaction.seq;
}
