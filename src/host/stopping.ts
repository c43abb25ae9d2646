import type { Millis } from "../core/loop.ts";

/** A drain that takes longer becomes an interruption; with all that follows it ends in 120 s. */
const drainMsMax: Millis = 95_000;

/**
 * How a daemon ends: it drains (nothing new starts, what runs ends at its next turn), and is
 * interrupted when that takes too long, or when somebody asks for it.
 */
export class Stopping {
  readonly #drain = new AbortController();
  readonly #halt = new AbortController();
  readonly #msMax: Millis;
  #timer: NodeJS.Timeout | null = null;

  constructor(msMax: Millis = drainMsMax) {
    this.#msMax = msMax;
  }

  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  get halt(): AbortSignal {
    return this.#halt.signal;
  }

  shutdown({ now }: { readonly now: boolean }): void {
    const why = "the daemon was stopped";
    this.#drain.abort();
    if (now) this.interrupt(why);
    else this.#timer ??= setTimeout(() => this.interrupt(why), this.#msMax).unref();
  }

  interrupt(why: string): void {
    this.#halt.abort(why);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
