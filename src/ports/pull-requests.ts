import type { CommitId, Loop } from "../core/loop.ts";
import type { State } from "../core/state.ts";

/** Work that rests on a branch of the user's repository and is to be reviewed. */
export interface Proposal {
  readonly state: State;
  /** As it is once this is done: complete. */
  readonly loop: Loop;
  readonly branch: string;
  readonly commit: CommitId;
  /** The branch that it is for. */
  readonly base: string;
}

export type Proposed =
  | { readonly type: "opened"; readonly url: string }
  /** The sentence says what is missing; nothing that was there before has changed. */
  | { readonly type: "refused"; readonly reason: string };

/** Pull requests, where the user's repository is hosted. */
export interface PullRequests {
  /** The same call again finds what it made. Rejects on abort, and when nothing could be asked. */
  open(proposal: Proposal, signal: AbortSignal): Promise<Proposed>;
}
