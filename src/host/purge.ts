import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { mkdir, readlink, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeTree } from "../adapters/git/files.ts";
import {
  type OwnBranch,
  type PurgeRequest,
  removeTraces,
  type Survey,
  survey,
} from "../adapters/git/purge.ts";
import { lockHome } from "../adapters/store/home.ts";
import type { Loop } from "../core/loop.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { PurgeReport, PurgeView } from "../protocol/purge.ts";
import { isServed, stopDaemon } from "./control.ts";
import { readState } from "./reader.ts";
import { isOurs, socketOf } from "./socket.ts";
import type { Surroundings } from "./surroundings.ts";
import { findUnit, uninstallUnit } from "./unit.ts";

/** All that is ever made under a home; `taskdaemon.yml`, `keys.json` and `loops` are read there. */
const ownNames =
  /^(?:store(?:\..*)?|audit|transcripts|shadows|worktrees|fresh|trash|set-ups|ports|chats|sandbox-home|sandbox-temp|logs|config|daemon\.sock|daemon\.pid|guardian\.pid|dashboard\.(?:port|token)|notify(?:-[\w-]+)?\.json(?:\.part)?|lock|taskdaemon\.yml|keys\.json|loops)$/;
/** A directory that has all of one of these is a home. */
const marks = [
  ["lock", "store"],
  ["shadows", "worktrees", "fresh", "trash"],
] as const;

export interface PurgeOptions {
  readonly branches: boolean;
}

/** What a purge would remove; refuses what is no home. */
export async function describePurge(
  around: Surroundings,
  home: string,
  options: PurgeOptions,
): Promise<PurgeView> {
  const { real, own, others } = lookAt(around, home);
  const { found } = await look(around, real, options);
  return {
    home: real,
    isRunning: await isServed(home),
    entries: own.map((name) => join(real, name)),
    unit: findUnit(around, home),
    repositories: found.traces.map(({ commonDir, pins, branches }) => ({
      gitDir: commonDir,
      pins: pins.length,
      branches: branches.map(({ name }) => name.replace(/^refs\/heads\//, "")),
    })),
    kept: keptOf(found, real, others),
  };
}

/** Stops the daemon and removes it all. What cannot be removed is told, and the rest goes. */
export async function purge(
  around: Surroundings,
  home: string,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const { real } = lookAt(around, home);
  if (await isServed(home)) await stopDaemon(home, { now: true });
  const failed: string[] = [];
  const trying = async (what: string, doing: () => Promise<unknown>) => {
    await doing().catch((error: unknown) => failed.push(`${what}: ${messageOf(error)}`));
  };
  // Whoever has it open now keeps it: nobody writes while it goes.
  const lock = await lockHome(real);
  try {
    const { request, found } = await look(around, real, options);
    for (const traces of found.traces) {
      await trying(traces.commonDir, () => removeTraces(traces, request));
    }
    if (findUnit(around, home) !== null) {
      await trying("the unit", () => uninstallUnit(around, home));
    }
    const { own, others } = lookAt(around, home);
    const links = await linksAmong(real, own);
    // The lock last: until then another purge or daemon is refused.
    for (const name of own.filter((each) => each !== "lock")) {
      await trying(name, () => removeTree(join(real, name)));
    }
    // What is left must still be known as a home by who comes to remove the rest.
    if (failed.length > 0) await mkdir(join(real, "store"), { recursive: true, mode: 0o700 });
    else await trying("lock", () => removeTree(join(real, "lock")));
    if (others.length === 0 && failed.length === 0) await trying(real, () => rmdir(real));
    await trying("the socket", () => removeSocket(home));
    return { home: real, kept: [...keptOf(found, real, others), ...links], failed };
  } finally {
    await lock.release();
  }
}

interface Home {
  readonly real: string;
  readonly own: readonly string[];
  readonly others: readonly string[];
}

/** Never the user's own directory, a repository, or anything else that is not a home. */
function lookAt({ userHome, euid }: Surroundings, home: string): Home {
  if (lstatSync(home, { throwIfNoEntry: false }) === undefined) {
    throw new UserError(exitCodes.notFound, `${home} is not there: there is nothing to remove`);
  }
  const real = realpathSync(home);
  const { uid } = lstatSync(real);
  if (euid !== null && euid !== 0 && uid !== euid) {
    const message = `${real} belongs to user ${uid}: who that is can purge it, or root`;
    throw new UserError(exitCodes.usage, message);
  }
  const names = lstatSync(real).isDirectory() ? readdirSync(real) : [];
  const isHome = marks.some((mark) => mark.every((name) => names.includes(name)));
  const isAbove = `${userHome}/`.startsWith(`${real === "/" ? "" : real}/`);
  if (!isHome || isAbove || names.includes(".git") || names.includes("HEAD")) {
    const message = `${real} is not a home of TaskDaemon: nothing was removed. Name one with --home`;
    throw new UserError(exitCodes.usage, message);
  }
  const own = names.filter((name) => ownNames.test(name)).sort();
  return { real, own, others: names.filter((name) => !ownNames.test(name)).sort() };
}

async function look(
  { euid }: Surroundings,
  home: string,
  { branches }: PurgeOptions,
): Promise<{ readonly request: PurgeRequest; readonly found: Survey }> {
  const { loops, unread } = await loopsOf(home);
  const request = {
    home,
    isRoot: euid === 0,
    loops: loops.map(({ id }) => id),
    repos: loops.map(({ repo }) => repo),
    branches: branches ? branchesOf(loops) : [],
  };
  const found = await survey(request);
  return { request, found: { ...found, skipped: [...unread, ...found.skipped] } };
}

/** A log that cannot be read keeps nobody from removing it. */
async function loopsOf(home: string): Promise<{ loops: readonly Loop[]; unread: string[] }> {
  try {
    return { loops: [...(await readState(home)).loops.values()], unread: [] };
  } catch (error) {
    const message = `the log cannot be read, so branches of its loops stay: ${messageOf(error)}`;
    return { loops: [], unread: [message] };
  }
}

function branchesOf(loops: readonly Loop[]): OwnBranch[] {
  const made = new Map<string, { repo: string; name: string; commits: string[] }>();
  for (const { repo, branch, headCommit, delivered } of loops) {
    const commits = [headCommit, delivered?.commit].filter((commit) => typeof commit === "string");
    for (const name of new Set([branch, delivered?.to])) {
      if (typeof name !== "string") continue;
      const key = `${repo}\n${name}`;
      const known = made.get(key) ?? { repo, name, commits: [] };
      known.commits.push(...commits);
      made.set(key, known);
    }
  }
  return [...made.values()];
}

function keptOf({ traces, skipped }: Survey, home: string, others: readonly string[]): string[] {
  const foreign = others.map((name) => `${join(home, name)} stays: TaskDaemon did not make it`);
  return [...traces.flatMap(({ kept }) => kept), ...skipped, ...foreign];
}

/** The link goes; nothing is followed out of the home. */
async function linksAmong(home: string, names: readonly string[]): Promise<string[]> {
  const links = names.filter((name) => lstatSync(join(home, name)).isSymbolicLink());
  return Promise.all(
    links.map(async (name) => {
      const to = await readlink(join(home, name));
      return `${to} stays: ${join(home, name)} was only a link to it`;
    }),
  );
}

/** Of a home with too long a path it lies elsewhere. */
async function removeSocket(home: string): Promise<void> {
  const socket = socketOf(home);
  if (dirname(socket) !== home && isOurs(socket, home)) await removeTree(dirname(socket));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
