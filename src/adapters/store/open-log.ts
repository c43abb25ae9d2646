import { readFile, rename, stat, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Restored } from "../../core/snapshot.ts";
import { skim } from "./codec.ts";
import { StoreCorrupt } from "./errors.ts";
import { findStart, type Start } from "./history.ts";
import { syncDir, timeForName } from "./home.ts";
import { type LogFile, type LogFiles, writeDurably } from "./log-file.ts";
import { type Finding, type Segment, walk } from "./walk.ts";

/** What a crash left half written at the end of the log, and where it is kept now. */
export interface TornTail {
  readonly file: string;
  readonly bytes: number;
}

export interface OpenedLog {
  readonly restored: Restored | null;
  /** The number of the next event. */
  readonly seq: number;
  readonly tornTail: TornTail | null;
  readonly damagedSnapshots: readonly string[];
  /** The newest segment; null when the next line begins one. */
  readonly file: LogFile | null;
  readonly fileBytes: number;
}

/** Checks the log from the newest snapshot on, and mends what a crash leaves behind. */
export async function openLog(dir: string, files: LogFiles): Promise<OpenedLog> {
  const start = await findStart(dir);
  const { restored, segments } = start;
  const { seq, torn } = await check(dir, segments, restored?.seq ?? 0);
  const tornTail = torn === null ? null : await setAside(dir, torn);
  const opened = { restored, seq, tornTail, damagedSnapshots: await setSnapshotsAside(start) };
  const newest = segments.at(-1);
  // A line after a snapshot, or after what was put away, begins a segment.
  const isOver = newest !== undefined && newest.seq < seq && restored?.seq === seq - 1;
  if (newest === undefined || isOver || dirname(newest.file) !== dir) {
    return { ...opened, file: null, fileBytes: 0 };
  }
  const file = await files.append(newest.file);
  try {
    // What a killed process wrote and did not sync is now replayed: it must not vanish later.
    await file.datasync();
    await syncDir(dir);
    return { ...opened, file, fileBytes: (await stat(newest.file)).size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Checked {
  /** The number of the next event. */
  readonly seq: number;
  readonly torn: Finding | null;
}

/** Throws StoreCorrupt when anything is wrong or missing, also of what a snapshot has the sum of. */
async function check(dir: string, segments: readonly Segment[], after: number): Promise<Checked> {
  const due = Math.min(segments[0]?.seq ?? after + 1, after + 1);
  const rest = await skipRegular(segments, due);
  let { seq } = rest;
  let torn: Finding | null = null;
  for await (const finding of walk(rest.segments, { due: seq, after: 0 })) {
    if (finding.kind === "damage") {
      throw new StoreCorrupt(finding.place, finding.what, finding.seqExpected);
    }
    if (finding.kind === "torn") torn = finding;
    else seq = finding.transaction.seq + finding.transaction.events.length;
  }
  if (seq > after) return { seq, torn };
  const file = segments.at(-1)?.file ?? dir;
  const place = torn?.place ?? { file, line: 1, offset: 0 };
  throw new StoreCorrupt(place, `the log ends before event ${after} that a snapshot holds`, seq);
}

/** Passes over the segments that need no closer look. */
async function skipRegular(
  segments: readonly Segment[],
  due: number,
): Promise<{ readonly seq: number; readonly segments: readonly Segment[] }> {
  let seq = due;
  for (const [index, segment] of segments.entries()) {
    const next = segment.seq === seq ? skim(await readFile(segment.file), seq) : null;
    if (next === null) return { seq, segments: segments.slice(index) };
    seq = next;
  }
  return { seq, segments: [] };
}

async function setAside(dir: string, { place, bytes }: Finding): Promise<TornTail> {
  const file = join(dir, `torn-${timeForName()}-${basename(place.file)}-${place.offset}.bin`);
  await writeDurably(file, bytes);
  await truncate(place.file, place.offset);
  return { file, bytes: bytes.length };
}

async function setSnapshotsAside({ damaged }: Start): Promise<readonly string[]> {
  const moved: string[] = [];
  for (const { file } of damaged) {
    const aside = join(dirname(file), `damaged-${timeForName()}-${basename(file)}`);
    await rename(file, aside);
    moved.push(aside);
  }
  return moved;
}
