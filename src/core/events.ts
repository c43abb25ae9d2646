import type { ChatEvent } from "./chat-events.ts";
import type { Document } from "./documents.ts";
import type {
  BlockedOn,
  CommitId,
  LoopId,
  LoopSettings,
  LoopStatus,
  Millis,
  Priority,
  Progress,
  Usage,
  Verdict,
} from "./loop.ts";
import type { MergeEvent } from "./merge-events.ts";
import type { MessageEvent } from "./message.ts";

/**
 * What happened, in the past tense. The log of these is the only truth; all else is derived.
 * Shape on disk and in every feed: `{type, loop, data}`; number and time belong to the transaction.
 */
export type Event =
  | Of<"loop.created", Created>
  | Of<"loop.status", StatusChange>
  | Of<"loop.prepared", { readonly baseline: Verdict | null }>
  | Of<"loop.escalated", { readonly model: string }>
  | Of<"loop.allowed", { readonly paths: readonly string[] }>
  | Of<"loop.answered", { readonly question: string; readonly answer: string }>
  | Of<"loop.delivered", { readonly to: string; readonly commit: CommitId }>
  | Of<
      "loop.rolledBack",
      { readonly to: number; readonly commit: CommitId; readonly base?: CommitId }
    >
  | Of<"loop.raised", Raised>
  | Of<"loop.documented", { readonly documents: readonly Document[] }>
  | Of<"loop.rejected", { readonly feedback: string }>
  | Of<"loop.edited", { readonly title: string; readonly brief: string }>
  | Of<"loop.dropped", Record<string, never>>
  /** It no longer waits for what was dropped. */
  | Of<"loop.freed", { readonly dependsOn: readonly LoopId[] }>
  | Of<"attempt.started", { readonly attempt: number; readonly owner: string }>
  | Of<"attempt.ended", Ended>
  | Of<"attempt.saved", { readonly attempt: number; readonly commit: CommitId }>
  | Of<"iteration.started", IterationStarted>
  | Of<"iteration.finished", Finished>
  | Of<
      "budget.reserved",
      { readonly turn: string; readonly tokens: number; readonly usd: number | null }
    >
  | Of<"budget.settled", { readonly turn: string; readonly usage: Usage }>
  | Of<"budget.warned", Warned>
  | MergeEvent
  | MessageEvent
  | ChatEvent
  | { readonly type: "provider.parked"; readonly loop: null; readonly data: Parked }
  /** The audit's head at that moment: it cannot be written anew unseen. */
  | { readonly type: "audit.anchored"; readonly loop: null; readonly data: Anchored };

interface Of<Type extends string, Data> {
  readonly type: Type;
  readonly loop: LoopId;
  readonly data: Data;
}

export interface Created {
  readonly type: string;
  readonly parent: LoopId | null;
  readonly title: string;
  readonly brief: string;
  readonly priority: Priority;
  readonly dependsOn: readonly LoopId[];
  readonly repo: string;
  readonly status: "draft" | "pending";
  readonly settings: LoopSettings;
  readonly document?: string;
  readonly touches?: readonly string[];
  /** Protected paths that may change, by a document that a person wrote or approved. */
  readonly gateAllowed?: readonly string[];
  readonly approved?: boolean;
}

/** `from` and `to` are a promise to scripts (CLI.md, JSON). */
export interface StatusChange {
  readonly from: LoopStatus;
  readonly to: LoopStatus;
  readonly reason: string | null;
  readonly blockedOn?: BlockedOn;
  /** Protected paths that a person is asked about. */
  readonly asked?: readonly string[];
  readonly notBeforeAt?: Millis;
  /** Of a loop that is paused with an ancestor: that one. */
  readonly by?: LoopId;
  /** Of a blocked loop that goes on by itself. */
  readonly until?: Millis;
}

interface Raised {
  readonly iterationsMax?: number;
  readonly budgetUsd?: number;
  readonly budgetTokens?: number;
  readonly planBudgetUsd?: number;
}

/** Once for each limit: most of it is spent. Of the loop that it limits, or that spent the day's. */
interface Warned {
  readonly level: "loop" | "plan" | "day";
  readonly unit: "usd" | "tokens";
  readonly spent: number;
  readonly limit: number;
}

interface Ended {
  readonly attempt: number;
  /** What it was doing when it was interrupted; null when it came to its end. */
  readonly interruptedAt: string | null;
  /** Whether the world broke it off: counts towards giving up. */
  readonly erred: boolean;
  /** Whether the daemon ended with it. */
  readonly crashed?: boolean;
}

interface IterationStarted {
  readonly iteration: number;
  readonly model: string;
  /** Of its loop type: `td config history` has what was in it. */
  readonly typeVersion?: string;
}

interface Finished {
  readonly attempt: number;
  readonly iteration: number;
  readonly commit: CommitId;
  readonly verdict: Verdict;
  readonly progress: Progress;
  /** Files of a conflict that it has not put right. */
  readonly conflicts?: readonly string[];
}

interface Anchored {
  /** Records in the audit's chain, and the hash of the last one. */
  readonly count: number;
  readonly hash: string;
}

interface Parked {
  readonly provider: string;
  readonly model: string;
  readonly until: Millis;
  readonly reason: string;
}

/** One decision made durable: all of its events or none. `seq` is the number of its first event. */
export interface Transaction {
  readonly seq: number;
  readonly at: Millis;
  readonly events: readonly Event[];
}
