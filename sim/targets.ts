import type { CommitId } from "../src/core/loop.ts";
import type { Combined, Combining, Moved, Targets, Tip } from "../src/ports/targets.ts";
import type { GitOutside, SimRepository } from "./git.ts";

type Tree = ReadonlyMap<string, string>;

/** The Targets port over a repository in memory. */
export class SimTargets implements Targets {
  readonly #repository: SimRepository;
  readonly #outside: GitOutside;

  constructor(repository: SimRepository, outside: GitOutside) {
    this.#repository = repository;
    this.#outside = outside;
  }

  async tip(_: string, branch: string): Promise<Tip | null> {
    await this.#outside.step("tip");
    const commit = this.#repository.branches.get(branch);
    return commit === undefined ? null : { commit, checkout: this.#checkoutOf(branch) };
  }

  async freeName(_: string, wanted: string): Promise<string> {
    await this.#outside.step("freeName");
    for (let suffix = 1; ; suffix += 1) {
      const name = suffix === 1 ? wanted : `${wanted}-${suffix}`;
      if (!this.#repository.branches.has(name)) return name;
    }
  }

  async combine({ loop, base, head, onto, as }: Combining): Promise<Combined> {
    await this.#outside.step("combine");
    const repository = this.#repository;
    const root = as === "merge" ? this.#common(onto, head) : base;
    const trees = [root, onto, head].map((commit) => repository.tree(commit));
    const { tree, paths } = merged(...(trees as [Tree, Tree, Tree]));
    if (paths.length > 0) {
      const commit = repository.commit(tree, onto);
      return { type: "conflict", commit, paths, notes: paths.map((path) => `CONFLICT in ${path}`) };
    }
    if (as !== "merge" && same(tree, repository.tree(onto))) return { type: "clean", commit: onto };
    const commit = repository.commit(tree, onto, ...(as === "merge" ? [head] : []));
    repository.makers.set(commit, loop);
    return { type: "clean", commit };
  }

  async isCombined(_: string, commit: CommitId): Promise<boolean> {
    await this.#outside.step("isCombined");
    return this.#repository.makers.has(commit);
  }

  async contains(_: string, tip: CommitId, commit: CommitId): Promise<boolean> {
    await this.#outside.step("contains");
    return this.#repository.history(tip).has(commit);
  }

  async sameFiles(_: string, a: CommitId, b: CommitId): Promise<boolean> {
    await this.#outside.step("sameFiles");
    return same(this.#repository.tree(a), this.#repository.tree(b));
  }

  async move(_: string, branch: string, from: CommitId | null, to: CommitId): Promise<Moved> {
    await this.#outside.step("move");
    const { branches } = this.#repository;
    const isThere = (branches.get(branch) ?? null) === from;
    if (!isThere || this.#checkoutOf(branch) !== null) return { type: "stale" };
    branches.set(branch, to);
    await this.#outside.step("moved");
    return { type: "moved" };
  }

  async fastForward(_: string, branch: string, checkout: string, to: CommitId): Promise<Moved> {
    await this.#outside.step("fastForward");
    const { branches, checkouts } = this.#repository;
    const at = branches.get(branch);
    if (at === undefined || checkouts.get(checkout)?.branch !== branch) return { type: "stale" };
    if (!this.#repository.history(to).has(at)) return { type: "stale" };
    if (checkouts.get(checkout)?.isDirty)
      return { type: "refused", reason: "files are in the way" };
    branches.set(branch, to);
    await this.#outside.step("moved");
    return { type: "moved" };
  }

  #checkoutOf(branch: string): string | null {
    const found = [...this.#repository.checkouts].find(([, at]) => at.branch === branch);
    return found?.[0] ?? null;
  }

  #common(a: CommitId, b: CommitId): CommitId {
    const others = this.#repository.history(b);
    const found = [...this.#repository.history(a)].find((commit) => others.has(commit));
    return found ?? this.#repository.base;
  }
}

/** File by file: who alone changed a file has it; who both changed it otherwise get markers. */
function merged(base: Tree, ours: Tree, theirs: Tree): { tree: Tree; paths: string[] } {
  const tree = new Map<string, string>();
  const paths: string[] = [];
  for (const path of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    const [before, left, right] = [base.get(path), ours.get(path), theirs.get(path)];
    const isConflict = left !== right && left !== before && right !== before;
    const text = isConflict
      ? `<<<<<<< the branch\n${left ?? ""}\n=======\n${right ?? ""}\n>>>>>>> the work\n`
      : left === before
        ? right
        : left;
    if (isConflict) paths.push(path);
    if (text !== undefined) tree.set(path, text);
  }
  return { tree, paths: paths.sort() };
}

function same(a: Tree, b: Tree): boolean {
  return a.size === b.size && [...a].every(([path, text]) => b.get(path) === text);
}
