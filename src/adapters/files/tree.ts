import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import type { Listing } from "../../ports.ts";
import { type Directory, refusalOf } from "./directory.ts";
import { isGitName, namesOf } from "./names.ts";
import { matchingPaths } from "./patterns.ts";
import { inDirectory, type Roots, shownBelow } from "./walk.ts";

const entriesMax = 2000;
/** More than this is not looked at: the walk of a monstrous tree ends. */
const visitedMax = 50_000;
export const depthMax = 64;

/** Big, not the user's own, and never what was meant, unless it is named. */
export const skipped = "node_modules";

interface Entry {
  /** From where the walk began. */
  readonly path: string;
  readonly depth: number;
  readonly kind: "file" | "directory" | "link" | "other";
  /** Of a link. */
  readonly target: string | null;
}

export interface Tree {
  readonly entries: readonly Entry[];
  /** Whether there were more than one walk looks at. */
  readonly cut: boolean;
}

export async function list(roots: Roots, path: string, depth: number): Promise<Listing> {
  const tree = await inDirectory(roots, path, (directory) =>
    walkTree(directory, {
      depth,
      enter: (name) => name !== skipped,
      shows: shownBelow(roots, directory),
    }),
  );
  // What is near the top says more than what comes first in the alphabet.
  const nearest = tree.entries.toSorted((a, b) => a.depth - b.depth || compare(a.path, b.path));
  const prefix = prefixOf(roots, path);
  return {
    paths: nearest
      .slice(0, entriesMax)
      .map((entry) => prefix + drawn(entry))
      .sort(compare),
    more: tree.cut ? null : Math.max(0, nearest.length - entriesMax),
  };
}

export async function glob(roots: Roots, pattern: string, path: string): Promise<Listing> {
  const inner = pattern.startsWith(`${roots.dir}/`) ? pattern.slice(roots.dir.length + 1) : pattern;
  const named = inner.includes(skipped);
  const tree = await inDirectory(roots, path, (directory) =>
    walkTree(directory, {
      depth: depthMax,
      enter: (name) => named || name !== skipped,
      shows: shownBelow(roots, directory),
    }),
  );
  const files = tree.entries.filter(({ kind }) => kind === "file" || kind === "link");
  const found = matchingPaths(
    inner,
    files.map((file) => file.path),
  ).toSorted(compare);
  const prefix = prefixOf(roots, path);
  return {
    paths: found.slice(0, entriesMax).map((each) => prefix + each),
    more: tree.cut ? null : Math.max(0, found.length - entriesMax),
  };
}

interface Walking {
  readonly depth: number;
  readonly enter: (name: string) => boolean;
  /** Of a path from where the walk begins; null shows all. */
  readonly shows: ((path: string) => boolean) | null;
}

/** Everything that is shown below `directory` but `.git`; links are told, not followed. */
export async function walkTree(directory: Directory, how: Walking): Promise<Tree> {
  const entries: Entry[] = [];
  const visit = async (here: Directory, prefix: string, depth: number): Promise<boolean> => {
    for (const child of await children(here, visitedMax - entries.length)) {
      if (entries.length >= visitedMax) return false;
      if (how.shows?.(prefix + child.name) === false) continue;
      const entry = await entryOf(here, child, prefix, depth);
      entries.push(entry);
      if (entry.kind !== "directory" || depth >= how.depth || !how.enter(child.name)) continue;
      const went = await enter(here, child.name, (inner) =>
        visit(inner, `${entry.path}/`, depth + 1),
      );
      if (!went) return false;
    }
    return true;
  };
  const whole = await visit(directory, "", 1);
  return { entries, cut: !whole };
}

/** At most one more than `max`, so that whoever asked knows there were more. */
async function children(directory: Directory, max: number): Promise<readonly Dirent[]> {
  const found: Dirent[] = [];
  for await (const entry of await opendir(directory.at(null), { bufferSize: 256 })) {
    if (isGitName(entry.name)) continue;
    found.push(entry);
    if (found.length > max) break;
  }
  return found.sort((a, b) => compare(a.name, b.name));
}

async function entryOf(
  directory: Directory,
  child: Dirent,
  prefix: string,
  depth: number,
): Promise<Entry> {
  const path = `${prefix}${child.name.replace(/\p{Cc}/gu, "?")}`;
  if (child.isSymbolicLink()) {
    const target = await directory.readLink(child.name).catch(() => "?"); // gone meanwhile
    return { path, depth, kind: "link", target };
  }
  const kind = child.isDirectory() ? "directory" : child.isFile() ? "file" : "other";
  return { path, depth, kind, target: null };
}

/** A directory that cannot be entered is shown closed. */
async function enter(
  directory: Directory,
  name: string,
  visit: (inner: Directory) => Promise<boolean>,
): Promise<boolean> {
  const inner = await directory.openDirectory(name).catch((error: unknown) => {
    if (refusalOf(error, name) !== error) return null;
    throw error;
  });
  if (inner === null) return true;
  try {
    return await visit(inner);
  } finally {
    await inner.close();
  }
}

function drawn({ path, kind, target }: Entry): string {
  if (kind === "directory") return `${path}/`;
  return target === null ? path : `${path} -> ${target}`;
}

/** What the names of a walk from `path` begin with, seen from the worktree. */
export function prefixOf(roots: Roots, path: string): string {
  const names = namesOf(roots.dir, path);
  return names.length === 0 ? "" : `${names.join("/")}/`;
}

/** By code units: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
