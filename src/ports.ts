/**
 * The outside world on a few pages. The engine reaches it only through these interfaces;
 * src/adapters implements them for real, sim/ implements them from a seed.
 */
import type { Transaction } from "./core/events.ts";
import type {
  CommitId,
  LoopId,
  Millis,
  OwnLimits,
  SandboxSettings,
  Stage,
  Usage,
  WorktreeSettings,
} from "./core/loop.ts";
import type { Restored } from "./core/snapshot.ts";
import type { State } from "./core/state.ts";
import type { Audit } from "./ports/audit.ts";
import type { Documents, DocumentWork } from "./ports/documents.ts";
import type { Fetcher } from "./ports/fetcher.ts";
import type { Hooks } from "./ports/hooks.ts";
import type { LlmErrorKind, Models } from "./ports/llm.ts";
import type { PullRequests } from "./ports/pull-requests.ts";
import type { RepositoryNeed } from "./ports/repository-need.ts";
import type { Targets } from "./ports/targets.ts";
import type { ToolServers } from "./ports/tool-servers.ts";

export interface Clock {
  now(): Millis;
  /** Resolves at `at`, or as soon as `signal` aborts; never rejects. */
  sleepUntil(at: Millis, signal: AbortSignal): Promise<void>;
}

export interface Random {
  /** A fraction in [0, 1). */
  next(): number;
}

// ── the log ──────────────────────────────────────────────────────────────────────────────────

export interface TaskStore {
  /** The sum of the log up to some event, where replay may begin; null when there is none. */
  restore(): Promise<Restored | null>;
  /** The transactions after event `after`, or all, in order. Call before the first append. */
  read(after?: number): AsyncIterable<Transaction>;
  /**
   * Calls are laid down in call order; those that arrive while a sync runs share the next one.
   * Resolves once the transaction is durable. Rejects with StoreBroken when a write or sync
   * failed: then it, and every later append, may or may not be on disk, and the process must end.
   */
  append(transaction: Transaction): Promise<void>;
  /** After how many more events a snapshot is worth its cost. */
  readonly snapshotEvery: number;
  /**
   * Keeps the state as it is at the call, the sum of the events up to `seq`, which must be durable.
   * Works beside appends, one call at a time. Rejects when the disk refuses: then nothing is lost.
   */
  keepSnapshot(state: State, seq: number): Promise<void>;
  /** Waits for what was appended, then lets go of the home. */
  close(): Promise<void>;
}

/** A write or sync of the log failed; only a restart with replay may go on. */
export class StoreBroken extends Error {}

// ── transcripts: what is too big for the log ─────────────────────────────────────────────────

export type TranscriptEntry = { readonly at: Millis } & (
  | {
      readonly type: "prompt";
      readonly system: string;
      readonly text: string;
      /** Of the loop type that it was rendered from. */
      readonly typeVersion?: string;
    }
  | {
      readonly type: "reply";
      readonly turn: number;
      readonly text: string;
      readonly stopReason: string;
      readonly usage: Usage;
    }
  | {
      readonly type: "toolCall";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    }
  | {
      readonly type: "toolResult";
      readonly id: string;
      readonly text: string;
      readonly isError: boolean;
      readonly durationMs: number;
    }
  | {
      readonly type: "validation";
      readonly command: string;
      readonly commit: CommitId;
      readonly where: "baseline" | "worktree" | "fresh";
      readonly exitCode: number | null;
      readonly output: string;
      readonly durationMs: number;
    }
  | { readonly type: "note"; readonly text: string }
);

export interface Transcripts {
  /** Appends to `transcripts/<loop>/<iteration>.jsonl`; redacted before it touches disk. */
  write(loop: LoopId, iteration: number, entry: TranscriptEntry): void;
  /** Resolves once everything written so far is in the file. */
  flush(): Promise<void>;
  read(loop: LoopId, iteration: number): Promise<readonly TranscriptEntry[]>;
}

// ── commands ─────────────────────────────────────────────────────────────────────────────────

export interface CommandRequest {
  readonly loop: LoopId;
  /** Run by `bash -c` (POSIX sh where there is no bash). */
  readonly command: string;
  /** The worktree: the command's directory. */
  readonly cwd: string;
  /** Absolute paths, existing, that it may write besides a private temp and HOME. */
  readonly writable: readonly string[];
  /** Absolute paths, existing, that it may read though they lie in hidden places. */
  readonly readable: readonly string[];
  readonly settings: SandboxSettings;
  /** Added to the allowlisted environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Databases in tests need Unix sockets; a model's commands do not. */
  readonly unixSockets: boolean;
  readonly timeoutMs: number;
  /** Of each stream, and of both together; head and tail are kept. */
  readonly outputBytesMax: number;
}

