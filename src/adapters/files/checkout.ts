import { resolve } from "node:path";
import { type Files, ToolRefusal } from "../../ports.ts";
import { readText } from "./content.ts";
import { canAnchor } from "./directory.ts";
import { grep } from "./grep.ts";
import { namesOf } from "./names.ts";
import { glob, list } from "./tree.ts";
import type { Roots } from "./walk.ts";

export interface CheckoutOptions {
  /** The top of a user's checkout. */
  readonly dir: string;
  /** The path of the ripgrep program; null when there is none. */
  readonly ripgrep: string | null;
  /** The files that may be seen, as paths from the top; there are no others. */
  readonly paths: readonly string[];
}

/** A user's checkout, to read: as files of a worktree are, but only what is named is there. */
export function checkoutFiles({ dir, ripgrep, paths }: CheckoutOptions): Files {
  const shown = new Set(paths.flatMap((path) => [path, ...directoriesOf(path)]));
  // Nobody but the user writes here: the search runs as we do, for only we may read it.
  const searcher = { ripgrep, uid: null };
  const roots: Roots = {
    dir: resolve(dir),
    readable: [],
    anchored: canAnchor,
    shows: (path) => shown.has(path),
  };
  return {
    relative: (path) => namesOf(roots.dir, path).join("/"),
    read: async (path) => readText(roots, path),
    write: () => Promise.reject(new ToolRefusal("nothing can be written here")),
    list: async (path, depth) => list(roots, path, depth),
    glob: async (pattern, path) => glob(roots, pattern, path),
    grep: async (query, signal) => grep(roots, searcher, query, signal),
  };
}

/** All that lead to it. */
function directoriesOf(path: string): readonly string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}
