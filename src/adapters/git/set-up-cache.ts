import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CommitId, WorktreeSettings } from "../../core/loop.ts";
import { runProgram } from "../process/launch.ts";
import { absent, codeIs, diskUsage, readRegular, removeFew, removeTree } from "./files.ts";
import { fromBytes, type GitPlace, git, splitNul, tryGit } from "./git.ts";
import { readLocks } from "./set-up.ts";
import type { Shadow } from "./shadow.ts";
import { writeWhole } from "./shadow.ts";

/** All that is kept; beyond it what was not used for longest goes. */
const cacheBytesMax = 10 * 1024 ** 3;
/** Of one set-up. */
const entryBytesMax = 4 * 1024 ** 3;
const pathsMax = 100;
/** Set-ups that could not be kept and are not tried again by this daemon. */
const refusedMax = 1_000;

/** What a set-up made that is of no use later: it may stay behind. */
const passing = [
  ".npm",
  ".cache/npm",
  ".cache/yarn",
  ".cache/pnpm",
  ".cache/pip",
  ".cache/uv",
  ".cache/node",
  ".cache/node-gyp",
  ".local/share/pnpm",
  ".local/state/pnpm",
  ".bun/install/cache",
];

/** Where lock files say what lies there; what else a set-up makes may come of any file. */
const dependencies =
  /(?:^|\/)(?:node_modules|bower_components|jspm_packages|vendor|deps|Pods|Carthage|elm-stuff|__pypackages__|\.venv|venv|\.yarn|\.pnpm-store|\.bundle|\.pnp\.c?js|\.pnp\.loader\.mjs)(?:\/|$)/;
/** Scripts of a package.json that its installation runs, whatever they read and make. */
const ownScripts = [
  ...["preinstall", "install", "postinstall", "prepare"],
  ...["pre-install-cmd", "post-install-cmd", "pre-autoload-dump", "post-autoload-dump"],
];
const packageBytesMax = 1024 * 1024;

/** In directories of dependencies, what comes of the repository's own files nevertheless. */
const ofOwnFiles = ["*/node_modules/.prisma"];
/** Composer's, where it names the repository's own classes. */
const classMap = "autoload_classmap.php";
const ownClass = "=> $baseDir";

interface Manifest {
  /** Relative to the worktree. */
  readonly paths: readonly string[];
}

/** A worktree in which the set-up command has just run, of a commit that no model has written. */
export interface Stage {
  readonly tree: string;
  /** The daemon's own git for it. */
  readonly place: GitPlace;
  readonly home: string;
  /** What was given to it, relative, and is no part of what the set-up made. */
  readonly given: readonly string[];
  /** The first of its ports; null where it has none. */
  readonly port: string | null;
}

/**
 * The same for the same repository, command, hosts and lock files; null where nothing is locked, or
 * scripts of the repository have a part in it.
 */
export async function cacheKey(
  { repository }: Shadow,
  { setup, setupNetworkAllow }: WorktreeSettings,
  tree: string,
): Promise<string | null> {
  const locks = await readLocks(tree);
  if (locks.length === 0) return null;
  for (const name of ["package.json", "composer.json"]) {
    if (await hasOwnScripts(tree, name)) return null;
  }
  const composer = await readPackage(tree, "composer.json");
  const hosts = [...setupNetworkAllow].sort();
  const hash = createHash("sha256");
  hash.update(JSON.stringify([repository.commonDir, setup, hosts]));
  for (const { name, content } of locks) hash.update(`\0${name}\0`).update(content);
  // Its autoloader is made of it, and not of the lock file alone.
  if (composer !== null) hash.update("\0composer.json\0").update(composer);
  return hash.digest("hex");
}

function readPackage(tree: string, name: string) {
  return readRegular(join(tree, name), { bytesMax: packageBytesMax, follow: false });
}

async function hasOwnScripts(tree: string, name: string): Promise<boolean> {
  const text = await readPackage(tree, name);
  if (text === null) return false;
  try {
    const { scripts } = JSON.parse(text.toString("utf8")) as { scripts?: unknown };
    if (typeof scripts !== "object" || scripts === null) return false;
    return ownScripts.some((script) => Object.hasOwn(scripts, script));
  } catch {
    return true; // Who knows what comes of it.
  }
}

