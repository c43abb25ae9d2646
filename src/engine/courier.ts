import { backoffMs } from "../core/backoff.ts";
import type { Millis } from "../core/loop.ts";
import { type Notice, newestOf, stillHolds } from "../core/notice.ts";
import type { State } from "../core/state.ts";
import type { Channel, Cursors, Sent } from "../ports/notify.ts";
import type { Clock, Random } from "../ports.ts";
import { Bell } from "./bell.ts";

/** What happens within this is one notification. */
const gatherMs: Millis = 3_000;
/** Between two: a storm of many minutes is a few of them. */
const restMs: Millis = 20_000;
/** The oldest go, and are counted. */
const noticesMax = 1_000;
const triesMax = 6;

export interface CourierWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly cursors: Cursors;
  /** Durable, as it is at the moment. */
  readonly state: () => State;
  /** What an operator should know: with what it has to do with. */
  readonly warn: (told: Readonly<Record<string, unknown>>, why: string) => void;
  /** They were sent, or given up: each notice that was taken comes here once. */
  readonly done: (notices: readonly Notice[]) => void;
}

/**
 * Brings notices to one channel, gathered, each once: what is behind the channel's cursor was sent
 * or given up. Nobody waits for it, and it forgets the oldest rather than grow.
 */
export class Courier {
  readonly #channel: Channel;
  readonly #world: CourierWorld;
  readonly #bell = new Bell();
  #waiting: Notice[] = [];
  #dropped = 0;
  #problem: string | null = null;
  #isBusy = false;

  constructor(channel: Channel, world: CourierWorld) {
    this.#channel = channel;
    this.#world = world;
  }

  get name(): string {
    return this.#channel.name;
  }

  /** Why the newest notification did not get through; null when it did. */
  get problem(): string | null {
    return this.#channel.isOn() ? this.#problem : null;
  }

  /** Whether everything that it was told is sent or given up. */
  get isIdle(): boolean {
    return !this.#isBusy && this.#waiting.length === 0;
  }

  /** Whether it took the notice; then its end is told by `done`. */
  tell(notice: Notice): boolean {
    if (!this.#channel.isOn()) return false;
    const cursor = this.#world.cursors.of(this.name);
    if (notice.seq !== null && cursor !== null && notice.seq <= cursor) return false;
    this.#waiting.push(notice);
    if (this.#waiting.length > noticesMax) {
      this.#world.done(this.#waiting.splice(0, 1));
      this.#dropped += 1;
    }
    this.#bell.ring();
    return true;
  }

  /** Until `signal` aborts; what waits then is told after the next start. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => end(), { once: true });
    while (!signal.aborted) {
      if (this.#waiting.length === 0) await Promise.race([this.#bell.next(), over]);
      await clock.sleepUntil(clock.now() + gatherMs, signal);
      if (signal.aborted) return;
      const isSent = await this.#bring(signal);
      if (isSent) await clock.sleepUntil(clock.now() + restMs, signal);
    }
  }

  /** Resolves to whether there was something to send. */
  async #bring(signal: AbortSignal): Promise<boolean> {
    const { state, cursors, warn } = this.#world;
    const taken = this.#waiting;
    const dropped = this.#dropped;
    const last = taken.reduce((seq, notice) => Math.max(seq, notice.seq ?? 0), 0);
    const notices = newestOf(taken).filter((notice) => stillHolds(state(), notice));
    this.#waiting = [];
    this.#dropped = 0;
    this.#isBusy = true;
    try {
      const isSending = notices.length > 0 && this.#channel.isOn();
      const isDone = !isSending || (await this.#send(notices, dropped, signal));
      if (isDone) this.#world.done(taken);
      else this.#waiting = taken;
      if (isDone && last > (cursors.of(this.name) ?? 0)) await cursors.keep(this.name, last);
      return isSending;
    } catch (error) {
      warn(
        { channel: this.name, error: String(error) },
        "what was notified cannot be kept in mind",
      );
      return true;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Resolves to false when it was broken off: then it is told after the next start. */
  async #send(notices: readonly Notice[], dropped: number, signal: AbortSignal): Promise<boolean> {
    const { clock, random, warn } = this.#world;
    const at = clock.now();
    const batch = { notices, dropped, id: `${at}-${notices[0]?.seq ?? "alert"}`, at };
    let sent: Sent = { ok: false, reason: "it was not tried", again: true };
    for (let tries = 1; tries <= triesMax; tries += 1) {
      sent = await this.#channel.send(batch, signal);
      if (sent.ok || signal.aborted) break;
      this.#problem = sent.reason;
      if (!sent.again || tries === triesMax) break;
      await clock.sleepUntil(clock.now() + backoffMs(tries, random.next()), signal);
    }
    if (sent.ok) this.#problem = null;
    else if (signal.aborted) return false;
    else warn({ channel: this.name, reason: sent.reason, notices: notices.length }, "not notified");
    return true;
  }
}
