import type { CommitId, LoopId } from "../core/loop.ts";

/** Where a branch of the user's repository stands. */
export interface Tip {
  readonly commit: CommitId;
  /** The user's checkout (one of them) that has the branch; null when none has. */
  readonly checkout: string | null;
}

/** Work that is to stand on another commit than the one it began on. */
export interface Combining {
  readonly loop: LoopId;
  /** Absolute path of the user's repository. */
  readonly repo: string;
  /** The work is what lies between these two. */
  readonly base: CommitId;
  readonly head: CommitId;
  readonly onto: CommitId;
  readonly message: string;
  /** One commit on top of `onto`, or one that has `onto` and `head` as its parents. */
  readonly as: "one commit" | "merge";
}

export type Combined =
  /** `commit` is `onto` itself where the work adds nothing to it. */
  | { readonly type: "clean"; readonly commit: CommitId }
  /** `commit` holds the files with git's conflict markers, on top of `onto`. */
  | {
      readonly type: "conflict";
      readonly commit: CommitId;
      readonly paths: readonly string[];
      /** What git says of each conflict. */
      readonly notes: readonly string[];
    };

export type Moved =
  | { readonly type: "moved" }
  /** The branch is not where it was thought to be, or the world forbids: nothing was changed. */
  | { readonly type: "stale" }
  /** A person's files are in the way; the sentence says how. */
  | { readonly type: "refused"; readonly reason: string };

/** Branches of users' repositories that work is brought to. */
export interface Targets {
  /** Null when there is no such branch. */
  tip(repo: string, branch: string): Promise<Tip | null>;
  /** `wanted`, or it with a suffix where it is taken. Nothing is made. */
  freeName(repo: string, wanted: string): Promise<string>;
  combine(request: Combining): Promise<Combined>;
  /** Whether combine() has made this commit: a branch that stands there is nobody else's. */
  isCombined(repo: string, commit: CommitId): Promise<boolean>;
  /** Whether `commit` is `tip` or one of its ancestors. */
  contains(repo: string, tip: CommitId, commit: CommitId): Promise<boolean>;
  /** Whether both commits hold the same files. */
  sameFiles(repo: string, a: CommitId, b: CommitId): Promise<boolean>;
  /** Makes (`from` null) or moves a branch that is nowhere checked out, if it stands at `from`. */
  move(repo: string, branch: string, from: CommitId | null, to: CommitId): Promise<Moved>;
  /**
   * Moves a branch together with the user's checkout that has it, by `git merge --ff-only` there:
   * what is not committed stays as it is, or nothing moves.
   */
  fastForward(repo: string, branch: string, checkout: string, to: CommitId): Promise<Moved>;
}