export interface CommandResult {
  /** Null when it was killed. */
  readonly exitCode: number | null;
  readonly ended: "exited" | "timedOut" | "aborted" | "memory" | "processes";
  /** Both streams as they came. Redacted, valid UTF-8, cut in the middle with a line that says so. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Runs hostile commands. When `run` settles, no process that the command started is alive. */
export interface Sandbox {
  /** Rejects with SandboxUnavailable only; whatever the command does is a result. */
  run(request: CommandRequest, signal: AbortSignal): Promise<CommandResult>;
  /** Removes what commands of a finished loop left in their HOME. */
  forget(loop: LoopId): Promise<void>;
}

/** No sandbox, no run. The message has the remedy for this machine. */
export class SandboxUnavailable extends Error {}

// ── git ──────────────────────────────────────────────────────────────────────────────────────

export interface WorktreeRequest {
  readonly loop: LoopId;
  /** Absolute path of the user's repository. */
  readonly repo: string;
  readonly base: CommitId;
  /** Where to go on: the newest checkpoint, or the base. */
  readonly head: CommitId;
  /** A person has worked in it: what is there by now stays, on top of `head`. */
  readonly keepFiles?: boolean;
  readonly settings: WorktreeSettings;
  readonly sandbox: SandboxSettings;
}

export interface FileChange {
  readonly path: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  /** Of a renamed file. */
  readonly oldPath: string | null;
}

/** Where commands of a loop run. `writable` and `readable` go into a CommandRequest as they are. */
export interface Workspace {
  readonly dir: string;
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A loop's own worktree, with a git directory that belongs to the agent. */
export interface LoopWorkspace extends Workspace {
  /** Commits the files as they are (ignored and linked ones left out) on top of `parent`. */
  snapshot(parent: CommitId, message: string): Promise<CommitId>;
  /** Keeps unsaved work under a ref, then makes the files equal `commit`. */
  reset(commit: CommitId): Promise<void>;
  /** A short `git status` and log for the prompt. */
  summary(): Promise<string>;
}

/** A worktree of the daemon, of one commit, prepared like a loop's. */
export interface FreshWorkspace extends Workspace {
  /** Tracked files that are no longer what the commit holds, sorted; the first thousand. */
  altered(): Promise<readonly string[]>;
  /** Removes it. */
  close(): Promise<void>;
}

export interface Worktrees {
  /** Creates the worktree, or re-opens the one that is there and resets it to `head`. */
  open(request: WorktreeRequest, signal: AbortSignal): Promise<LoopWorkspace>;
  fresh(request: WorktreeRequest, signal: AbortSignal): Promise<FreshWorkspace>;
  changes(repo: string, from: CommitId, to: CommitId): Promise<readonly FileChange[]>;
  /** Null when there is no such file (or it is no regular file, or larger than 5 MB). */
  file(repo: string, commit: CommitId, path: string): Promise<string | null>;
  /** Unified diff, at most `bytesMax` bytes, whole lines. */
  diff(repo: string, from: CommitId, to: CommitId, bytesMax: number): Promise<string>;
  /** Every path in the commit. */
  paths(repo: string, commit: CommitId): Promise<readonly string[]>;
  /**
   * Creates `refs/heads/taskdaemon/<loop>` in the user's repository (a suffix if the name is
   * taken); the same call again finds what it made. Resolves to the branch's short name.
   */
  deliver(repo: string, loop: LoopId, commit: CommitId): Promise<string>;
  /** Nothing of the loop runs in it for now: its ports are anybody's. */
  rest(loop: LoopId): Promise<void>;
  /** Moves the worktree to the trash; its checkpoints stay. */
  remove(loop: LoopId): Promise<void>;
}

/** The world of git said no in a way that a person must mend; the message has the remedy. */
export class WorktreeError extends Error {}

export class NotInTrash extends WorktreeError {}

// ── files as tools see them ──────────────────────────────────────────────────────────────────

/**
 * The files of one worktree. Paths are relative to it, or absolute and inside it; nothing leads out
 * of it or into `.git`. Whatever is not allowed is a ToolRefusal.
 */
export interface Files {
  /** The one name of a path: `./a//b` is `a/b`, the worktree itself is "". Touches no disk. */
  relative(path: string): string;
  /** Text as it is, with its byte order mark and line ends. Refuses binary and large files. */
  read(path: string): Promise<{ readonly text: string; readonly version: string }>;
  /** `version` of the last read; null to create. Refuses when the file changed since. */
  write(path: string, text: string, version: string | null): Promise<{ readonly version: string }>;
  /** Directories end in `/`, links in ` -> target`; a depth of 1 is the directory's own entries. */
  list(path: string, depth: number): Promise<Listing>;
  /** Files whose path, seen from `path`, matches; they are named from the worktree. */
  glob(pattern: string, path: string): Promise<Listing>;
  /** `path:line:text` lines, context as `path-line-text`; empty when nothing matches. */
  grep(query: GrepQuery, signal: AbortSignal): Promise<string>;
}

export interface Listing {
  /** Sorted. */
  readonly paths: readonly string[];
  /** How many were left out; null when there were too many to count. */
  readonly more: number | null;
}

export interface GrepQuery {
  readonly pattern: string;
  readonly path: string;
  readonly glob: string | null;
  readonly ignoreCase: boolean;
  readonly context: number;
}

/** A tool cannot do what was asked; the message tells the model what to do instead. */
export class ToolRefusal extends Error {}

/** There is nothing at that path. */
export class FileMissing extends ToolRefusal {}

export interface FileSystem {
  /**
   * The files of the worktree at `dir`. Links to what lies in `readable` (absolute paths) may be
   * read through; no other link leads out, and nothing is written through any link.
   */
  files(dir: string, readable?: readonly string[]): Files;
}

// ── loop types ───────────────────────────────────────────────────────────────────────────────

/** What a prompt template may name. Keys are the template's variable names. */
export interface PromptValues {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly brief: string;
  readonly iteration: number;
  readonly "iterations-max": number;
  readonly "turns-max": number;
  readonly "validation-command": string;
  /** Text, empty when there is nothing to say: the same for the rest. */
  readonly baseline: string;
  readonly progress: string;
  readonly git: string;
  readonly interrupted: string;
  readonly answers: string;
  readonly messages: string;
  readonly protected: readonly string[];
  readonly tools: readonly string[];
  readonly "network-allow": readonly string[];
  readonly "output-dir": string;
  /** Which look at its documents this is, of how many, and what it is about. */
  readonly pass: number;
  readonly passes: number;
  readonly focus: string;
  /** Of its type's parameters, those that somebody gave a value. */
  readonly param?: Readonly<Record<string, string | number | boolean>>;
  /** What was found of the type's `needs`, by `helper argument`. */
  readonly repository?: Readonly<Record<string, string>>;
}

export interface LoopType {
  readonly name: string;
  /** Changes whenever the definition or its prompt does. */
  readonly version: string;
  readonly description: string;
  readonly tools: readonly string[];
  /** Where it was read from: "built-in" or a file. */
  readonly origin: string;
  /** Null for a type whose loops change code. */
  readonly begets: DocumentWork | null;
  /** What its definition names. */
  readonly model?: string;
  /** What its definition and the configuration let one of its loops take. */
  readonly limits?: OwnLimits;
  readonly needs: readonly RepositoryNeed[];
  renderSystem(values: PromptValues): string;
  renderPrompt(values: PromptValues): string;
}

export interface LoopTypes {
  /** Null when there is none of that name. */
  get(name: string): LoopType | null;
  list(): readonly LoopType[];
}

// ── watchers ─────────────────────────────────────────────────────────────────────────────────

/** What goes by and is forgotten: for progress lines and screens, never for decisions. */
export type LiveEvent = { readonly loop: LoopId; readonly iteration: number } & (
  | { readonly type: "stage"; readonly stage: Stage; readonly detail: string | null }
  | { readonly type: "turn"; readonly turn: number; readonly model: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool"; readonly name: string; readonly summary: string }
  | {
      readonly type: "toolDone";
      readonly name: string;
      readonly isError: boolean;
      readonly durationMs: number;
    }
  | {
      readonly type: "call";
      /** `provider/model` */
      readonly model: string;
      readonly outcome: "ok" | LlmErrorKind;
      /** Until the reply began; null when none did. */
      readonly beganMs: number | null;
      readonly durationMs: number;
    }
  | { readonly type: "usage"; readonly usage: Usage }
  | { readonly type: "verdict"; readonly passed: boolean; readonly detail: string }
  | { readonly type: "waiting"; readonly until: Millis; readonly reason: string }
  | { readonly type: "note"; readonly text: string }
);

/** Takes known secrets and what looks like one out of a text. */
export type Redact = (text: string) => string;

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: TaskStore;
  readonly transcripts: Transcripts;
  readonly audit: Audit;
  readonly models: Models;
  readonly sandbox: Sandbox;
  readonly worktrees: Worktrees;
  readonly targets: Targets;
  readonly pullRequests: PullRequests;
  readonly fileSystem: FileSystem;
  readonly documents: Documents;
  readonly fetcher: Fetcher;
  readonly toolServers: ToolServers;
  readonly loopTypes: LoopTypes;
  readonly hooks: Hooks;
  /** Of a merge queue so many may be validated by one run of the command; 1 is each by itself. */
  readonly mergeBatchMax: number;
  /** Must not throw or block: a watcher that cannot keep up loses lines. */
  readonly watch: (event: LiveEvent) => void;
  readonly redact: Redact;
}
