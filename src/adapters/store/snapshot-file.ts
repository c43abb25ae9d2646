import { Buffer } from "node:buffer";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pid } from "node:process";
import { crc32 } from "node:zlib";
import type { Loop } from "../../core/loop.ts";
import {
  headOf,
  isOurs,
  LoopPacker,
  type PackedLoop,
  type Restored,
  Restoring,
  type SnapshotHead,
} from "../../core/snapshot.ts";
import type { State } from "../../core/state.ts";
import { checkedLength, trailerOf } from "./codec.ts";
import { codeOf } from "./errors.ts";
import type { LogFiles } from "./log-file.ts";

/*
 * `snapshot-<seq>.json` is one JSON document that ends with its checksum as a line of the log does.
 * Its head is the first line and each loop one more, so that it is written and read in pieces:
 *   {"v":1,"seq":…,…,"loops":[
 *   {…},
 *   {…}
 *   ],"crc":"…"}
 */

/** Older ones are removed once a new one is durable. */
const snapshotsKept = 3;
/** Text made between two turns of the event loop. */
const sliceCharsMax = 16 * 1024;
/** Bytes written between two syncs: the log's own syncs must not wait long behind ours. */
const syncBytesMax = 1024 * 1024;
const headEnd = ',"loops":[\n';
const loopsEnd = "\n]";

export interface SnapshotFile {
  readonly file: string;
  readonly seq: number;
}

/** A state as it was at one moment; what is written later cannot change it. */
export interface Captured {
  readonly head: SnapshotHead;
  readonly loops: readonly Loop[];
}

/** Loops are immutable: the list of them is a copy of the state. */
export function capture(state: State, seq: number): Captured {
  return { head: headOf(state, seq), loops: [...state.loops.values()] };
}

const snapshotPattern = /^snapshot-(\d{16})\.json$/;
const unfinishedPattern = /^snapshot-\d{16}\.json\.new-\d+$/;
/** A file that nobody wrote to for so long is no snapshot that somebody writes just now. */
const unfinishedMsMax = 3_600_000;

export function snapshotFile(dir: string, seq: number): string {
  return join(dir, `snapshot-${String(seq).padStart(16, "0")}.json`);
}

/** The newest first. */
export async function listSnapshots(dir: string): Promise<readonly SnapshotFile[]> {
  const found: SnapshotFile[] = [];
  for (const name of await namesIn(dir)) {
    const seq = snapshotPattern.exec(name)?.[1];
    if (seq !== undefined) found.push({ file: join(dir, name), seq: Number(seq) });
  }
  return found.sort((a, b) => b.seq - a.seq);
}

/**
 * Writes it in slices beside whatever else runs; it is there whole and durable, or not at all.
 * Then removes what is older than the newest few.
 */
export async function writeSnapshot(
  files: LogFiles,
  dir: string,
  captured: Captured,
): Promise<SnapshotFile> {
  const { seq } = captured.head;
  const file = snapshotFile(dir, seq);
  // Not only the writer of the log makes snapshots.
  const fresh = `${file}.new-${pid}`;
  await files.remove(fresh);
  await writeSlices(files, fresh, captured);
  await files.rename(fresh, file);
  await prune(files, dir, seq);
  return { file, seq };
}

async function writeSlices(files: LogFiles, path: string, captured: Captured): Promise<void> {
  const file = await files.create(path);
  try {
    let crc = 0;
    let unsynced = 0;
    for (const text of slicesOf(captured)) {
      const bytes = Buffer.from(text);
      crc = crc32(bytes, crc);
      await file.writeAside(bytes);
      unsynced += bytes.length;
      if (unsynced >= syncBytesMax) {
        await file.datasync();
        unsynced = 0;
      }
    }
    await file.writeAside(Buffer.from(`${trailerOf(crc)}\n`));
    await file.datasync();
  } finally {
    await file.close();
  }
}

function* slicesOf({ head, loops }: Captured): Generator<string> {
  const packer = new LoopPacker();
  let slice = `${JSON.stringify(head).slice(0, -1)}${headEnd}`;
  for (const [index, loop] of loops.entries()) {
    slice += `${index === 0 ? "" : ",\n"}${JSON.stringify(packer.pack(loop))}`;
    if (slice.length < sliceCharsMax) continue;
    yield slice;
    slice = "";
  }
  yield `${slice}${loopsEnd}`;
}

async function prune(files: LogFiles, dir: string, newest: number): Promise<void> {
  const old = (await listSnapshots(dir)).filter(({ seq }) => seq <= newest).slice(snapshotsKept);
  for (const { file } of old) await files.remove(file);
  for (const name of await namesIn(dir)) {
    if (!unfinishedPattern.test(name)) continue;
    const file = join(dir, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > unfinishedMsMax) await files.remove(file);
  }
}

export type ReadSnapshot =
  | { readonly kind: "whole"; readonly restored: Restored }
  /** Written by a program that makes another state of the same events. */
  | { readonly kind: "foreign" }
  | { readonly kind: "damaged"; readonly what: string };

export async function readSnapshot({ file, seq }: SnapshotFile): Promise<ReadSnapshot> {
  const bytes = await readFile(file);
  const content = bytes.subarray(0, bytes.at(-1) === newlineByte ? -1 : undefined);
  const length = checkedLength(content);
  if (length === null) return { kind: "damaged", what: "the checksum does not fit" };
  const head = headIn(content);
  if (head === null || head.seq !== seq) {
    return { kind: "damaged", what: "the checksum fits, but it is not this snapshot" };
  }
  if (!isOurs(head)) return { kind: "foreign" };
  const restoring = new Restoring(head);
  for (const loop of loopsIn(content.subarray(0, length))) restoring.add(loop);
  return { kind: "whole", restored: restoring.done() };
}

const newlineByte = 10;

/** The checksum held: what stands here is what some version of us wrote. */
function headIn(content: Buffer): SnapshotHead | null {
  const line = content.toString("utf8", 0, content.indexOf(newlineByte) + 1);
  if (!line.endsWith(headEnd)) return null;
  return JSON.parse(`${line.slice(0, -headEnd.length)}}`) as SnapshotHead;
}

function* loopsIn(content: Buffer): Generator<PackedLoop> {
  let start = content.indexOf(newlineByte) + 1;
  for (;;) {
    const newline = content.indexOf(newlineByte, start);
    if (newline === -1) return;
    const end = content[newline - 1] === commaByte ? newline - 1 : newline;
    if (end > start) yield JSON.parse(content.toString("utf8", start, end)) as PackedLoop;
    start = newline + 1;
  }
}

const commaByte = 44;

async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
}
