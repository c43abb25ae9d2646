import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { assert } from "../../core/assert.ts";
import type { CommitId, LoopId } from "../../core/loop.ts";
import {
  type FileChange,
  type FreshWorkspace,
  type LoopWorkspace,
  type Workspace,
  WorktreeError,
  type WorktreeRequest,
  type Worktrees,
} from "../../ports.ts";
import { createAgentGit, type Identity } from "./agent-git.ts";
import { deliverBranch } from "./deliver.ts";
import { DiskGuard } from "./disk-guard.ts";
import { absent, removeTree } from "./files.ts";
import { type FreshTree, openFreshTree } from "./fresh-tree.ts";
import { GitFailed, git } from "./git.ts";
import { planLinks } from "./links.ts";
import { type LoopState, readLoopState, writeLoopState } from "./loop-state.ts";
import { LoopTree, type LoopTreeParts, pathsOfLoop } from "./loop-tree.ts";
import { furnish } from "./placement.ts";
import { type HomePlaces, openHome } from "./places.ts";
import { Ports, portsEnvironment } from "./ports.ts";
import { readChanges, readDiff, readFileAt, readPaths } from "./reading.ts";
import {
  type CheckoutState,
  checkoutState,
  type Repository,
  resolveCommit,
  resolveRepository,
} from "./repository.ts";
import { runSetUp, type SetUpRunner, setUpKey } from "./set-up.ts";
import { SetUpCache } from "./set-up-cache.ts";
import { setUpNew } from "./set-up-new.ts";
import { hasCommit, openShadow, pin, readLoopRefs, reapShadows, type Shadow } from "./shadow.ts";
import { emptyTrash, listTrash, restoreTrash, type TrashEntry, trashLoop } from "./trash.ts";
import { excludesText, TreeReader } from "./tree-facts.ts";

export interface WorktreesOptions {
  readonly home: string;
  /** Who runs sandboxed commands, when the daemon is root; null: the daemon's own user. */
  readonly uid: number | null;
  readonly runSetup: SetUpRunner;
  readonly now: () => number;
  readonly identity: Identity;
  readonly diskQuotaBytes?: number;
  readonly freeBytesMin?: number;
}

/** How a worktree of a repository would be prepared, for `td doctor`. */
export interface SetupDescription {
  readonly links: readonly string[];
  readonly copies: readonly string[];
  readonly notes: readonly string[];
  /** Why it does not work without a set-up command. */
  readonly problems: readonly string[];
}

/** What a person's shell needs to work in a loop's worktree. */
export interface ShellEntry {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

const freeBytesMinDefault = 512 * 1024 * 1024;
const loopIdPattern = /^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9]))*$/;

export function createWorktrees(options: WorktreesOptions): GitWorktrees {
  return new GitWorktrees(options);
}

/**
 * Worktrees by the git program. Invariants:
 * 1. In the user's repository nothing is written but objects, pins and delivered branches.
 * 2. The daemon never runs git with a git directory that an agent can write.
 * 3. Whatever was in a worktree is in a ref of the shadow, or in the trash, before it is overwritten.
 * 4. A checkpoint needs no object that the user's `git gc` could remove.
 */
export class GitWorktrees implements Worktrees {
  readonly #options: WorktreesOptions;
  readonly #disk: DiskGuard;
  readonly #trees = new TreeReader();
  readonly #shadows = new Map<string, Promise<Shadow>>();
  readonly #opening = new Map<string, Promise<Shadow>>();
  #places: Promise<HomePlaces> | null = null;
  #setUps: SetUpCache | null = null;

  constructor(options: WorktreesOptions) {
    const { diskQuotaBytes, freeBytesMin } = options;
    const limits = {
      quotaBytes: diskQuotaBytes ?? null,
      freeBytesMin: freeBytesMin ?? freeBytesMinDefault,
    };
    this.#options = options;
    this.#disk = new DiskGuard(limits, options.now);
  }

