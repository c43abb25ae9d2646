import type { Event, Transaction } from "../core/events.ts";
import { type Millis, noUsage, type Usage } from "../core/loop.ts";
import type { LiveEvent } from "../ports.ts";
import type { FeedEvent } from "../protocol/door.ts";
import type { BucketView, HistoryView } from "../protocol/history.ts";
import { timeOf } from "../views/loop-view.ts";
import { Spending } from "../views/spending.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";

const bucketMs = 15 * 60_000;
const bucketsMax = 96;
/** Of the log, when the first one asks; what is older is not in the charts. */
const eventsMax = 50_000;
const pagesMax = 1_000;

type Bucket = { -readonly [Key in Exclude<keyof BucketView, "at" | "latencyMs">]: number } & {
  callMs: number;
  calls: number;
};

type Told = { readonly type: string; readonly data: unknown };

/** What happened when, counted from the same events that everybody can follow. */
export class History {
  readonly #host: Host;
  readonly #buckets = new Map<number, Bucket>();
  readonly #leave: (() => void)[];
  #reading: Promise<void> | null = null;
  /** Events up to this one are read from the log, later ones come by. */
  readonly #upTo: number;
  /** Each has its events in order, while the two come in any. */
  readonly #before = new Spending();
  readonly #since = new Spending();

  constructor(host: Host) {
    this.#host = host;
    this.#upTo = host.states.durableSeq;
    this.#leave = [
      host.states.subscribe((transaction) => this.#take(transaction)),
      host.watch(null, (event) => this.#see(event)),
    ];
  }

  async view(): Promise<HistoryView> {
    this.#reading ??= this.#read();
    await this.#reading;
    const newest = Math.floor(systemClock.now() / bucketMs);
    const numbers = Array.from(
      { length: bucketsMax },
      (_, index) => newest - bucketsMax + 1 + index,
    );
    return {
      bucketMs,
      buckets: numbers.map((number) => viewOf(number, this.#buckets.get(number))),
    };
  }

  close(): void {
    for (const leave of this.#leave) leave();
  }

  async #read(): Promise<void> {
    const reader = this.#host.reader();
    let next = Math.max(1, this.#upTo - eventsMax);
    for (let pages = 0; pages < pagesMax && next <= this.#upTo; pages += 1) {
      const page = await reader.events(next);
      for (const event of page) this.#takeOld(event);
      const last = page.at(-1);
      if (last === undefined) break;
      next = last.seq + 1;
    }
  }

  #takeOld(event: FeedEvent): void {
    if (event.seq <= this.#upTo) this.#count(event, Date.parse(event.at), this.#before);
  }

  #take({ at, events }: Transaction): void {
    for (const event of events) this.#count(event, at, this.#since);
  }

  #see(event: LiveEvent): void {
    if (event.type !== "call" || event.outcome !== "ok") return;
    const bucket = this.#bucket(systemClock.now());
    bucket.calls += 1;
    bucket.callMs += event.durationMs;
  }

  #count(told: Told, at: Millis, spending: Spending): void {
    // What the log holds is what was decided: the very type.
    const event = told as Event;
    this.#spend(spending.of(event), at);
    if (event.type === "loop.status") {
      if (event.data.to === "complete") this.#bucket(at).completed += 1;
      if (event.data.to === "failed") this.#bucket(at).failed += 1;
    } else if (event.type === "iteration.finished") {
      const bucket = this.#bucket(at);
      bucket.iterations += 1;
      bucket.passed += event.data.verdict.passed ? 1 : 0;
    }
  }

  #spend(usage: Usage, at: Millis): void {
    if (usage === noUsage) return;
    const bucket = this.#bucket(at);
    bucket.inputTokens += usage.inputTokens + usage.cacheWriteTokens;
    bucket.cachedTokens += usage.cacheReadTokens;
    bucket.outputTokens += usage.outputTokens;
    bucket.costUsd += usage.costUsd ?? 0;
    bucket.requests += usage.requests;
  }

  #bucket(at: Millis): Bucket {
    const number = Math.floor(at / bucketMs);
    const known = this.#buckets.get(number);
    if (known !== undefined) return known;
    const fresh = { ...empty };
    this.#buckets.set(number, fresh);
    const oldest = Math.min(...this.#buckets.keys());
    if (this.#buckets.size > bucketsMax) this.#buckets.delete(oldest);
    return fresh;
  }
}

const empty: Bucket = {
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  requests: 0,
  completed: 0,
  failed: 0,
  iterations: 0,
  passed: 0,
  callMs: 0,
  calls: 0,
};

function viewOf(number: number, bucket: Bucket = empty): BucketView {
  const { callMs, calls, ...counted } = bucket;
  const latencyMs = calls === 0 ? null : Math.round(callMs / calls);
  return { at: timeOf(number * bucketMs), ...counted, latencyMs };
}
