import { copyFile, cp, mkdir, readdir, readlink, realpath, symlink } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { absent } from "./files.ts";

export interface ForestRequest {
  /** The user's checkout, and the worktree that stands for it. */
  readonly root: string;
  readonly tree: string;
  /** Installed dependencies there, and where they go here. */
  readonly source: string;
  readonly target: string;
  readonly kind: "nodeModules" | "composerVendor";
}

const atOnce = 128;

/** What tools write into node_modules while they run: each worktree grows its own. */
const caches = new Set([
  ".cache",
  ".vite",
  ".vite-temp",
  ".vitest",
  ".tmp",
  ".turbo",
  ".nyc_output",
]);

/**
 * Makes a real directory with one link per package. A link to the whole directory would match no
 * `node_modules/` rule, break tools that write beside packages, and load workspace packages from
 * the user's checkout instead of the loop's.
 */
export async function buildForest(request: ForestRequest): Promise<void> {
  const { source, target } = request;
  await mkdir(target);
  const entries = await readdir(source, { withFileTypes: true });
  await eachOf(entries, (entry) => {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isSymbolicLink()) return linkOne(request, from, to);
    if (!entry.isDirectory()) return copyFile(from, to);
    return growDirectory(request, entry.name);
  });
}

async function growDirectory(request: ForestRequest, name: string): Promise<void> {
  const { source, target, kind } = request;
  const from = join(source, name);
  const to = join(target, name);
  if (caches.has(name)) return;
  if (kind === "nodeModules") {
    if (name === ".bin") return copyPrograms(request, from, to);
    return name.startsWith("@") ? linkEach(request, from, to) : symlink(from, to);
  }
  // Composer's autoloader finds the project relative to its own real place.
  if (name === "composer" || name === "bin") {
    return cp(from, to, { recursive: true, verbatimSymlinks: true });
  }
  return linkEach(request, from, to);
}

async function linkEach(request: ForestRequest, from: string, to: string): Promise<void> {
  await mkdir(to);
  const names = await readdir(from);
  await eachOf(names, (name) => linkOne(request, join(from, name), join(to, name)));
}

/** A link to a package; a workspace package is that of the worktree. */
async function linkOne(request: ForestRequest, from: string, to: string): Promise<void> {
  const real = await realpath(from).catch(absent);
  const inside = real === null ? null : ownSources(request.root, real);
  if (inside === null) return symlink(from, to);
  return symlink(relative(join(to, ".."), join(request.tree, inside)), to);
}

/** The path in the checkout, if it is the project's own and not an installed package. */
function ownSources(root: string, real: string): string | null {
  if (!real.startsWith(root + sep)) return null;
  const inside = real.slice(root.length + 1);
  const parts = inside.split(sep);
  return parts.includes("node_modules") || parts.includes("vendor") ? null : inside;
}

/** `.bin`: links keep their relative text and so lead to the worktree's packages. */
async function copyPrograms(request: ForestRequest, from: string, to: string): Promise<void> {
  await mkdir(to);
  const entries = await readdir(from, { withFileTypes: true });
  await eachOf(entries, async (entry) => {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isFile()) return copyFile(source, target);
    if (!entry.isSymbolicLink()) return;
    const text = await readlink(source);
    const inside = isAbsolute(text) && text.startsWith(request.root + sep);
    const moved = inside ? join(request.tree, text.slice(request.root.length + 1)) : text;
    return symlink(moved, target);
  });
}

async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) {
    await Promise.all(items.slice(at, at + atOnce).map(act));
  }
}
