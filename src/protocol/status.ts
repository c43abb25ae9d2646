/** What `td status` and `td queue` show: the contract of CLI.md, JSON. */
export interface StatusView {
  readonly running: true;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly eventLoopLagMs: number;
  readonly draining: boolean;
  readonly sandbox: string;
  readonly store: { readonly seq: number; readonly bytes: number };
  readonly loops: Readonly<Record<string, number>>;
  readonly providers: readonly ProviderView[];
  readonly budget: DayBudgetView;
}

/** Of the day in UTC. */
export interface DayBudgetView {
  readonly day: string;
  readonly dayUsd: number | null;
  readonly daySpentUsd: number;
  readonly daySpentTokens: number;
  /** By calls under way. */
  readonly dayReservedUsd: number;
  /** Spent by the end of the day if it goes on as in the last hour. */
  readonly projectedDayUsd: number;
  readonly dayEndsAt: string;
}

/** The limits are null where nothing is limited. */
export interface ProviderView {
  readonly name: string;
  readonly concurrency: number | null;
  readonly inFlight: number;
  /** Calls that wait for their turn. */
  readonly waiting: number;
  readonly requestsPerMinute: number | null;
  readonly inputTokensPerMinute: number | null;
  readonly outputTokensPerMinute: number | null;
  readonly breaker: BreakerView;
  /** ISO time of the next try while the breaker is open. */
  readonly nextTryAt: string | null;
  /** ISO time until which calls of some model wait, and why; null when none does. */
  readonly parkedUntil: string | null;
  readonly reason: string | null;
  readonly parked: readonly ParkedView[];
}

export type BreakerView = "closed" | "open" | "half-open";

interface ParkedView {
  /** `provider/model` */
  readonly model: string;
  readonly parkedUntil: string;
  readonly reason: string;
}

export interface QueueView {
  readonly running: readonly QueueRow[];
  readonly waiting: readonly QueueRow[];
  readonly slots: { readonly used: number; readonly max: number };
  readonly queueMax: number;
  readonly providers: readonly ProviderView[];
}

export interface QueueRow {
  readonly id: string;
  readonly type: string;
  readonly priority: string;
  readonly title: string;
  /** One sentence: what it does, or what it waits for. */
  readonly why: string;
}
