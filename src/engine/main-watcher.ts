import { Bug } from "../core/assert.ts";
import { type CommitId, isSettled, type Loop, type LoopId, type Millis } from "../core/loop.ts";
import { planBranch } from "../core/merge-events.ts";
import { StoreBroken, type World } from "../ports.ts";
import type { Crew } from "./loop-manager.ts";

/**
 * Looks at the branches that plans are for. When one has moved, the plan stands in the queue of its
 * own branch to take that up, and those that work on it are told; their own loops go along with the
 * plan's branch, and loops without a plan look for themselves, both between iterations.
 */
export async function watchTargets(crew: Crew, pollMs: Millis, signal: AbortSignal): Promise<void> {
  const { clock, random, states } = crew;
  /** What was tried for each plan: a target that cannot be taken up is not tried again and again. */
  const tried = new Map<LoopId, string>();
  while (!signal.aborted && !crew.drain.aborted) {
    for (const loop of states.state.loops.values()) {
      if (isWatched(loop)) await look(crew, loop, tried);
    }
    const at = clock.now() + Math.ceil(pollMs * (0.75 + random.next() / 2));
    await clock.sleepUntil(at, signal);
  }
}

/** A plan with work on its branch, that is not in a queue already. */
function isWatched(loop: Loop): boolean {
  const { parent, tip, merge, settings } = loop;
  const isAtWork = parent === null && loop.status === "delegated" && tip !== null;
  return isAtWork && merge === null && settings.target !== undefined && !isSettled(loop);
}

async function look(crew: Crew, loop: Loop, tried: Map<LoopId, string>): Promise<void> {
  const { id, settings } = loop;
  const { target = "" } = settings;
  // What git says no to is told by those who work there, and looked at again.
  const news = await newsOf(crew, loop).catch((error: unknown) => {
    if (error instanceof Bug || error instanceof StoreBroken) throw error;
    return null;
  });
  if (news === null || tried.get(id) === news.commit) return;
  tried.set(id, news.commit);
  const { watch } = news;
  const text = `${target} has moved to ${news.commit.slice(0, 12)}: ${loop.branch} takes that up`;
  for (const other of crew.states.state.loops.values()) {
    const isPart = other.id === id || other.id.startsWith(`${id}.`);
    if (isPart && (other.status === "running" || other.id === id)) {
      watch({ type: "note", loop: other.id, iteration: other.iteration + 1, text });
    }
  }
  await crew.states.submit({ type: "queueMerge", id, target: planBranch(id) });
}

interface News {
  readonly commit: CommitId;
  readonly watch: World["watch"];
}

/** Where the target is, if the plan does not know that yet. */
async function newsOf(crew: Crew, loop: Loop): Promise<News | null> {
  const { repo, tip, settings } = loop;
  const { target } = settings;
  if (tip === null || target === undefined) return null;
  const { world } = await crew.engineOf(loop);
  const now = await world.targets.tip(repo, target);
  if (now === null || (await world.targets.contains(repo, tip, now.commit))) return null;
  return { commit: now.commit, watch: world.watch };
}
