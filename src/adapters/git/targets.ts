import type { CommitId, Millis } from "../../core/loop.ts";
import type { Combined, Combining, Moved, Targets, Tip } from "../../ports/targets.ts";
import { WorktreeError } from "../../ports.ts";
import { type Identity, identityEnvironment } from "./agent-git.ts";
import { removeKeepFiles, takenNames, transferObjects } from "./deliver.ts";
import { fastForward } from "./fast-forward.ts";
import {
  fromBytes,
  GitFailed,
  type GitPlace,
  git,
  lastLines,
  splitNul,
  toBytes,
  tryGit,
} from "./git.ts";
import { hasOwnCommit, ownObjects, pin, type Shadow } from "./shadow.ts";

interface TargetsOptions {
  readonly shadowOf: (repo: string) => Promise<Shadow>;
  readonly identity: Identity;
  readonly now: () => Millis;
}

/** Over the same shadows as the worktrees. */
export function gitTargets(
  worktrees: { readonly shadow: TargetsOptions["shadowOf"] },
  more: Omit<TargetsOptions, "shadowOf">,
): Targets {
  return new GitTargets({ ...more, shadowOf: (repo) => worktrees.shadow(repo) });
}

const namesMax = 100;
const notesMax = 50;

/**
 * Branches that work is brought to, by the git program. Merges are computed in the shadow, without
 * any worktree; in the user's repository a branch is moved by compare-and-swap.
 */
class GitTargets implements Targets {
  readonly #options: TargetsOptions;

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  async tip(repo: string, branch: string): Promise<Tip | null> {
    const shadow = await this.#options.shadowOf(repo);
    const place = placeOf(shadow);
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
    const [found, checkout] = await Promise.all([
      tryGit(place, [...args, `refs/heads/${branch}^{commit}`]),
      checkoutOf(place, branch),
    ]);
    if (found.exitCode !== 0) return null;
    const commit = found.stdout.trim();
    if (!(await hasOwnCommit(shadow, commit))) await pin(shadow, commit);
    return { commit, checkout };
  }

