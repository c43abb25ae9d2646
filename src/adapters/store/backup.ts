import { Buffer } from "node:buffer";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { crc32 } from "node:zlib";
import { trailerOf } from "./codec.ts";
import {
  BackupInvalid,
  BackupRefused,
  codeOf,
  HomeUnusable,
  StoreCorrupt,
  said,
} from "./errors.ts";
import { again, findStart } from "./history.ts";
import { storeDirOf } from "./home.ts";
import { diskFiles, type LogFile, type LogFiles } from "./log-file.ts";
import { snapshotFile } from "./snapshot-file.ts";
import { listAllSegments, type Segment, segmentsAfter, walk } from "./walk.ts";

/*
 * A backup is one file of lines: a head, the bytes of the newest snapshot (if any), the lines of the
 * log as they are, and an end with the checksum of all before it, as a line of the log ends.
 */

const backupVersion = 1;
const chunkBytes = 1024 * 1024;
const headBytesMax = 4096;
const end = '{"end":true';
/** The end with its checksum and newline. */
const endBytes = end.length + trailerOf(0).length + 1;

export interface BackupHead {
  readonly taskdaemon: "backup";
  readonly v: number;
  readonly at: number;
  /** The last event; all before it, as far as the home had them, are in the snapshot or the log. */
  readonly seq: number;
  readonly snapshotSeq: number | null;
  readonly snapshotBytes: number;
  readonly logBytes: number;
}

/** Bytes of a file, from its start. */
interface Part {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Writes the log up to a durable event to a new file, also while a daemon writes on. Transcripts,
 * worktrees and shadow repositories are not in it. Throws BackupRefused, StoreCorrupt, StoreTooNew.
 */
export async function backupStore(
  home: string,
  path: string,
  files: LogFiles = diskFiles,
): Promise<BackupHead> {
  if (await isThere(path)) throw new BackupRefused(`${path} exists already: name a new file`);
  const fresh = `${path}.new`;
  try {
    return await again(async () => {
      const { head, parts } = await gather(storeDirOf(home), files);
      await files.remove(fresh);
      await writeBackup(files, fresh, head, parts);
      await files.rename(fresh, path);
      return head;
    });
  } catch (error) {
    throw unwritten(error, path, fresh);
  }
}

/** What is wrong with the place that was named is not wrong with the home. */
function unwritten(error: unknown, path: string, fresh: string): unknown {
  if (codeOf(error) === null) return error;
  const isNamed = error instanceof Error && "path" in error && error.path === fresh;
  if (!isNamed || !namedWrong.has(codeOf(error) ?? "")) return new HomeUnusable(path, error);
  return new BackupRefused(`${path} cannot be written: ${said(error)}. Name a file elsewhere`);
}

const namedWrong = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "ENAMETOOLONG"]);

/** What goes into it. The log was read up to here before it is synced: all of it is durable then. */
async function gather(
  dir: string,
  files: LogFiles,
): Promise<{ readonly head: BackupHead; readonly parts: readonly Part[] }> {
  const { restored } = await findStart(dir);
  const all = await listAllSegments(dir);
  const log =
    (await measure(all, all[0]?.seq ?? 1)) ??
    (restored === null ? null : await measureAfter(all, restored.seq));
  if (log === null) {
    const place = { file: dir, line: 1, offset: 0 };
    throw new StoreCorrupt(place, "no part of it can be copied whole", null);
  }
  const newest = log.parts.at(-1);
  if (newest !== undefined) await files.sync(newest.file);
  const seq = Math.max(log.next - 1, restored?.seq ?? 0);
  if (seq === 0) throw new BackupRefused("the log is empty: there is nothing to keep");
  const parts = [...log.parts];
  let snapshotBytes = 0;
  if (restored !== null) {
    const file = snapshotFile(dir, restored.seq);
    snapshotBytes = (await stat(file)).size;
    parts.unshift({ file, bytes: snapshotBytes });
  }
  const logBytes = log.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const snapshotSeq = restored?.seq ?? null;
  const sizes = { seq, snapshotSeq, snapshotBytes, logBytes };
  return { head: { taskdaemon: "backup", v: backupVersion, at: Date.now(), ...sizes }, parts };
}

interface Measured {
  readonly parts: readonly Part[];
  /** The number of the next event. */
  readonly next: number;
}

