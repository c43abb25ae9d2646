import { assert, Bug } from "../core/assert.ts";
import type { CommitId, Loop } from "../core/loop.ts";
import type { DeliveryResult } from "../core/merge.ts";
import { loopOf } from "../core/state.ts";
import type { Proposed } from "../ports/pull-requests.ts";
import { planPlace } from "./combine.ts";
import { type Engine, headOf, stage } from "./engine.ts";

interface Proposing {
  readonly engine: Engine;
  readonly signal: AbortSignal;
}

interface Delivered {
  readonly to: string;
  readonly commit: CommitId;
}

/** Asks for the pull request of what rests on a branch. Whatever fails, the branch is there. */
export async function propose(
  { engine, signal }: Proposing,
  loop: Loop,
  base: string | undefined,
  delivered: Delivered,
): Promise<Proposed> {
  if (base === undefined) return refused(loop, "it is for no branch: set git.target");
  const { world, states } = engine;
  stage(engine, loop, "merging", `a pull request to ${base}`);
  const complete: Loop = { ...loop, status: "complete", reason: null, merge: null, delivered };
  const { to: branch, commit } = delivered;
  const proposal = { state: states.state, loop: complete, branch, commit, base };
  const answer = await world.pullRequests.open(proposal, signal).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof Error) || error instanceof Bug) throw error;
    return { type: "refused", reason: error.message } as const;
  });
  return answer.type === "opened" ? answer : refused(loop, answer.reason);
}

function refused({ id }: Loop, reason: string): Proposed {
  const again = `once that is mended: td merge ${id} --pr`;
  return { type: "refused", reason: `there is no pull request: ${reason}; ${again}` };
}

/** The turn of a plan that is whole, or of complete work that a person wants proposed. */
export async function proposeQueued(proposing: Proposing, loop: Loop): Promise<DeliveryResult> {
  assert(loop.merge !== null, `${loop.id} is in no queue`);
  const { engine } = proposing;
  const { target } = loop.merge;
  const delivered = await onBranch(engine, loop);
  const answer = await propose(proposing, loopOf(engine.states.state, loop.id), target, delivered);
  const { to, commit } = delivered;
  return answer.type === "opened"
    ? { type: "proposed", to, commit, url: answer.url, reason: null }
    : { type: "proposed", to, commit, url: null, reason: answer.reason };
}

/** Of a complete plan nobody may make another branch: what there is, is proposed. */
async function onBranch(engine: Engine, loop: Loop): Promise<Delivered> {
  const { id, repo, branch, tip } = loop;
  const isPlan = tip !== null && engine.states.state.children.has(id);
  if (!isPlan) {
    const commit = headOf(loop);
    return { to: await engine.world.worktrees.deliver(repo, id, commit), commit };
  }
  if (loop.status === "complete") return { to: branch ?? "", commit: tip };
  const own = await planPlace(engine, id);
  return { to: own.branch, commit: own.tip.commit };
}
