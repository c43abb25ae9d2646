import { copyFile, lstat, mkdir, realpath, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { WorktreeSettings } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent, removeFew } from "./files.ts";
import { buildForest } from "./forest.ts";
import { type Bytes, toBytes } from "./git.ts";
import { insidePath, type LinkPlan, planLinks } from "./links.ts";
import type { Shadow } from "./shadow.ts";
import { checkOutSubmodules } from "./submodules.ts";
import type { TreeFacts } from "./tree-facts.ts";

/** What was put into a worktree besides its commit: never part of a checkpoint. */
export interface Placement {
  readonly paths: readonly Bytes[];
  /** Outside of the worktree, and read through it. */
  readonly readable: readonly string[];
}

export interface FurnishRequest {
  readonly shadow: Shadow;
  readonly tree: string;
  readonly facts: TreeFacts;
  readonly settings: WorktreeSettings;
  /** For indexes that are needed only while it lasts. */
  readonly scratch: string;
}

/** Puts dependencies, copied files and submodules of the user's checkout into a checked out tree. */
export async function furnish(request: FurnishRequest): Promise<Placement> {
  const { shadow, tree, facts, settings } = request;
  const { repository } = shadow;
  const { root } = repository;
  const plan = await planLinks({ repository, tree, facts, link: settings.link });
  refuseProblems(plan, settings);
  const readable = new Set<string>();
  for (const link of plan.links) {
    const source = join(root, link.path);
    const target = join(tree, link.path);
    await makeParents(tree, link.path);
    await removeFew(target);
    if (link.kind === "whole") await symlink(source, target);
    else await buildForest({ root, tree, source, target, kind: link.kind });
    for (const path of [source, await realpath(source), ...link.readable]) readable.add(path);
  }
  const copies = [...new Set([...settings.copy, ...plan.copies])];
  for (const path of copies) await copyIn({ root, tree, path, facts });
  await checkOutSubmodules({ ...request, makeParents });
  const paths = [...plan.links.map(({ path }) => path), ...copies].map(toBytes);
  return { paths: paths.filter((path) => !facts.has(path)), readable: [...readable] };
}

function refuseProblems(plan: LinkPlan, settings: WorktreeSettings): void {
  if (plan.problems.length === 0 || settings.setup !== null) return;
  throw new WorktreeError(plan.problems.join("\n"));
}

/** Makes the directories above `path` real ones: an agent may have left links in their place. */
async function makeParents(tree: string, path: string): Promise<void> {
  let at = tree;
  for (const part of dirname(path).split("/")) {
    if (part === ".") continue;
    at = join(at, part);
    const found = await lstat(at).catch(absent);
    if (found?.isDirectory()) continue;
    if (found) await rm(at);
    await mkdir(at);
  }
}

interface CopyRequest {
  readonly root: string;
  readonly tree: string;
  readonly path: string;
  readonly facts: TreeFacts;
}

async function copyIn({ root, tree, path, facts }: CopyRequest): Promise<void> {
  const relative = insidePath(path, "worktree.copy");
  const source = await realpath(join(root, relative)).catch(absent);
  if (source === null) {
    throw new WorktreeError(
      `worktree.copy names ${path}, which is not in ${root}. Create it, or take the entry out.`,
    );
  }
  if (!source.startsWith(root + sep) || !(await stat(source)).isFile()) {
    throw new WorktreeError(`worktree.copy names ${path}, which is no file inside of ${root}.`);
  }
  if (facts.has(toBytes(relative))) return;
  const target = join(tree, relative);
  await makeParents(tree, relative);
  await removeFew(target);
  await copyFile(source, target);
}
