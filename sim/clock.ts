import type { Millis } from "../src/core/loop.ts";
import type { Clock } from "../src/ports.ts";

interface Sleeper {
  readonly at: Millis;
  readonly order: number;
  readonly wake: () => void;
  /** Takes its listener off the signal. */
  readonly leave: () => void;
}

/** Virtual time: it stands still while anything can run, then jumps to the next sleeper. */
export class SimClock implements Clock {
  #now: Millis;
  #order = 0;
  #sleepers: Sleeper[] = [];

  constructor(now: Millis = 0) {
    this.#now = now;
  }

  now(): Millis {
    return this.#now;
  }

  sleepUntil(at: Millis, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = () => this.#cancel(sleeper);
      const leave = () => signal?.removeEventListener("abort", cancel);
      const wake = () => {
        leave();
        resolve();
      };
      const sleeper = { at, order: this.#order++, wake, leave };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /** Advances until `isDone`, or until nobody sleeps, or until `until`. */
  async run(isDone: () => boolean, until: Millis): Promise<void> {
    for (;;) {
      await allMicrotasks();
      const next = this.#sleepers.sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (isDone()) return;
      if (next === undefined || next.at > until) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      this.#now = Math.max(this.#now, next.at);
      this.#sleepers.shift();
      next.wake();
    }
  }

  /**
   * Nobody who sleeps now wakes any more. Node keeps a signal of AbortSignal.any() alive as long
   * as somebody listens, and with it a whole life: 10,000 of them took 4 GB.
   */
  forget(): void {
    for (const { leave } of this.#sleepers) leave();
    this.#sleepers = [];
  }

  #cancel(sleeper: Sleeper): void {
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
    sleeper.wake();
  }
}

function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