/** Whether the commit is in a history of the user's own: not only in what loops have made. */
export async function isUsersOwn({ repository }: Shadow, commit: CommitId): Promise<boolean> {
  const place = { gitDir: repository.gitDir };
  const args = ["for-each-ref", "--format=%(refname)", `--contains=${commit}`];
  const refs = await tryGit(place, [...args, "refs/heads", "refs/remotes", "refs/tags"]);
  const loops = /^refs\/(?:heads|remotes\/[^/]+)\/taskdaemon\//;
  if (refs.stdout.split("\n").some((name) => name !== "" && !loops.test(name))) return true;
  const detached = await tryGit(place, ["symbolic-ref", "--quiet", "HEAD"]);
  if (detached.exitCode === 0) return false;
  return (await tryGit(place, ["merge-base", "--is-ancestor", commit, "HEAD"])).exitCode === 0;
}

/**
 * What set-up commands have made, by what they were made from: untracked files of a worktree, as
 * copies. Below the home, where no command of a loop can write; and made only of commits of the
 * user's, so that no loop's work gets into another's dependencies.
 */
export class SetUpCache {
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #making = new Map<string, Promise<boolean>>();
  readonly #refused = new Set<string>();

  constructor(dir: string, bytesMax = cacheBytesMax) {
    this.#dir = dir;
    this.#bytesMax = bytesMax;
  }

