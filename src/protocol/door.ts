/** What a client may ask of TaskDaemon. */
import type { Estimate } from "../core/estimate.ts";
import type { Deliver, Priority } from "../core/loop.ts";
import type { LiveEvent, TranscriptEntry } from "../ports.ts";
import type { LoopView } from "../views/loop-view.ts";
import type { WhyView } from "../views/why.ts";
import type { AttentionDoor } from "./alerts.ts";
import type { BoardHearing, BoardLink } from "./board-link.ts";
import type { ChatDoor } from "./chat.ts";
import type { DashboardView } from "./dashboard.ts";
import type { MailDoor, MailReader } from "./mail.ts";
import type { MetricsView } from "./metrics.ts";
import type { Amendment, DraftView } from "./plans.ts";
import type { ReportReader } from "./report.ts";
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
  /** Positions of requests before it, asked for together with it, whose loops it waits for. */
  readonly afterEarlier?: readonly number[] | undefined;
  readonly deliver: Deliver | null;
  /** Its documents need no approval. */
  readonly approved?: boolean | undefined;
  /** Values of its type's parameters, as they were written. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
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
  /** What such loops have come to in this repository, all below them too; null is unknown. */
  readonly estimate: Estimate;
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
export interface Reader extends MailReader, ReportReader {
  loops(filter: LoopFilter): Promise<readonly LoopView[]>;
  loop(id: string): Promise<LoopView>;
  why(id: string): Promise<WhyView>;
  /** What a document loop has written by now. */
  draft(id: string): Promise<DraftView>;
  events(from: number): Promise<readonly FeedEvent[]>;
  /** All iterations that left a record, 0 being the baseline. */
  iterations(id: string): Promise<readonly number[]>;
  record(id: string, iteration: number): Promise<IterationRecord>;
  /** From the base to the newest checkpoint. */
  diff(id: string): Promise<string>;
}

/** What the daemon answers: it alone writes. */
export interface Door extends Reader, MailDoor, AttentionDoor, ChatDoor {
  plan(request: RunRequest): Promise<RunPlan>;
  create(request: RunRequest): Promise<LoopView>;
  /** All of them or none. */
  createAll(requests: readonly RunRequest[]): Promise<readonly LoopView[]>;
  /**
   * Watches the loop until it rests: complete, failed, stopped, blocked, paused or a draft. Outlives a
   * daemon that comes back. Aborting `signal` ends the watching, and the loop goes on.
   */
  drive(id: string, watch: (event: LiveEvent) => void, signal: AbortSignal): Promise<LoopView>;
  /** Rows of all loops and what changes, across ends of the daemon, until the link is closed. */
  board(hearing: BoardHearing): Promise<BoardLink>;
  /** Makes a loop that rests ready to go on: interrupted, paused, blocked or failed. */
  resume(id: string, raise: Raise): Promise<LoopView>;
  pause(id: string): Promise<LoopView>;
  stop(id: string): Promise<LoopView>;
  answer(id: string, text: string): Promise<LoopView>;
  rollback(id: string, to: number): Promise<LoopView>;
  /** Approval, rejection, and whatever else people want of a plan. */
  amend(id: string, amendment: Amendment): Promise<LoopView>;
  status(): Promise<StatusView>;
  queue(): Promise<QueueView>;
  metrics(): Promise<MetricsView>;
  /** Opens the dashboard's door where it is not open yet. */
  dashboard(port: number | null): Promise<DashboardView>;
  shutdown(options: { readonly now: boolean }): Promise<void>;
  version(): Promise<string>;
}
