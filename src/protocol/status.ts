import type { AlertView } from "./alerts.ts";

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
  readonly config: {
    /** When it was read last. */
    readonly loadedAt: string;
    /** Why a newer one does not hold; null when there is none. */
    readonly problem: string | null;
  };
  readonly sandbox: string;
  readonly store: { readonly seq: number; readonly bytes: number };
  readonly loops: Readonly<Record<string, number>>;
  /** Why nothing new starts; null when it does. */
  readonly hold: HoldView | null;
  readonly providers: readonly ProviderView[];
  readonly budget: DayBudgetView;
  /** What is not as it should be, the gravest first. */
  readonly alerts: readonly AlertView[];
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

interface HoldView {
  readonly on: "draining" | "memory" | "disk";
  readonly reason: string;
}

/** Rows are the first thousand of each; `counts` are of all. */
export interface QueueView {
  readonly running: readonly QueueRow[];
  /** In the order in which they start; then who waits for a time, then for another loop. */
  readonly waiting: readonly WaitingRow[];
  readonly counts: { readonly running: number; readonly waiting: number };
  readonly slots: { readonly used: number; readonly max: number };
  /** The types that have a limit of their own. */
  readonly types: readonly { readonly type: string; readonly used: number; readonly max: number }[];
  /** The merge queues in which somebody stands. */
  readonly merges: readonly MergeQueueView[];
  readonly hold: HoldView | null;
  readonly queueMax: number;
  readonly providers: readonly ProviderView[];
}

interface MergeQueueView {
  readonly repo: string;
  readonly target: string;
  /** Who is being merged just now. */
  readonly merging: string | null;
  /** In the order in which they come. */
  readonly waiting: readonly string[];
  /** A pull request to that branch, or the check of a level on it; absent: merges. */
  readonly as?: "pr" | "check";
  /** Those that one run has passed, as one batch; absent where there is none. */
  readonly batch?: readonly string[];
}

export interface QueueRow {
  readonly id: string;
  readonly type: string;
  readonly priority: string;
  readonly title: string;
  readonly repo: string;
  /** One sentence: what it does, or what it waits for. */
  readonly why: string;
}

export interface WaitingRow extends QueueRow {
  /** From 1, among those that only limits hold up; null for the others. */
  readonly position: number | null;
}
