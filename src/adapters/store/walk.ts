import type { Buffer } from "node:buffer";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Transaction } from "../../core/events.ts";
import { formatVersion } from "../../core/migrate.ts";
import { beginsWithWholeLine, type Decoded, decodeLine, seqOf } from "./codec.ts";
import { codeOf, type Place, StoreTooNew } from "./errors.ts";

/** What the walk meets, in the order of the log. `bytes` are the line with its newline. */
export type Finding =
  | {
      readonly kind: "transaction";
      readonly place: Place;
      readonly bytes: Buffer;
      readonly transaction: Transaction;
    }
  /** The last line of the log is not whole: a write that a crash cut short. */
  | { readonly kind: "torn"; readonly place: Place; readonly bytes: Buffer }
  | {
      readonly kind: "damage";
      readonly place: Place;
      readonly bytes: Buffer;
      readonly what: string;
      /** Null where an earlier problem leaves it unknown. */
      readonly seqExpected: number | null;
      /** A whole line in the wrong place. */
      readonly transaction: Transaction | null;
    };

export interface Segment {
  readonly file: string;
  readonly seq: number;
}

const segmentPattern = /^events-(\d{16})\.jsonl$/;

export function segmentFile(dir: string, seq: number): string {
  return join(dir, `events-${String(seq).padStart(16, "0")}.jsonl`);
}

/** In the order of the log; none when there is no log yet. */
export async function listSegments(dir: string): Promise<readonly Segment[]> {
  const names = await readdir(dir).catch((error: unknown): string[] => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  const segments: Segment[] = [];
  for (const name of names) {
    const seq = segmentPattern.exec(name)?.[1];
    if (seq !== undefined) segments.push({ file: join(dir, name), seq: Number(seq) });
  }
  return segments.sort((a, b) => a.seq - b.seq);
}

export function archiveDir(dir: string): string {
  return join(dir, "archive");
}

/** Also what compaction put away, in the order of the log. */
export async function listAllSegments(dir: string): Promise<readonly Segment[]> {
  // In this order, a segment that is being put away is seen at least once.
  const kept = await listSegments(dir);
  const archived = await listSegments(archiveDir(dir));
  const bySeq = new Map([...kept, ...archived].map((segment) => [segment.seq, segment]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** What a walk begins with. */
export interface WalkFrom {
  /** The number of the first event that must be there. */
  readonly due: number;
  /** Lines with a number up to this one are passed over unseen: a snapshot has their sum. */
  readonly after: number;
}

/** The log after event `after`: 0 for all of it. */
export function onlyAfter(after: number): WalkFrom {
  return { due: after + 1, after };
}

/**
 * Reads the log and says of every line what it is. Reads only; holds one segment in memory.
 * Throws StoreTooNew where a newer program wrote.
 */
export async function* walk(
  segments: readonly Segment[],
  from: WalkFrom = onlyAfter(0),
): AsyncGenerator<Finding> {
  let expected: number | null = from.due;
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const bytes = await readFile(segment.file);
    if (segment.seq > from.after) {
      if (expected !== null && segment.seq !== expected) {
        const nothing = { ...firstLine(segment.file), bytes: bytes.subarray(0, 0) };
        yield damage(nothing, missing(expected, segment.seq), expected);
      }
      expected = segment.seq;
    }
    for (const line of linesOf(segment.file, bytes)) {
      const finding: Finding | null = judge(line, expected, from, isLast && line.isLast);
      if (finding === null) continue;
      yield finding;
      expected = nextSeq(finding);
    }
  }
}

/** Those that may hold events after `after`; the last one always. */
export function segmentsAfter(segments: readonly Segment[], after: number): readonly Segment[] {
  return segments.filter((_, index) => (segments[index + 1]?.seq ?? after + 2) > after + 1);
}

interface Line {
  readonly place: Place;
  readonly bytes: Buffer;
  readonly isWhole: boolean;
  readonly isLast: boolean;
}

function* linesOf(file: string, bytes: Buffer): Generator<Line> {
  let offset = 0;
  for (let line = 1; offset < bytes.length; line += 1) {
    const newline = bytes.indexOf(newlineByte, offset);
    const end = newline === -1 ? bytes.length : newline + 1;
    yield {
      place: { file, line, offset },
      bytes: bytes.subarray(offset, end),
      isWhole: newline !== -1,
      isLast: end === bytes.length,
    };
    offset = end;
  }
}

const newlineByte = 10;

function firstLine(file: string): { readonly place: Place } {
  return { place: { file, line: 1, offset: 0 } };
}

/** Null for a line that is passed over. */
function judge(
  line: Line,
  expected: number | null,
  { after }: WalkFrom,
  mayBeTorn: boolean,
): Finding | null {
  const { place, bytes } = line;
  if (after > 0 && (seqOf(bytes) ?? Number.POSITIVE_INFINITY) <= after) return null;
  const decoded = line.isWhole ? decodeLine(bytes.subarray(0, -1)) : noEnd;
  if (decoded.ok) {
    const { transaction } = decoded;
    if (transaction.seq <= after) return null;
    if (expected === null || transaction.seq === expected) {
      return { kind: "transaction", place, bytes, transaction };
    }
    return { ...damage(line, missing(expected, transaction.seq), expected), transaction };
  }
  if (decoded.version !== null) throw new StoreTooNew(place, decoded.version, formatVersion);
  if (beginsWithWholeLine(bytes)) return damage(line, "the end of the line is damaged", expected);
  return mayBeTorn ? { kind: "torn", place, bytes } : damage(line, decoded.what, expected);
}

const noEnd: Decoded = { ok: false, what: "the line has no end", version: null };

function damage(line: Pick<Line, "place" | "bytes">, what: string, seqExpected: number | null) {
  const { place, bytes } = line;
  return { kind: "damage", place, bytes, what, seqExpected, transaction: null } as const;
}

function nextSeq(finding: Finding): number | null {
  if (finding.kind === "torn" || finding.transaction === null) return null;
  return finding.transaction.seq + finding.transaction.events.length;
}

function missing(expected: number, found: number): string {
  return found > expected
    ? `events ${expected} to ${found - 1} are missing before event ${found}`
    : `event ${found} stands there once more`;
}
