/** What people do with git beside the daemon, and what must be true of the branches they share. */
import { assert } from "../src/core/assert.ts";
import type { Loop } from "../src/core/loop.ts";
import { isGreen, type SimRepository } from "./git.ts";
import type { SeededRandom } from "./random.ts";

/** A commit on main, at times to what loops change too; or another checkout. */
export function workByHand(repository: SimRepository, random: SeededRandom): void {
  if (random.chance(0.3)) {
    const names = [...repository.branches.keys()];
    const branch = names[random.between(0, names.length - 1)] ?? "main";
    const isDirty = random.chance(0.3);
    repository.checkouts.clear();
    if (random.chance(0.6)) repository.checkouts.set("/checkout", { branch, isDirty });
    return;
  }
  const path = random.chance(0.5) ? "src.txt" : `person-${random.between(1, 3)}.txt`;
  commitByHand(repository, "main", path, `good ${random.between(1, 3)}`);
}

function commitByHand(repository: SimRepository, branch: string, path: string, text: string): void {
  const at = repository.branches.get(branch) ?? repository.base;
  const commit = repository.commit(new Map([...repository.tree(at), [path, text]]), at);
  repository.byHand.add(commit);
  repository.branches.set(branch, commit);
}

/** Puts a conflict right where the daemon says that it is; a plan that cannot be merged is let be. */
export function settleConflict(repository: SimRepository, loop: Loop): void {
  repository.checkouts.clear();
  const files = repository.worktrees.get(`/worktrees/${loop.id}`);
  for (const path of loop.conflicts) files?.set(path, path === "check.sh" ? "real" : "good");
  const { branch, tip } = loop;
  if (branch === null || tip === null) return;
  const main = repository.branches.get("main") ?? repository.base;
  const tree = new Map([...repository.tree(main), ["check.sh", "real"], ["src.txt", "good"]]);
  const commit = repository.commit(tree, repository.branches.get(branch) ?? tip, main);
  repository.byHand.add(commit);
  repository.branches.set(branch, commit);
}

/**
 * No merge of the daemon ever breaks a branch: each of its commits passes as it stands, but those
 * within a batch; and no branch ever ends within one.
 */
export function checkTargets(repository: SimRepository): void {
  const { branches, checked, byHand, within, base } = repository;
  for (const [name, tip] of branches) {
    if (name !== "main" && !name.startsWith("taskdaemon/plan-")) continue;
    assert(!within.has(tip), `${name} ends within a batch, at ${tip}`);
    for (const commit of unknownOf(repository, tip)) {
      checked.add(commit);
      const isExempt = commit === base || byHand.has(commit) || within.has(commit);
      assert(isExempt || isGreen(repository.tree(commit)), `${name} is red at ${commit}`);
    }
  }
}

function unknownOf(repository: SimRepository, tip: string): string[] {
  const found: string[] = [];
  for (let at: string | null = tip; at !== null && !repository.checked.has(at); ) {
    found.push(at);
    at = repository.parent(at);
  }
  return found;
}
