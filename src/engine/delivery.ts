import { assert, Bug } from "../core/assert.ts";
import { type Check, checksOf } from "../core/checks.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { CommitId, Loop, LoopId } from "../core/loop.ts";
import { type DeliveryResult, isDelivery, isUpdate } from "../core/merge.ts";
import { isOwnVerdict } from "../core/merge-batch.ts";
import { isWholeCheck } from "../core/merge-events.ts";
import { loopOf } from "../core/state.ts";
import type { Moved } from "../ports/targets.ts";
import { messageOf, type Place, planPlace, targetPlace } from "./combine.ts";
import { type Engine, headOf, must, stage } from "./engine.ts";
import { gateDefinitionAt } from "./gate.ts";
import { proposeQueued } from "./pull-request.ts";
import { judgeCombined } from "./verdict.ts";

/** What has no attempt of its own: a plan, or work that a person wants merged once it is complete. */
interface Delivering {
  readonly engine: Engine;
  readonly id: LoopId;
  readonly signal: AbortSignal;
}

const triesMax = 5;

/** Carries out the turn of a plan, or of complete work, in a merge queue, and records its end. */
export async function deliverQueued(delivering: Delivering): Promise<void> {
  const { engine, id, signal } = delivering;
  const { states } = engine;
  const result = await resultOf(delivering).catch((error: unknown): DeliveryResult => {
    if (signal.aborted || !(error instanceof Error) || error instanceof Bug) throw error;
    return { type: "refused", reason: error.message };
  });
  await states.submit({ type: "finishDelivery", id, result });
}

async function resultOf(delivering: Delivering): Promise<DeliveryResult> {
  const { engine, id } = delivering;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const { state } = engine.states;
    const loop = loopOf(state, id);
    assert(loop.merge !== null && isDelivery(state, loop), `${id} is not to be delivered`);
    if (isWholeCheck(loop)) return checkWhole(delivering, loop);
    if (loop.merge.as === "pr") return proposeQueued(delivering, loop);
    const place = await targetPlace(engine, loop, isUpdate(loop) ? aimOf(loop) : loop.merge.target);
    const isPlan = loop.tip !== null && state.children.has(id);
    const result = isPlan
      ? await deliverPlan(delivering, loop, place)
      : await deliverAlone(delivering, loop, place);
    if (result !== null) return result;
  }
  return { type: "refused", reason: "the branch moves all the time: try again later" };
}

function aimOf({ id, settings }: Loop): string {
  assert(settings.target !== undefined, `${id} is for no branch`);
  return settings.target;
}

/** What a level's document asks for, on all that its children have made. */
async function checkWhole(delivering: Delivering, loop: Loop): Promise<DeliveryResult> {
  const { commit } = (await planPlace(delivering.engine, rootIdOf(loop))).tip;
  const problem = await problemOf(delivering, loop, commit, commit, checksOf(loop));
  const red = problem === null ? null : `it does not pass as a whole (${problem})`;
  return { type: "checked", problem: red };
}

/** The plan's branch takes up what the target has become; then the target moves to its end. */
async function deliverPlan(
  delivering: Delivering,
  loop: Loop,
  target: Place,
): Promise<DeliveryResult | null> {
  const { engine, id } = delivering;
  const { targets } = engine.world;
  const { repo } = loop;
  const own = await ownPlace(engine, loop);
  const tip = own.tip.commit;
  if (!(await targets.contains(repo, tip, target.tip.commit))) {
    return takeUp(delivering, loop, own, target);
  }
  if (isUpdate(loop)) return { type: "updated", branch: own.branch, commit: tip };
  const { branch } = target;
  if (await targets.contains(repo, target.tip.commit, tip)) {
    return { type: "delivered", to: branch, commit: tip };
  }
  stage(engine, loopOf(engine.states.state, id), "merging", branch);
  return after(await moveTo(engine, loop, target, tip), branch, tip, own.branch);
}

/** Of a complete plan nobody may make another branch: what there is, is delivered. */
async function ownPlace(engine: Engine, loop: Loop): Promise<Place> {
  if (loop.status !== "complete") return planPlace(engine, loop.id);
  assert(loop.tip !== null, `${loop.id} has come to nothing`);
  return { branch: loop.branch ?? "", tip: { commit: loop.tip, checkout: null } };
}

