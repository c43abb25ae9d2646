import { assert } from "../core/assert.ts";
import { isMoreDue } from "../core/checks.ts";
import type { AttemptOutcome } from "../core/commands.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { CommitId, Loop } from "../core/loop.ts";
import { isOwnVerdict } from "../core/merge-batch.ts";
import { loopOf } from "../core/state.ts";
import type { Moved } from "../ports/targets.ts";
import {
  combineOnto,
  conflicted,
  keepOnOwnBranch,
  lesson,
  type Place,
  planPlace,
  targetPlace,
} from "./combine.ts";
import { moveTo } from "./delivery.ts";
import { type Engine, headOf, must, stage } from "./engine.ts";
import { judgeOnBase, type Merging, type Tried, tryBatch } from "./merge-batch.ts";
import { isProven } from "./rebase.ts";
import type { CombinedVerdict } from "./verdict.ts";

/** A branch that moves under every try is left alone for a while. */
const triesMax = 5;
const laterMs = 10_000;

/**
 * Brings proven work to its target: on its newest end, judged there, and only then the target. All
 * of it may be done again after a crash: what the target has already is found there.
 */
export async function mergeAttempt(merging: Merging): Promise<AttemptOutcome> {
  const { engine, id, course } = merging;
  const waiting = loopOf(engine.states.state, id).merge;
  assert(waiting !== null, `${id} is not in a merge queue`);
  const { target } = waiting;
  course.at = `its merge into ${target}`;
  let isAlone = waiting.alone === true;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const loop = loopOf(engine.states.state, id);
    // A crash came between what was found and its consequence.
    if (!isProven(loop)) return { type: "returned", reason: "its work has to pass again" };
    const place =
      loop.parent === null
        ? await targetPlace(engine, loop, target)
        : await planPlace(engine, rootIdOf(loop));
    const outcome = await mergeOnce(merging, loop, place, isAlone);
    if (outcome === "alone") isAlone = true;
    else if (outcome !== null) return outcome;
  }
  return { type: "queued", target, notBeforeAt: engine.world.clock.now() + laterMs };
}

/** Null when the target has moved meanwhile; "alone" when it has to be tried by itself. */
async function mergeOnce(
  merging: Merging,
  loop: Loop,
  { branch, tip }: Place,
  isAlone: boolean,
): Promise<AttemptOutcome | "alone" | null> {
  const { engine, id, attempt } = merging;
  const { submit } = bound(engine);
  const found = await foundThere(merging, loop, { branch, tip });
  const isThere = found === "unchecked";
  if (found !== null && !isThere) return found;
  const combined = isThere
    ? ({ type: "clean", commit: tip.commit } as const)
    : await combineOnto(engine, loop, tip.commit);
  if (combined.type === "conflict") {
    await must(submit({ type: "rebase", id, attempt, ...conflicted(loop, tip.commit, combined) }));
    return { type: "returned", reason: `its work and ${branch} have changed the same lines` };
  }
  const { commit } = combined;
  const tried = isAlone || isThere ? null : await tryBatch(merging, loop, tip.commit, commit);
  if (tried !== null && tried.laid.length > 0) {
    return landed(merging, loop, { branch, tip }, tried);
  }
  const judged = tried?.judged ?? (await judgedOn(merging, loop, tip.commit, commit));
  const { verdict } = judged;
  const progress = verdict.passed ? null : redTogether(loop, branch, judged);
  const moved = { base: tip.commit, commit, conflicts: [], verdict, progress };
  await must(submit({ type: "rebase", id, attempt, ...moved }));
  if (!verdict.passed) {
    return { type: "returned", reason: `its work does not pass together with ${branch}` };
  }
  stage(engine, loop, "merging", branch);
  if (commit === tip.commit) return { type: "complete", delivered: { to: branch, commit } };
  return afterMove(merging, commit, branch, await moveTo(engine, loop, { branch, tip }, commit));
}

/**
 * What the target has already: a crash came before it was said, it was laid with others, or it
 * changes nothing. "unchecked" where more has to pass now, null where it is not there.
 */
async function foundThere(
  { engine }: Merging,
  loop: Loop,
  { branch, tip }: Place,
): Promise<AttemptOutcome | "unchecked" | null> {
  const commit = loop.verdict?.judgedAt ?? headOf(loop);
  if (!(await engine.world.targets.contains(loop.repo, tip.commit, commit))) return null;
  if (isMoreDue(engine.states.state, loop)) return "unchecked";
  // Others may have gone on from there: what the plan has come to is the branch's end.
  return { type: "complete", delivered: { to: branch, commit }, tip: tip.commit };
}

/** All that pass together are in the log; then the target moves to the last of them. */
async function landed(
  { engine, id, attempt }: Merging,
  loop: Loop,
  { branch, tip }: Place,
  { laid, judged: { verdict }, suspect }: Tried,
): Promise<AttemptOutcome | "alone" | null> {
  const { commit } = verdict;
  const batch = await engine.states.submit({
    ...{ type: "layBatch", id, attempt, laid, verdict, suspect },
  });
  // One of them was taken from the queue meanwhile.
  if (!batch.ok) return null;
  stage(engine, loop, "merging", branch);
  const isThere = commit === tip.commit;
  const moved = isThere ? null : await moveTo(engine, loop, { branch, tip }, commit);
  if (moved?.type === "stale") return null;
  // What rests on a branch of its own is to be judged as it stands there.
  if (moved?.type === "refused") return "alone";
  return { type: "complete", delivered: { to: branch, commit } };
}

function bound({ states }: Engine) {
  return { submit: states.submit.bind(states) };
}

/** The same files have been judged: then that verdict is this commit's, unless more is due now. */
async function judgedOn(
  merging: Merging,
  loop: Loop,
  base: CommitId,
  commit: CommitId,
): Promise<CombinedVerdict> {
  const { engine } = merging;
  const { repo, verdict } = loop;
  assert(verdict?.passed === true, `${loop.id} is merged without a verdict`);
  const isKnown = isOwnVerdict(verdict) && !isMoreDue(engine.states.state, loop);
  if (isKnown && (await engine.world.targets.sameFiles(repo, commit, headOf(loop)))) {
    const { judgedAt: _, ...own } = verdict;
    return { verdict: { ...own, commit }, feedback: "", fingerprint: "" };
  }
  return judgeOnBase(merging, loop, base, commit);
}

function redTogether(loop: Loop, branch: string, { feedback, fingerprint }: CombinedVerdict) {
  const lead = `Your work passes by itself, but not together with what others have brought to ${branch} meanwhile. It now stands on their newest commit; the command says there:\n\n`;
  return lesson(loop, { feedback: lead + feedback, files: [], fingerprint });
}

async function afterMove(
  { engine, id }: Merging,
  commit: CommitId,
  to: string,
  moved: Moved,
): Promise<AttemptOutcome | null> {
  if (moved.type === "stale") return null;
  if (moved.type === "moved") return { type: "complete", delivered: { to, commit } };
  const branch = await keepOnOwnBranch(engine, id, commit);
  const reason = `its work is on ${branch} only: ${moved.reason}`;
  return { type: "complete", delivered: null, reason };
}
