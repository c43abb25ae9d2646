import type { Document } from "./documents.ts";
import type { MergeWait } from "./merge-events.ts";

/** Milliseconds since the epoch. Every name that holds one ends in `At`; durations end in `Ms`. */
export type Millis = number;

/** Ids are paths: plan `3`, its second spec `3.2`, that spec's first phase `3.2.1`. */
export type LoopId = string & { readonly brand: "LoopId" };

/** A full git object name, 40 or 64 lower-case hexadecimal digits. */
export type CommitId = string;

export const priorities = ["critical", "high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];

export const loopStatuses = [
  "draft", // waits for a person's approval
  "pending", // may start once its dependencies are complete and `notBeforeAt` has passed
  "running", // an attempt holds its lease
  "paused", // a person said so
  "blocked", // a person is needed; `blockedOn` says for what
  "delegated", // its own work is done; its children's is not
  "complete",
  "failed",
  "stopped",
] as const;
export type LoopStatus = (typeof loopStatuses)[number];

export const blockers = [
  "question",
  "gate",
  "conflict",
  "budget",
  "stuck",
  "key",
  "setup",
  "child",
] as const;
export type BlockedOn = (typeof blockers)[number];

export const deliveries = ["branch", "merge", "pr", "none"] as const;
export type Deliver = (typeof deliveries)[number];

/** What a running loop is doing just now. Told to watchers, never stored. */
export type Stage = "preparing" | "working" | "validating" | "rebasing" | "merging";

/** The command that decides, as it stood when the loop was created. */
export interface Gate {
  readonly command: string;
  readonly successExitCode: number;
  readonly timeoutMs: number;
  /** Glob patterns of files that must not change without a person's word, besides the defaults. */
  readonly protect: readonly string[];
  /** Where a detected command came from ("package.json scripts.test"); null when it was given. */
  readonly detectedFrom: string | null;
  /** What documents ask for besides: run after the command has passed, each must pass too. */
  readonly also?: readonly string[];
}

export interface SandboxSettings {
  readonly level: "required" | "off";
  /** Host names (`*.example.org` allowed) that commands may reach; empty means no network. */
  readonly networkAllow: readonly string[];
  readonly memoryBytesMax: number;
  readonly processesMax: number;
}

export interface WorktreeSettings {
  /** Paths of installed dependencies to link from the user's checkout; "auto" detects them. */
  readonly link: "auto" | readonly string[];
  readonly copy: readonly string[];
  /** A command the daemon runs in a new worktree; "auto" detects whether one is needed. */
  readonly setup: string | null;
  /** Host names the set-up command may reach. */
  readonly setupNetworkAllow: readonly string[];
  /** Ports that are its own while it is at work; absent: none. */
  readonly ports?: number;
}

/** Everything about a loop that is settled when it is created, so that nothing can move it later. */
export interface LoopSettings {
  /** `provider/model` */
  readonly model: string;
  readonly escalation: string | null;
  /** Works in place of a model that is parked for long; null: then the loop waits. */
  readonly fallback: string | null;
  readonly gate: Gate;
  readonly iterationsMax: number;
  readonly turnsMax: number;
  readonly iterationTimeoutMs: number;
  readonly stuckAfter: number;
  readonly budgetUsd: number | null;
  /** For a loop that nobody begot, and all below it; of the others it means nothing. */
  readonly planBudgetUsd: number | null;
  readonly budgetTokens: number | null;
  /** Of its type's parameters, those that were given a value. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly deliver: Deliver;
  /** The branch that finished work is for; absent where the repository has none of that name. */
  readonly target?: string;
  /** The base is where that branch stood: the loop goes along with it. */
  readonly follows?: boolean;
  readonly baseCommit: CommitId;
  readonly sandbox: SandboxSettings;
  readonly worktree: WorktreeSettings;
}

/** What one loop may take, by its type and the configuration; its plan's limits hold besides. */
export type OwnLimits = Pick<
  LoopSettings,
  "iterationsMax" | "turnsMax" | "iterationTimeoutMs" | "stuckAfter" | "budgetUsd" | "budgetTokens"
>;

export interface Usage {
  /** Tokens read at the full price: cache tokens are not in it. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Null once any part of it has no known price: unknown is not free. */
  readonly costUsd: number | null;
  /** Requests whose reply began. */
  readonly requests: number;
}

/** What a known test runner said of itself, read from its output. */
export interface Evidence {
  readonly runner: string;
  /** Tests that ran, skipped ones not counted. */
  readonly ran: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Verdict {
  readonly passed: boolean;
  /** Null when the command was killed. */
  readonly exitCode: number | null;
  readonly command: string;
  readonly durationMs: number;
  readonly commit: CommitId;
  /** Null for an unknown runner: then the exit code is all there is. */
  readonly evidence: Evidence | null;
  /** One sentence when something besides the exit code spoke: a time-out, no tests, flaky. */
  readonly note: string | null;
  /** Checks of documents that have passed besides; absent where none ran. */
  readonly also?: readonly string[];
  /** On the base commit: tracked files that the run itself changed; absent where none were. */
  readonly altered?: readonly string[];
  /** Merged in a batch: its end, on which the command ran (core/merge-batch.ts). */
  readonly judgedAt?: CommitId;
}

/** What one finished iteration teaches the next. Captured by the system, never told by a model. */
export interface Progress {
  readonly iteration: number;
  readonly passed: boolean;
  readonly exitCode: number | null;
  readonly filesChanged: readonly string[];
  readonly durationMs: number;
  /** Both streams of the validation, cleaned and cut to its tail. */
  readonly feedback: string;
  /** hash(normalised failure + diff tree): the same one again and again means stuck. */
  readonly fingerprint: string;
}

/** An open reservation of budget: the most that a model call in flight may cost. */
export interface Reservation {
  readonly turn: string;
  readonly tokens: number;
  readonly usd: number | null;
  readonly at: Millis;
}

/** One unit of work: iterate in an isolated worktree until the verdict is given. */
export interface Loop {
  readonly id: LoopId;
  readonly type: string;
  readonly parent: LoopId | null;
  readonly title: string;
  readonly brief: string;
  readonly status: LoopStatus;
  readonly pausedFrom: LoopStatus | null;
  /** The ancestor whose pause caught it; null when a person meant the loop itself. */
  readonly pausedBy: LoopId | null;
  readonly blockedOn: BlockedOn | null;
  /** When a blocked loop goes on by itself; null when it needs a person. */
  readonly blockedUntil: Millis | null;
  readonly reason: string | null;
  readonly priority: Priority;
  readonly dependsOn: readonly LoopId[];
  /** Absolute path of the user's repository. */
  readonly repo: string;
  readonly settings: LoopSettings;
  readonly attempt: number;
  /** When the newest attempt started; null before the first. */
  readonly startedAt: Millis | null;
  /** Iterations finished with a verdict, over all attempts. */
  readonly iteration: number;
  readonly escalated: boolean;
  /** Iterations up to this one no longer count towards being stuck: somebody has helped since. */
  readonly stuckFrom: number;
  /** Attempts in a row that the world broke off before an iteration was finished. */
  readonly failures: number;
  /** Ends of the daemon in a row that left it at work before an iteration was finished. */
  readonly crashes: number;
  readonly notBeforeAt: Millis;
  /** What an attempt was doing when it was interrupted, for the next prompt. */
  readonly interruptedAt: string | null;
  readonly baseline: Verdict | null;
  readonly verdict: Verdict | null;
  /** The newest checkpoint; null before the first. */
  readonly headCommit: CommitId | null;
  readonly checkpoints: readonly CommitId[];
  readonly branch: string | null;
  readonly delivered: { readonly to: string; readonly commit: CommitId } | null;
  /** The address of its pull request; null where it has none. */
  readonly pullRequest: string | null;
  /** Its place in a merge queue; null when it is in none. */
  readonly merge: MergeWait | null;
  /** Of a plan: what its branch has come to. */
  readonly tip: CommitId | null;
  /** Attempts that were turns in a merge queue. */
  readonly merges: number;
  /** Files that still had conflict markers when they were last looked at. */
  readonly conflicts: readonly string[];
  /** What it stood on after how many iterations, once it was moved. */
  readonly bases: readonly { readonly after: number; readonly base: CommitId }[];
  /** Protected paths that a person allowed to change. */
  readonly gateAllowed: readonly string[];
  /** The newest checkpoint waits for its verdict alone: a person allowed what stood in the way. */
  readonly rejudge: boolean;
  /** Of its type, as its newest iteration had it; absent before the first. */
  readonly typeVersion?: string;
  /** Protected paths whose change waits for a person's word. */
  readonly gateAsked: readonly string[];
  readonly answers: readonly { readonly question: string; readonly answer: string }[];
  /** The newest `progressMax` entries. */
  readonly progress: readonly Progress[];
  /** Its parent's document that it carries out, by name; null where there is none. */
  readonly document: string | null;
  /** Globs of what it means to change: siblings that overlap do not run at the same time. */
  readonly touches: readonly string[];
  /** What a document loop has written, as its newest verdict saw it. */
  readonly documents: readonly Document[];
  /** Iterations whose verdict was a yes: a document loop needs one for each of its passes. */
  readonly passes: number;
  /** A person has said in advance that its documents need no approval. */
  readonly approved: boolean;
  /** A person has taken it out of its parent's work: nobody waits for it any more. */
  readonly dropped: boolean;
  readonly usage: Usage;
  readonly reservations: readonly Reservation[];
  /** Limits of whose 80 % a person was told, since they were last raised. */
  readonly warned: readonly ("loop" | "plan")[];
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** Every legal change of status. Anything else is a bug in decide(). */
export const successors: Readonly<Record<LoopStatus, readonly LoopStatus[]>> = {
  draft: ["pending", "delegated", "stopped"],
  pending: ["running", "paused", "blocked", "stopped"],
  running: ["pending", "draft", "delegated", "complete", "blocked", "failed", "paused", "stopped"],
  delegated: ["complete", "blocked", "paused", "stopped"],
  blocked: ["pending", "delegated", "complete", "failed", "paused", "stopped"],
  paused: ["pending", "delegated", "blocked", "stopped"],
  complete: [],
  failed: ["pending", "stopped"],
  stopped: [],
};

/** How many progress entries a loop keeps in memory; the log has them all. */
export const progressMax = 20;

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0,
  requests: 0,
};

export function isSettled(loop: Loop): boolean {
  return loop.status === "complete" || loop.status === "failed" || loop.status === "stopped";
}

/** Sums usage; a cost that is unknown anywhere stays unknown. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
    requests: a.requests + b.requests,
  };
}

export function tokensOf(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}

/** 7.2 before 7.10. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  const [left, right] = [a.id, b.id].map((id) => id.split(".").map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? -1) - (right?.[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