async function takeUp(
  delivering: Delivering,
  loop: Loop,
  own: Place,
  target: Place,
): Promise<DeliveryResult | null> {
  const { engine, id } = delivering;
  const { repo } = loop;
  const [onto, head] = [own.tip.commit, target.tip.commit];
  const message = `Take up ${target.branch}\n\n${messageOf(loop)}`;
  const request = { loop: id, repo, base: onto, head, onto, message, as: "merge" } as const;
  const combined = await engine.world.targets.combine(request);
  if (combined.type === "conflict") {
    const files = combined.paths.slice(0, filesNamedMax).join(", ");
    return needsPerson(loop, own, target, `have changed the same lines in ${files}`);
  }
  const problem = await problemOf(delivering, loop, head, combined.commit);
  if (problem !== null) return needsPerson(loop, own, target, `do not pass together: ${problem}`);
  const { commit } = combined;
  if (loop.status !== "complete") {
    const { branch } = own;
    const moved = await engine.world.targets.move(repo, branch, onto, commit);
    if (moved.type !== "moved" || isUpdate(loop)) {
      return moved.type === "moved" ? { type: "updated", branch, commit } : null;
    }
    const result = { type: "updated", branch, commit } as const;
    await must(engine.states.submit({ type: "finishDelivery", id, result }));
    return null;
  }
  return after(await moveTo(engine, loop, target, commit), target.branch, commit, own.branch);
}

const filesNamedMax = 10;

function needsPerson(loop: Loop, own: Place, target: Place, what: string): DeliveryResult {
  const sentence = `${own.branch} and ${target.branch} ${what}`;
  const byHand = `git switch ${own.branch}, git merge ${target.branch}, commit, git switch back`;
  if (isUpdate(loop)) return { type: "refused", reason: `${sentence}: ${byHand}` };
  if (loop.status === "complete") {
    return { type: "refused", reason: `${sentence}: merge it by hand, git merge ${own.branch}` };
  }
  return { type: "blocked", reason: `${sentence}: ${byHand}, then td resume ${loop.id}` };
}

/** One loop's work as one commit on the target. */
async function deliverAlone(
  delivering: Delivering,
  loop: Loop,
  { branch, tip }: Place,
): Promise<DeliveryResult | null> {
  const { engine, id } = delivering;
  const { targets } = engine.world;
  const { repo, settings } = loop;
  const head = headOf(loop);
  if (await targets.contains(repo, tip.commit, head)) {
    return { type: "delivered", to: branch, commit: head };
  }
  const base = settings.baseCommit;
  const message = messageOf(loop);
  const request = {
    loop: id,
    repo,
    base,
    head,
    onto: tip.commit,
    message,
    as: "one commit",
  } as const;
  const combined = await targets.combine(request);
  const byHand = `merge it by hand: git merge ${loop.branch ?? head.slice(0, 12)}`;
  if (combined.type === "conflict") {
    const files = combined.paths.slice(0, filesNamedMax).join(", ");
    const reason = `it and ${branch} have changed the same lines in ${files}: ${byHand}`;
    return { type: "refused", reason };
  }
  const { commit } = combined;
  const isJudged = loop.verdict === null || isOwnVerdict(loop.verdict);
  const isKnown = isJudged && (await targets.sameFiles(repo, commit, head));
  const problem = isKnown ? null : await problemOf(delivering, loop, tip.commit, commit);
  if (problem !== null) {
    return {
      type: "refused",
      reason: `it does not pass together with ${branch} (${problem}): ${byHand}`,
    };
  }
  if (commit === tip.commit) return { type: "delivered", to: branch, commit };
  const moved = await moveTo(engine, loop, { branch, tip }, commit);
  return after(moved, branch, commit, loop.branch ?? "");
}

/** Why the validation does not pass on a combination; null when it does. */
async function problemOf(
  { engine, signal }: Delivering,
  loop: Loop,
  base: CommitId,
  commit: CommitId,
  checks?: readonly Check[],
): Promise<string | null> {
  const { repo, settings } = loop;
  const { worktrees } = engine.world;
  const gate = await gateDefinitionAt({ worktrees, repo, gate: settings.gate }, base);
  const moved = { ...loop, settings: { ...settings, baseCommit: base } };
  const own = checks === undefined ? {} : { checks };
  const { verdict } = await judgeCombined({ engine, gate, signal, ...own }, moved, commit);
  if (verdict.passed) return null;
  return verdict.note ?? `\`${verdict.command}\` ended with ${verdict.exitCode ?? "a kill"}`;
}

export async function moveTo(
  { world: { targets } }: Engine,
  { repo }: Pick<Loop, "repo">,
  { branch, tip }: Place,
  commit: CommitId,
): Promise<Moved> {
  if (tip.checkout === null) return targets.move(repo, branch, tip.commit, commit);
  return targets.fastForward(repo, branch, tip.checkout, commit);
}

function after(moved: Moved, to: string, commit: CommitId, own: string): DeliveryResult | null {
  if (moved.type === "stale") return null;
  if (moved.type === "moved") return { type: "delivered", to, commit };
  return { type: "refused", reason: `its work is on ${own} only: ${moved.reason}` };
}