  async open(request: WorktreeRequest, signal: AbortSignal): Promise<LoopWorkspace> {
    const places = await this.#ready();
    const shadow = await this.#shadowFor(request);
    const dir = this.#loopDir(places, request.loop);
    const state = await readLoopState(dir);
    const isThere = state !== null && (await stat(pathsOfLoop(dir).tree).catch(absent)) !== null;
    signal.throwIfAborted();
    if (!isThere) await this.#disk.admit(places);
    await mkdir(dir, { recursive: true });
    await chmod(dir, this.#options.uid === null ? 0o700 : 0o711);
    let key = isThere ? state.setUpKey : null;
    const env = await this.#portsFor(places, request, request.loop);
    const tree = this.#loopTree(request, shadow, places, {
      env,
      furnish: async (path, facts, { isNew }) => {
        // What the set-up command made of the links is its own; it stays as it is.
        if (!isNew && key !== null && state !== null) return state.placement;
        const { settings } = request;
        return furnish({ shadow, tree: path, facts, settings, scratch: dir });
      },
      setUp: async (workspace, { isNew }) => {
        const due = await this.#setUpDue(request, workspace.dir);
        if (due === null || (due === key && !isNew)) return false;
        if (isNew) await this.#setUpNew(request, shadow, workspace, signal);
        else await runSetUp(this.#options.runSetup, request, workspace, signal);
        key = due;
        return true;
      },
    });
    if (isThere) await tree.adopt(request, state.placement);
    else await tree.create(request.head);
    const { repo, base } = request;
    await writeLoopState(dir, { repo, base, placement: tree.placement, setUpKey: key });
    return tree;
  }

  async fresh(request: WorktreeRequest, signal: AbortSignal): Promise<FreshWorkspace> {
    const places = await this.#ready();
    const shadow = await this.shadow(request.repo);
    await this.#disk.admit(places);
    const dir = join(places.fresh, randomUUID());
    try {
      const { workspace } = await this.#freshTree(request, shadow, dir, signal);
      if (request.settings.setup !== null) {
        await this.#setUpNew(request, shadow, workspace, signal);
      }
      return workspace;
    } catch (error) {
      await this.#removeFresh(places, dir);
      throw error;
    }
  }

  async changes(repo: string, from: CommitId, to: CommitId): Promise<readonly FileChange[]> {
    return readChanges((await this.shadow(repo)).place, from, to);
  }

  async file(repo: string, commit: CommitId, path: string): Promise<string | null> {
    return readFileAt((await this.shadow(repo)).place, commit, path);
  }

  async diff(repo: string, from: CommitId, to: CommitId, bytesMax: number): Promise<string> {
    return readDiff((await this.shadow(repo)).place, from, to, bytesMax);
  }

  async paths(repo: string, commit: CommitId): Promise<readonly string[]> {
    return readPaths((await this.shadow(repo)).place, commit);
  }

  async deliver(repo: string, loop: LoopId, commit: CommitId): Promise<string> {
    return deliverBranch(await this.shadow(repo), loop, commit);
  }

