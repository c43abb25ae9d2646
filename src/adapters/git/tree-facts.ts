import type { CommitId } from "../../core/loop.ts";
import { type Bytes, git, splitNul } from "./git.ts";
import type { Shadow } from "./shadow.ts";

/** What set-up and snapshots must know of the paths of a commit. */
export interface TreeFacts {
  /** Submodules: path to commit. */
  readonly gitlinks: ReadonlyMap<Bytes, CommitId>;
  /** Directories with a tracked package.json; "" is the root. */
  readonly packageDirs: readonly Bytes[];
  /** Directories that are kept out of checkpoints elsewhere but are tracked here. */
  readonly trackedLitter: readonly Bytes[];
  readonly ignoreFiles: readonly Bytes[];
  /** Is this path, or anything below it, tracked? */
  has(path: Bytes): boolean;
}

/**
 * Directories that tools fill and nobody commits. A model could plant a false test runner there,
 * so they stay out of checkpoints even when nothing ignores them, unless the base tracks them.
 */
const litterAnywhere = ["node_modules", "__pycache__", ".venv"];
const litterAtRoot = ["venv", ".td-out"];

const treesMax = 32;

/** Reads the facts of commits, and remembers those of the last few. */
export class TreeReader {
  readonly #known = new Map<CommitId, Promise<TreeFacts>>();

  read(shadow: Shadow, commit: CommitId): Promise<TreeFacts> {
    const known = this.#known.get(commit);
    if (known !== undefined) return known;
    const reading = readTreeFacts(shadow, commit);
    this.#known.set(commit, reading);
    reading.catch(() => this.#known.delete(commit));
    const oldest = this.#known.keys().next();
    if (this.#known.size > treesMax && !oldest.done) this.#known.delete(oldest.value);
    return reading;
  }
}

/** The directory of `path` that makes it litter, or null: `a/node_modules/b` to `a/node_modules`. */
function litterDirectory(path: Bytes): Bytes | null {
  const parts = path.split("/");
  const first = parts[0] ?? "";
  if (litterAtRoot.includes(first)) return first;
  const at = parts.findIndex((part) => litterAnywhere.includes(part));
  return at < 0 ? null : parts.slice(0, at + 1).join("/");
}

/** An excludes file: litter, what was linked or copied in, submodules; but not what is tracked. */
export function excludesText(facts: TreeFacts, placed: readonly Bytes[]): Bytes {
  const lines = [
    ...litterAnywhere,
    ...litterAtRoot.map((name) => `/${name}`),
    ...facts.trackedLitter.map((dir) => `!/${escapePattern(dir)}`),
    ...[...placed, ...facts.gitlinks.keys()].map((path) => `/${escapePattern(path)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

export function isIgnoreFile(path: Bytes): boolean {
  return path === ".gitignore" || path.endsWith("/.gitignore");
}

/** Of paths that a snapshot would add: those that must not be in it whatever .gitignore says. */
export function keptOut(
  paths: readonly Bytes[],
  facts: TreeFacts,
  placed: readonly Bytes[],
): Bytes[] {
  const closed = [...placed, ...facts.gitlinks.keys()];
  return paths.filter((path) => {
    const litter = litterDirectory(path);
    if (litter !== null && !facts.trackedLitter.includes(litter)) return true;
    return closed.some((dir) => path === dir || path.startsWith(`${dir}/`));
  });
}

async function readTreeFacts(shadow: Shadow, commit: CommitId): Promise<TreeFacts> {
  const gitlinks = new Map<Bytes, CommitId>();
  const packageDirs: Bytes[] = [];
  const ignoreFiles: Bytes[] = [];
  const trackedLitter = new Set<Bytes>();
  const paths: Bytes[] = [];
  const listing = await git(shadow.place, ["ls-tree", "-r", "-z", "--full-tree", commit]);
  for (const line of splitNul(listing)) {
    const tab = line.indexOf("\t");
    const path = line.slice(tab + 1);
    const [mode, , id] = line.slice(0, tab).split(" ");
    if (mode === "160000" && id !== undefined) gitlinks.set(path, id);
    paths.push(path);
    const litter = litterDirectory(path);
    if (litter !== null) trackedLitter.add(litter);
    else if (/(^|\/)package\.json$/.test(path)) packageDirs.push(path.slice(0, -13));
    if (isIgnoreFile(path)) ignoreFiles.push(path);
  }
  const sorted = paths.sort();
  return {
    gitlinks,
    packageDirs,
    trackedLitter: [...trackedLitter],
    ignoreFiles,
    has: (path) => hasPath(sorted, path),
  };
}

function hasPath(sorted: readonly Bytes[], path: Bytes): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < path) low = middle + 1;
    else high = middle;
  }
  if (sorted[low] === path) return true;
  // Between `path` and `path/` other names may sort: `a`, `a-b`, `a/c`.
  for (let at = low; at < sorted.length && (sorted[at] ?? "").startsWith(path); at += 1) {
    if (sorted[at]?.startsWith(`${path}/`)) return true;
  }
  return false;
}

/** A path as a pattern of .gitignore that matches it and nothing else. */
export function escapePattern(path: Bytes): Bytes {
  return path.replace(/[\\*?[\]]/g, "\\$&").replace(/ $/, "\\ ");
}
