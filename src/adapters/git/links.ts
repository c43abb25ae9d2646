import { lstat, readdir, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import type { WorktreeSettings } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent, readRegular } from "./files.ts";
import { fromBytes, git, splitNul, toBytes } from "./git.ts";
import type { Repository } from "./repository.ts";
import type { TreeFacts } from "./tree-facts.ts";

/** Installed dependencies of the user's checkout that a worktree borrows. */
interface Link {
  /** In the checkout, and in the worktree. */
  readonly path: string;
  readonly kind: "nodeModules" | "composerVendor" | "whole";
  /** What must be readable besides the link's source. */
  readonly readable: readonly string[];
}

export interface LinkPlan {
  readonly links: readonly Link[];
  readonly copies: readonly string[];
  readonly notes: readonly string[];
  /** Why it will not work without a set-up command; each with its remedy. */
  readonly problems: readonly string[];
}

export interface LinkRequest {
  readonly repository: Pick<Repository, "root" | "gitDir">;
  /** Where the files of the commit lie: the worktree, or the checkout itself. */
  readonly tree: string;
  readonly facts: TreeFacts;
  readonly link: WorktreeSettings["link"];
}

const packageDirsMax = 1000;
const textBytesMax = 64 * 1024 * 1024;
const siteFilesMax = 5000;

/** Decides what to link; reads, and changes nothing. */
export async function planLinks(request: LinkRequest): Promise<LinkPlan> {
  if (request.link !== "auto") return plannedByHand(request, request.link);
  const plans = await Promise.all([
    planNodeModules(request),
    planVirtualenv(request),
    planVendored(request),
  ]);
  const links = plans.flatMap((plan) => plan.links);
  const committed = await committedOf(request, links);
  return {
    links: links.filter((link) => !committed.has(link.path)),
    copies: plans.flatMap(({ copies }) => copies),
    notes: plans.flatMap(({ notes }) => notes),
    problems: plans.flatMap(({ problems }) => problems),
  };
}

async function plannedByHand(request: LinkRequest, paths: readonly string[]): Promise<LinkPlan> {
  const links: Link[] = [];
  const { root } = request.repository;
  for (const given of paths) {
    const path = insidePath(given, "worktree.link");
    if (!(await isDirectory(join(root, path)))) {
      throw new WorktreeError(
        `worktree.link names ${given}, which is no directory in ${root}. ` +
          "Install the dependencies there, or take the entry out.",
      );
    }
    if (request.facts.has(toBytes(path))) {
      throw new WorktreeError(`worktree.link names ${given}, which is in the commit. Take it out.`);
    }
    links.push({ path, kind: kindOf(path), readable: [] });
  }
  for (const path of await committedOf(request, links)) {
    throw new WorktreeError(
      `worktree.link names ${path}, which git tracks in ${root}. Take the entry out.`,
    );
  }
  return { ...nothing, links };
}

/**
 * Of the links those that the repository brought, whole or as a link above them. Only what a user
 * installed is shown: a repository could commit `node_modules -> ~/.ssh`, and a loop delete it.
 */
async function committedOf(
  { repository: { root, gitDir } }: LinkRequest,
  links: readonly Link[],
): Promise<ReadonlySet<string>> {
  const asked = new Map<string, string[]>();
  for (const { path } of links) {
    asked.set(path, [path]);
    for (let above = dirname(path); above !== "."; above = dirname(above)) {
      const found = await lstat(join(root, above)).catch(absent);
      if (found?.isSymbolicLink()) asked.get(path)?.push(above);
    }
  }
  if (asked.size === 0) return new Set();
  const names = [...new Set([...asked.values()].flat())].map(toBytes);
  const listed = await git({ gitDir, workTree: root }, ["ls-files", "-z", "--", ...names]);
  const tracked = splitNul(listed).map(fromBytes);
  const isTracked = (name: string) =>
    tracked.some((path) => path === name || path.startsWith(`${name}/`));
  return new Set([...asked].filter(([, all]) => all.some(isTracked)).map(([path]) => path));
}

const nothing: LinkPlan = { links: [], copies: [], notes: [], problems: [] };

function kindOf(path: string): Link["kind"] {
  if (path.split("/").at(-1) === "node_modules") return "nodeModules";
  return path === "vendor" ? "composerVendor" : "whole";
}

async function planNodeModules({ repository, tree, facts }: LinkRequest): Promise<LinkPlan> {
  const { root } = repository;
  const links: Link[] = [];
  for (const dir of facts.packageDirs.slice(0, packageDirsMax)) {
    const path = join(fromBytes(dir), "node_modules");
    if (facts.has(toBytes(path)) || !(await isDirectory(join(root, path)))) continue;
    links.push({ path, kind: "nodeModules", readable: [] });
  }
  if (links.length === 0 || !links.some(({ path }) => path === "node_modules")) {
    return { ...nothing, links };
  }
  return { ...nothing, links, notes: await lockNotes(root, tree) };
}

