import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers";
import { assert, Bug } from "../../core/assert.ts";
import type { Transaction } from "../../core/events.ts";
import type { Restored } from "../../core/snapshot.ts";
import type { State } from "../../core/state.ts";
import { StoreBroken, type TaskStore } from "../../ports.ts";
import { Lines } from "./codec.ts";
import { codeOf, HomeUnusable, said } from "./errors.ts";
import { wholeLines } from "./history.ts";
import { type HomeLock, lockHome } from "./home.ts";
import { diskFiles, type LogFile, type LogFiles } from "./log-file.ts";
import { type OpenedLog, openLog, type TornTail } from "./open-log.ts";
import { capture, writeSnapshot } from "./snapshot-file.ts";
import { listAllSegments, segmentFile, segmentsAfter } from "./walk.ts";

/** A new segment begins once the next batch would make the newest one larger than this. */
const segmentBytesMax = 64 * 1024 * 1024;
/** So much a restart may have to replay, about: 0.2 s. */
const snapshotEvery = 50_000;
/** Where events come faster there is a snapshot a second, but never this many times rarer. */
const snapshotRarerMax = 5;
/** Lines that wait for the disk. More means that nobody awaits their appends. */
const pendingBytesMax = 256 * 1024 * 1024;
const batchBytesFirst = 64 * 1024;
/** How fast decisions become bytes, about; measured on a small server. */
const encodedBytesPerMs = 120_000;
/** About a half: of two batches in turn, a large one would wait for the disk, and the disk for it. */
const shareWorth = 0.45;
/** With each batch, of what was under way before. */
const forgotten = 1 / 8;
/** A batch that grew larger than this gives its memory back. */
const batchBytesKept = 4 * 1024 * 1024;

export interface StoreOptions {
  readonly home: string;
  readonly files: LogFiles;
  readonly segmentBytesMax: number;
  readonly snapshotEvery: number;
}

/**
 * Takes the home and checks the log from the newest snapshot on. Throws HomeBusy, HomeUnusable,
 * StoreCorrupt or StoreTooNew; then the home is free again and the log as it was.
 */
export function openTaskStore(options: { readonly home: string }): Promise<JsonlTaskStore> {
  return JsonlTaskStore.open({
    home: options.home,
    files: diskFiles,
    segmentBytesMax,
    snapshotEvery,
  });
}

/**
 * The event log in segments of JSON lines, with group commit.
 *   1. One batch is on its way to the disk; what arrives meanwhile is the next batch.
 *   2. A batch is acknowledged after its fdatasync, as a whole, in the order of the calls.
 *   3. After the first failure nothing is acknowledged any more.
 *   4. A snapshot holds only what was acknowledged. It may fail: the log has it all.
 */
export class JsonlTaskStore implements TaskStore {
  /** Null when the log ended with a whole line. */
  readonly tornTail: TornTail | null;
  /** Where damaged snapshots are now; the log did without them. */
  readonly damagedSnapshots: readonly string[];
  /** Is told how long each batch took, from its first append to the end of its sync. */
  onWritten: (ms: number) => void = () => undefined;
  readonly #options: StoreOptions;
  readonly #lock: HomeLock;
  #restored: Restored | null;
  #seq: number;
  #file: LogFile | null;
  #fileBytes: number;
  /** The next batch goes to a new segment: compaction can then put the older ones away. */
  #beginsSegment = false;
  #collecting: Batch | null = null;
  #committing: Batch | null = null;
  #spare: Lines | null = null;
  #snapshotEvery: number;
  #snapshotSeq: number;
  #snapshotAtMs = performance.now();
  #syncMs = 1;
  /** At most, of late: the last batches before a pause say nothing about the first ones after it. */
  #bytesUnderWay = 0;
  /** A batch of this size goes to the disk without waiting for more. */
  #bytesWorth = encodedBytesPerMs;
  #broken: StoreBroken | null = null;
  #closed: Promise<void> | null = null;

  private constructor(options: StoreOptions, lock: HomeLock, log: OpenedLog) {
    this.#options = options;
    this.#snapshotEvery = options.snapshotEvery;
    this.#snapshotSeq = log.seq - 1;
    this.#lock = lock;
    this.tornTail = log.tornTail;
    this.damagedSnapshots = log.damagedSnapshots;
    this.#restored = log.restored;
    this.#seq = log.seq;
    this.#file = log.file;
    this.#fileBytes = log.fileBytes;
  }

  static async open(options: StoreOptions): Promise<JsonlTaskStore> {
    const lock = await lockHome(options.home);
    try {
      return new JsonlTaskStore(options, lock, await openLog(lock.storeDir, options.files));
    } catch (error) {
      await lock.release();
      throw codeOf(error) === null ? error : new HomeUnusable(lock.storeDir, error);
    }
  }

  get snapshotEvery(): number {
    return this.#snapshotEvery;
  }

  /** The number of the next event. */
  get seq(): number {
    return this.#seq;
  }

  async restore(): Promise<Restored | null> {
    const restored = this.#restored;
    this.#restored = null;
    return restored;
  }

