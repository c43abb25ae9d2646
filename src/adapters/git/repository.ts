import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent } from "./files.ts";
import { fromBytes, type GitPlace, git, lastLines, type Owner, splitNul, tryGit } from "./git.ts";

/** A repository of the user, as it lies on disk. */
export interface Repository {
  /** The top of the checkout. */
  readonly root: string;
  /** Of this checkout; in a linked worktree not the same as `commonDir`. */
  readonly gitDir: string;
  readonly commonDir: string;
  readonly objectFormat: "sha1" | "sha256";
  /** Absolute, the repository's own first, then its alternates at any depth. */
  readonly objectDirs: readonly string[];
  readonly isShallow: boolean;
  /** Who owns the repository: what we write there is written as this user. Null: we do. */
  readonly owner: Owner | null;
}

const alternatesMax = 32;

/** Finds the repository that `dir` lies in. Rejects with WorktreeError when there is none to use. */
export async function resolveRepository(dir: string, uid: number | null): Promise<Repository> {
  const isThere = await stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) {
    throw new WorktreeError(`${dir} is not there. If the repository moved, move it back.`);
  }
  const questions = ["--git-dir", "--git-common-dir", "--show-object-format"];
  const found = await discover(dir, [...questions, "--is-bare-repository", "--show-toplevel"]);
  const [gitDir, commonDir, format, bare, root] = found;
  if (gitDir === undefined || commonDir === undefined) {
    throw new WorktreeError(`${dir} is not in a git repository. Run git init, or name another.`);
  }
  if (bare === "true") {
    throw new WorktreeError(`${dir} is a bare repository. Name a checkout of it.`);
  }
  if (root === undefined) {
    throw new WorktreeError(`${dir} is inside of a .git directory. Name the checkout.`);
  }
  const owned = await stat(commonDir);
  return {
    root,
    gitDir,
    commonDir,
    objectFormat: format === "sha256" ? "sha256" : "sha1",
    objectDirs: await objectDirectories(join(commonDir, "objects")),
    isShallow: (await readFile(join(commonDir, "shallow")).catch(absent)) !== null,
    owner: uid !== null && owned.uid !== 0 ? { uid: owned.uid, gid: owned.gid } : null,
  };
}

/** The commit that `ref` names in the user's repository, as they would mean it. */
export async function resolveCommit(repository: Repository, ref: string): Promise<CommitId> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
  const found = await tryGit({ gitDir: repository.gitDir }, args);
  if (found.exitCode === 0) return found.stdout.trim();
  if (ref === "HEAD") {
    throw new WorktreeError(`${repository.root} has no commit yet. Make a first one.`);
  }
  throw new WorktreeError(
    `${repository.root} has no commit named ${ref}: git log --all lists them, and HEAD is meant without --base.`,
  );
}

/** What a person has in the checkout just now. Nothing is written, not even the index. */
export interface CheckoutState {
  readonly head: CommitId;
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  readonly changedFiles: number;
  readonly untrackedFiles: number;
  readonly inProgress: "merge" | "rebase" | "cherry-pick" | "revert" | "bisect" | null;
}

export async function checkoutState(repository: Repository): Promise<CheckoutState> {
  const place: GitPlace = { gitDir: repository.gitDir, workTree: repository.root };
  const noFilters = await filtersOff(place);
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"];
  const [head, branch, status, inProgress] = await Promise.all([
    resolveCommit(repository, "HEAD"),
    tryGit(place, ["symbolic-ref", "--quiet", "--short", "HEAD"]),
    git(place, [...noFilters, ...args]),
    operationInProgress(repository.gitDir),
  ]);
  const lines = status.split("\0").filter((line) => line !== "");
  const untrackedFiles = lines.filter((line) => line.startsWith("??")).length;
  return {
    head,
    branch: branch.exitCode === 0 ? branch.stdout.trim() : null,
    changedFiles: lines.length - untrackedFiles,
    untrackedFiles,
    inProgress,
  };
}

/** Git's own search, as the user's shell would do it. Nothing when there is no repository. */
async function discover(dir: string, questions: readonly string[]): Promise<string[]> {
  const args = ["rev-parse", "--path-format=absolute", ...questions];
  const found = await tryGit({ gitDir: null, workTree: dir }, args);
  if (found.exitCode === 0) return lines(found.stdout);
  // What comes before the question that has no answer is answered.
  if (/must be run in a work tree/.test(found.stderr)) return lines(found.stdout);
  if (/not a git repository/.test(found.stderr)) return [];
  throw new WorktreeError(`git cannot read ${dir}: ${lastLines(found.stderr)}`);
}

function lines(output: string): string[] {
  return fromBytes(output).trimEnd().split("\n");
}

/** An object directory and all that it borrows from, flattened: git follows only five levels. */
export async function objectDirectories(first: string): Promise<string[]> {
  const found = [first];
  for (let at = 0; at < found.length && at < alternatesMax; at += 1) {
    for (const path of await alternatesOf(found[at] ?? first)) {
      if (!found.includes(path)) found.push(path);
    }
  }
  return found;
}

async function alternatesOf(dir: string): Promise<string[]> {
  const listed = (await readFile(join(dir, "info", "alternates"), "utf8").catch(absent)) ?? "";
  const entries = listed.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const paths = entries.map((line) => (line.startsWith('"') ? String(JSON.parse(line)) : line));
  return paths.map((path) => resolve(dir, path));
}

async function operationInProgress(gitDir: string): Promise<CheckoutState["inProgress"]> {
  const marks = [
    ["MERGE_HEAD", "merge"],
    ["rebase-merge", "rebase"],
    ["rebase-apply", "rebase"],
    ["CHERRY_PICK_HEAD", "cherry-pick"],
    ["REVERT_HEAD", "revert"],
    ["BISECT_LOG", "bisect"],
  ] as const;
  for (const [file, name] of marks) {
    if ((await stat(join(gitDir, file)).catch(absent)) !== null) return name;
  }
  return null;
}

/** Options that keep a user's own filter drivers (LFS among them) from running. */
async function filtersOff(place: GitPlace): Promise<string[]> {
  const found = await tryGit(place, ["config", "-z", "--name-only", "--get-regexp", "^filter\\."]);
  const names = new Set(splitNul(found.stdout).map((key) => key.slice(0, key.lastIndexOf("."))));
  return [...names].flatMap((name) =>
    ["clean=", "smudge=", "process=", "required=false"].flatMap((rest) => [
      "-c",
      `${fromBytes(name)}.${rest}`,
    ]),
  );
}