/** The whole lines of the segments; null where something is wrong or missing. */
async function measure(segments: readonly Segment[], due: number): Promise<Measured | null> {
  const bytes = new Map<string, number>();
  let next = due;
  for await (const finding of walk(segments, { due, after: 0 })) {
    if (finding.kind === "damage") return null;
    if (finding.kind === "torn") break;
    bytes.set(finding.place.file, finding.place.offset + finding.bytes.length);
    next = finding.transaction.seq + finding.transaction.events.length;
  }
  return { parts: [...bytes].map(([file, size]) => ({ file, bytes: size })), next };
}

async function measureAfter(all: readonly Segment[], after: number): Promise<Measured | null> {
  const segments = segmentsAfter(all, after);
  return measure(segments, Math.min(segments[0]?.seq ?? after + 1, after + 1));
}

async function writeBackup(
  files: LogFiles,
  path: string,
  head: BackupHead,
  parts: readonly Part[],
): Promise<void> {
  const file = await files.create(path);
  try {
    let crc = await put(file, Buffer.from(`${JSON.stringify(head)}\n`), 0);
    for (const part of parts) {
      for await (const chunk of chunksOf(part.file, 0, part.bytes)) {
        crc = await put(file, chunk, crc);
      }
    }
    crc = await put(file, Buffer.from(end), crc);
    await put(file, Buffer.from(`${trailerOf(crc)}\n`), crc);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function put(file: LogFile, bytes: Buffer, crc: number): Promise<number> {
  await file.writeAside(bytes);
  return crc32(bytes, crc);
}

export interface OpenedBackup {
  readonly head: BackupHead;
  /** The bytes of a part, in chunks that are used at once. */
  snapshot(): AsyncGenerator<Buffer>;
  log(): AsyncGenerator<Buffer>;
}

/** Reads all of it once and throws BackupRefused unless it is as it was written. */
export async function openBackup(path: string): Promise<OpenedBackup> {
  const found = await stat(path).catch((cause: unknown) => {
    throw codeOf(cause) === "ENOENT"
      ? new BackupInvalid(`there is no file ${path}: name one that td store backup wrote`)
      : cause;
  });
  const { size } = found;
  if (found.isDirectory()) throw new BackupInvalid(`${path} is a directory: name a file in it`);
  const { head, headBytes } = await readHead(path, size);
  const snapshotEnd = headBytes + head.snapshotBytes;
  const logEnd = snapshotEnd + head.logBytes;
  let crc = 0;
  for await (const chunk of chunksOf(path, 0, size - endBytes)) crc = crc32(chunk, crc);
  const last = Buffer.from(`${end}${trailerOf(crc32(Buffer.from(end), crc))}\n`);
  if (logEnd + endBytes !== size || !last.equals(await tailOf(path, size))) {
    throw damagedBackup(path);
  }
  return {
    head,
    snapshot: () => chunksOf(path, headBytes, snapshotEnd),
    log: () => chunksOf(path, snapshotEnd, logEnd),
  };
}

async function readHead(
  path: string,
  size: number,
): Promise<{ readonly head: BackupHead; readonly headBytes: number }> {
  if (size <= endBytes) throw damagedBackup(path);
  const chunks = chunksOf(path, 0, Math.min(size, headBytesMax));
  const { value } = await chunks.next();
  await chunks.return(undefined);
  const text = String(value ?? "");
  const line = text.slice(0, text.indexOf("\n"));
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch {
    throw damagedBackup(path);
  }
  if (!isHead(head)) throw damagedBackup(path);
  if (head.v > backupVersion) {
    throw new BackupInvalid(
      `${basename(path)} was written by a newer TaskDaemon: install that one`,
    );
  }
  return { head, headBytes: Buffer.byteLength(line) + 1 };
}

/** Our own head; the checksum of the whole file is still to come. */
function isHead(value: unknown): value is BackupHead {
  return typeof value === "object" && value !== null && "taskdaemon" in value && "v" in value;
}

function damagedBackup(path: string): BackupInvalid {
  const what = "is no whole backup of TaskDaemon (damaged, cut off, or another kind of file)";
  return new BackupInvalid(`${path} ${what}: name one that td store backup wrote`);
}

async function tailOf(path: string, size: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunksOf(path, size - endBytes, size)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** Each chunk is valid until the next is asked for. */
async function* chunksOf(path: string, start: number, until: number): AsyncGenerator<Buffer> {
  const file: FileHandle = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(chunkBytes);
    for (let at = start; at < until; ) {
      const { bytesRead } = await file.read(bytes, 0, Math.min(chunkBytes, until - at), at);
      if (bytesRead === 0)
        throw new BackupRefused(`${path} became shorter while it was read: copy it again`);
      yield bytes.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    },
  );
}
