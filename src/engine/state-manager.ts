import type { Command } from "../core/commands.ts";
import { type Decision, decide } from "../core/decide.ts";
import type { Transaction } from "../core/events.ts";
import {
  adopt,
  apply,
  emptyState,
  type MutableState,
  type State,
  type Touched,
  touchedBy,
} from "../core/state.ts";
import type { World } from "../ports.ts";
import { Bell } from "./bell.ts";

type Subscriber = (transaction: Transaction) => void;
type Outside = Pick<World, "clock" | "random" | "store">;

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

  private constructor(world: Outside, working: MutableState, seq: number, failuresMax: number) {
    this.#world = world;
    this.#working = working;
    this.#failuresMax = failuresMax;
    this.#seq = seq;
    for (const loop of working.loops.values()) adopt(this.#durable, [{ loop, parking: null }]);
    for (const [key, value] of working.parked) {
      adopt(this.#durable, [{ loop: null, parking: { key, value } }]);
    }
  }

  /** Replays the log. `failuresMax`: attempts in a row that may err before a loop fails. */
  static async open(world: Outside, failuresMax: number): Promise<StateManager> {
    const working = emptyState();
    let seq = 0;
    for await (const transaction of world.store.read()) {
      for (const event of transaction.events) apply(working, event, transaction.at);
      seq = transaction.seq + transaction.events.length - 1;
    }
    return new StateManager(world, working, seq, failuresMax);
  }

  /** What is durable. */
  get state(): State {
    return this.#durable;
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

  #publish(transaction: Transaction, touched: readonly Touched[]): void {
    adopt(this.#durable, touched);
    for (const subscriber of this.#subscribers) subscriber(transaction);
    this.changes.ring();
  }
}
