import { readdir, readFile, realpath, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId, LoopId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent, removeTree } from "./files.ts";
import { GitFailed, type GitPlace, git } from "./git.ts";
import { resolveRepository } from "./repository.ts";
import { pinPrefixOf } from "./shadow.ts";

/** A branch that loops of this home made, and every commit that they put there. */
export interface OwnBranch {
  readonly repo: string;
  readonly name: string;
  readonly commits: readonly CommitId[];
}

export interface PurgeRequest {
  readonly home: string;
  readonly isRoot: boolean;
  readonly loops: readonly LoopId[];
  /** Roots of checkouts in which loops worked. */
  readonly repos: readonly string[];
  /** Those that should go. */
  readonly branches: readonly OwnBranch[];
}

interface Ref {
  readonly name: string;
  readonly commit: CommitId;
}

/** What this home left in one repository. */
export interface Traces {
  readonly commonDir: string;
  readonly pins: readonly Ref[];
  readonly branches: readonly Ref[];
  /** Branches that stay although they were asked for, each with the reason. */
  readonly kept: readonly string[];
}

export interface Survey {
  readonly traces: readonly Traces[];
  /** Sentences about what cannot be looked at. */
  readonly skipped: readonly string[];
}

const branchPrefix = "taskdaemon/";

/** Looks into every repository that this home knows; changes nothing. */
export async function survey(request: PurgeRequest): Promise<Survey> {
  const skipped: string[] = [];
  const known = new Map<string, OwnBranch[]>();
  for (const commonDir of await shadowed(request.home, skipped)) known.set(commonDir, []);
  for (const repo of new Set(request.repos)) {
    const commonDir = await commonDirOf(repo, request, skipped);
    if (commonDir === null) continue;
    const branches = request.branches.filter((branch) => branch.repo === repo);
    known.set(commonDir, [...(known.get(commonDir) ?? []), ...branches]);
  }
  const traces: Traces[] = [];
  for (const [commonDir, branches] of known) {
    try {
      traces.push(await tracesIn(commonDir, branches, request));
    } catch (error) {
      if (!(error instanceof GitFailed)) throw error;
      skipped.push(`${commonDir} cannot be read: ${error.message}`);
    }
  }
  return { traces, skipped };
}

/** Removes what was found; a ref that has moved since stays, and rejects the rest of its kind. */
export async function removeTraces(
  { commonDir, pins, branches }: Traces,
  request: PurgeRequest,
): Promise<void> {
  const place = await placeOf(commonDir, request);
  for (const refs of [branches, pins]) {
    const input = refs.map(({ name, commit }) => `delete ${name}\0${commit}\0`).join("");
    if (input !== "") await git(place, ["update-ref", "-z", "--stdin"], { input });
  }
  await removeCutShort(commonDir, request);
  for (const dir of ["refs/taskdaemon", "refs/heads/taskdaemon"]) {
    await rmdir(join(commonDir, dir)).catch(notEmpty);
  }
}

async function shadowed(home: string, skipped: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await readdir(join(home, "shadows")).catch(absent)) ?? []) {
    const file = join(home, "shadows", name, "taskdaemon-repository");
    const commonDir = await readFile(file, "utf8").catch(absent);
    if (commonDir === null) continue;
    if ((await stat(commonDir).catch(absent)) === null) skipped.push(goneText(commonDir));
    else found.push(commonDir);
  }
  return found;
}

/** Also of a repository whose shadow was lost. */
async function commonDirOf(
  repo: string,
  { isRoot }: PurgeRequest,
  skipped: string[],
): Promise<string | null> {
  if ((await stat(repo).catch(absent)) === null) {
    const text = goneText(repo);
    // Its shadow may have said so already.
    if (!skipped.some((told) => told.startsWith(repo))) skipped.push(text);
    return null;
  }
  try {
    return (await resolveRepository(repo, isRoot ? 0 : null)).commonDir;
  } catch (error) {
    if (!(error instanceof WorktreeError)) throw error;
    skipped.push(error.message);
    return null;
  }
}

function goneText(path: string): string {
  return `${path} is gone: nothing is removed there`;
}

async function tracesIn(
  commonDir: string,
  own: readonly OwnBranch[],
  request: PurgeRequest,
): Promise<Traces> {
  const place = await placeOf(commonDir, request);
  const pins = await refsOf(place, `${pinPrefixOf(await realpath(request.home))}/`);
  const ours = own.filter(({ name }) => name.startsWith(branchPrefix));
  if (ours.length === 0) return { commonDir, pins, branches: [], kept: [] };
  const heads = await refsOf(place, `refs/heads/${branchPrefix}`);
  const inUse = await checkedOut(place);
  const branches: Ref[] = [];
  const kept: string[] = [];
  for (const head of heads) {
    const branch = head.name.slice("refs/heads/".length);
    const mine = ours.find(({ name }) => name === branch);
    const where = inUse.get(head.name);
    if (mine === undefined) continue;
    if (where !== undefined) kept.push(`${branch} stays: it is checked out in ${where}`);
    else if (mine.commits.includes(head.commit)) branches.push(head);
    else kept.push(`${branch} stays: it has commits that no loop of this home made`);
  }
  return { commonDir, pins, branches, kept };
}

async function refsOf(place: GitPlace, prefix: string): Promise<Ref[]> {
  const format = "--format=%(refname)%00%(objectname)";
  const listed = await git(place, ["for-each-ref", format, "--", prefix]);
  return listed.split("\n").flatMap((line) => {
    const [name = "", commit] = line.split("\0");
    return commit === undefined ? [] : [{ name, commit }];
  });
}

/** Full names of branches to the checkout that has them. */
async function checkedOut(place: GitPlace): Promise<Map<string, string>> {
  const listed = await git(place, ["worktree", "list", "--porcelain"]);
  const found = new Map<string, string>();
  let dir = "";
  for (const line of listed.split("\n")) {
    if (line.startsWith("worktree ")) dir = line.slice("worktree ".length);
    if (line.startsWith("branch ")) found.set(line.slice("branch ".length), dir);
  }
  return found;
}

async function placeOf(commonDir: string, { isRoot }: PurgeRequest): Promise<GitPlace> {
  const { uid, gid } = await stat(commonDir);
  return { gitDir: commonDir, owner: isRoot && uid !== 0 ? { uid, gid } : null };
}

/** What a delivery leaves that a crash cut short. */
async function removeCutShort(commonDir: string, { home, loops }: PurgeRequest): Promise<void> {
  const objects = join(commonDir, "objects");
  const prefix = pinPrefixOf(await realpath(home)).replace(/^.*\//, "tmp_objdir-taskdaemon-");
  for (const name of (await readdir(objects).catch(absent)) ?? []) {
    if (name.startsWith(`${prefix}-`)) await removeTree(join(objects, name));
  }
  const ours = new Set(loops.map((loop) => `taskdaemon refs/taskdaemon/loops/${loop}`));
  for (const name of (await readdir(join(objects, "pack")).catch(absent)) ?? []) {
    if (!name.endsWith(".keep")) continue;
    const file = join(objects, "pack", name);
    if (ours.has(((await readFile(file, "utf8").catch(absent)) ?? "").trim())) await unlink(file);
  }
}

function notEmpty(error: unknown): void {
  const code = String((error as { code?: unknown }).code);
  if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(code)) throw error;
}