  /** Whether it is there by now. Who asks for the same waits for who makes it. */
  async has(key: string, source: string, make: () => Promise<boolean>): Promise<boolean> {
    if ((await readManifest(this.#entry(key))) !== null) return true;
    const name = `${key} ${source}`;
    if (this.#refused.has(name)) return false;
    const making = this.#making.get(name) ?? make().finally(() => this.#making.delete(name));
    this.#making.set(name, making);
    const isMade = await making;
    if (!isMade && this.#refused.size < refusedMax) this.#refused.add(name);
    return isMade;
  }

  /** False where it cannot stand for the set-up, or is too large. */
  async keep(key: string, { tree, place, home, given, port }: Stage): Promise<boolean> {
    const listed = ["ls-files", "--others", "--directory", "--no-empty-directory", "-z"];
    const made = splitNul(await git(place, listed))
      .map((path) => fromBytes(path).replace(/\/$/, ""))
      .filter((path) => !given.includes(path));
    if (made.length === 0 || made.length > pathsMax) return false;
    if (!made.every((path) => dependencies.test(path))) return false;
    const paths = made.map((path) => join(tree, path));
    if ((await leaves(home)) || (await names(tree, paths))) return false;
    if (await dependsOnFiles(paths)) return false;
    if (port !== null && (await holdsText(paths, ["-w", "-e", port]))) return false;
    if ((await diskUsage(paths)) > entryBytesMax) return false;
    const entry = this.#entry(key);
    // Another base or configuration may have the same kept just now: each makes its own.
    const half = halfOf(entry);
    try {
      await mkdir(join(half, "files"), { recursive: true, mode: 0o700 });
      for (const path of made) {
        if (!(await copy(join(tree, path), join(half, "files", path)))) return false;
      }
      await writeWhole(join(half, "set-up.json"), `${JSON.stringify({ paths: made })}\n`);
      // A power cut leaves all of it or nothing under its name.
      await syncBelow(half);
      await rename(half, entry).catch(unlessThere);
    } finally {
      await removeTree(half);
    }
    await this.#makeRoom(entry);
    return true;
  }

  /** Lays it into a worktree in which nobody has worked. False, and nothing is left, if it cannot. */
  async restore(key: string, tree: string): Promise<boolean> {
    const entry = this.#entry(key);
    const manifest = await readManifest(entry);
    const before = await lstat(entry).catch(absent);
    if (manifest === null || before === null) return false;
    const laid: string[] = [];
    for (const path of manifest.paths) {
      const target = join(tree, path);
      if (!(await isFree(tree, path))) return abandon(laid);
      await removeFew(target);
      laid.push(target);
      if (!(await copy(join(entry, "files", path), target))) return abandon(laid);
    }
    // What goes is moved away first: where it is still the same, all of it was there.
    if ((await lstat(entry).catch(absent))?.ino !== before.ino) return abandon(laid);
    const now = new Date();
    await utimes(entry, now, now).catch(absent);
    return true;
  }

  #entry(key: string): string {
    return join(this.#dir, key);
  }

  /** What was not used for longest goes, but never the newest. */
  async #makeRoom(newest: string): Promise<void> {
    const names = (await readdir(this.#dir)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const entries = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#dir, name);
        const [at, bytes] = await Promise.all([lstat(path).catch(absent), diskUsage([path])]);
        return { path, bytes, usedAt: at?.mtimeMs ?? 0 };
      }),
    );
    let left = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of entries.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (left <= this.#bytesMax || path === newest) continue;
      const half = halfOf(path);
      await rename(path, half).catch(absent);
      await removeTree(half);
      left -= bytes;
    }
  }
}

/** What is not an entry yet, or no longer; it goes at the next start at the latest. */
function halfOf(entry: string): string {
  return `${entry}.${randomUUID()}.half`;
}

/** Who was first made the same of the same. */
function unlessThere(error: unknown): void {
  if (!codeIs(error, "ENOTEMPTY") && !codeIs(error, "EEXIST")) throw error;
}

async function readManifest(entry: string): Promise<Manifest | null> {
  const text = await readFile(join(entry, "set-up.json"), "utf8").catch(absent);
  try {
    return text === null ? null : (JSON.parse(text) as Manifest);
  } catch {
    return null; // Cut short by a machine that went off: it is made again.
  }
}

/** Everything on its file system, where sync can do that; else everything there is. */
async function syncBelow(dir: string): Promise<void> {
  const one = await runProgram("sync", ["-f", dir], { cwd: "/", env: {} });
  if (one.exitCode !== 0) await runProgram("sync", [], { cwd: "/", env: {} });
}

/** Whether more than the lock files has a part in what it made. */
async function dependsOnFiles(paths: readonly string[]): Promise<boolean> {
  const generated = ofOwnFiles.flatMap((path) => ["-o", "-path", path]).slice(1);
  const args = [...paths, "(", ...generated, ")", "-print", "-quit"];
  const found = await runProgram("find", args, { cwd: "/", env: {} });
  if (found.exitCode !== 0 || found.stdout !== "") return true;
  return holdsText(paths, [`--include=${classMap}`, "-e", ownClass]);
}

async function abandon(laid: readonly string[]): Promise<false> {
  for (const target of laid) await removeFew(target);
  return false;
}

/**
 * A model's commit may hold a link where a directory was: nothing is written through one. Where it
 * holds nothing, a directory that we made would be ours.
 */
async function isFree(tree: string, path: string): Promise<boolean> {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count += 1) {
    const found = await lstat(join(tree, ...parts.slice(0, count))).catch(absent);
    if (found === null || !found.isDirectory()) return false;
  }
  return true;
}

async function copy(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  const args = ["-a", "--", from, to];
  return (await runProgram("cp", args, { cwd: "/", env: {} })).exitCode === 0;
}

/** Whether it left something in its HOME that may be needed later. */
async function leaves(home: string): Promise<boolean> {
  const known = passing.flatMap((path) => ["-path", join(home, path), "-prune", "-o"]);
  const args = [home, "-mindepth", "1", ...known, "-not", "-type", "d", "-print", "-quit"];
  const found = await runProgram("find", args, { cwd: "/", env: {} });
  return found.exitCode !== 0 || found.stdout !== "";
}

/** Whether what it made knows where it lies: a virtualenv, for one, works nowhere else. */
async function names(tree: string, paths: readonly string[]): Promise<boolean> {
  if (await holdsText(paths, ["-e", tree])) return true;
  const asLink = [...paths, "-lname", `${tree}*`, "-print", "-quit"];
  const links = await runProgram("find", asLink, { cwd: "/", env: {} });
  return links.exitCode !== 0 || links.stdout !== "";
}

async function holdsText(paths: readonly string[], text: readonly string[]): Promise<boolean> {
  const own: string[] = [];
  // A link that is named is followed: that may be the whole disk.
  for (const path of paths) if (!(await lstat(path)).isSymbolicLink()) own.push(path);
  if (own.length === 0) return false;
  const args = ["-rqsF", ...text, "--", ...own];
  const found = await runProgram("grep", args, { cwd: "/", env: {} });
  return found.exitCode !== 1;
}
