import { assert } from "./assert.ts";
import { checksDue } from "./checks.ts";
import type { Decision } from "./decide.ts";
import type { Event } from "./events.ts";
import {
  type CommitId,
  type Loop,
  type LoopId,
  type Millis,
  priorities,
  type Verdict,
} from "./loop.ts";
import { childrenOf, loopOf, type State } from "./state.ts";

/*
 * A turn in a merge queue may take along others that wait there: each is laid as one commit on the
 * one before, and the command runs on the end of them. Red, it runs on fewer of them, until who
 * breaks it is known: those before go on together, and that one is tried by itself.
 *
 * 1. Nothing is in the log, and the target sees nothing, before a run has passed on the last one.
 * 2. All that go together are in the log, in one decision, before the target moves to their end.
 * 3. A commit before that end was never judged: its verdict says at which end it was (`judgedAt`),
 *    and no merge takes it for one of its own.
 */

/** One of a batch: its work, and what it is on top of the one before. */
export interface Laid {
  readonly id: LoopId;
  /** The head that was laid. */
  readonly from: CommitId;
  readonly base: CommitId;
  readonly commit: CommitId;
}

export interface BatchCommand {
  readonly type: "layBatch";
  /** Whose attempt it is, and the first of `laid`. */
  readonly id: LoopId;
  readonly attempt: number;
  readonly laid: readonly Laid[];
  /** Of the last of them. */
  readonly verdict: Verdict;
  /** With it they are red: it is tried by itself. */
  readonly suspect: LoopId | null;
}

/** Who goes along with `first`, in order; nobody where it has to be judged by itself. */
export function batchBehind(
  state: State,
  first: Loop,
  now: Millis,
  batchMax: number,
): readonly Loop[] {
  const done = new Set<LoopId>();
  if (batchMax < 2 || !mayJoin(first) || !takenIn(state, done, first)) return [];
  const key = kindOf(first);
  const waiting = [...state.loops.values()].filter((loop) => {
    const isReady = loop.status === "pending" && loop.notBeforeAt <= now && loop.id !== first.id;
    return (
      isReady && loop.merge?.target === first.merge?.target && mayJoin(loop) && kindOf(loop) === key
    );
  });
  const behind: Loop[] = [];
  for (const loop of waiting.sort(inOrder)) {
    if (behind.length >= batchMax - 1) break;
    if (takenIn(state, done, loop)) behind.push(loop);
  }
  return behind;
}

/** What a person has allowed for one alone is not to be hidden among others. */
function mayJoin({ merge, verdict, headCommit, gateAllowed }: Loop): boolean {
  const isProven = verdict?.passed === true && verdict.commit === headCommit;
  const isForMerge = merge !== null && merge.as === undefined && merge.alone !== true;
  return isForMerge && isProven && gateAllowed.length === 0;
}

/** One run of the command speaks for all of these. */
function kindOf({ repo, parent, settings }: Loop): string {
  const { gate, sandbox, worktree } = settings;
  const { command, successExitCode, timeoutMs } = gate;
  const isBegotten = parent !== null;
  return JSON.stringify([repo, isBegotten, command, successExitCode, timeoutMs, sandbox, worktree]);
}

function inOrder(a: Loop, b: Loop): number {
  const level = ({ priority }: Loop) => priorities.indexOf(priority);
  const since = ({ merge }: Loop) => merge?.since ?? 0;
  return level(a) - level(b) || since(a) - since(b) || (a.id < b.id ? -1 : 1);
}

/** False when levels above are done with it: their checks are for the very end, by itself. */
function takenIn(state: State, done: Set<LoopId>, loop: Loop): boolean {
  if (checksDue(state, loop, done).some(({ isShared }) => isShared)) return false;
  done.add(loop.id);
  for (let at = loop; at.parent !== null; at = loopOf(state, at.parent)) {
    const isOpen = childrenOf(state, at.parent).some(
      ({ id, status, dropped }) => !dropped && status !== "complete" && !done.has(id),
    );
    if (isOpen) break;
    done.add(at.parent);
  }
  return true;
}

/** Of a batch the first `green` pass together, and the first `red` do not. */
export interface Split {
  readonly green: number;
  /** One more than there are: no run was red. */
  readonly red: number;
}

export function unsplit(count: number): Split {
  return { green: 0, red: count + 1 };
}

/** How many are tried next: all, then halves; null once the one that breaks it is known. */
export function nextTry({ green, red }: Split, count: number): number | null {
  if (red > count) return green < count ? count : null;
  return red - green > 1 ? green + Math.floor((red - green) / 2) : null;
}

export function afterTry(split: Split, tried: number, passed: boolean): Split {
  return passed ? { ...split, green: tried } : { ...split, red: tried };
}

/** Refused when one of them is not any more what was laid. */
export function batchLaid(state: State, loop: Loop, command: BatchCommand): Decision {
  const { laid, verdict, suspect } = command;
  const end = laid.at(-1);
  assert(laid[0]?.id === loop.id && end !== undefined, `${loop.id} is not the first of its batch`);
  assert(verdict.passed && verdict.commit === end.commit, `${loop.id}: its batch has not passed`);
  const moved = laid.find(({ id, from }) => !isAsLaid(loopOf(state, id), from, loop));
  if (moved !== undefined) return { ok: false, reason: `${moved.id} has moved on` };
  const events = laid.map(({ id, base, commit }): Event => {
    const { attempt } = loopOf(state, id);
    const own = { ...verdict, commit, judgedAt: end.commit, note: noteOf(verdict, laid.length) };
    const data = { attempt, base, commit, conflicts: [], verdict: own, progress: null };
    return { type: "loop.rebased", loop: id, data };
  });
  return { ok: true, id: loop.id, events: [...events, ...singled(state, suspect, loop)] };
}

function isAsLaid({ id, status, headCommit, merge }: Loop, from: CommitId, first: Loop): boolean {
  const isStanding = id === first.id || status === "pending";
  return isStanding && headCommit === from && merge?.target === first.merge?.target;
}

function noteOf({ commit, note }: Verdict, count: number): string | null {
  if (count === 1) return note;
  const batch = `judged in a batch of ${count}, at its end ${commit.slice(0, 12)}`;
  return note === null ? batch : `${note} (${batch})`;
}

function singled(state: State, suspect: LoopId | null, { merge }: Loop): Event[] {
  const its = suspect === null ? null : loopOf(state, suspect).merge;
  if (suspect === null || its === null || its.target !== merge?.target) return [];
  return [{ type: "loop.queued", loop: suspect, data: { target: its.target, alone: true } }];
}

/** Whether a run has passed on the very commit that the verdict is of. */
export function isOwnVerdict({ commit, judgedAt }: Verdict): boolean {
  return judgedAt === undefined || judgedAt === commit;
}