  async freeName(repo: string, wanted: string): Promise<string> {
    const place = placeOf(await this.#options.shadowOf(repo));
    const taken = await takenNames(place);
    for (let n = 1; n <= namesMax; n += 1) {
      const name = n === 1 ? wanted : `${wanted}-${n}`;
      if (!taken.has(name)) return name;
    }
    throw new WorktreeError(`${repo} has ${namesMax} branches ${wanted}-*. Delete some.`);
  }

  async combine(request: Combining): Promise<Combined> {
    const { repo, base, head, onto } = request;
    const shadow = await this.#options.shadowOf(repo);
    const isMerge = request.as === "merge";
    const merged =
      !isMerge && base === onto
        ? { tree: await this.#treeOf(shadow, head), paths: [], notes: [] }
        : await this.#merge(shadow, request);
    const { tree, paths, notes } = merged;
    if (!isMerge && paths.length === 0 && tree === (await this.#treeOf(shadow, onto))) {
      return { type: "clean", commit: onto };
    }
    const parents = isMerge && paths.length === 0 ? [onto, head] : [onto];
    const commit = await this.#commit(shadow, tree, parents, request.message);
    await ownObjects(shadow, [commit, `^${onto}`]);
    // A name keeps it over every clean-up of the shadow.
    await git(shadow.place, ["update-ref", combinedRef(commit), commit]);
    if (paths.length === 0) return { type: "clean", commit };
    return { type: "conflict", commit, paths, notes };
  }

  async isCombined(repo: string, commit: CommitId): Promise<boolean> {
    const { place } = await this.#options.shadowOf(repo);
    const found = await tryGit(place, ["rev-parse", "--verify", "--quiet", combinedRef(commit)]);
    return found.exitCode === 0;
  }

  async contains(repo: string, tip: CommitId, commit: CommitId): Promise<boolean> {
    const { place } = await this.#options.shadowOf(repo);
    const found = await tryGit(place, ["merge-base", "--is-ancestor", commit, tip]);
    return found.exitCode === 0;
  }

  async sameFiles(repo: string, a: CommitId, b: CommitId): Promise<boolean> {
    const shadow = await this.#options.shadowOf(repo);
    const trees = await Promise.all([a, b].map((commit) => this.#treeOf(shadow, commit)));
    return trees[0] === trees[1];
  }

  async move(repo: string, branch: string, from: CommitId | null, to: CommitId): Promise<Moved> {
    const shadow = await this.#options.shadowOf(repo);
    const place = placeOf(shadow);
    if ((await checkoutOf(place, branch)) !== null) return { type: "stale" };
    await transferObjects(shadow, place, branch, to);
    const old = from ?? "0".repeat(to.length);
    const args = ["update-ref", `refs/heads/${branch}`, to, old];
    const result = await tryGit(place, args);
    await removeKeepFiles(shadow, branch);
    if (result.exitCode === 0) return { type: "moved" };
    const now = await this.tip(repo, branch);
    if ((now?.commit ?? null) !== from) return { type: "stale" };
    throw new WorktreeError(
      `The branch ${branch} cannot be moved in ${shadow.repository.root}. git said: ${lastLines(result.stderr)}`,
    );
  }

  async fastForward(repo: string, branch: string, checkout: string, to: CommitId): Promise<Moved> {
    const shadow = await this.#options.shadowOf(repo);
    await transferObjects(shadow, placeOf(shadow), branch, to);
    try {
      return await fastForward(shadow, branch, checkout, to);
    } finally {
      await removeKeepFiles(shadow, branch);
    }
  }

  /** Three ways, and the work's own base as the common ancestor, wherever the branch has gone. */
  async #merge(shadow: Shadow, request: Combining): Promise<Merged> {
    const { base, head, onto } = request;
    let sides: readonly [ours: CommitId, theirs: CommitId] = [onto, head];
    if (request.as !== "merge") {
      const trees = await Promise.all([base, onto, head].map((id) => this.#treeOf(shadow, id)));
      const [first, ours, theirs] = trees as [string, string, string];
      const root = await this.#commit(shadow, first, [], "the base");
      sides = [
        await this.#commit(shadow, ours, [root], "the branch"),
        await this.#commit(shadow, theirs, [root], "the work"),
      ];
    }
    const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--messages", ...sides];
    const found = await tryGit(shadow.place, args);
    if (found.exitCode !== 0 && found.exitCode !== 1) {
      throw new GitFailed(args, found.exitCode, found.stderr);
    }
    const [tree = "", ...rest] = splitNul(found.stdout);
    if (found.exitCode === 0) return { tree, paths: [], notes: [] };
    const end = rest.indexOf("");
    const paths = rest.slice(0, end < 0 ? rest.length : end).map(fromBytes);
    const notes = rest.slice(paths.length).filter((line) => line.startsWith("CONFLICT ("));
    return { tree, paths, notes: notes.slice(0, notesMax).map((note) => fromBytes(note).trim()) };
  }

  async #treeOf({ place }: Shadow, commit: CommitId): Promise<string> {
    return (await git(place, ["rev-parse", "--verify", `${commit}^{tree}`])).trim();
  }

  async #commit(
    { place }: Shadow,
    tree: string,
    parents: readonly CommitId[],
    message: string,
  ): Promise<CommitId> {
    const args = parents.flatMap((parent) => ["-p", parent]);
    const { identity, now } = this.#options;
    const env = identityEnvironment(identity, now());
    const input = toBytes(message);
    return (await git(place, ["commit-tree", ...args, "-F", "-", tree], { input, env })).trim();
  }
}

function combinedRef(commit: CommitId): string {
  return `refs/taskdaemon/combined/${commit}`;
}

interface Merged {
  readonly tree: string;
  readonly paths: readonly string[];
  readonly notes: readonly string[];
}

function placeOf({ repository }: Shadow): GitPlace {
  return { gitDir: repository.commonDir, owner: repository.owner };
}

/** The checkout that has the branch, of all that the repository knows and that are there. */
async function checkoutOf(place: GitPlace, branch: string): Promise<string | null> {
  const listed = splitNul(await git(place, ["worktree", "list", "--porcelain", "-z"]));
  let at = "";
  let found: string | null = null;
  for (const line of listed) {
    if (line.startsWith("worktree ")) at = fromBytes(line.slice("worktree ".length));
    if (line === `branch refs/heads/${toBytes(branch)}`) found = at;
    if (line.startsWith("prunable") && found === at) found = null;
  }
  return found;
}
