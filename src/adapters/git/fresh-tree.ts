import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { FreshWorkspace, WorktreeRequest } from "../../ports.ts";
import { createAgentGit, type Identity } from "./agent-git.ts";
import { absent, giveTo } from "./files.ts";
import { fromBytes, type GitPlace, git } from "./git.ts";
import { pathsOfLoop } from "./loop-tree.ts";
import { furnish } from "./placement.ts";
import { alteredFiles } from "./reading.ts";
import type { Shadow } from "./shadow.ts";
import { excludesText, type TreeReader } from "./tree-facts.ts";

/** A fresh worktree before its set-up, and what that may be kept by. */
export interface FreshTree {
  readonly workspace: FreshWorkspace;
  readonly place: GitPlace;
  readonly home: string;
  /** Paths that were put there besides the commit, with what tells whether they were touched. */
  readonly given: ReadonlyMap<string, string>;
}

interface FreshTreeParts {
  readonly request: WorktreeRequest;
  readonly shadow: Shadow;
  readonly dir: string;
  readonly trees: TreeReader;
  readonly uid: number | null;
  readonly identity: Identity;
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

/** Checks the request's head out at `dir`, which is nobody's yet, and furnishes it. */
export async function openFreshTree(
  { request, shadow, dir, trees, uid, identity, env, close }: FreshTreeParts,
  signal: AbortSignal,
): Promise<FreshTree> {
  const { tree, agentGit } = pathsOfLoop(dir);
  const { head, settings } = request;
  const indexFile = join(dir, "index");
  // The loop's own holds what its commands left: settings by which npm or python obey them.
  const home = join(dir, "home");
  await mkdir(dir, { mode: uid === null ? 0o700 : 0o711 });
  for (const path of [tree, home]) await mkdir(path, { mode: 0o700 });
  const place = { ...shadow.place, workTree: tree, indexFile };
  const [facts] = await Promise.all([
    trees.read(shadow, head),
    git(place, ["read-tree", "--reset", "-u", head], { signal }),
  ]);
  const placement = await furnish({ shadow, tree, facts, settings, scratch: dir });
  const excludes = excludesText(facts, placement.paths);
  await Promise.all([
    giveTo(uid, [tree, home]),
    createAgentGit({
      ...{ shadow, head, indexFile, excludes, identity, uid },
      gitDir: agentGit,
      workTree: tree,
      linked: true,
    }),
  ]);
  const workspace = {
    dir: tree,
    writable: [tree, agentGit, home],
    readable: [...shadow.objectDirs, ...placement.readable],
    env: { GIT_CEILING_DIRECTORIES: dir, HOME: home, ...env },
    altered: () => alteredFiles(place),
    close,
  };
  const given = await marksOf(tree, [...placement.paths.map(fromBytes), ...settings.copy]);
  return { workspace, place, home, given };
}

/** What changes when somebody makes a file or a directory anew. */
export async function marksOf(
  tree: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const marks = new Map<string, string>();
  for (const path of paths) {
    const found = await lstat(join(tree, path)).catch(absent);
    if (found !== null) marks.set(path, `${found.ino} ${found.mtimeMs}`);
  }
  return marks;
}
