/**
 * What a client may ask of TaskDaemon. Today the answers come from this process; once a daemon
 * runs, the same interface is spoken over its socket, and no client will notice.
 */
import type { Deliver, Priority } from "../core/loop.ts";
import type { LiveEvent, TranscriptEntry } from "../ports.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { WhyView } from "../views/why.ts";
import type { MetricsView } from "./metrics.ts";
import type { QueueView, StatusView } from "./status.ts";

export interface RunRequest {
  readonly type: string;
  readonly task: string;
  /** Any directory inside the user's repository. */
  readonly dir: string;
  /** Null: the configured or detected command. */
  readonly validate: string | null;
  readonly iterationsMax: number | null;
  readonly model: string | null;
  readonly budgetUsd: number | null;
  readonly base: string | null;
  readonly priority: Priority;
  readonly after: readonly string[];
  readonly deliver: Deliver | null;
}

/** What `run` would do, before it is asked to. */
export interface RunPlan {
  readonly repo: string;
  readonly baseCommit: string;
  readonly baseName: string;
  readonly model: string;
  readonly priceKnown: boolean;
  readonly validation: { readonly command: string; readonly detectedFrom: string | null };
  readonly sandbox: string;
  readonly deliver: Deliver;
  readonly iterationsMax: number;
  readonly budgetUsd: number | null;
  readonly worktree: readonly string[];
  /** The prompt of the first iteration. */
  readonly prompt: { readonly system: string; readonly text: string };
}

export interface Raise {
  readonly iterationsMax?: number;
  /** Of the root of a plan also what all below it may cost. */
  readonly budgetUsd?: number;
  readonly budgetTokens?: number;
}

export interface LoopFilter {
  readonly status: string | null;
  readonly type: string | null;
  readonly plan: string | null;
}

export interface FeedEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly loop: string | null;
  readonly data: unknown;
}

export interface IterationRecord {
  readonly iteration: number;
  readonly entries: readonly TranscriptEntry[];
  /** Unified diff of what the iteration changed; empty when there is no checkpoint. */
  readonly diff: string;
}

/** Reading needs no lock: it works beside a running daemon. */
export interface Reader {
  loops(filter: LoopFilter): Promise<readonly LoopView[]>;
  loop(id: string): Promise<LoopView>;
  why(id: string): Promise<WhyView>;
  events(from: number): Promise<readonly FeedEvent[]>;
  /** All iterations that left a record, 0 being the baseline. */
  iterations(id: string): Promise<readonly number[]>;
  record(id: string, iteration: number): Promise<IterationRecord>;
  /** From the base to the newest checkpoint. */
  diff(id: string): Promise<string>;
}

/** Writing takes the home for one process alone: this one, or the daemon. */
export interface Door extends Reader {
  /** Whether loops are carried out by this process, or by a daemon that goes on without it. */
  readonly kind: "process" | "daemon";
  plan(request: RunRequest): Promise<RunPlan>;
  create(request: RunRequest): Promise<LoopView>;
  /** All of them or none. */
  createAll(requests: readonly RunRequest[]): Promise<readonly LoopView[]>;
  /**
   * Carries the loop on until it rests: complete, failed, stopped, blocked or paused. Aborting
   * `signal` interrupts it; it stays resumable, and the call resolves with what it then is.
   */
  drive(id: string, watch: (event: LiveEvent) => void, signal: AbortSignal): Promise<LoopView>;
  /** Makes a loop that rests ready to go on: interrupted, paused, blocked or failed. */
  resume(id: string, raise: Raise): Promise<LoopView>;
  pause(id: string): Promise<LoopView>;
  stop(id: string): Promise<LoopView>;
  answer(id: string, text: string): Promise<LoopView>;
  rollback(id: string, to: number): Promise<LoopView>;
  /** Loops that a crash left running, and what was done about them. */
  readonly recovered: readonly string[];
  close(): Promise<void>;
}

/** A Door over the daemon's socket, and what only a daemon can answer. */
export interface RemoteDoor extends Door {
  status(): Promise<StatusView>;
  queue(): Promise<QueueView>;
  metrics(): Promise<MetricsView>;
  shutdown(options: { readonly now: boolean }): Promise<void>;
  version(): Promise<string>;
}
