import { assert } from "../core/assert.ts";
import { checksDue } from "../core/checks.ts";
import type { AttemptOutcome } from "../core/commands.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { CommitId, Loop, LoopId } from "../core/loop.ts";
import { loopOf } from "../core/state.ts";
import type { Moved } from "../ports/targets.ts";
import { combineOnto, conflicted, lesson, type Place, planPlace, targetPlace } from "./combine.ts";
import { moveTo } from "./delivery.ts";
import { type Course, type Engine, headOf, must, stage } from "./engine.ts";
import { gateDefinitionAt } from "./gate.ts";
import { isProven } from "./rebase.ts";
import { type CombinedVerdict, judgeCombined } from "./verdict.ts";

/** An attempt of a loop whose turn in its merge queue has come. */
interface Merging {
  readonly engine: Engine;
  readonly id: LoopId;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly course: Course;
}

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
  for (let tries = 0; tries < triesMax; tries += 1) {
    const loop = loopOf(engine.states.state, id);
    // A crash came between what was found and its consequence.
    if (!isProven(loop)) return { type: "returned", reason: "its work has to pass again" };
    const place =
      loop.parent === null
        ? await targetPlace(engine, loop, target)
        : await planPlace(engine, rootIdOf(loop));
    const outcome = await mergeOnce(merging, loop, place);
    if (outcome !== null) return outcome;
  }
  return { type: "queued", target, notBeforeAt: engine.world.clock.now() + laterMs };
}

/** Null when the target has moved meanwhile. */
async function mergeOnce(
  merging: Merging,
  loop: Loop,
  { branch, tip }: Place,
): Promise<AttemptOutcome | null> {
  const { engine, id, attempt } = merging;
  const { targets } = engine.world;
  const { submit } = bound(engine);
  const head = headOf(loop);
  if (await targets.contains(loop.repo, tip.commit, head)) {
    return { type: "complete", delivered: { to: branch, commit: head } };
  }
  const combined = await combineOnto(engine, loop, tip.commit);
  if (combined.type === "conflict") {
    await must(submit({ type: "rebase", id, attempt, ...conflicted(loop, tip.commit, combined) }));
    return { type: "returned", reason: `its work and ${branch} have changed the same lines` };
  }
  const { commit } = combined;
  const judged = await judgedOn(merging, loop, tip.commit, commit);
  const { verdict } = judged;
  const progress = verdict.passed ? null : redTogether(loop, branch, judged);
  const moved = { base: tip.commit, commit, conflicts: [], verdict, progress };
  await must(submit({ type: "rebase", id, attempt, ...moved }));
  if (!verdict.passed) {
    return { type: "returned", reason: `its work does not pass together with ${branch}` };
  }
  stage(engine, loop, "merging", branch);
  if (commit === tip.commit) return { type: "complete", delivered: { to: branch, commit } };
  return afterMove(
    merging,
    loop,
    commit,
    branch,
    await moveTo(engine, loop, { branch, tip }, commit),
  );
}

function bound({ states }: Engine) {
  return { submit: states.submit.bind(states) };
}

/** The same files have been judged: then that verdict is this commit's, unless more is due now. */
async function judgedOn(
  { engine, signal, course }: Merging,
  loop: Loop,
  base: CommitId,
  commit: CommitId,
): Promise<CombinedVerdict> {
  const { states } = engine;
  const { worktrees, targets } = engine.world;
  const { repo, verdict, settings } = loop;
  assert(verdict?.passed === true, `${loop.id} is merged without a verdict`);
  const isMore = checksDue(states.state, loop).some(({ isShared }) => isShared);
  if (!isMore && (await targets.sameFiles(repo, commit, headOf(loop)))) {
    return { verdict: { ...verdict, commit }, feedback: "", fingerprint: "" };
  }
  course.at = "the validation of its merge";
  const gate = await gateDefinitionAt({ worktrees, repo, gate: settings.gate }, base);
  const moved = { ...loop, settings: { ...settings, baseCommit: base } };
  return judgeCombined({ engine, gate, signal }, moved, commit);
}

function redTogether(loop: Loop, branch: string, { feedback, fingerprint }: CombinedVerdict) {
  const lead = `Your work passes by itself, but not together with what others have brought to ${branch} meanwhile. It now stands on their newest commit; the command says there:\n\n`;
  return lesson(loop, { feedback: lead + feedback, files: [], fingerprint });
}

async function afterMove(
  { engine, id }: Merging,
  { repo }: Loop,
  commit: CommitId,
  to: string,
  moved: Moved,
): Promise<AttemptOutcome | null> {
  if (moved.type === "stale") return null;
  if (moved.type === "moved") return { type: "complete", delivered: { to, commit } };
  const branch = await engine.world.worktrees.deliver(repo, id, commit);
  await must(engine.states.submit({ type: "claimBranch", id, branch, commit }));
  const reason = `its work is on ${branch} only: ${moved.reason}`;
  return { type: "complete", delivered: null, reason };
}