  async *read(after = 0): AsyncGenerator<Transaction> {
    const segments = await listAllSegments(this.#lock.storeDir);
    yield* wholeLines(segmentsAfter(segments, after), after);
  }

  async keepSnapshot(state: State, seq: number): Promise<void> {
    assert(seq < this.#seq, "a snapshot of what has not happened");
    if (this.#broken !== null) throw this.#broken;
    this.#spaceSnapshots(seq);
    const captured = capture(state, seq);
    await writeSnapshot(this.#options.files, this.#lock.storeDir, captured);
    this.#beginsSegment = true;
  }

  /** The syncs and the renaming of a snapshot hold up the log's own: not several times a second. */
  #spaceSnapshots(seq: number): void {
    const { snapshotEvery: every } = this.#options;
    const nowMs = performance.now();
    const sinceMs = Math.max(1, nowMs - this.#snapshotAtMs);
    const perSecond = (1_000 * (seq - this.#snapshotSeq)) / sinceMs;
    this.#snapshotEvery = Math.min(Math.max(every, perSecond), every * snapshotRarerMax);
    this.#snapshotSeq = seq;
    this.#snapshotAtMs = nowMs;
  }

  append(transaction: Transaction): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    assert(this.#closed === null, "append to a closed store");
    if (transaction.seq !== this.#seq) {
      throw new Bug(`transaction ${transaction.seq} where event ${this.#seq} is due`);
    }
    const batch = this.#collecting ?? this.#beginBatch();
    batch.lines.add(transaction);
    assert(batch.lines.length <= pendingBytesMax, "appends outrun the disk");
    this.#seq += transaction.events.length;
    if (batch.lines.length >= this.#bytesWorth) this.#commit();
    return batch.durable.promise;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #beginBatch(): Batch {
    const batch = new Batch(this.#seq, this.#spare ?? new Lines(batchBytesFirst));
    this.#spare = null;
    this.#collecting = batch;
    if (this.#committing === null) this.#commitSoon();
    return batch;
  }

  /** Once all who wait for the last batch had their turn: what they append joins in. */
  #commitSoon(): void {
    setImmediate(() => this.#commit());
  }

  #commit(): void {
    const batch = this.#collecting;
    if (batch === null || this.#committing !== null) return;
    this.#collecting = null;
    this.#committing = batch;
    this.#makeDurable(batch).then(
      () => this.#acknowledge(batch),
      (error: unknown) => this.#break(batch, error),
    );
  }

  async #makeDurable({ seq, lines }: Batch): Promise<void> {
    const isFull = this.#fileBytes + lines.length > this.#options.segmentBytesMax;
    if (this.#fileBytes > 0 && (isFull || this.#beginsSegment)) {
      await this.#file?.close();
      this.#file = null;
    }
    this.#beginsSegment = false;
    if (this.#file === null) {
      this.#file = await this.#options.files.create(segmentFile(this.#lock.storeDir, seq));
      this.#fileBytes = 0;
    }
    this.#file.write(lines.bytes);
    const startMs = performance.now();
    await this.#file.datasync();
    this.#fileBytes += lines.length;
    // One sync that stalls says little about the next.
    const syncMs = Math.min(performance.now() - startMs, 2 * this.#syncMs);
    this.#syncMs += (syncMs - this.#syncMs) / 8;
  }

  /**
   * When half of what is under way is encoded while the other half is synced, the two go side by
   * side; that pays only where encoding it all takes longer than a sync. Else all go together.
   */
  #learn(bytesNow: number): void {
    this.#bytesUnderWay = Math.max(bytesNow, this.#bytesUnderWay * (1 - forgotten));
    const bytesPerSync = this.#syncMs * encodedBytesPerMs;
    const paysToSplit = this.#bytesUnderWay >= bytesPerSync;
    this.#bytesWorth = paysToSplit ? this.#bytesUnderWay * shareWorth : bytesPerSync;
  }

  #acknowledge(batch: Batch): void {
    this.#committing = null;
    this.onWritten(performance.now() - batch.begunAt);
    this.#learn(batch.lines.length + (this.#collecting?.lines.length ?? 0));
    batch.lines.clear();
    this.#spare = batch.lines.capacity <= batchBytesKept ? batch.lines : null;
    if ((this.#collecting?.lines.length ?? 0) >= this.#bytesWorth) this.#commit();
    batch.durable.resolve();
    if (this.#collecting !== null) this.#commitSoon();
  }

  #break(batch: Batch, cause: unknown): void {
    const { storeDir } = this.#lock;
    this.#broken = new StoreBroken(
      `the event log in ${storeDir} cannot be written: ${said(cause)}. What was acknowledged is ` +
        "safe. Mend that (a full disk: free some space), then start TaskDaemon again",
      { cause },
    );
    this.#committing = null;
    batch.reject(this.#broken);
    this.#collecting?.reject(this.#broken);
    this.#collecting = null;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([
      this.#committing?.durable.promise,
      this.#collecting?.durable.promise,
    ]);
    try {
      await this.#file?.close();
    } finally {
      await this.#lock.release();
    }
  }
}

/** Transactions that share a sync, and its promise. */
class Batch {
  readonly seq: number;
  readonly lines: Lines;
  readonly begunAt = performance.now();
  readonly durable = Promise.withResolvers<void>();

  constructor(seq: number, lines: Lines) {
    this.seq = seq;
    this.lines = lines;
  }

  reject(error: StoreBroken): void {
    // A batch whose only line was refused has nobody to tell.
    if (this.lines.length > 0) this.durable.reject(error);
  }
}
