import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { absent, removeTree } from "./files.ts";
import { fromBytes, git, splitNul, tryGit } from "./git.ts";
import type { FurnishRequest } from "./placement.ts";
import { objectDirectories } from "./repository.ts";

const depthMax = 4;

interface SubmoduleRequest extends FurnishRequest {
  readonly makeParents: (tree: string, path: string) => Promise<void>;
}

/**
 * Checks submodules out from the user's copies. What is changed in them is no part of a checkpoint;
 * one that the user has not cloned stays an empty directory, as git leaves it.
 */
export async function checkOutSubmodules(request: SubmoduleRequest): Promise<void> {
  const { root, commonDir } = request.shadow.repository;
  for (const [bytes, commit] of request.facts.gitlinks) {
    const path = fromBytes(bytes);
    await request.makeParents(request.tree, path);
    await removeTree(join(request.tree, path));
    await mkdir(join(request.tree, path));
    const copies = [await gitDirOf(join(root, path)), join(commonDir, "modules", path)];
    for (const gitDir of copies) {
      if (gitDir === null || !(await isThere(join(gitDir, "objects")))) continue;
      await checkOut({ request, gitDir, commit, target: join(request.tree, path), depth: 1 });
      break;
    }
  }
}

interface Submodule {
  readonly request: SubmoduleRequest;
  readonly gitDir: string;
  readonly commit: string;
  readonly target: string;
  readonly depth: number;
}

/** Through the shadow's git directory, so that the copy's own configuration is never read. */
async function checkOut({ request, gitDir, commit, target, depth }: Submodule): Promise<void> {
  const indexFile = join(request.scratch, "submodule-index");
  const alternates = await objectDirectories(join(gitDir, "objects"));
  const place = { ...request.shadow.place, alternates, workTree: target, indexFile };
  await rm(indexFile, { force: true });
  const result = await tryGit(place, ["read-tree", "--reset", "-u", commit]);
  if (result.exitCode !== 0) return; // The user's copy does not have this commit.
  if (depth >= depthMax) return;
  for (const line of splitNul(await git(place, ["ls-files", "-s", "-z"]))) {
    const tab = line.indexOf("\t");
    const [mode, nested = ""] = line.slice(0, tab).split(" ");
    const path = fromBytes(line.slice(tab + 1));
    const inner = join(gitDir, "modules", path);
    if (mode !== "160000" || !(await isThere(join(inner, "objects")))) continue;
    const next = { request, gitDir: inner, commit: nested, depth: depth + 1 };
    await checkOut({ ...next, target: join(target, path) });
  }
}

/** The git directory of a submodule's checkout: `.git` is a file that names it, or is it. */
async function gitDirOf(dir: string): Promise<string | null> {
  const link = join(dir, ".git");
  const found = await stat(link).catch(absent);
  if (found === null) return null;
  if (found.isDirectory()) return link;
  const text = await readFile(link, "utf8");
  return text.startsWith("gitdir: ") ? resolve(dir, text.slice("gitdir: ".length).trim()) : null;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(absent)) !== null;
}
