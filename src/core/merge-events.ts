import type { Event } from "./events.ts";
import {
  type CommitId,
  type Loop,
  type LoopId,
  type Millis,
  type Progress,
  progressMax,
  type Verdict,
} from "./loop.ts";

/*
 * Finished work waits in the merge queue of its target. What a loop does there is an attempt like
 * any other (it is pending, then running), so lease, crash and pause are not a special case; it
 * takes no slot. A finished plan is delivered while it is delegated, and what was complete before
 * a person asked for its merge stays complete: neither has an attempt.
 */

/** A place in a merge queue. */
export interface MergeWait {
  /** A branch; of a plan's loops the one that is wanted for the plan, whatever suffix it got. */
  readonly target: string;
  readonly since: Millis;
  /** Wants a pull request to that branch, or to be checked as a whole there: not to be merged. */
  readonly as?: "pr" | "check";
  /** A batch was red with it. */
  readonly alone?: boolean;
}

/** What a plan's branch is called, where nobody else has the name. */
export function planBranch(root: LoopId): string {
  return `taskdaemon/plan-${root}`;
}

/** Whether it waits for the check of its level. */
export function isWholeCheck({ merge }: Loop): boolean {
  return merge?.as === "check";
}

/** Who waits for the check of its level and becomes something else is queued anew, if it is due. */
export function waitAfterMove(loop: Loop): MergeWait | null {
  return isWholeCheck(loop) ? null : loop.merge;
}

/** What stands on another commit than before. */
export interface Rebased {
  readonly attempt: number;
  readonly base: CommitId;
  readonly commit: CommitId;
  /** Files with conflict markers in `commit`. */
  readonly conflicts: readonly string[];
  /** Of `commit`; null where it has not been judged. */
  readonly verdict: Verdict | null;
  /** What the next iteration should hear of it. */
  readonly progress: Progress | null;
}

export type MergeEvent =
  | { readonly type: "loop.queued"; readonly loop: LoopId; readonly data: Queued }
  | { readonly type: "loop.rebased"; readonly loop: LoopId; readonly data: Rebased }
  /** Where the work of a plan's loops comes together, and how far it is. */
  | { readonly type: "loop.branched"; readonly loop: LoopId; readonly data: Branched }
  /** Its branch has a pull request. */
  | {
      readonly type: "loop.proposed";
      readonly loop: LoopId;
      readonly data: { readonly url: string };
    }
  | { readonly type: "loop.undelivered"; readonly loop: LoopId; readonly data: Undelivered };

interface Queued {
  readonly target: string;
  readonly as?: "pr" | "check";
  /** It keeps its place, and comes without others. */
  readonly alone?: boolean;
}

interface Branched {
  readonly branch: string;
  readonly commit: CommitId;
}

/** The work is whole and rests where it is; the reason says what would bring it on. */
interface Undelivered {
  readonly reason: string | null;
}

const types = [
  "loop.queued",
  "loop.rebased",
  "loop.branched",
  "loop.proposed",
  "loop.undelivered",
] as const;
const known: ReadonlySet<string> = new Set(types);

export function isMergeEvent(event: Event): event is MergeEvent {
  return known.has(event.type);
}

/** What an event of the merge queue changes about its loop. */
export function mergedBy(event: MergeEvent, loop: Loop, at: Millis): Partial<Loop> {
  switch (event.type) {
    case "loop.queued":
      return { merge: { ...event.data, since: sinceOf(event.data, loop, at) } };
    case "loop.rebased":
      return rebased(event.data, loop);
    case "loop.branched":
      return { branch: event.data.branch, tip: event.data.commit };
    case "loop.proposed":
      return {
        pullRequest: event.data.url,
        merge: null,
        reason: loop.status === "complete" ? null : loop.reason,
      };
    case "loop.undelivered":
      return { merge: null, reason: event.data.reason };
    default:
      return event satisfies never;
  }
}

function sinceOf({ alone }: Queued, { merge }: Loop, at: Millis): Millis {
  return alone === true && merge !== null ? merge.since : at;
}

/** A turn in a merge queue takes no slot: it is no start of those that are shared out. */
export function startedBy(attempt: number, loop: Loop, at: Millis): Partial<Loop> {
  if (loop.merge === null) return { attempt, startedAt: at };
  return { attempt, merges: loop.merges + 1 };
}

export function startsOf(loop: Loop | undefined): number {
  return loop === undefined ? 0 : loop.attempt - loop.merges;
}

/** A branch of its own is its; one that it was merged into is not. */
export function deliveredTo(delivered: NonNullable<Loop["delivered"]>, loop: Loop): Partial<Loop> {
  const isOwn = isOwnBranch(delivered.to) && !delivered.to.startsWith("taskdaemon/plan-");
  // Why it was not, so far.
  const reason = loop.status === "complete" ? null : loop.reason;
  return { branch: isOwn ? delivered.to : loop.branch, delivered, merge: null, reason };
}

/** A branch that TaskDaemon makes, and not one that work is for. */
export function isOwnBranch(name: string): boolean {
  return name.startsWith("taskdaemon/");
}

function rebased(
  { base, commit, conflicts, verdict, progress }: Rebased,
  loop: Loop,
): Partial<Loop> {
  const isAsGood = verdict?.passed === true;
  return {
    settings: { ...loop.settings, baseCommit: base },
    headCommit: commit === base && !isAsGood ? null : commit,
    bases: withBase(loop, base),
    baseline: base === loop.settings.baseCommit ? loop.baseline : null,
    verdict,
    conflicts,
    progress: progress === null ? loop.progress : [...loop.progress, progress].slice(-progressMax),
  };
}

/** Since which iteration it has stood where; of one iteration the last word. */
function withBase({ bases, settings, iteration }: Loop, base: CommitId): Loop["bases"] {
  const before = bases.length === 0 ? [{ after: 0, base: settings.baseCommit }] : bases;
  return [...before.filter(({ after }) => after < iteration), { after: iteration, base }];
}

/** The base that a checkpoint was made on; the one of now for the state before any work. */
export function baseOf({ bases, settings }: Loop, iteration: number): CommitId {
  if (iteration === 0) return settings.baseCommit;
  return bases.findLast(({ after }) => after < iteration)?.base ?? settings.baseCommit;
}
