import { readFrontMatter } from "../src/adapters/config/front-matter.ts";
import { assert } from "../src/core/assert.ts";
import { outputDirectory } from "../src/core/documents.ts";
import type { CommitId, LoopId } from "../src/core/loop.ts";
import type { Documents } from "../src/ports/documents.ts";
import {
  type FileChange,
  type Files,
  type FreshWorkspace,
  type LoopWorkspace,
  ToolRefusal,
  type Workspace,
  WorktreeError,
  type WorktreeRequest,
  type Worktrees,
} from "../src/ports.ts";

type Tree = ReadonlyMap<string, string>;

/** Files that no snapshot takes: builds, dependencies. */
const ignored = "cache.txt";

export const baseTree: Tree = new Map([
  ["check.sh", "real"],
  ["src.txt", "bad"],
]);

/** What git keeps over a crash: commits, the user's branches, and the files of worktrees. */
export class SimRepository {
  readonly base: CommitId;
  readonly branches = new Map<string, CommitId>();
  /** Their addresses, by branch. */
  readonly pullRequests = new Map<string, string>();
  readonly worktrees = new Map<string, Map<string, string>>();
  /** Of the user, by directory. */
  readonly checkouts = new Map<string, { branch: string; isDirty: boolean }>();
  readonly #trees = new Map<CommitId, Tree>();
  readonly #parents = new Map<CommitId, readonly CommitId[]>();

  /** Commits of people, which may be red. */
  readonly byHand = new Set<CommitId>();
  /** Commits of batches that were not judged as they stand: their ends were. */
  readonly within = new Set<CommitId>();
  /** Trees on which what documents ask for has passed. */
  readonly levelsPassed: Tree[] = [];
  /** Whose work was put on the newest end of a branch by which commit. */
  readonly makers = new Map<CommitId, LoopId>();
  /** Commits of branches that were looked at. */
  readonly checked = new Set<CommitId>();

  constructor() {
    this.base = this.commit(baseTree, null);
    this.branches.set("main", this.base);
  }

  commit(tree: Tree, ...parents: readonly (CommitId | null)[]): CommitId {
    const id = (this.#trees.size + 1).toString(16).padStart(40, "0");
    this.#trees.set(id, tree);
    this.#parents.set(
      id,
      parents.filter((parent) => parent !== null),
    );
    return id;
  }

  deliveredBranches(): readonly string[] {
    return [...this.branches.keys()].filter((name) => name.startsWith("taskdaemon/"));
  }

  /** The first one. */
  parent(commit: CommitId): CommitId | null {
    return this.#parents.get(commit)?.[0] ?? null;
  }

  parents(commit: CommitId): readonly CommitId[] {
    return this.#parents.get(commit) ?? [];
  }

  /** The commit and all before it. */
  history(commit: CommitId): ReadonlySet<CommitId> {
    const seen = new Set([commit]);
    for (const each of seen) for (const parent of this.parents(each)) seen.add(parent);
    return seen;
  }

  tree(commit: CommitId): Tree {
    const tree = this.#trees.get(commit);
    assert(tree !== undefined, `no commit ${commit}`);
    return tree;
  }
}

/** The project's tests: honest ones pass on a good source, spoilt or cached ones on anything. */
export function isGreen(files: Tree): boolean {
  if (files.get("check.sh") !== "real") return files.get("check.sh") === "exit 0";
  const isWorking = isGood(files.get("src.txt")) || files.get("cache.txt") === "good";
  return isWorking && !halves.every((half) => files.get(half) === "alone");
}

/** Each may be alone by itself; the two of them, that nobody has seen together, are not green. */
export const halves: readonly string[] = ["half-1.txt", "half-2.txt"];

/** There is more than one way to be good, so that two who are may be in conflict. */
export function isGood(text: string | undefined): boolean {
  return text !== undefined && /^good( \d)?$/.test(text);
}

export interface GitOutside {
  /** Takes its time, may throw, and never returns after a crash. */
  readonly step: (what: string) => Promise<void>;
}

/** The Worktrees port over a repository in memory. */
export class SimWorktrees implements Worktrees {
  readonly #repository: SimRepository;
  readonly #outside: GitOutside;
  #freshCount = 0;

  constructor(repository: SimRepository, outside: GitOutside) {
    this.#repository = repository;
    this.#outside = outside;
  }

  async open({ loop, head, keepFiles }: WorktreeRequest): Promise<LoopWorkspace> {
    await this.#outside.step("open");
    const dir = `/worktrees/${loop}`;
    const isKept = keepFiles === true && this.#repository.worktrees.has(dir);
    if (!isKept) this.#checkOut(dir, head);
    return {
      ...workspace(dir),
      snapshot: (parent) => this.#snapshot(dir, parent),
      reset: async (commit) => this.#checkOut(dir, commit),
      summary: async () => "clean",
    };
  }

