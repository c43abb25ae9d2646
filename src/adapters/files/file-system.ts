import { resolve } from "node:path";
import type { FileSystem, Files } from "../../ports.ts";
import { readText, writeText } from "./content.ts";
import { canAnchor } from "./directory.ts";
import { grep } from "./grep.ts";
import { namesOf } from "./names.ts";
import { glob, list } from "./tree.ts";
import type { Roots } from "./walk.ts";

export interface FileSystemOptions {
  /** The sandbox user who owns new files when the daemon is root; null otherwise. */
  readonly uid: number | null;
  /** The path of the ripgrep program; null when there is none. */
  readonly ripgrep: string | null;
}

/** The real file system, confined to worktrees. */
export function createFileSystem(options: FileSystemOptions): FileSystem {
  return {
    files: (dir, readable = []) =>
      filesIn(options, { dir: resolve(dir), readable, anchored: canAnchor }),
  };
}

/** Files below the roots; for tests of systems whose paths cannot be anchored. */
export function filesIn({ uid, ripgrep }: FileSystemOptions, roots: Roots): Files {
  return {
    relative: (path) => namesOf(roots.dir, path).join("/"),
    read: async (path) => readText(roots, path),
    write: async (path, text, version) => writeText(roots, uid, path, { text, version }),
    list: async (path, depth) => list(roots, path, depth),
    glob: async (pattern, path) => glob(roots, pattern, path),
    grep: async (query, signal) => grep(roots, { ripgrep, uid }, query, signal),
  };
}