/** Does node_modules hold what the lock file asks for? Known for npm; else nobody can tell. */
async function lockNotes(root: string, tree: string): Promise<string[]> {
  const [wanted, installed] = await Promise.all([
    readPackages(join(tree, "package-lock.json")),
    readPackages(join(root, "node_modules", ".package-lock.json")),
  ]);
  if (wanted === null) {
    return ["node_modules is linked as it is: only package-lock.json can be compared with it."];
  }
  if (installed === null) {
    return [
      "node_modules was not installed by npm, so it was not compared with package-lock.json.",
    ];
  }
  const differing = [...wanted].filter(([path, version]) => {
    const there = installed.get(path);
    return path.startsWith("node_modules/") && there !== undefined && there !== version;
  });
  const missing = [...wanted.keys()].filter(
    (path) => path.startsWith("node_modules/") && !installed.has(path),
  );
  if (differing.length === 0 && missing.length === 0) return [];
  const first = (differing[0]?.[0] ?? missing[0] ?? "").replace(/^node_modules\//, "");
  return [
    `node_modules differs from package-lock.json (${differing.length + missing.length} packages, ` +
      `${first} for one). Run npm ci, or set worktree.setup.`,
  ];
}

/** Path to version of what is not optional; null when there is no such file. */
async function readPackages(file: string): Promise<Map<string, string> | null> {
  const text = await readText(file, { follow: false });
  if (text === "") return null;
  const found = new Map<string, string>();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null; // Not a lock file of npm: then nothing can be compared.
  }
  const packages = (parsed as { packages?: unknown } | null)?.packages;
  for (const [path, entry] of Object.entries(packages ?? {})) {
    const { version, optional, link } = entry as Record<string, unknown>;
    if (typeof version === "string" && optional !== true && link !== true) found.set(path, version);
  }
  return found;
}

async function planVirtualenv({ repository, facts }: LinkRequest): Promise<LinkPlan> {
  const { root } = repository;
  const links: Link[] = [];
  const problems: string[] = [];
  for (const path of [".venv", "venv"]) {
    const config = await readText(join(root, path, "pyvenv.cfg"), { follow: true });
    if (config === "" || facts.has(toBytes(path))) continue;
    const editable = await editableInstall(root, join(root, path));
    if (editable !== null) {
      problems.push(
        `${path} has an editable install (${editable}) that would load ${root} instead of the ` +
          "worktree. Set worktree.setup (for example: uv sync --offline), or worktree.link: [].",
      );
      continue;
    }
    const home = /^home\s*=\s*(.+)$/m.exec(config)?.[1]?.trim();
    const isSystem = home === undefined || /^\/(usr|bin|opt)\b/.test(home);
    links.push({ path, kind: "whole", readable: isSystem ? [] : [dirname(home)] });
  }
  return { ...nothing, links, problems };
}

/** The file by which a virtualenv loads the project's own sources, or null. */
async function editableInstall(root: string, venv: string): Promise<string | null> {
  const lib = join(venv, "lib");
  for (const version of (await readdir(lib).catch(absent)) ?? []) {
    const site = join(lib, version, "site-packages");
    const names = (await readdir(site).catch(absent)) ?? [];
    for (const name of names.slice(0, siteFilesMax)) {
      if (name.startsWith("__editable__") || name.endsWith(".egg-link")) return name;
      if (!name.endsWith(".pth")) continue;
      const text = await readText(join(site, name), { follow: true });
      const inProject = (line: string) => line === root || line.startsWith(root + sep);
      const isOwn = (line: string) => inProject(line) && !line.startsWith(venv + sep);
      if (text.split("\n").some((line) => isOwn(line.trim()))) return name;
    }
  }
  return null;
}

async function planVendored({ repository, facts }: LinkRequest): Promise<LinkPlan> {
  const { root } = repository;
  const links: Link[] = [];
  const copies: string[] = [];
  const has = (path: string) => stat(join(root, path)).then(() => true, absentAsFalse);
  if (facts.has("composer.json") && !facts.has("vendor") && (await has("vendor/composer"))) {
    links.push({ path: "vendor", kind: "composerVendor", readable: [] });
  }
  if (facts.has("Gemfile") && !facts.has("vendor/bundle") && (await has("vendor/bundle"))) {
    links.push({ path: "vendor/bundle", kind: "whole", readable: [] });
    if (!facts.has(".bundle/config") && (await has(".bundle/config")))
      copies.push(".bundle/config");
  }
  return { ...nothing, links, copies };
}

function absentAsFalse(error: unknown): boolean {
  return absent(error) !== null;
}

/** Empty when there is no such file. */
async function readText(file: string, { follow }: { readonly follow: boolean }): Promise<string> {
  const bytes = await readRegular(file, { bytesMax: textBytesMax, follow });
  return bytes?.toString("utf8") ?? "";
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(absent))?.isDirectory() ?? false;
}

/** Refuses a path of the configuration that leads out of the repository or into `.git`. */
export function insidePath(path: string, key: string): string {
  const relative = normalize(path).replace(/\/+$/, "");
  const parts = relative.split("/");
  const isBad = isAbsolute(relative) || parts[0] === ".." || relative === "." || relative === "";
  if (isBad || parts.some((part) => part.toLowerCase() === ".git")) {
    throw new WorktreeError(`${key} may name only paths inside of the repository, not ${path}.`);
  }
  return relative;
}
