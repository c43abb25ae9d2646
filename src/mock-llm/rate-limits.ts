import type { Limits } from "./scenario.ts";

/** One limit as the headers tell it. */
export interface Gauge {
  readonly name: "requests" | "input-tokens" | "output-tokens";
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: number;
}

/** Token buckets that fill up continuously; what no limit names is generous and never runs out. */
export class RateLimits {
  readonly #buckets: readonly Bucket[];

  constructor(limits: Limits, now: number) {
    const bucket = (name: Gauge["name"], limit: number | undefined): Bucket => ({
      name,
      limit: limit ?? generous[name],
      isEnforced: limit !== undefined,
      level: limit ?? generous[name],
      filledAt: now,
    });
    this.#buckets = [
      bucket("requests", limits["requests-per-minute"]),
      bucket("input-tokens", limits["input-tokens-per-minute"]),
      bucket("output-tokens", limits["output-tokens-per-minute"]),
    ];
  }

  /** Null when the request may pass; else the bucket that is empty and the wait for it. */
  refuse(now: number): { name: Gauge["name"]; retryAfterSeconds: number } | null {
    for (const bucket of this.#buckets) {
      fill(bucket, now);
      if (!bucket.isEnforced || bucket.level >= 1) continue;
      const missing = (1 - bucket.level) / bucket.limit;
      return { name: bucket.name, retryAfterSeconds: Math.max(1, Math.ceil(missing * 60)) };
    }
    return null;
  }

  /** Tokens may overdraw: what an answer costs is known only afterwards. */
  take(spent: Readonly<Record<Gauge["name"], number>>): void {
    for (const bucket of this.#buckets) {
      if (bucket.isEnforced) bucket.level -= spent[bucket.name];
    }
  }

  gauges(now: number): readonly Gauge[] {
    return this.#buckets.map((bucket) => ({
      name: bucket.name,
      limit: bucket.limit,
      remaining: Math.max(0, Math.floor(bucket.level)),
      resetAt: now + Math.ceil(((bucket.limit - bucket.level) / bucket.limit) * minuteMs),
    }));
  }
}

interface Bucket {
  readonly name: Gauge["name"];
  readonly limit: number;
  readonly isEnforced: boolean;
  level: number;
  filledAt: number;
}

const minuteMs = 60_000;
const generous = { requests: 4000, "input-tokens": 2_000_000, "output-tokens": 400_000 } as const;

function fill(bucket: Bucket, now: number): void {
  const gained = (Math.max(0, now - bucket.filledAt) / minuteMs) * bucket.limit;
  bucket.level = Math.min(bucket.limit, bucket.level + gained);
  bucket.filledAt = now;
}
