import { createHash } from "node:crypto";
import { chmod, lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent } from "./files.ts";
import { type Bytes, fromBytes, type GitPlace, git, lastLines, splitNul, tryGit } from "./git.ts";

/** One path in which the private index differs from a commit. */
export interface StagedChange {
  readonly status: string;
  readonly mode: string;
  readonly path: Bytes;
}

import { ignoredPaths } from "./ignore-rules.ts";
import type { Shadow } from "./shadow.ts";

const embeddedMax = 200;
const mendedMax = 1_000_000;

/**
 * Brings the private index up to the files. The index must not hold a submodule: git would run
 * `git status` inside of it, under a configuration that the agent can write. This call may add
 * some (repositories that the agent made); `unstage` them before anything else.
 */
export async function stageAll(place: GitPlace & { workTree: string }): Promise<void> {
  const first = await tryGit(place, ["add", "-A", "--ignore-errors"]);
  if (first.exitCode === 0) return;
  await unstageGitlinks(place);
  await mend(place);
  const second = await tryGit(place, ["add", "-A", "--ignore-errors"]);
  // 1: some paths cannot be in any commit (`.GIT/x`); 128: nothing was written.
  if (second.exitCode <= 1 && second.exitCode >= 0) return;
  throw new WorktreeError(
    `The files in ${place.workTree} cannot be saved. git said: ${lastLines(second.stderr)}`,
  );
}

/** Takes every submodule out of the private index. */
export async function unstageGitlinks(place: GitPlace): Promise<void> {
  const listed = splitNul(await git(place, ["ls-files", "-s", "-z"]));
  const gitlinks = listed.filter((line) => line.startsWith("160000 "));
  await unstage(
    place,
    gitlinks.map((line) => line.slice(line.indexOf("\t") + 1)),
  );
}

/** In what the private index differs from `commit`. */
export async function stagedChanges(place: GitPlace, commit: CommitId): Promise<StagedChange[]> {
  const args = [
    "diff-index",
    "--cached",
    "--raw",
    "-z",
    "--no-renames",
    "--no-abbrev",
    commit,
    "--",
  ];
  const pieces = splitNul(await git(place, args));
  const changes: StagedChange[] = [];
  for (let at = 0; at + 1 < pieces.length; at += 2) {
    const [, mode = "", , , status = ""] = (pieces[at] ?? "").split(" ");
    changes.push({ status, mode, path: pieces[at + 1] ?? "" });
  }
  return changes;
}

/** Does its checksum fit? Git itself does not look, and a power cut may have torn the file. */
export async function isIndexWhole(file: string, shadow: Shadow): Promise<boolean> {
  const content = await readFile(file).catch(absent);
  if (content === null) return false;
  const { objectFormat } = shadow.repository;
  const end = content.length - (objectFormat === "sha256" ? 32 : 20);
  if (end < 0) return false;
  return createHash(objectFormat)
    .update(content.subarray(0, end))
    .digest()
    .equals(content.subarray(end));
}

export async function unstage(place: GitPlace, paths: readonly Bytes[]): Promise<void> {
  if (paths.length === 0) return;
  const input = paths.map((path) => `${path}\0`).join("");
  await git(place, ["update-index", "-z", "--force-remove", "--stdin"], { input });
}

/** Replaces repositories that lie inside of the tree (staged as submodules) by their files. */
export async function flattenEmbedded(
  place: GitPlace & { workTree: string },
  emptyIndex: string,
  dirs: readonly Bytes[],
): Promise<void> {
  await unstage(place, dirs);
  const queue = [...dirs];
  const files: Bytes[] = [];
  for (let at = 0; at < queue.length && at < embeddedMax; at += 1) {
    const dir = queue[at] ?? "";
    const inside = {
      ...place,
      workTree: join(place.workTree, fromBytes(dir)),
      indexFile: emptyIndex,
    };
    const listed = await git(inside, ["ls-files", "-o", "-z", "--exclude-standard"]);
    for (const entry of splitNul(listed)) {
      if (entry.endsWith("/")) queue.push(`${dir}/${entry.slice(0, -1)}`);
      else files.push(`${dir}/${entry}`);
    }
  }
  if (files.length === 0) return;
  const left = new Set(await ignoredPaths(place, files));
  const input = files.filter((path) => !left.has(path)).map((path) => `${path}\0`);
  const args = ["update-index", "-z", "--add", "--replace", "--stdin"];
  await git(place, args, { input: input.join("") });
}

/** Makes readable what its owner closed, and drops what became a pipe, a socket or a device. */
async function mend(place: GitPlace & { workTree: string }): Promise<void> {
  await openUp(place.workTree);
  const listed = await tryGit(place, ["ls-files", "-m", "-z"]);
  const special: Bytes[] = [];
  for (const path of splitNul(listed.stdout)) {
    const found = await lstat(join(place.workTree, fromBytes(path))).catch(absent);
    if (found && !found.isFile() && !found.isSymbolicLink() && !found.isDirectory()) {
      special.push(path);
    }
  }
  await unstage(place, special);
}

async function openUp(root: string): Promise<void> {
  const queue = [root];
  for (let at = 0; at < queue.length && at < mendedMax; at += 1) {
    const dir = queue[at] ?? root;
    await addMode(dir, 0o500);
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) queue.push(join(dir, entry.name));
      if (entry.isFile()) await addMode(join(dir, entry.name), 0o400);
    }
  }
}

async function addMode(path: string, wanted: number): Promise<void> {
  const found = await lstat(path).catch(absent);
  if (found === null || (found.mode & wanted) === wanted) return;
  await chmod(path, (found.mode & 0o777) | wanted);
}
