import { Buffer } from "node:buffer";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../core/assert.ts";
import type { CommitId, LoopId, Millis } from "../../core/loop.ts";
import type { LoopWorkspace, Workspace, WorktreeRequest } from "../../ports.ts";
import { WorktreeError } from "../../ports.ts";
import { createAgentGit, type Identity, identityEnvironment } from "./agent-git.ts";
import { giveTo, removeTree } from "./files.ts";
import { type Bytes, GitFailed, type GitPlace, git, splitNul, tryGit } from "./git.ts";
import { ignoredByBase } from "./ignore-rules.ts";
import type { Placement } from "./placement.ts";
import { summarize } from "./reading.ts";
import { loopRefs, ownObjects, readLoopRefs, type Shadow } from "./shadow.ts";
import {
  flattenEmbedded,
  isIndexWhole,
  type StagedChange,
  stageAll,
  stagedChanges,
  unstage,
  unstageGitlinks,
} from "./staging.ts";
import {
  escapePattern,
  excludesText,
  isIgnoreFile,
  keptOut,
  type TreeFacts,
  type TreeReader,
} from "./tree-facts.ts";

export interface LoopTreeParts {
  readonly loop: LoopId;
  readonly base: CommitId;
  /** `<home>/worktrees/<loop>`: the daemon's; the worktree and the agent's git lie in it. */
  readonly dir: string;
  readonly trash: string;
  readonly shadow: Shadow;
  readonly trees: TreeReader;
  readonly identity: Identity;
  readonly uid: number | null;
  readonly now: () => Millis;
  readonly env: Readonly<Record<string, string>>;
  /** Links, copies and submodules for a tree that was just checked out. */
  readonly furnish: (
    tree: string,
    facts: TreeFacts,
    more: { isNew: boolean },
  ) => Promise<Placement>;
  /** Runs the set-up command if it is due; true when it ran. */
  readonly setUp: (workspace: Workspace, more: { isNew: boolean }) => Promise<boolean>;
}

export function pathsOfLoop(dir: string): { tree: string; agentGit: string; state: string } {
  return { tree: join(dir, "tree"), agentGit: join(dir, "git"), state: join(dir, "loop.json") };
}

/**
 * A loop's worktree. The daemon works on the files with the shadow's git directory and an index of
 * its own; `.git` in the worktree and what it points to belong to the agent and are never used.
 */
export class LoopTree implements LoopWorkspace {
  readonly dir: string;
  readonly writable: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly #parts: LoopTreeParts;
  readonly #agentGit: string;
  readonly #place: GitPlace & { workTree: string; indexFile: string; excludesFile: string };
  #placement: Placement = { paths: [], readable: [] };
  #refs = new Map<string, CommitId>();
  #facts: TreeFacts | null = null;
  #ignoreRulesMoved = true;
  #isNew = false;
  #mayHoldGitlinks = true;

