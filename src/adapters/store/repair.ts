import { Buffer } from "node:buffer";
import { open, rename, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { codeOf, HomeUnusable, type Place } from "./errors.ts";
import { again } from "./history.ts";
import { lockHome, storeDirOf, syncDir, timeForName } from "./home.ts";
import { writeDurably } from "./log-file.ts";
import { listSnapshots, readSnapshot, type SnapshotFile } from "./snapshot-file.ts";
import { archiveDir, type Finding, listSegments, type Segment, segmentFile, walk } from "./walk.ts";

interface Problem extends Place {
  readonly what: string;
}

/**
 * What is in the log. `repairStore` would keep everything up to `keepableSeq`. A log that begins
 * later than at event 1 is whole when a snapshot, or what was put away, has what came before.
 */
export interface StoreReport {
  readonly segments: number;
  /** Segments that compaction put away. */
  readonly archived: number;
  /** The last event that the newest whole snapshot holds; null when there is none. */
  readonly snapshotSeq: number | null;
  /** Whole transactions, wherever they stand. */
  readonly transactions: number;
  readonly events: number;
  /** Of the first and last event; null in an empty log. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** The last event that is reached without a gap, maybe from a snapshot; null when none is. */
  readonly keepableSeq: number | null;
  /** A last line that is not whole: left by a crash, or just being written. Open mends it. */
  readonly tornBytes: number;
  readonly problems: readonly Problem[];
}

export interface RepairReport {
  readonly before: StoreReport;
  readonly after: StoreReport;
  /** What was taken out of each segment, byte for byte. */
  readonly quarantined: readonly Quarantined[];
  /** Sentences for the person who asked. */
  readonly explanation: readonly string[];
}

interface Quarantined {
  readonly file: string;
  readonly from: string;
  readonly bytes: number;
  /** Whole ones: readable in the quarantine, but events before them are missing. */
  readonly transactions: number;
}

/** Reads only, and needs no lock: another process may hold the home. Throws StoreTooNew. */
export async function verifyStore(home: string): Promise<StoreReport> {
  return verifyDir(storeDirOf(home));
}

export async function verifyDir(dir: string): Promise<StoreReport> {
  return (await again(() => survey(dir))).report;
}

/**
 * Keeps every line that continues the log without a gap, and moves all others to
 * `store/quarantine-…`; nothing is renumbered and nothing thrown away. A crash half-way leaves a
 * log that is still refused: run it again. Throws HomeBusy, HomeUnusable or StoreTooNew.
 */
export async function repairStore(home: string): Promise<RepairReport> {
  const lock = await lockHome(home);
  try {
    const dir = lock.storeDir;
    const { report: before, plans, damaged } = await survey(dir);
    if (isWhole(before))
      return { before, after: before, quarantined: [], explanation: wholeLog(before) };
    const time = timeForName();
    const mends: Mend[] = [];
    for (const plan of plans.filter(isDamaged)) mends.push(await prepare(dir, plan, time));
    await replace(dir, mends);
    for (const { file } of damaged) {
      await rename(file, join(dir, `damaged-${time}-${basename(file)}`));
    }
    const quarantined = mends.flatMap((mend) => mend.quarantined ?? []);
    const aside = (await survey(dir)).isCutOff ? await setArchiveAside(dir, time) : [];
    const { report: after } = await survey(dir);
    const explanation = [...explain(before, after, quarantined), ...aside];
    return { before, after, quarantined, explanation };
  } catch (error) {
    throw codeOf(error) === null ? error : new HomeUnusable(lock.storeDir, error);
  } finally {
    await lock.release();
  }
}

/** What repair would do with one segment: which bytes stay, which go. */
interface Plan {
  readonly segment: Segment;
  readonly kept: Range[];
  readonly dropped: Range[];
  seqFirst: number | null;
  transactionsDropped: number;
}

interface Range {
  readonly start: number;
  end: number;
}

interface Survey {
  readonly report: StoreReport;
  readonly plans: readonly Plan[];
  readonly damaged: readonly SnapshotFile[];
  /** What was put away ends before the log goes on: nobody could replay across that. */
  readonly isCutOff: boolean;
}

async function survey(dir: string): Promise<Survey> {
  const segments = await listSegments(dir);
  const { snapshotSeq, damaged } = await surveySnapshots(dir);
  const archive = await surveyArchive(dir);
  const held = Math.max(snapshotSeq ?? 0, archive.heldSeq);
  const first = segments[0]?.seq ?? held + 1;
  const due = Math.min(first, held + 1);
  const { begin, endsEarly } = await chooseBegin(segments, due, snapshotSeq);
  const plans = new Map(segments.map((segment) => [segment.file, emptyPlan(segment)]));
  const tally = new Tally(begin);
  for await (const finding of walk(segments, { due, after: 0 })) {
    const plan = plans.get(finding.place.file);
    if (plan !== undefined) tally.count(finding, plan);
  }
  const problems = damaged.map(({ file, what }) => ({ ...startOf(file), what }));
  if (endsEarly) {
    const what = `the log ends before event ${snapshotSeq} that a snapshot holds`;
    problems.push({ ...startOf(segments.at(-1)?.file ?? dir), what });
  }
  const isCutOff = archive.segments > 0 && archive.endSeq + 1 < first;
  if (isCutOff) {
    const what = `what was put away ends with event ${archive.endSeq}, and the log goes on with event ${first}`;
    problems.push({ ...startOf(archiveDir(dir)), what });
  }
  const found = { segments: segments.length, archived: archive.segments, snapshotSeq };
  const report = tally.report(found, problems);
  return { report, plans: [...plans.values()], damaged, isCutOff };
}

function startOf(file: string): Place {
  return { file, line: 1, offset: 0 };
}

/**
 * The event from which on lines are kept: where the log begins, unless there is a gap that the
 * snapshot spans; then what follows the snapshot.
 */
async function chooseBegin(
  segments: readonly Segment[],
  due: number,
  snapshotSeq: number | null,
): Promise<{ readonly begin: number; readonly endsEarly: boolean }> {
  if (snapshotSeq === null) return { begin: due, endsEarly: false };
  let [fromStart, fromSnapshot] = [due, snapshotSeq + 1];
  let lastSeq = 0;
  for await (const finding of walk(segments, { due, after: 0 })) {
    if (finding.kind === "torn" || finding.transaction === null) continue;
    const { seq, events } = finding.transaction;
    if (seq === fromStart) fromStart += events.length;
    if (seq === fromSnapshot) fromSnapshot += events.length;
    lastSeq = Math.max(lastSeq, seq + events.length - 1);
  }
  const begin = fromStart >= fromSnapshot ? due : snapshotSeq + 1;
  return { begin, endsEarly: segments.length > 0 && lastSeq < snapshotSeq };
}

async function surveySnapshots(dir: string): Promise<{
  readonly snapshotSeq: number | null;
  readonly damaged: readonly (SnapshotFile & { readonly what: string })[];
}> {
  let snapshotSeq: number | null = null;
  const damaged: (SnapshotFile & { readonly what: string })[] = [];
  for (const snapshot of await listSnapshots(dir)) {
    const read = await readSnapshot(snapshot);
    if (read.kind === "whole") snapshotSeq ??= snapshot.seq;
    if (read.kind === "damaged") damaged.push({ ...snapshot, what: read.what });
  }
  return { snapshotSeq, damaged };
}

interface Archive {
  readonly segments: number;
  /** The last event in it. */
  readonly endSeq: number;
  /** Up to there it can be replayed from the start; 0 when it cannot. */
  readonly heldSeq: number;
}

async function surveyArchive(dir: string): Promise<Archive> {
  const segments = await listSegments(archiveDir(dir));
  let endSeq = 0;
  let isWhole = true;
  for await (const finding of walk(segments)) {
    if (finding.kind !== "transaction") isWhole = false;
    const transaction = finding.kind === "torn" ? null : finding.transaction;
    if (transaction !== null) endSeq = transaction.seq + transaction.events.length - 1;
  }
  return { segments: segments.length, endSeq, heldSeq: isWhole ? endSeq : 0 };
}

async function setArchiveAside(dir: string, time: string): Promise<readonly string[]> {
  const aside = join(dir, `quarantine-${time}-archive`);
  await rename(archiveDir(dir), aside);
  await syncDir(dir);
  return [`What compaction had put away ends before that: it is in ${aside} now.`];
}

function emptyPlan(segment: Segment): Plan {
  return { segment, kept: [], dropped: [], seqFirst: null, transactionsDropped: 0 };
}

class Tally {
  #transactions = 0;
  #events = 0;
  #firstSeq: number | null = null;
  #lastSeq: number | null = null;
  #tornBytes = 0;
  #seqDue: number;
  readonly #problems: Problem[] = [];

  constructor(begin: number) {
    this.#seqDue = begin;
  }

  count(finding: Finding, plan: Plan): void {
    if (finding.kind === "torn") this.#tornBytes = finding.bytes.length;
    if (finding.kind === "damage") this.#problems.push({ ...finding.place, what: finding.what });
    const transaction = finding.kind === "torn" ? null : finding.transaction;
    const range = { start: finding.place.offset, end: finding.place.offset + finding.bytes.length };
    if (transaction === null) {
      extend(plan.dropped, range);
      return;
    }
    const { seq, events } = transaction;
    this.#transactions += 1;
    this.#events += events.length;
    this.#firstSeq ??= seq;
    this.#lastSeq = Math.max(this.#lastSeq ?? 0, seq + events.length - 1);
    if (seq === this.#seqDue) {
      extend(plan.kept, range);
      plan.seqFirst ??= seq;
      this.#seqDue += events.length;
    } else {
      extend(plan.dropped, range);
      plan.transactionsDropped += 1;
    }
  }

  report(
    found: Pick<StoreReport, "segments" | "archived" | "snapshotSeq">,
    more: readonly Problem[],
  ): StoreReport {
    return {
      ...found,
      transactions: this.#transactions,
      events: this.#events,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      keepableSeq: this.#seqDue === 1 ? null : this.#seqDue - 1,
      tornBytes: this.#tornBytes,
      problems: [...this.#problems, ...more],
    };
  }
}

function extend(ranges: Range[], range: Range): void {
  const last = ranges.at(-1);
  if (last?.end === range.start) last.end = range.end;
  else if (range.end > range.start) ranges.push(range);
}

function isDamaged({ segment, dropped, seqFirst }: Plan): boolean {
  return dropped.length > 0 || seqFirst !== segment.seq;
}

/** One segment, and what will stand in its place: nothing, or `fresh` under the name `target`. */
interface Mend {
  readonly segment: Segment;
  readonly replacement: { readonly fresh: string; readonly target: string } | null;
  readonly quarantined: Quarantined | null;
}

/** Writes the quarantine and what is kept beside the segment, which stays as it is. */
async function prepare(dir: string, plan: Plan, time: string): Promise<Mend> {
  const { segment, kept, dropped, seqFirst, transactionsDropped: transactions } = plan;
  const from = basename(segment.file);
  const file = join(dir, `quarantine-${time}-${from}`);
  const bytes = await bytesOf(segment.file, dropped);
  if (bytes.length > 0) await writeDurably(file, bytes);
  const quarantined = bytes.length > 0 ? { file, from, bytes: bytes.length, transactions } : null;
  if (seqFirst === null) return { segment, replacement: null, quarantined };
  const target = segmentFile(dir, seqFirst);
  const fresh = `${target}.new-${time}`;
  await writeDurably(fresh, await bytesOf(segment.file, kept));
  return { segment, replacement: { fresh, target }, quarantined };
}

/** From the end to the front: until the first damage is mended, open refuses the log. */
async function replace(dir: string, mends: readonly Mend[]): Promise<void> {
  const targets = new Set<string>();
  for (const { replacement } of mends.toReversed()) {
    if (replacement === null) continue;
    await rename(replacement.fresh, replacement.target);
    targets.add(replacement.target);
  }
  await syncDir(dir);
  for (const { segment } of mends.toReversed()) {
    if (!targets.has(segment.file)) await unlink(segment.file);
  }
  await syncDir(dir);
}

async function bytesOf(file: string, ranges: readonly Range[]): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const parts: Buffer[] = [];
    for (const { start, end } of ranges) {
      const part = Buffer.alloc(end - start);
      const { bytesRead } = await handle.read(part, 0, part.length, start);
      parts.push(part.subarray(0, bytesRead));
    }
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}

function isWhole(report: StoreReport): boolean {
  return report.problems.length === 0 && report.tornBytes === 0;
}

function wholeLog({ firstSeq, lastSeq }: StoreReport): readonly string[] {
  return [
    lastSeq === null
      ? "The log is whole: it is empty. Nothing was changed."
      : `The log is whole: events ${firstSeq} to ${lastSeq}. Nothing was changed.`,
  ];
}

function explain(
  before: StoreReport,
  after: StoreReport,
  quarantined: readonly Quarantined[],
): readonly string[] {
  const sentences = [kept(after)];
  const beyond = quarantined.reduce((sum, { transactions }) => sum + transactions, 0);
  const reached = after.keepableSeq ?? 0;
  if (reached > 0 && (after.firstSeq ?? reached + 1) > (before.firstSeq ?? 0)) {
    const sum = `The snapshot of event ${after.snapshotSeq} has the sum of all before it, so no loop lost anything there`;
    const rest = `; the ${beyond} whole transactions before it can be read in the quarantine`;
    sentences.push(`${sum}${beyond > 0 ? rest : ""}.`);
  } else if ((before.lastSeq ?? 0) > reached) {
    sentences.push(
      `Lost to the log: what came after event ${reached}, up to event ` +
        `${before.lastSeq ?? 0}. Events are missing there, so the ${beyond} whole transactions ` +
        "behind the gap cannot be replayed; they can be read in the quarantine.",
    );
  } else if (before.problems.length > 0) {
    sentences.push(
      "No event that can still be read was lost: only damaged or repeated lines went.",
    );
  }
  for (const { file, from, bytes } of quarantined) {
    sentences.push(`${bytes} bytes of ${from} are kept in ${file}.`);
  }
  return sentences;
}

function kept({ transactions, firstSeq, lastSeq, keepableSeq }: StoreReport): string {
  if (keepableSeq === null) return "Nothing could be kept: the log is empty now.";
  if (lastSeq === null) return `Kept: the snapshot of event ${keepableSeq}, nothing after it.`;
  return `Kept: ${transactions} transactions, events ${firstSeq} to ${lastSeq}, without a gap.`;
}