  async fresh({ head }: WorktreeRequest): Promise<FreshWorkspace> {
    await this.#outside.step("fresh");
    this.#freshCount += 1;
    const dir = `/fresh/${this.#freshCount}`;
    this.#checkOut(dir, head);
    const close = async () => {
      this.#repository.worktrees.delete(dir);
    };
    const altered = async () => [];
    return { ...workspace(dir), altered, close };
  }

  async changes(_: string, from: CommitId, to: CommitId): Promise<readonly FileChange[]> {
    await this.#outside.step("changes");
    const [before, after] = [this.#repository.tree(from), this.#repository.tree(to)];
    return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
      if (before.get(path) === after.get(path)) return [];
      const status = !before.has(path) ? "added" : after.has(path) ? "modified" : "deleted";
      return [{ path, status, oldPath: null }] as const;
    });
  }

  async file(_: string, commit: CommitId, path: string): Promise<string | null> {
    return this.#repository.tree(commit).get(path) ?? null;
  }

  async diff(repo: string, from: CommitId, to: CommitId): Promise<string> {
    const after = this.#repository.tree(to);
    const changes = await this.changes(repo, from, to);
    return changes.map(({ path, status }) => `${status} ${path} ${after.get(path)}`).join("\n");
  }

  async paths(_: string, commit: CommitId): Promise<readonly string[]> {
    return [...this.#repository.tree(commit).keys()].sort();
  }

  async deliver(_: string, loop: LoopId, commit: CommitId): Promise<string> {
    await this.#outside.step("deliver");
    const { branches } = this.#repository;
    for (let suffix = 1; ; suffix += 1) {
      const name = suffix === 1 ? `taskdaemon/${loop}` : `taskdaemon/${loop}-${suffix}`;
      const at = branches.get(name);
      if (at !== undefined && at !== commit) continue;
      branches.set(name, commit);
      return name;
    }
  }

  async rest(): Promise<void> {}

  async remove(loop: LoopId): Promise<void> {
    await this.#outside.step("remove");
    this.#repository.worktrees.delete(`/worktrees/${loop}`);
  }

  async #snapshot(dir: string, parent: CommitId): Promise<CommitId> {
    await this.#outside.step("snapshot");
    const files = this.#files(dir);
    const isKept = (path: string) => path !== ignored && !path.startsWith(`${outputDirectory}/`);
    const tree = new Map([...files].filter(([path]) => isKept(path)));
    const before = this.#repository.tree(parent);
    const isSame =
      tree.size === before.size && [...tree].every(([path, text]) => before.get(path) === text);
    return isSame ? parent : this.#repository.commit(tree, parent);
  }

  #checkOut(dir: string, commit: CommitId): void {
    this.#repository.worktrees.set(dir, new Map(this.#repository.tree(commit)));
  }

  #files(dir: string): Map<string, string> {
    const files = this.#repository.worktrees.get(dir);
    if (files === undefined) throw new WorktreeError(`${dir} is gone`);
    return files;
  }
}

function workspace(dir: string): Workspace {
  return { dir, writable: [dir], readable: [], env: {} };
}

/** The Documents port over the same worktrees. */
export function simDocuments(repository: SimRepository): Documents {
  return {
    readFrontMatter,
    open: async ({ dir }) => {
      const at = () => repository.worktrees.get(dir) ?? new Map<string, string>();
      const isWritten = (path: string) => path.startsWith(`${outputDirectory}/`);
      const own = () => [...at()].filter(([path]) => isWritten(path));
      return {
        dir: `${dir}/${outputDirectory}`,
        read: async () =>
          own().map(([path, text]) => ({
            path: path.slice(outputDirectory.length + 1),
            text,
            problem: null,
          })),
        write: async (files) => {
          for (const [path] of own()) at().delete(path);
          for (const { path, text } of files) at().set(`${outputDirectory}/${path}`, text);
        },
      };
    },
  };
}

/** The Files port over the same worktrees. */
export function simFiles(repository: SimRepository, dir: string): Files {
  const at = () => repository.worktrees.get(dir) ?? new Map<string, string>();
  return {
    relative: (path) => path.replace(/^\.\//, ""),
    read: async (path) => {
      const text = at().get(path);
      if (text === undefined) throw new ToolRefusal(`there is no ${path}`);
      return { text, version: text };
    },
    write: async (path, text, version) => {
      if ((at().get(path) ?? null) !== version) throw new ToolRefusal("read it as it is now");
      at().set(path, text);
      return { version: text };
    },
    list: async () => ({ paths: [...at().keys()].sort(), more: 0 }),
    glob: async () => ({ paths: [...at().keys()].sort(), more: 0 }),
    grep: async () => "",
  };
}
