import type { ChatCommand } from "./chat-money.ts";
import type { CreationCommand } from "./creation.ts";
import type { Document } from "./documents.ts";
import type {
  BlockedOn,
  CommitId,
  LoopId,
  Millis,
  OwnLimits,
  Priority,
  Progress,
  Usage,
  Verdict,
} from "./loop.ts";
import type { MergeCommand } from "./merge.ts";
import type { BatchCommand } from "./merge-batch.ts";
import type { Rebased } from "./merge-events.ts";
import type { LoopMailCommand, MailCommand } from "./message.ts";
import type { PipelineCommand } from "./pipeline.ts";

/** What may be asked, in the imperative. People ask the first group, the engine the second. */
export type Command =
  | CreationCommand
  | { readonly type: "pause"; readonly id: LoopId }
  | { readonly type: "resume"; readonly id: LoopId; readonly raise: Raise }
  | { readonly type: "retry"; readonly id: LoopId; readonly raise: Raise }
  | { readonly type: "stop"; readonly id: LoopId }
  | { readonly type: "answer"; readonly id: LoopId; readonly answer: string }
  | { readonly type: "rollback"; readonly id: LoopId; readonly to: number }
  | PipelineCommand
  | MergeCommand
  | {
      readonly type: "startAttempt";
      readonly id: LoopId;
      readonly owner: string;
      /** Whether it was chosen for its turn in a merge queue, which takes no slot. */
      readonly isTurn?: boolean;
    }
  | (Leased & { readonly type: "recordBaseline"; readonly baseline: Verdict })
  | (Leased & {
      readonly type: "startIteration";
      readonly model: string;
      readonly typeVersion?: string;
    })
  | (Leased & {
      readonly type: "reserve";
      readonly turn: string;
      readonly tokens: number;
      readonly usd: number | null;
      /** The day's limit as it is configured now, which is kept nowhere; absent is none. */
      readonly dayUsd?: number | null;
    })
  | (Leased & {
      readonly type: "settle";
      readonly turn: string;
      readonly usage: Usage;
      readonly dayUsd?: number | null;
    })
  | (Leased & {
      readonly type: "finishIteration";
      readonly commit: CommitId;
      readonly verdict: Verdict;
      readonly progress: Progress;
      /** Of a document loop: what it has written by now. */
      readonly documents?: readonly Document[];
      readonly conflicts?: readonly string[];
    })
  | (Leased & Rebased & { readonly type: "rebase" })
  | BatchCommand
  /** Unfinished work of an attempt that was broken off, also when a person took its lease. */
  | (Leased & { readonly type: "saveWork"; readonly onto: CommitId; readonly commit: CommitId })
  | (Leased & { readonly type: "escalate"; readonly model: string })
  | (Leased & { readonly type: "finishAttempt"; readonly outcome: AttemptOutcome })
  | (Leased & LoopMailCommand)
  | MailCommand
  | ChatCommand
  | { readonly type: "anchorAudit"; readonly count: number; readonly hash: string }
  | {
      readonly type: "park";
      readonly provider: string;
      readonly model: string;
      readonly until: Millis;
      readonly reason: string;
    };

interface Leased {
  readonly id: LoopId;
  /** The fencing token: an attempt that was given up on cannot speak for the next one. */
  readonly attempt: number;
}

/** New limits that a person grants while resuming. */
export interface Raise {
  readonly iterationsMax?: number;
  /** Of a loop that begot others, it is also what all of them may cost. */
  readonly budgetUsd?: number;
  readonly budgetTokens?: number;
}

export type AttemptOutcome =
  | {
      readonly type: "complete";
      readonly delivered: { readonly to: string; readonly commit: CommitId } | null;
      /** Where that branch stands, when it is further by now. */
      readonly tip?: CommitId;
      readonly pullRequest?: string;
      /** Why it was not delivered as asked, and where the work is. */
      readonly reason?: string;
    }
  /** Its work has passed and waits to be merged. */
  | { readonly type: "queued"; readonly target: string; readonly notBeforeAt: Millis }
  /** What it was to be merged with needs more work. */
  | { readonly type: "returned"; readonly reason: string }
  /** A document loop begets: its children are created in the same decision. */
  | { readonly type: "delegated"; readonly children: readonly ChildBrief[] }
  /** Its documents are whole and wait for a person's approval. */
  | { readonly type: "draft" }
  | { readonly type: "failed"; readonly reason: string }
  | {
      readonly type: "blocked";
      readonly on: BlockedOn;
      readonly reason: string;
      /** Protected paths that a person is asked about. */
      readonly asked: readonly string[];
      /** When it goes on by itself. */
      readonly until?: Millis;
    }
  /** Ended by us or by a provider's limit: counts no failure. */
  | {
      readonly type: "interrupted";
      readonly during: string;
      readonly reason: string;
      readonly notBeforeAt: Millis;
      /** The daemon ended with it: counted, for a loop may be what ends it. */
      readonly crashed?: boolean;
    }
  /** Broken off by the world (git, disk, a crash of the sandbox): tried again, a few times. */
  | { readonly type: "erred"; readonly reason: string };

/** A child that a finished loop asks for; `after` are positions of earlier siblings. */
export interface ChildBrief {
  readonly type: string;
  readonly title: string;
  readonly brief: string;
  readonly after: readonly number[];
  /** Siblings that are there already. */
  readonly afterLoops?: readonly LoopId[];
  readonly document?: string;
  readonly touches?: readonly string[];
  readonly priority?: Priority;
  /** Instead of its parent's. */
  readonly model?: string;
  readonly limits?: OwnLimits;
  /** Added to the gate that it inherits. */
  readonly validate?: string;
  readonly allowGateChange?: readonly string[];
}