  constructor(parts: LoopTreeParts) {
    const { tree, agentGit } = pathsOfLoop(parts.dir);
    this.#parts = parts;
    this.#agentGit = agentGit;
    this.dir = tree;
    this.writable = [tree, agentGit];
    this.env = { GIT_CEILING_DIRECTORIES: parts.dir, ...parts.env };
    this.#place = {
      gitDir: parts.shadow.place.gitDir,
      workTree: tree,
      indexFile: join(parts.dir, "index"),
      excludesFile: join(parts.dir, "excludes"),
    };
  }

  get readable(): readonly string[] {
    return [...this.#parts.shadow.objectDirs, ...this.#placement.readable];
  }

  /** Checks `head` out into a new, empty worktree. */
  async create(head: CommitId): Promise<void> {
    await removeTree(this.dir);
    await this.#clearIndex();
    await mkdir(this.dir, { mode: 0o700 });
    await this.#readRefs();
    this.#isNew = true;
    await this.#checkOut(head);
    await this.#furnish(head);
  }

  /** Takes over the worktree that an earlier attempt, or daemon, left. */
  async adopt({ head, keepFiles }: WorktreeRequest, placement: Placement): Promise<void> {
    this.#placement = placement;
    await this.#readRefs();
    await this.#removeLock();
    if (!(await isIndexWhole(this.#place.indexFile, this.#parts.shadow))) {
      await this.#rebuildIndex(this.#refs.get("head") ?? this.#parts.base);
    }
    if (keepFiles !== true || this.#refs.get("head") !== head) return this.reset(head);
    this.#facts = await this.#parts.trees.read(this.#parts.shadow, head);
    return this.#furnish(head);
  }

  get placement(): Placement {
    return this.#placement;
  }

  /** Keeps what no checkpoint has under a ref; for a worktree that is about to go. */
  async saveUnsaved(placement: Placement): Promise<void> {
    this.#placement = placement;
    await this.#readRefs();
    await this.#keepUnsaved(this.#refs.get("head") ?? this.#parts.base);
  }

  async snapshot(parent: CommitId, message: string): Promise<CommitId> {
    const commit = await this.#commitFiles(parent, message);
    const keepAs = commit === parent ? null : this.#nextRef("");
    await Promise.all([this.#moveHead(commit, keepAs), this.#renewAgentGit(commit)]);
    return commit;
  }

  async reset(commit: CommitId): Promise<void> {
    const head = this.#refs.get("head") ?? this.#parts.base;
    try {
      await this.#keepUnsaved(head);
      await this.#checkOut(commit);
      const kept = [...this.#placement.paths, ...this.#knownFacts().gitlinks.keys()];
      const patterns = kept.flatMap((path) => ["-e", `/${escapePattern(path)}`]);
      await git(this.#place, ["clean", "-ffdq", ...patterns]);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#startOver(commit);
    }
    await this.#furnish(commit);
  }

  summary(): Promise<string> {
    const { base, shadow } = this.#parts;
    return summarize(shadow, base, this.#refs.get("head") ?? base);
  }

  async #readRefs(): Promise<void> {
    this.#refs = await readLoopRefs(this.#parts.shadow, this.#parts.loop);
  }

  /** Files and private index become those of `commit`; what the index does not know stays. */
  async #checkOut(commit: CommitId): Promise<void> {
    const { trees, shadow, base } = this.#parts;
    const facts = await trees.read(shadow, commit);
    await this.#removeLock();
    await git(this.#place, ["read-tree", "--reset", "-u", commit]);
    await unstage(this.#place, [...facts.gitlinks.keys()]);
    this.#facts = facts;
    const changed =
      base === commit
        ? ""
        : await git(shadow.place, ["diff-tree", "-r", "-z", "--name-only", base, commit, "--"]);
    this.#ignoreRulesMoved = splitNul(changed).some(isIgnoreFile);
  }

  async #furnish(commit: CommitId): Promise<void> {
    const { uid, dir, furnish, setUp } = this.#parts;
    const isNew = this.#isNew;
    this.#isNew = false;
    this.#placement = await furnish(this.dir, this.#knownFacts(), { isNew });
    await writeFile(this.#place.excludesFile, this.#excludes(), { encoding: "latin1" });
    await rm(join(dir, "base-ignore"), { recursive: true, force: true });
    await giveTo(uid, [this.dir]);
    // Their new owner is part of what the index remembers of the files.
    if (uid !== null) await tryGit(this.#place, ["update-index", "-q", "--refresh"]);
    await Promise.all([this.#moveHead(commit, null), this.#renewAgentGit(commit)]);
    if (await setUp(this, { isNew })) await this.#absorbSetUp(commit);
  }

  /** What the set-up command changed is no work of the loop: files made stay out, others go back. */
  async #absorbSetUp(commit: CommitId): Promise<void> {
    await this.#stage();
    const changes = await stagedChanges(this.#place, commit);
    const made = changes.filter(({ status }) => status === "A").map(({ path }) => path);
    await unstage(this.#place, made);
    this.#mayHoldGitlinks = false;
    if (changes.length > made.length) await this.#checkOut(commit);
    if (made.length === 0) return;
    this.#placement = { ...this.#placement, paths: [...this.#placement.paths, ...made] };
    await writeFile(this.#place.excludesFile, this.#excludes(), { encoding: "latin1" });
    await this.#renewAgentGit(commit);
  }

  async #startOver(commit: CommitId): Promise<void> {
    const { trash, loop, now } = this.#parts;
    await mkdir(trash, { recursive: true, mode: 0o700 });
    await rename(this.dir, join(trash, `${loop}-${now()}-unsaved`));
    await this.#clearIndex();
    await mkdir(this.dir, { mode: 0o700 });
    this.#isNew = true;
    await this.#checkOut(commit);
  }

  async #keepUnsaved(head: CommitId): Promise<void> {
    if (this.#facts === null) {
      this.#facts = await this.#parts.trees.read(this.#parts.shadow, head);
    }
    const unsaved = await this.#commitFiles(head, "unsaved work of an interrupted iteration\n");
    if (unsaved === head) return;
    const name = this.#nextRef("interrupted-");
    await this.#updateRefs([`create ${this.#refName(name)}\0${unsaved}\0`]);
    this.#refs.set(name, unsaved);
  }

  /** Commits the files on top of `parent`; no change, no commit. No ref is moved. */
  async #commitFiles(parent: CommitId, message: string): Promise<CommitId> {
    const { shadow, identity, now } = this.#parts;
    await this.#removeLock();
    const tree = await this.#stageTree(parent);
    if (tree === null) return parent;
    const [commit] = await Promise.all([
      git(shadow.place, ["commit-tree", "-p", parent, "-F", "-", tree], {
        input: Buffer.from(message, "utf8").toString("latin1"),
        env: identityEnvironment(identity, now()),
      }),
      ownObjects(shadow, [tree, `^${parent}^{tree}`]),
    ]);
    return commit.trim();
  }

  /** The tree of the files as they are; null when it is the tree of `parent`. */
  async #stageTree(parent: CommitId): Promise<string | null> {
    try {
      return await this.#stageWithIndex(parent);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#rebuildIndex(parent);
      return this.#stageWithIndex(parent);
    }
  }

  /** The index is only a cache: in doubt it is made anew, and every file read once more. */
  async #rebuildIndex(commit: CommitId): Promise<void> {
    await this.#clearIndex();
    await git(this.#place, ["read-tree", commit]);
    this.#mayHoldGitlinks = true;
  }

  async #stageWithIndex(parent: CommitId): Promise<string | null> {
    await this.#stage();
    const [changes, quickTree] = await Promise.all([
      stagedChanges(this.#place, parent),
      this.#knownFacts().gitlinks.size > 0 ? null : git(this.#place, ["write-tree"]),
    ]);
    const isStripped = await this.#strip(changes, parent);
    this.#mayHoldGitlinks = false;
    const rest = isStripped ? await stagedChanges(this.#place, parent) : changes;
    if (rest.every(({ status, path }) => status === "D" && this.#knownFacts().gitlinks.has(path))) {
      return null;
    }
    if (quickTree !== null && !isStripped) return quickTree.trim();
    return this.#writeTreeWithGitlinks(rest);
  }

  /** Whatever ends this early, a crash too, leaves an index that is cleared before its next use. */
  async #stage(): Promise<void> {
    if (this.#mayHoldGitlinks) await unstageGitlinks(this.#place);
    this.#mayHoldGitlinks = true;
    await stageAll(this.#place);
  }

  /** Takes out what must not be in a checkpoint. True when the index changed. */
  async #strip(changes: readonly StagedChange[], parent: CommitId): Promise<boolean> {
    const added = changes.filter(({ status }) => status === "A");
    const embedded = added.filter(({ mode }) => mode === "160000").map(({ path }) => path);
    if (changes.some(({ path }) => isIgnoreFile(path))) this.#ignoreRulesMoved = true;
    if (embedded.length > 0) {
      await flattenEmbedded(this.#place, join(this.#parts.dir, "no-index"), embedded);
      const again = await stagedChanges(this.#place, parent);
      await this.#strip(
        again.filter(({ mode }) => mode !== "160000"),
        parent,
      );
      return true;
    }
    const paths = added.map(({ path }) => path);
    const out = new Set(keptOut(paths, this.#knownFacts(), this.#placement.paths));
    for (const path of await this.#ignoredByBase(paths)) out.add(path);
    await unstage(this.#place, [...out]);
    return out.size > 0;
  }

  /** A loop may not commit what its base ignores by rewriting `.gitignore`: build output, secrets. */
  async #ignoredByBase(paths: readonly Bytes[]): Promise<Bytes[]> {
    if (!this.#ignoreRulesMoved || paths.length === 0) return [];
    const { dir, shadow, trees, base } = this.#parts;
    const { ignoreFiles } = await trees.read(shadow, base);
    return ignoredByBase({ shadow, base, ignoreFiles, dir: join(dir, "base-ignore") }, paths);
  }

  async #writeTreeWithGitlinks(changes: readonly StagedChange[]): Promise<string> {
    const { gitlinks } = this.#knownFacts();
    if (gitlinks.size === 0) return (await git(this.#place, ["write-tree"])).trim();
    const indexFile = await this.#indexWithGitlinks(changes);
    return (await git({ ...this.#place, indexFile }, ["write-tree"])).trim();
  }

  /** A copy of the private index that holds the submodules too, as the commits do. */
  async #indexWithGitlinks(changes: readonly StagedChange[]): Promise<string> {
    const indexFile = join(this.#parts.dir, "index-whole");
    await copyFile(this.#place.indexFile, indexFile);
    const taken = new Set(changes.filter(({ status }) => status !== "D").map(({ path }) => path));
    const lines = [...this.#knownFacts().gitlinks]
      .filter(([path]) => !taken.has(path))
      .map(([path, commit]) => `160000 ${commit}\t${path}\0`);
    const input = lines.join("");
    await git({ ...this.#place, indexFile }, ["update-index", "-z", "--index-info"], { input });
    return indexFile;
  }

  async #renewAgentGit(head: CommitId): Promise<void> {
    const { shadow, identity, uid } = this.#parts;
    const hasGitlinks = this.#knownFacts().gitlinks.size > 0;
    await createAgentGit({
      shadow,
      identity,
      uid,
      head,
      gitDir: this.#agentGit,
      workTree: this.dir,
      indexFile: hasGitlinks ? await this.#indexWithGitlinks([]) : this.#place.indexFile,
      excludes: this.#excludes(),
      linked: true,
    });
  }

  /** Moves `head` from where we last saw it, and keeps the commit under a number of its own. */
  async #moveHead(commit: CommitId, keepAs: string | null): Promise<void> {
    const old = this.#refs.get("head") ?? "0".repeat(commit.length);
    const lines: string[] = [];
    if (keepAs !== null) lines.push(`create ${this.#refName(keepAs)}\0${commit}\0`);
    if (old !== commit) lines.push(`update ${this.#refName("head")}\0${commit}\0${old}\0`);
    if (lines.length === 0) return;
    await this.#updateRefs(lines);
    this.#refs.set("head", commit);
    if (keepAs !== null) this.#refs.set(keepAs, commit);
  }

  async #updateRefs(lines: readonly string[]): Promise<void> {
    const input = lines.join("");
    await git(this.#parts.shadow.place, ["update-ref", "-z", "--stdin"], { input });
  }

  #refName(name: string): string {
    return `${loopRefs(this.#parts.loop)}/${name}`;
  }

  #nextRef(prefix: string): string {
    let last = 0;
    for (const name of this.#refs.keys()) {
      const number = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
      if (number > last) last = number;
    }
    return `${prefix}${last + 1}`;
  }

  #knownFacts(): TreeFacts {
    assert(this.#facts !== null, "a worktree is created or adopted before it is used");
    return this.#facts;
  }

  #excludes(): Bytes {
    return excludesText(this.#knownFacts(), this.#placement.paths);
  }

  async #clearIndex(): Promise<void> {
    await rm(this.#place.indexFile, { force: true });
  }

  /** A crash may have left it; nobody else uses this index. */
  async #removeLock(): Promise<void> {
    await rm(`${this.#place.indexFile}.lock`, { force: true });
  }
}

/** Git said no, rather than the daemon's own disk. */
function isRefusal(error: unknown): boolean {
  return error instanceof GitFailed || error instanceof WorktreeError;
}