  async rest(loop: LoopId): Promise<void> {
    await new Ports((await this.#ready()).ports).giveBack(loop);
  }

  async remove(loop: LoopId): Promise<void> {
    const places = await this.#ready();
    const dir = this.#loopDir(places, loop);
    const state = await readLoopState(dir);
    if (state !== null) await this.#saveUnsaved(loop, state, places);
    await trashLoop(places, loop, this.#options.now());
  }

  async listTrash(): Promise<readonly TrashEntry[]> {
    return listTrash(await this.#ready());
  }

  async restoreTrash(id: string): Promise<LoopId> {
    return restoreTrash(await this.#ready(), id);
  }

  /** Deletes for good what was removed more than `olderThanMs` ago; resolves to how many. */
  async emptyTrash(olderThanMs: number): Promise<number> {
    return emptyTrash(await this.#ready(), this.#options.now() - olderThanMs);
  }

  /** After a crash: deletes fresh worktrees, and moves those of loops nobody knows to the trash. */
  async reap(known: ReadonlySet<LoopId>): Promise<void> {
    const places = await this.#ready();
    await reapShadows(places.shadows, this.#options.now());
    for (const held of [places.fresh, places.ports]) {
      for (const name of await readdir(held)) await removeTree(join(held, name));
    }
    for (const name of await readdir(places.setUps)) {
      if (name.endsWith(".half")) await removeTree(join(places.setUps, name));
    }
    for (const name of await readdir(places.worktrees)) {
      if (!known.has(name as LoopId)) await trashLoop(places, name as LoopId, this.#options.now());
    }
  }

  /** A person's way into a worktree: with a git directory that no agent has written to. */
  async shellEntry(loop: LoopId): Promise<ShellEntry> {
    const places = await this.#ready();
    const dir = this.#loopDir(places, loop);
    const state = await readLoopState(dir);
    if (state === null)
      throw new WorktreeError(
        `Loop ${loop} has no worktree (any more): td trash lists those that were removed.`,
      );
    const shadow = await this.shadow(state.repo);
    const head = (await readLoopRefs(shadow, loop)).get("head") ?? state.base;
    const gitDir = join(dir, "shell-git");
    const { tree } = pathsOfLoop(dir);
    const { identity } = this.#options;
    const facts = await this.#trees.read(shadow, head);
    const excludes = excludesText(facts, state.placement.paths);
    const indexFile = join(dir, "shell-index");
    await git({ ...shadow.place, indexFile }, ["read-tree", head]);
    await createAgentGit({
      ...{ shadow, gitDir, head, indexFile, excludes, identity },
      workTree: tree,
      uid: null,
      linked: false,
    });
    return { dir: tree, env: { GIT_DIR: gitDir, GIT_WORK_TREE: tree } };
  }

  /** The repository that `dir` lies in; WorktreeError for none, a bare one, or one without commits. */
  async resolveRepo(dir: string): Promise<Repository> {
    const repository = await resolveRepository(dir, this.#options.uid);
    await resolveCommit(repository, "HEAD");
    return repository;
  }

  async resolveCommit(repo: string, ref: string): Promise<CommitId> {
    return resolveCommit(await resolveRepository(repo, this.#options.uid), ref);
  }

  async checkoutState(repo: string): Promise<CheckoutState> {
    return checkoutState(await resolveRepository(repo, this.#options.uid));
  }

  /** What `link: auto` finds for the commit that is checked out. */
  async describeSetup(repo: string): Promise<SetupDescription> {
    const shadow = await this.shadow(repo);
    const { repository } = shadow;
    const facts = await this.#trees.read(shadow, await resolveCommit(repository, "HEAD"));
    const plan = await planLinks({ repository, tree: repository.root, facts, link: "auto" });
    const { notes, problems, copies } = plan;
    return { links: plan.links.map(({ path }) => path), copies, notes, problems };
  }

  async #freshTree(
    request: WorktreeRequest,
    shadow: Shadow,
    dir: string,
    signal: AbortSignal,
  ): Promise<FreshTree> {
    const { uid, identity } = this.#options;
    const places = await this.#ready();
    const env = await this.#portsFor(places, request, basename(dir));
    const close = () => this.#removeFresh(places, dir);
    const trees = this.#trees;
    return openFreshTree({ request, shadow, dir, trees, uid, identity, env, close }, signal);
  }

  async #removeFresh(places: HomePlaces, dir: string): Promise<void> {
    await removeTree(dir);
    await new Ports(places.ports).giveBack(basename(dir));
  }

  async #portsFor(places: HomePlaces, { settings }: WorktreeRequest, owner: string) {
    const { ports = 0 } = settings;
    return ports === 0 ? {} : portsEnvironment(await new Ports(places.ports).take(owner), ports);
  }

  /** A worktree in which nobody has worked yet. */
  async #setUpNew(
    request: WorktreeRequest,
    shadow: Shadow,
    workspace: Workspace,
    signal: AbortSignal,
  ): Promise<void> {
    const places = await this.#ready();
    this.#setUps ??= new SetUpCache(places.setUps);
    const dir = join(places.fresh, randomUUID());
    await setUpNew({
      ...{ cache: this.#setUps, run: this.#options.runSetup, shadow, request, signal },
      openBase: () => this.#freshTree({ ...request, head: request.base }, shadow, dir, signal),
      closeBase: () => this.#removeFresh(places, dir),
      workspace,
    });
  }

  #loopTree(
    { loop, base }: { loop: LoopId; base: CommitId },
    shadow: Shadow,
    places: HomePlaces,
    preparing: Pick<LoopTreeParts, "env" | "furnish" | "setUp">,
  ): LoopTree {
    const { uid, identity, now } = this.#options;
    const dir = this.#loopDir(places, loop);
    const trees = this.#trees;
    const { trash } = places;
    return new LoopTree({
      loop,
      base,
      dir,
      trash,
      shadow,
      trees,
      identity,
      uid,
      now,
      ...preparing,
    });
  }

  async #saveUnsaved(loop: LoopId, state: LoopState, places: HomePlaces): Promise<void> {
    try {
      const shadow = await this.shadow(state.repo);
      const tree = this.#loopTree({ loop, base: state.base }, shadow, places, {
        env: {},
        furnish: async () => state.placement,
        setUp: async () => false,
      });
      await tree.saveUnsaved(state.placement);
    } catch (error) {
      // The files themselves go to the trash: nothing is lost, only not in a ref.
      if (!(error instanceof GitFailed) && !(error instanceof WorktreeError)) throw error;
    }
  }

  async #setUpDue({ settings }: WorktreeRequest, tree: string): Promise<string | null> {
    return settings.setup === null ? null : setUpKey(tree, settings.setup);
  }

  async #shadowFor({ repo, base, head }: WorktreeRequest): Promise<Shadow> {
    this.#shadows.delete(repo);
    const shadow = await this.shadow(repo);
    await pin(shadow, base);
    if (head === base || (await hasCommit(shadow, head))) return shadow;
    throw new WorktreeError(
      `The checkpoint ${head.slice(0, 12)} is not in ${shadow.place.gitDir}. ` +
        "It may have been made under another home, or for a repository that was moved since.",
    );
  }

  /** Known shadows are trusted while the repository is where it was. */
  async shadow(repo: string): Promise<Shadow> {
    const known = this.#shadows.get(repo);
    if (known !== undefined) {
      const shadow = await known;
      if ((await stat(shadow.repository.commonDir).catch(absent)) !== null) return shadow;
    }
    const opening = this.#openShadow(repo);
    this.#shadows.set(repo, opening);
    opening.catch(() => this.#shadows.delete(repo));
    return opening;
  }

  /** One at a time per repository: two loops may be its first at once. */
  async #openShadow(repo: string): Promise<Shadow> {
    const { home } = await this.#ready();
    const repository = await resolveRepository(repo, this.#options.uid);
    const key = repository.commonDir;
    const before = this.#opening.get(key) ?? Promise.resolve(null);
    const opening = before.catch(() => null).then(() => openShadow(home, repository));
    this.#opening.set(key, opening);
    return opening;
  }

  #ready(): Promise<HomePlaces> {
    this.#places ??= openHome(this.#options.home, this.#options.uid);
    return this.#places;
  }

  #loopDir(places: HomePlaces, loop: LoopId): string {
    assert(loopIdPattern.test(loop) && !loop.endsWith(".lock"), `not an id of a loop: ${loop}`);
    return join(places.worktrees, loop);
  }
}
