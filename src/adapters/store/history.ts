import type { Transaction } from "../../core/events.ts";
import type { Restored } from "../../core/snapshot.ts";
import { apply, emptyState, type State } from "../../core/state.ts";
import { codeOf, NoSuchEvent, StoreCorrupt } from "./errors.ts";
import { storeDirOf } from "./home.ts";
import { listSnapshots, readSnapshot, type SnapshotFile } from "./snapshot-file.ts";
import {
  listAllSegments,
  listSegments,
  onlyAfter,
  type Segment,
  segmentsAfter,
  walk,
} from "./walk.ts";

/** How often a reader begins anew because compaction moved a file away under it. */
const readsMax = 5;

/** Where replay may begin. */
export interface Start {
  /** The newest whole snapshot; null when there is none, or none that the question allows. */
  readonly restored: Restored | null;
  /** The log after it, and maybe some of what is in it. */
  readonly segments: readonly Segment[];
  /** Snapshots that were not as they were written. */
  readonly damaged: readonly (SnapshotFile & { readonly what: string })[];
}

/** Reads only. `seqMax`: the last event that may be in the snapshot. */
export async function findStart(dir: string, seqMax = Number.POSITIVE_INFINITY): Promise<Start> {
  const damaged: (SnapshotFile & { readonly what: string })[] = [];
  for (const snapshot of await listSnapshots(dir)) {
    if (snapshot.seq > seqMax) continue;
    const read = await readSnapshot(snapshot);
    if (read.kind === "damaged") damaged.push({ ...snapshot, what: read.what });
    if (read.kind !== "whole") continue;
    const segments = segmentsAfter(await listAllSegments(dir), snapshot.seq);
    return { restored: read.restored, segments, damaged };
  }
  return { restored: null, segments: await listAllSegments(dir), damaged };
}

/** The state as the log has it, read without its lock: a line just being written is left out. */
export function readState(home: string): Promise<Restored> {
  return again(async () => {
    const { restored, segments } = await findStart(storeDirOf(home));
    return replayed(restored, segments, Number.POSITIVE_INFINITY);
  });
}

/**
 * The state once event `seq` had happened, with all that was decided together with it. Also reads
 * what compaction put away. Throws NoSuchEvent when the log does not reach so far.
 */
export function stateAt(home: string, seq: number): Promise<State> {
  return again(async () => {
    const { restored, segments } = await findStart(storeDirOf(home), seq);
    const reached = await replayed(restored, segments, seq);
    if (reached.seq < seq) throw new NoSuchEvent(seq, reached.seq);
    return reached.state;
  });
}

async function replayed(
  restored: Restored | null,
  segments: readonly Segment[],
  seqMax: number,
): Promise<Restored> {
  const state = restored?.state ?? emptyState();
  let seq = restored?.seq ?? 0;
  for await (const transaction of wholeLines(segments, seq)) {
    if (transaction.seq > seqMax) break;
    for (const event of transaction.events) apply(state, event, transaction.at);
    seq = transaction.seq + transaction.events.length - 1;
  }
  return { state, seq };
}

/** What a reader finds of the log after `after`. Throws StoreCorrupt or StoreTooNew. */
export async function* wholeLines(
  segments: readonly Segment[],
  after: number,
): AsyncGenerator<Transaction> {
  for await (const finding of walk(segments, onlyAfter(after))) {
    if (finding.kind === "torn") return;
    if (finding.kind === "damage") {
      throw new StoreCorrupt(finding.place, finding.what, finding.seqExpected);
    }
    yield finding.transaction;
  }
}

export interface KeptEvents {
  /** The first event that compaction left where it was; 1 when it put nothing away. */
  readonly firstSeq: number;
  readonly transactions: readonly Transaction[];
}

/**
 * The transactions with event `from` or a later one, as far as they are kept: all, or the first
 * that hold `eventsMax` events or more.
 */
export function readEvents(
  home: string,
  from: number,
  eventsMax = Number.POSITIVE_INFINITY,
): Promise<KeptEvents> {
  return again(async () => {
    const kept = await listSegments(storeDirOf(home));
    const firstSeq = kept[0]?.seq ?? 1 + (await newestSeq(home));
    const after = Math.max(firstSeq, from) - 1;
    // A transaction may begin before `from`, at the latest where its segment begins.
    const segments = segmentsAfter(kept, after);
    const start = Math.min(segments[0]?.seq ?? firstSeq, after + 1) - 1;
    const transactions: Transaction[] = [];
    let events = 0;
    for await (const transaction of wholeLines(segments, start)) {
      const end = transaction.seq + transaction.events.length;
      if (end <= from) continue;
      transactions.push(transaction);
      events += end - Math.max(from, transaction.seq);
      if (events >= eventsMax) break;
    }
    return { firstSeq, transactions };
  });
}

/** Something of each transaction that is there yet, also of what compaction put away. */
export function pickFromAll<Picked>(
  home: string,
  pick: (transaction: Transaction) => readonly Picked[],
): Promise<{ readonly firstSeq: number; readonly picked: readonly Picked[] }> {
  return again(async () => {
    const segments = await listAllSegments(storeDirOf(home));
    const firstSeq = segments[0]?.seq ?? 1 + (await newestSeq(home));
    const picked: Picked[] = [];
    for await (const transaction of wholeLines(segments, firstSeq - 1)) {
      picked.push(...pick(transaction));
    }
    return { firstSeq, picked };
  });
}

async function newestSeq(home: string): Promise<number> {
  return (await listSnapshots(storeDirOf(home)))[0]?.seq ?? 0;
}

/** Reads once more when a file was moved away between being listed and being read. */
export async function again<T>(read: () => Promise<T>): Promise<T> {
  for (let reads = 1; ; reads += 1) {
    try {
      return await read();
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || reads === readsMax) throw error;
    }
  }
}
