import { assert } from "../core/assert.ts";
import { type Check, checksDue } from "../core/checks.ts";
import type { CommitId, Loop, LoopId } from "../core/loop.ts";
import { afterTry, batchBehind, type Laid, nextTry, unsplit } from "../core/merge-batch.ts";
import { loopOf } from "../core/state.ts";
import { combineOnto } from "./combine.ts";
import { type Course, type Engine, headOf } from "./engine.ts";
import { gateDefinitionAt } from "./gate.ts";
import { type CombinedVerdict, judgeCombined } from "./verdict.ts";

/** An attempt of a loop whose turn in its merge queue has come. */
export interface Merging {
  readonly engine: Engine;
  readonly id: LoopId;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly course: Course;
}

/** What has come of a batch. */
export interface Tried {
  /** Those that pass together; nobody where the first one is red by itself. */
  readonly laid: readonly Laid[];
  /** Of the last of them, or of the first one's red commit. */
  readonly judged: CombinedVerdict;
  /** With it they are red. */
  readonly suspect: LoopId | null;
}

/**
 * Judges the work of `loop`, which is `commit` on `base`, together with what waits behind it: once
 * for all, and where that is red for halves. Null when nobody goes along. Changes nothing.
 */
export async function tryBatch(
  merging: Merging,
  loop: Loop,
  base: CommitId,
  commit: CommitId,
): Promise<Tried | null> {
  const { states, world } = merging.engine;
  const behind = batchBehind(states.state, loop, world.clock.now(), world.mergeBatchMax);
  const first: Laid = { id: loop.id, from: headOf(loop), base, commit };
  const laid = await laidBehind(merging.engine, first, behind);
  if (laid.length < 2) return null;
  let split = unsplit(laid.length);
  let [green, red]: (CombinedVerdict | null)[] = [null, null];
  for (let count = nextTry(split, laid.length); count !== null; ) {
    const judged = await judgedTogether(merging, loop, base, laid.slice(0, count));
    if (judged.verdict.passed) green = judged;
    else red = judged;
    split = afterTry(split, count, judged.verdict.passed);
    count = nextTry(split, laid.length);
  }
  const judged = green ?? red;
  assert(judged != null, "a batch was tried without a verdict");
  const passing = laid.slice(0, split.green);
  const suspect = passing.length === 0 ? null : (laid[split.green]?.id ?? null);
  return { laid: passing, judged, suspect };
}

/** One on another; who is in conflict with those before is left for a turn of its own. */
async function laidBehind(engine: Engine, first: Laid, behind: readonly Loop[]): Promise<Laid[]> {
  const laid = [first];
  let end = first.commit;
  for (const loop of behind) {
    const combined = await combineOnto(engine, loop, end);
    if (combined.type === "conflict") continue;
    const { commit } = combined;
    laid.push({ id: loop.id, from: headOf(loop), base: end, commit });
    end = commit;
  }
  return laid;
}

async function judgedTogether(
  merging: Merging,
  loop: Loop,
  base: CommitId,
  laid: readonly Laid[],
): Promise<CombinedVerdict> {
  const { state } = merging.engine.states;
  const checks = laid.flatMap(({ id }) => checksDue(state, loopOf(state, id)));
  const end = laid.at(-1)?.commit ?? base;
  return judgeOnBase(merging, loop, base, end, withoutTwins(checks));
}

function withoutTwins(checks: readonly Check[]): readonly Check[] {
  const byCommand = new Map(checks.toReversed().map((check) => [check.command, check]));
  return [...byCommand.values()].toReversed();
}

/** The verdict on a commit that has `base`, the end of a branch, below it. */
export async function judgeOnBase(
  { engine, signal, course }: Merging,
  loop: Loop,
  base: CommitId,
  commit: CommitId,
  checks?: readonly Check[],
): Promise<CombinedVerdict> {
  const { repo, settings } = loop;
  const { worktrees } = engine.world;
  course.at = "the validation of its merge";
  const gate = await gateDefinitionAt({ worktrees, repo, gate: settings.gate }, base);
  const moved = { ...loop, settings: { ...settings, baseCommit: base } };
  const judging = checks === undefined ? {} : { checks };
  return judgeCombined({ engine, gate, signal, ...judging }, moved, commit);
}
