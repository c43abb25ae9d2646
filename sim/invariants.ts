import { isDeepStrictEqual } from "node:util";
import { assert } from "../src/core/assert.ts";
import type { Event, Transaction } from "../src/core/events.ts";
import { isSettled, type Loop, type Millis, noUsage, tokensOf } from "../src/core/loop.ts";
import { isOwnVerdict } from "../src/core/merge-batch.ts";
import { childrenOf, loopOf, type State } from "../src/core/state.ts";
import { checkTargets } from "./by-hand.ts";
import { baseTree, isGood, isGreen } from "./git.ts";
import { checkLevels } from "./levels.ts";
import { checkMail } from "./mail.ts";
import { checkApproved, checkPlannedAnew } from "./pipeline.ts";
import { checkLimits } from "./scheduling.ts";
import type { Before, SimDisk } from "./store.ts";

/** Safety: true after every transaction, whatever went wrong before. */
export function checkSafety(disk: SimDisk, { events }: Transaction, before: Before): void {
  const { state } = disk;
  for (const event of events) {
    checkFence(disk, event, before);
    checkBatch(disk, event);
    checkLevels(disk.repository, state, event);
    checkApproved(state, event, before);
    checkPlannedAnew(state, event);
  }
  checkMail(state, events, disk.fates);
  checkLimits(state);
  for (const id of new Set(events.map((event) => event.loop))) {
    if (id === null) continue;
    const loop = loopOf(state, id);
    checkOrder(state, loop);
    checkBill(loop, disk.bill.get(id) ?? 0);
    checkBudget(loop, before.get(id) ?? null);
    checkDeliveries(disk, loop);
    checkProposal(disk, loop);
    checkTargets(disk.repository);
    if (loop.status === "complete" && ["ralph", "chore"].includes(loop.type))
      checkProven(disk, loop);
  }
}

function checkOrder(state: State, loop: Loop): void {
  if (loop.status === "running") {
    const unmet = loop.dependsOn.filter((id) => loopOf(state, id).status !== "complete");
    assert(unmet.length === 0, `${loop.id} runs before ${unmet.join()}`);
  } else {
    assert(loop.reservations.length === 0, `${loop.id} is ${loop.status} with a reservation`);
  }
  if (loop.status === "complete") {
    const open = childrenOf(state, loop.id).find(
      (child) => child.status !== "complete" && !child.dropped,
    );
    assert(open === undefined, `${loop.id} is complete, its child ${open?.id} is not`);
  }
  assert(
    (loop.status === "blocked") === (loop.blockedOn !== null) || loop.status === "paused",
    `${loop.id} is ${loop.status}, blocked on ${loop.blockedOn}`,
  );
}

/** Only who holds the lease speaks, and work is laid on the head that stands. */
function checkFence({ repository }: SimDisk, event: Event, before: Before): void {
  if (event.loop === null || !/^(?:attempt|iteration|budget)\./.test(event.type)) return;
  // A plan is warned of what is spent below it.
  if (event.type === "budget.warned") return;
  const loop = before.get(event.loop);
  assert(loop !== undefined, `${event.loop} acts before it is there`);
  const isLate = event.type === "attempt.saved";
  const isStart = event.type === "attempt.started";
  assert(isLate || isStart || loop.status === "running", `${event.type} of ${loop.status}`);
  if ("attempt" in event.data && !isStart) {
    assert(event.data.attempt === loop.attempt, `${loop.id}: ${event.type} of an old attempt`);
  }
  if (event.type !== "attempt.saved" && event.type !== "iteration.finished") return;
  const { commit } = event.data;
  const head = loop.headCommit ?? loop.settings.baseCommit;
  const isOnHead = commit === head || repository.parent(commit) === head;
  assert(isOnHead, `${loop.id}: ${event.type} on another commit than its head`);
}

/** Who was judged at another commit than its own says at which, and that one passes. */
function checkBatch({ repository }: SimDisk, event: Event): void {
  if (event.type !== "loop.rebased") return;
  const { base, commit, verdict } = event.data;
  // A batch that was broken off before its branch moved: each is judged by itself after all.
  if (verdict?.passed === true && isOwnVerdict(verdict)) repository.within.delete(commit);
  if (verdict?.judgedAt === undefined) return;
  const { judgedAt } = verdict;
  assert(isGreen(repository.tree(judgedAt)), `${event.loop} was laid in a batch that is red`);
  assert(repository.history(judgedAt).has(commit), `${event.loop} is not in its batch`);
  // What adds nothing to the commit below it is no commit of the batch.
  if (commit !== judgedAt && commit !== base) repository.within.add(commit);
}

/** One branch for one piece of work, however often its delivery was tried. */
function checkDeliveries({ repository, transactions }: SimDisk, loop: Loop): void {
  if (loop.status !== "complete") return;
  const names = [...repository.branches.keys()].map((name) => name.split("-")[0]);
  const count = names.filter((name) => name === `taskdaemon/${loop.id}`).length;
  const rollbacks = transactions.flatMap(({ events }) =>
    events.filter(({ type, loop: id }) => type === "loop.rolledBack" && id === loop.id),
  );
  assert(count <= 1 + rollbacks.length, `${loop.id} was delivered to ${count} branches`);
}

/** One pull request for a branch, and whoever has none of those that were asked for says why. */
function checkProposal({ repository }: SimDisk, loop: Loop): void {
  const { id, delivered, pullRequest, reason, settings, merge } = loop;
  const to = delivered?.to ?? "";
  if (pullRequest !== null) {
    const isThere = [...repository.pullRequests.values()].includes(pullRequest);
    assert(isThere, `${id} has a pull request that nobody opened`);
  }
  const isOwed = settings.deliver === "pr" && merge === null && to.startsWith("taskdaemon/");
  if (loop.parent !== null || loop.status !== "complete" || !isOwed) return;
  assert(pullRequest !== null || reason !== null, `${id} has no pull request and no reason`);
}

