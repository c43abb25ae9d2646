import { assert } from "../src/core/assert.ts";
import { checksOf } from "../src/core/checks.ts";
import type { Event } from "../src/core/events.ts";
import { rootIdOf } from "../src/core/ledger.ts";
import type { CommitId, Loop } from "../src/core/loop.ts";
import { childrenOf, loopOf, type State } from "../src/core/state.ts";
import type { SimRepository } from "./git.ts";

/** What documents ask for besides the configured command. */
export const levelCheck = "./whole.sh";

/** A level that is complete has passed its own check on all that is complete below it. */
export function checkLevels(repository: SimRepository, state: State, event: Event): void {
  if (event.type !== "loop.status" || event.data.to !== "complete") return;
  const level = loopOf(state, event.loop);
  if (childrenOf(state, level.id).length === 0 || checksOf(level).length === 0) return;
  const tip = repository.branches.get(loopOf(state, rootIdOf(level)).branch ?? "");
  if (tip === undefined) return;
  const works = worksOf(state, level);
  const isChecked = [...repository.history(tip)].some((commit) => {
    const there = repository.history(commit);
    return works.every((work) => there.has(work)) && wasGreen(repository, commit);
  });
  assert(isChecked, `${level.id} is complete, and its check has not passed on the whole`);
}

function worksOf(state: State, level: Loop): readonly CommitId[] {
  return childrenOf(state, level.id)
    .filter(({ dropped }) => !dropped)
    .flatMap((child) => {
      const below = worksOf(state, child);
      // Later a person may have brought it elsewhere too.
      const isHere = child.delivered?.to.startsWith("taskdaemon/plan-") === true;
      return isHere ? [...below, child.delivered.commit] : below;
    });
}

function wasGreen(repository: SimRepository, commit: CommitId): boolean {
  const tree = repository.tree(commit);
  return repository.levelsPassed.some(
    (files) =>
      files.size === tree.size && [...tree].every(([path, text]) => files.get(path) === text),
  );
}
