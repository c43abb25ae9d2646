import { assert } from "../src/core/assert.ts";
import type { Event, Transaction } from "../src/core/events.ts";
import type { Loop, LoopId } from "../src/core/loop.ts";
import type { MessageId } from "../src/core/message.ts";
import { type Restored, restore, type Snapshot, snapshotOf } from "../src/core/snapshot.ts";
import { apply, emptyState, type MutableState, type State } from "../src/core/state.ts";
import { StoreBroken, type TaskStore } from "../src/ports.ts";
import { SimRepository } from "./git.ts";

/** Of one life; the longest have some thousands. */
const transactionsMax = 30_000;

/** The file of the log: lines that are durable. */
export class SimLog {
  readonly transactions: Transaction[] = [];
  readonly snapshots: string[] = [];

  /** The number of the next event. */
  get next(): number {
    const last = this.transactions.at(-1);
    return last === undefined ? 1 : last.seq + last.events.length;
  }

  append(transaction: Transaction): void {
    assert(transaction.seq === this.next, `seq ${transaction.seq} where ${this.next} follows`);
    this.transactions.push(transaction);
    assert(this.transactions.length < transactionsMax, "a life that turns in a circle");
  }
}

/** The loops of a transaction as they were before it. */
export type Before = ReadonlyMap<LoopId, Loop>;
type Check = (disk: SimDisk, transaction: Transaction, before: Before) => void;

/** What outlives a crash: the log and the repository. Every append is checked as it lands. */
export class SimDisk extends SimLog {
  readonly state: MutableState = emptyState();
  readonly repository = new SimRepository();
  /** Tokens that the provider charges for each loop; calls in flight count in full. */
  readonly bill = new Map<LoopId, number>();
  /** The newest event of each message. */
  readonly fates = new Map<MessageId, Event["type"]>();
  /** The first invariant that did not hold; nobody who swallows it can hide it. */
  violation: unknown = null;
  readonly #check: Check;

  constructor(check: Check) {
    super();
    this.#check = check;
  }

  override append(transaction: Transaction): void {
    super.append(transaction);
    const before = new Map<LoopId, Loop>();
    for (const { loop: id } of transaction.events) {
      const loop = id === null ? undefined : this.state.loops.get(id);
      if (loop !== undefined) before.set(loop.id, loop);
    }
    for (const event of transaction.events) apply(this.state, event, transaction.at);
    try {
      this.#check(this, transaction, before);
    } catch (error) {
      this.violation ??= error;
      throw error;
    }
  }
}

/** Group commit on a slow disk. A crash keeps some prefix of what was not yet acknowledged. */
export class SimStore implements TaskStore {
  /** Few, so that most lives have some. */
  readonly snapshotEvery = 25;
  readonly #disk: SimLog;
  readonly #takes: () => Promise<void>;
  #waiting: Appending[] = [];
  #inFlight: Appending[] = [];
  #flushed: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isClosed = false;
  #willBreak = false;
  #broken: StoreBroken | null = null;
  #next: number;

  constructor(disk: SimLog, takes: () => Promise<void>) {
    this.#disk = disk;
    this.#takes = takes;
    this.#next = disk.next;
  }

  async restore(): Promise<Restored | null> {
    const snapshot = this.#disk.snapshots.at(-1);
    return snapshot === undefined ? null : restore(JSON.parse(snapshot) as Snapshot);
  }

  async *read(after = 0): AsyncIterable<Transaction> {
    yield* this.#disk.transactions.filter(({ seq }) => seq > after);
  }

  async keepSnapshot(state: State, seq: number): Promise<void> {
    assert(seq < this.#disk.next, "a snapshot of what is not durable");
    const snapshot = JSON.stringify(snapshotOf(state, seq));
    await this.#takes();
    if (this.#broken !== null || this.#willBreak) throw new StoreBroken("no room for a snapshot");
    this.#disk.snapshots.push(snapshot);
  }

  append(transaction: Transaction): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    assert(!this.#isClosed, "an append after close");
    assert(transaction.events.length > 0, "a transaction without events");
    assert(transaction.seq === this.#next, `seq ${transaction.seq} where ${this.#next} follows`);
    this.#next += transaction.events.length;
    return new Promise((durable, failed) => {
      this.#waiting.push({ transaction, durable, failed });
      if (!this.#isBusy) this.#flushed = this.#flush();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushed;
  }

  /** From now on no write succeeds. */
  breakDisk(): void {
    this.#willBreak = true;
  }

  /** The power goes: of the write under way some lines are on disk, of the rest none. */
  crash(kept: number): void {
    for (const { transaction } of this.#inFlight.slice(0, kept)) this.#disk.append(transaction);
    this.#inFlight = [];
    this.#waiting = [];
    this.#flushed = Promise.resolve();
  }

  async #flush(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      this.#inFlight = this.#waiting;
      this.#waiting = [];
      await this.#takes();
      if (this.#willBreak) this.#break();
      const batch = this.#inFlight;
      this.#inFlight = [];
      this.#land(batch);
    }
    this.#isBusy = false;
  }

  /** An invariant that does not hold reaches whoever waits for the append. */
  #land(batch: readonly Appending[]): void {
    try {
      for (const { transaction } of batch) this.#disk.append(transaction);
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
    for (const { durable } of batch) durable();
  }

  #break(): void {
    const broken = new StoreBroken("the disk of the simulator is broken");
    for (const { failed } of [...this.#inFlight, ...this.#waiting]) failed(broken);
    this.#broken = broken;
    this.#inFlight = [];
    this.#waiting = [];
  }
}

interface Appending {
  readonly transaction: Transaction;
  readonly durable: () => void;
  readonly failed: (error: unknown) => void;
}
