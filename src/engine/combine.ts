import type { CommitId, Loop, LoopId, Progress, Verdict } from "../core/loop.ts";
import type { Rebased } from "../core/merge-events.ts";
import { planBranch } from "../core/merge-events.ts";
import { loopOf } from "../core/state.ts";
import type { Combined, Combining, Targets, Tip } from "../ports/targets.ts";
import { WorktreeError } from "../ports.ts";
import { type Engine, headOf, must, stage } from "./engine.ts";

/** A branch that work is brought to, as it is now. */
export interface Place {
  readonly branch: string;
  readonly tip: Tip;
}

const namesTriedMax = 20;

/**
 * Where the loops of a plan come together. The name is in the log before the branch is made. A
 * branch that a person has checked out, or led elsewhere, is left to them: the next name takes over
 * from what the log knows. What a person has committed on top of it belongs to the plan.
 */
export async function planPlace({ world, states }: Engine, rootId: LoopId): Promise<Place> {
  const { targets } = world;
  for (let tried = 0; tried < namesTriedMax; tried += 1) {
    const root = loopOf(states.state, rootId);
    const { repo, branch } = root;
    const commit = root.tip ?? root.settings.baseCommit;
    const tip = branch === null ? null : await targets.tip(repo, branch);
    const isOurs = tip?.checkout === null && (await targets.contains(repo, tip.commit, commit));
    if (branch !== null && tip !== null && isOurs) return { branch, tip };
    if (branch !== null && tip === null) {
      await targets.move(repo, branch, null, commit);
      continue;
    }
    const name = await targets.freeName(repo, planBranch(rootId));
    await must(states.submit({ type: "claimBranch", id: rootId, branch: name, commit }));
  }
  throw new WorktreeError(`no branch can be made for plan ${rootId}: look at git branch --list`);
}

/**
 * Keeps work that its target does not take on a branch of its own. Here too the name is in the log
 * first: a try after a crash goes on with that branch, as long as nobody has touched it.
 */
export async function keepOnOwnBranch(
  { world: { targets }, states }: Engine,
  id: LoopId,
  commit: CommitId,
): Promise<string> {
  for (let tried = 0; tried < namesTriedMax; tried += 1) {
    const { repo, branch, tip: left } = loopOf(states.state, id);
    const tip = branch === null ? null : await targets.tip(repo, branch);
    if (branch === null || left === null || !(await isUntouched(targets, repo, tip, left))) {
      const name = await targets.freeName(repo, `taskdaemon/${id}`);
      await must(states.submit({ type: "claimBranch", id, branch: name, commit }));
      continue;
    }
    const isThere = tip?.commit === commit;
    const moved = isThere || (await targets.move(repo, branch, tip?.commit ?? null, commit));
    if (moved !== true && moved.type !== "moved") continue;
    if (left !== commit) await must(states.submit({ type: "claimBranch", id, branch, commit }));
    return branch;
  }
  throw new WorktreeError(`no branch can be made for ${id}: look at git branch --list`);
}

/** Its move may have been the last thing before a crash: then the log knows the commit before. */
async function isUntouched(
  targets: Targets,
  repo: string,
  tip: Tip | null,
  left: CommitId,
): Promise<boolean> {
  if (tip === null) return true;
  if (tip.checkout !== null) return false;
  return tip.commit === left || targets.isCombined(repo, tip.commit);
}

/** The user's own branch that a loop is for. */
export async function targetPlace({ world }: Engine, loop: Loop, branch: string): Promise<Place> {
  const tip = await world.targets.tip(loop.repo, branch);
  if (tip !== null) return { branch, tip };
  throw new WorktreeError(
    `${loop.repo} has no branch ${branch} to merge into: git branch ${branch}, or name another as git.target in taskdaemon.yml`,
  );
}

/** The loop's work, as one commit on top of `onto`. */
export async function combineOnto(engine: Engine, loop: Loop, onto: CommitId): Promise<Combined> {
  stage(engine, loop, "rebasing", null);
  const { id, repo, settings } = loop;
  const head = headOf(loop);
  if (head === settings.baseCommit) return { type: "clean", commit: onto };
  const request: Combining = {
    ...{ loop: id, repo, base: settings.baseCommit, head, onto },
    message: messageOf(loop),
    as: "one commit",
  };
  return engine.world.targets.combine(request);
}

export function messageOf({ id, type, title }: Loop): string {
  return `${title.replace(/\s+/g, " ").trim()}\n\nTaskDaemon ${type} ${id}\n`;
}

/** What a loop is told, and stands on, when its work and the branch have changed the same lines. */
export function conflicted(
  loop: Loop,
  onto: CommitId,
  { commit, paths, notes }: Extract<Combined, { type: "conflict" }>,
): Omit<Rebased, "attempt"> {
  const feedback = [
    `Others have changed the same lines as you. Your work now stands on their newest commit ${onto.slice(0, 12)}, and these files hold both versions between conflict markers (<<<<<<< theirs, =======, yours >>>>>>>):`,
    ...paths.slice(0, pathsToldMax).map((path) => `  ${path}`),
    ...notes.slice(0, pathsToldMax),
    "Put them right so that both changes keep their meaning, take all markers out, then validate.",
  ].join("\n");
  const verdict: Verdict | null = null;
  const progress = lesson(loop, { feedback, files: paths, fingerprint: `conflict ${commit}` });
  return { base: onto, commit, conflicts: paths.slice(0, conflictsMax), verdict, progress };
}

const pathsToldMax = 40;
const conflictsMax = 1_000;

/** What the next iteration hears of something that was no iteration of its own. */
export function lesson(
  { iteration }: Loop,
  told: {
    readonly feedback: string;
    readonly files: readonly string[];
    readonly fingerprint: string;
  },
): Progress {
  const { feedback, files, fingerprint } = told;
  const filesChanged = files.slice(0, pathsToldMax);
  const failed = { passed: false, exitCode: null, durationMs: 0 };
  return { iteration: Math.max(iteration, 1), ...failed, filesChanged, feedback, fingerprint };
}
