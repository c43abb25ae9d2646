import type { Command } from "../core/commands.ts";
import { type Decision, decide } from "../core/decide.ts";
import type { Transaction } from "../core/events.ts";
import type { Restored } from "../core/snapshot.ts";
import {
  adopt,
  apply,
  copyInto,
  emptyState,
  type MutableState,
  type State,
  type Touched,
  touchedBy,
} from "../core/state.ts";
import type { World } from "../ports.ts";
import { Bell } from "./bell.ts";

/** At a clean end fewer events than this are not worth a snapshot. */
const snapshotAtCloseMin = 1_000;

type Subscriber = (transaction: Transaction) => void;
type Outside = Pick<World, "clock" | "random" | "store">;

interface Opening {
  readonly failuresMax: number;
  readonly snapshotSeq: number;
}

/**
 * The one writer. A command is decided at once against the working state, so that decisions queue
 * up and share a sync; it is acknowledged, published and seen in `state` once it is durable.
 *   1. What was answered survives any crash.  2. What is not durable is seen by nobody.
 *   3. Transactions are published in order, without gaps.
 */
export class StateManager {
  /** Rings at every change of `state`. */
  readonly changes = new Bell();
  readonly #world: Outside;
  readonly #failuresMax: number;
  readonly #working: MutableState;
  readonly #durable: MutableState = emptyState();
  readonly #subscribers = new Set<Subscriber>();
  #seq: number;
  #durableSeq: number;
  /** The last event of the newest snapshot, or of the newest attempt at one. */
  #snapshotSeq: number;
  #keeping: Promise<void> | null = null;
  #snapshotProblem: unknown = null;

  private constructor(world: Outside, { state: working, seq }: Restored, more: Opening) {
    this.#world = world;
    this.#working = working;
    this.#failuresMax = more.failuresMax;
    this.#seq = seq;
    this.#durableSeq = seq;
    this.#snapshotSeq = more.snapshotSeq;
    copyInto(this.#durable, working);
  }

  /** Replays the log. `failuresMax`: attempts in a row that may err before a loop fails. */
  static async open(world: Outside, failuresMax: number): Promise<StateManager> {
    const restored = await world.store.restore();
    const state = restored?.state ?? emptyState();
    const snapshotSeq = restored?.seq ?? 0;
    let seq = snapshotSeq;
    for await (const transaction of world.store.read(seq)) {
      for (const event of transaction.events) apply(state, event, transaction.at);
      seq = transaction.seq + transaction.events.length - 1;
    }
    return new StateManager(world, { state, seq }, { failuresMax, snapshotSeq });
  }

  /** Of the newest event that was decided. */
  get seq(): number {
    return this.#seq;
  }

  /** What is durable. */
  get state(): State {
    return this.#durable;
  }

  /** Of the newest event that is in `state`. */
  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** Why the newest snapshot was not kept; null when it was. The log has it all either way. */
  get snapshotProblem(): unknown {
    return this.#snapshotProblem;
  }

  /** Resolves once the decision is durable; a refusal resolves at once. Rejects with StoreBroken. */
  submit(command: Command): Promise<Decision> {
    const { clock, random, store } = this.#world;
    const at = clock.now();
    const moment = { now: at, jitter: random.next(), failuresMax: this.#failuresMax };
    const decision = decide(this.#working, command, moment);
    if (!decision.ok || decision.events.length === 0) return Promise.resolve(decision);
    const { events } = decision;
    const touched = events.map((event) => {
      apply(this.#working, event, at);
      return touchedBy(this.#working, event);
    });
    const transaction = { seq: this.#seq + 1, at, events };
    this.#seq += events.length;
    return store.append(transaction).then(() => {
      this.#publish(transaction, touched);
      return decision;
    });
  }

  /** What submit() would decide now. Changes nothing. */
  tryOut(command: Command): Decision {
    const { clock, random } = this.#world;
    const moment = { now: clock.now(), jitter: random.next(), failuresMax: this.#failuresMax };
    return decide(this.#working, command, moment);
  }

  /** Calls back with every transaction that becomes durable from now on; returns the way out. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Keeps a snapshot of what is durable now; rejects when the disk refuses. */
  async snapshot(): Promise<number> {
    while (this.#keeping !== null) await this.#keeping;
    this.#keep();
    await this.#keeping;
    if (this.#snapshotProblem !== null) throw this.#snapshotProblem;
    return this.#snapshotSeq;
  }

  /** Call once nothing is submitted any more, before the store is closed: a fast start next time. */
  async close(): Promise<void> {
    while (this.#keeping !== null) await this.#keeping;
    if (this.#durableSeq - this.#snapshotSeq >= snapshotAtCloseMin) this.#keep();
    await this.#keeping;
  }

  #publish(transaction: Transaction, touched: readonly Touched[]): void {
    adopt(this.#durable, touched);
    this.#durableSeq = transaction.seq + transaction.events.length - 1;
    for (const subscriber of this.#subscribers) subscriber(transaction);
    this.changes.ring();
    const due = this.#snapshotSeq + this.#world.store.snapshotEvery;
    if (this.#durableSeq >= due && this.#keeping === null) this.#keep();
  }

  #keep(): void {
    this.#snapshotSeq = this.#durableSeq;
    const kept = this.#world.store.keepSnapshot(this.#durable, this.#durableSeq);
    this.#keeping = kept.then(
      () => this.#kept(null),
      (error: unknown) => this.#kept(error),
    );
  }

  #kept(problem: unknown): void {
    this.#snapshotProblem = problem;
    this.#keeping = null;
  }
}
