import { assert } from "../src/core/assert.ts";
import type { Transaction } from "../src/core/events.ts";
import { isSettled, type Loop, tokensOf } from "../src/core/loop.ts";
import { childrenOf, loopOf, type State } from "../src/core/state.ts";
import { baseTree } from "./git.ts";
import type { SimDisk } from "./store.ts";

/** Safety: true after every transaction, whatever went wrong before. */
export function checkSafety(disk: SimDisk, { events }: Transaction, runningMax: number): void {
  const { state } = disk;
  const running = [...state.loops.values()].filter((loop) => loop.status === "running");
  assert(running.length <= runningMax, `${running.length} running, at most ${runningMax} allowed`);
  for (const id of new Set(events.map((event) => event.loop))) {
    if (id === null) continue;
    const loop = loopOf(state, id);
    checkOrder(state, loop);
    checkBudget(loop);
    if (loop.status === "complete") checkProven(disk, loop);
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
    const open = childrenOf(state, loop.id).find((child) => child.status !== "complete");
    assert(open === undefined, `${loop.id} is complete, its child ${open?.id} is not`);
  }
  assert(
    (loop.status === "blocked") === (loop.blockedOn !== null) || loop.status === "paused",
    `${loop.id} is ${loop.status}, blocked on ${loop.blockedOn}`,
  );
}

/** Nobody outspends: a reservation is an upper bound, and settling never goes beyond it. */
function checkBudget(loop: Loop): void {
  const { budgetTokens, budgetUsd } = loop.settings;
  if (budgetTokens !== null) {
    assert(tokensOf(loop.usage) <= budgetTokens, `${loop.id} spent too many tokens`);
  }
  if (budgetUsd !== null) {
    assert((loop.usage.costUsd ?? 0) <= budgetUsd + 1e-9, `${loop.id} spent too much money`);
  }
}

/** The verdict that nobody can write: what is delivered really passes an honest gate. */
function checkProven({ repository }: SimDisk, loop: Loop): void {
  assert(loop.verdict?.passed === true, `${loop.id} is complete without a verdict`);
  assert(loop.verdict.commit === loop.headCommit, `${loop.id}: the verdict is of another commit`);
  assert(loop.delivered !== null, `${loop.id} is complete and nothing was delivered`);
  assert(
    repository.branches.get(loop.delivered.to) === loop.headCommit,
    `${loop.id}: its branch is not its head`,
  );
  const files = repository.tree(loop.delivered.commit);
  const isHonest = files.get("check.sh") === baseTree.get("check.sh");
  assert(isHonest || loop.gateAllowed.includes("check.sh"), `${loop.id} passed with a spoilt gate`);
  assert(!isHonest || files.get("src.txt") === "good", `${loop.id} is complete and does not work`);
}

/** What was acknowledged survives a crash: all that anybody saw is in the log, as it was seen. */
export function checkMemory(disk: SimDisk, witnessed: readonly Transaction[]): void {
  const bySeq = new Map(disk.transactions.map((transaction) => [transaction.seq, transaction]));
  for (const seen of witnessed) {
    assert(bySeq.get(seen.seq) === seen, `transaction ${seen.seq} was seen and is lost`);
  }
}

/** Liveness: once the faults stop and people help, everything comes to an end. */
export function checkLiveness(state: State): void {
  for (const loop of state.loops.values()) {
    assert(isSettled(loop) || isHeldUp(state, loop), `${loop.id} is stuck: ${loop.status}`);
  }
}

function isHeldUp(state: State, loop: Loop): boolean {
  if (loop.status !== "pending") return false;
  return loop.dependsOn.some((id) => {
    const other = loopOf(state, id);
    return isSettled(other) ? other.status !== "complete" : isHeldUp(state, other);
  });
}
