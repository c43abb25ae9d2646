import { createHash } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent } from "./files.ts";
import {
  type Bytes,
  fromBytes,
  type GitPlace,
  git,
  lastLines,
  splitNul,
  toBytes,
  tryGit,
} from "./git.ts";

/** One path in which the private index differs from a commit. */
export interface StagedChange {
  readonly status: string;
  readonly mode: string;
  readonly path: Bytes;
}

import { runProgram } from "../process/launch.ts";
import { ignoredPaths } from "./ignore-rules.ts";
import type { Shadow } from "./shadow.ts";

const embeddedMax = 200;
/** Adding what one iteration wrote takes a moment; who needs longer gets a second try without end. */
const patienceMs = 60_000;

/**
 * Brings the private index up to the files. The index must not hold a submodule: git would run
 * `git status` inside of it, under a configuration that the agent can write. This call may add
 * some (repositories that the agent made); `unstage` them before anything else.
 */
export async function stageAll(place: GitPlace & { workTree: string }): Promise<void> {
  const first = await tryGit(place, ["add", "-A", "--ignore-errors"], { timeoutMs: patienceMs });
  if (first.exitCode === 0) return;
  if (first.exitCode < 0) await disarm(place.workTree);
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
    // Git is led there by a name that must be text; what lies below any other is no part of it.
    if (toBytes(fromBytes(dir)) !== dir) continue;
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
  // By the program: paths may be longer than the kernel takes.
  await runProgram("chmod", ["-R", "u+rX", "--", place.workTree], { cwd: "/", env: {} });
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

/**
 * Git waits for ever for a pipe in place of a `.gitignore`, or of what a repository inside of the
 * tree (or what its `.git` leads to) has as HEAD. Both are no part of a checkpoint.
 */
async function disarm(tree: string): Promise<void> {
  const pipes = ["-type", "p", "-name", ".git?*", "-delete"];
  const repositories = [
    "-mindepth",
    "2",
    "-name",
    ".git",
    "-prune",
    "-exec",
    "rm",
    "-rf",
    "{}",
    "+",
  ];
  for (const what of [pipes, repositories]) {
    await runProgram("find", [tree, "-xdev", ...what], { cwd: "/", env: {} });
  }
}
