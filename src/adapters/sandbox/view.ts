import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { unreachable } from "../../core/assert.ts";
import { isWithin } from "./paths.ts";

/** Directories of the system that every command sees, read-only. Everything else is not there. */
const systemDirs = [
  "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu",
  "/snap", "/var/lib/ca-certificates", "/var/lib/alternatives", "/sys/devices/system/cpu",
  "/sys/devices/system/node", "/System", "/Library",
]; // biome-ignore format: a list

const sharedMemoryBytesMax = 512 * 1024 * 1024;

export interface View {
  /** The system's directories, and where its links (`/bin`) lead. */
  readonly system: readonly SystemEntry[];
  /** Read-only, though they lie in hidden places. */
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** Mounted where they are not: [source, place in the sandbox], writable. */
  readonly placed: readonly (readonly [string, string])[];
  /** Never to be seen even inside something that is shown. */
  readonly hidden: readonly string[];
}

export type SystemEntry =
  | { readonly type: "directory"; readonly path: string }
  | { readonly type: "link"; readonly path: string; readonly target: string };

/** What the machine has of the system's directories. */
export function readSystem(): SystemEntry[] {
  const entries: SystemEntry[] = [];
  for (const path of systemDirs) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isSymbolicLink()) entries.push({ type: "link", path, target: readlinkSync(path) });
    else entries.push({ type: "directory", path });
  }
  return entries;
}

/**
 * bubblewrap's arguments for a file tree built from nothing: the root is an empty read-only
 * memory file system, and what is not named is not there. Paths are the same inside and outside.
 */
export function viewArguments(view: View): string[] {
  const made = new Set<string>(["/"]);
  const args: string[] = [];
  for (const entry of view.system) {
    if (entry.type === "link") args.push("--symlink", entry.target, entry.path);
    else args.push(...parents(entry.path, made), "--ro-bind", entry.path, entry.path);
  }
  args.push("--proc", "/proc", "--dev", "/dev");
  args.push("--perms", "1777", "--size", `${sharedMemoryBytesMax}`, "--tmpfs", "/dev/shm");
  args.push("--remount-ro", "/dev");
  const systemPaths = view.system.flatMap((e) => (e.type === "directory" ? [e.path] : []));
  for (const path of systemPaths) made.add(path);
  for (const [source, place] of view.placed) {
    args.push(...parents(place, made), "--bind", source, place);
    made.add(place);
  }
  const mounts = mountsOf(view);
  for (const mount of mounts) {
    args.push(...parents(mount.path, made), ...mountArguments(mount));
    made.add(mount.path);
  }
  for (const { path, type } of mounts) {
    if (type === "hideDirectory") args.push("--remount-ro", path);
  }
  args.push("--remount-ro", "/");
  return args;
}

interface Mount {
  readonly path: string;
  readonly type: "hideDirectory" | "hideFile" | "readable" | "writable";
}

function mountArguments({ path, type }: Mount): string[] {
  switch (type) {
    case "hideDirectory":
      return ["--tmpfs", path];
    case "hideFile":
      return ["--ro-bind", "/dev/null", path];
    case "readable":
      return ["--ro-bind", path, path];
    case "writable":
      return ["--bind", path, path];
    default:
      return unreachable(type);
  }
}

/** Outer before inner. What lies in something writable is there already, and not ours to follow. */
function mountsOf(view: View): Mount[] {
  const isCovered = (path: string) =>
    view.writable.some((outer) => outer !== path && isWithin(path, outer));
  const mounts = new Map<string, Mount>();
  for (const path of hiddenOf(view)) {
    const isFile = !statSync(path).isDirectory();
    mounts.set(path, { path, type: isFile ? "hideFile" : "hideDirectory" });
  }
  for (const path of view.readable) mounts.set(path, { path, type: "readable" });
  for (const path of view.writable) mounts.set(path, { path, type: "writable" });
  return [...mounts.values()]
    .filter(({ path }) => !isCovered(path))
    .sort((a, b) => depth(a.path) - depth(b.path) || (a.path < b.path ? -1 : 1));
}

/** Only what would be seen otherwise: the rest is not there anyway. */
function hiddenOf(view: View): string[] {
  const system = view.system.flatMap((entry) => (entry.type === "directory" ? [entry.path] : []));
  const shown = [...system, ...view.readable];
  return view.hidden.filter(
    (path) => existsSync(path) && shown.some((dir) => dir !== path && isWithin(path, dir)),
  );
}

/** bubblewrap makes missing parents private to root; ours are open, and still read-only. */
function parents(path: string, made: Set<string>): string[] {
  const missing: string[] = [];
  for (let dir = dirname(path); !made.has(dir); dir = dirname(dir)) missing.unshift(dir);
  for (const dir of missing) made.add(dir);
  return missing.flatMap((dir) => ["--dir", dir]);
}

function depth(path: string): number {
  return path.split("/").length;
}

/** Where a private directory is placed for temporary files. */
export const tempPlace = "/tmp";
export const proxySocketPlace = "/run/taskdaemon-proxy.sock";