/** What a provider charges is known: spent, or reserved for a call that is under way. */
function checkBill(loop: Loop, bill: number): void {
  const reserved = loop.reservations.reduce((sum, { tokens }) => sum + tokens, 0);
  const known = tokensOf(loop.usage) + reserved;
  assert(bill <= known, `${loop.id} is charged ${bill} tokens and knows of ${known}`);
}

/**
 * Nobody outspends: a call that begins fits, and one that ends took no more than it was promised.
 * A person may set a limit below what is promised already.
 */
function checkBudget(loop: Loop, before: Loop | null): void {
  const [then, now] = [spentAndHeld(before), spentAndHeld(loop)];
  const { budgetTokens, budgetUsd } = loop.settings;
  const hasBegun = loop.reservations.length > (before?.reservations.length ?? 0);
  const isOff = (limit: number | null, most: number, taken: number) =>
    limit !== null && taken > (hasBegun ? limit : Math.max(limit, most)) + 1e-9;
  const hasPaid = tokensOf(before?.usage ?? noUsage) !== tokensOf(loop.usage);
  if (!hasBegun && !hasPaid) return;
  assert(!isOff(budgetTokens, then.tokens, now.tokens), `${loop.id} spent too many tokens`);
  assert(!isOff(budgetUsd, then.usd, now.usd), `${loop.id} spent too much money`);
}

function spentAndHeld(loop: Loop | null): { readonly tokens: number; readonly usd: number } {
  const { usage, reservations } = loop ?? { usage: noUsage, reservations: [] };
  return reservations.reduce(
    (sum, held) => ({ tokens: sum.tokens + held.tokens, usd: sum.usd + (held.usd ?? 0) }),
    { tokens: tokensOf(usage), usd: usage.costUsd ?? 0 },
  );
}

/** The verdict that nobody can write: what is delivered really passes an honest gate. */
function checkProven({ repository }: SimDisk, loop: Loop): void {
  assert(loop.verdict?.passed === true, `${loop.id} is complete without a verdict`);
  assert(loop.verdict.commit === loop.headCommit, `${loop.id}: the verdict is of another commit`);
  if (loop.delivered === null) {
    assert(loop.reason !== null, `${loop.id} is complete and nothing was delivered`);
    return;
  }
  const tip = repository.branches.get(loop.delivered.to) ?? "";
  const isThere = tip !== "" && repository.history(tip).has(loop.delivered.commit);
  assert(isThere, `${loop.id}: its work is not on ${loop.delivered.to}`);
  const files = repository.tree(loop.delivered.commit);
  // What was merged once it was complete stands on what its target had, and not on its own base.
  const { commit } = loop.delivered;
  const isLater = commit !== loop.headCommit;
  // And what adds nothing there is found in somebody else's commit.
  const isNothing = isLater && repository.makers.get(commit) !== loop.id;
  const below = isNothing ? commit : isLater && repository.parent(commit);
  const base = repository.tree(below || loop.settings.baseCommit);
  const isHonest = files.get("check.sh") === baseTree.get("check.sh");
  const isAllowed = loop.gateAllowed.includes("check.sh");
  const isInherited = files.get("check.sh") === base.get("check.sh");
  assert(isHonest || isAllowed || isInherited, `${loop.id} passed with a spoilt gate`);
  assert(!isHonest || isGood(files.get("src.txt")), `${loop.id} is complete and does not work`);
}

/** What was acknowledged survives a crash: all that anybody saw is in the log, as it was seen. */
export function checkMemory(disk: SimDisk, witnessed: readonly Transaction[]): void {
  const bySeq = new Map(disk.transactions.map((transaction) => [transaction.seq, transaction]));
  for (const seen of witnessed) {
    assert(bySeq.get(seen.seq) === seen, `transaction ${seen.seq} was seen and is lost`);
  }
}

/** What anybody sees is what is durable, no more and no less. `sinceAt`: when it was so last. */
export function checkSeen({ state }: SimDisk, seen: State, sinceAt: Millis): void {
  assert(seen.loops.size === state.loops.size, "loops are seen that are not durable");
  for (const [id, loop] of state.loops) {
    const same = seen.loops.get(id);
    const isAsBefore = loop.updatedAt < sinceAt && same?.updatedAt === loop.updatedAt;
    assert(isAsBefore || isDeepStrictEqual(same, loop), `${id} is seen as it is not on disk`);
  }
}

/** Liveness: once the faults stop and people help, everything comes to an end. */
export function checkLiveness(state: State): void {
  const open = [...state.loops.values()].find((loop) => !isAtEnd(state, loop));
  assert(open === undefined, `${open?.id} is stuck: ${open?.status}`);
}

export function isAtRest(state: State): boolean {
  return [...state.loops.values()].every((loop) => isAtEnd(state, loop));
}

function isAtEnd(state: State, loop: Loop): boolean {
  if (loop.status === "complete") return loop.merge === null;
  return isSettled(loop) || isHeldUp(state, loop);
}

function isHeldUp(state: State, loop: Loop): boolean {
  if (loop.status !== "pending") return false;
  return loop.dependsOn.some((id) => {
    const other = loopOf(state, id);
    return isSettled(other) ? other.status !== "complete" : isHeldUp(state, other);
  });
}
