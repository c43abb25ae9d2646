import { rootIdOf } from "../core/ledger.ts";
import type { CommitId, Loop } from "../core/loop.ts";
import { loopOf } from "../core/state.ts";
import { combineOnto, conflicted } from "./combine.ts";
import { type Attempt, AttemptEnd, headOf, must } from "./engine.ts";
import type { Judged } from "./verdict.ts";

type Following = Pick<Attempt, "engine" | "id" | "attempt" | "type">;

/**
 * Between iterations: where the branch that the work is for has moved, the work is laid on its new
 * end, and the next iteration begins from there. True when it was, and everything about the base
 * has to be looked at again.
 */
export async function followTarget({ engine, id, attempt, type }: Following): Promise<boolean> {
  const loop = loopOf(engine.states.state, id);
  const isForJudging = loop.conflicts.length > 0 || loop.rejudge || isProven(loop);
  // What a document loop has written is of the code that it has read.
  if (isForJudging || (type.begets !== null && loop.iteration > 0)) return false;
  const onto = await newBaseOf({ engine }, loop);
  if (onto === null) return false;
  const combined = await combineOnto(engine, loop, onto);
  const { commit } = combined;
  const moved =
    combined.type === "conflict"
      ? conflicted(loop, onto, combined)
      : { base: onto, commit, conflicts: [], verdict: null, progress: null };
  await must(engine.states.submit({ type: "rebase", id, attempt, ...moved }));
  const where = `${headOf(loop).slice(0, 12)} now stands on ${onto.slice(0, 12)}`;
  const text = `the branch it is for has moved: ${where}`;
  engine.world.watch({ type: "note", loop: id, iteration: loop.iteration + 1, text });
  return true;
}

/** Null where the base is the newest there is, or nothing is followed. */
async function newBaseOf(
  { engine }: Pick<Attempt, "engine">,
  { id, parent, repo, settings }: Loop,
): Promise<CommitId | null> {
  const { baseCommit, target, follows } = settings;
  if (parent !== null) {
    const { tip } = loopOf(engine.states.state, rootIdOf({ id, parent }));
    return tip === baseCommit ? null : tip;
  }
  if (target === undefined || follows !== true) return null;
  const { targets } = engine.world;
  const tip = await targets.tip(repo, target);
  if (tip === null || tip.commit === baseCommit) return null;
  return (await targets.contains(repo, tip.commit, baseCommit)) ? tip.commit : null;
}

/** Its head has passed: what broke off after the verdict goes on with the delivery. */
export function isProven({ verdict, headCommit }: Loop): boolean {
  return verdict?.passed === true && verdict.commit === headCommit;
}

/** A command that does not read every file says yes to markers too: they take its pass away. */
export async function withoutMarkers(
  doing: Attempt,
  before: Loop,
  judged: Judged,
): Promise<Judged & { readonly conflicts: readonly string[] }> {
  const conflicts = await unresolved(doing, before, judged.verdict.commit);
  if (conflicts.length === 0) return { ...judged, conflicts };
  const note = `conflict markers are left in ${conflicts.slice(0, pathsToldMax).join(", ")}`;
  const verdict = { ...judged.verdict, passed: false, note };
  return { ...judged, verdict, conflicts, feedback: `${note}\n\n${judged.feedback}` };
}

const pathsToldMax = 20;

/** One iteration was for putting it right; now it is a person's. */
export function stillInConflict({ id }: Loop, conflicts: readonly string[]): AttemptEnd {
  const files = conflicts.slice(0, pathsToldMax).join(", ");
  const reason = `its work conflicts with what others have changed in ${files}: td shell ${id} opens its worktree; put the files right, take out the conflict markers, then td resume ${id}`;
  return new AttemptEnd({ type: "blocked", on: "conflict", reason, asked: [] });
}

const marker = /^(?:<{7}|>{7})(?: |$)/m;

/** Of the files of a conflict, those that still have markers. */
async function unresolved(
  { engine }: Pick<Attempt, "engine">,
  { repo, conflicts }: Loop,
  commit: CommitId,
): Promise<readonly string[]> {
  const left: string[] = [];
  for (const path of conflicts) {
    const text = await engine.world.worktrees.file(repo, commit, path);
    if (text !== null && marker.test(text)) left.push(path);
  }
  return left;
}
