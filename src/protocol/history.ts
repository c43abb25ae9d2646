/** What happened over the last day, for charts. */
export interface HistoryView {
  readonly bucketMs: number;
  /** Oldest first, without gaps. */
  readonly buckets: readonly BucketView[];
}

export interface BucketView {
  readonly at: string;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly requests: number;
  /** Loops that ended, and iterations with a verdict. */
  readonly completed: number;
  readonly failed: number;
  readonly iterations: number;
  readonly passed: number;
  /** Of calls to models since the daemon started; null where none were seen. */
  readonly latencyMs: number | null;
}
