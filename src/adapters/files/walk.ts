import type { Stats } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { FileMissing, ToolRefusal } from "../../ports.ts";
import { Directory, refusalOf } from "./directory.ts";
import { isGitName, namesOf } from "./names.ts";

const linksMax = 40;

/** A worktree and what lies outside it and may be read through links. */
export interface Roots {
  readonly dir: string;
  readonly readable: readonly string[];
  /** Whether paths can begin at open directories; see Directory. */
  readonly anchored: boolean;
  /** Whether there is anything at a path from `dir`, its links followed; absent where all is shown. */
  readonly shows?: (path: string) => boolean;
}

/** The same for paths that begin at a directory below `dir`; null where all is shown. */
export function shownBelow(
  { dir, shows }: Roots,
  directory: Directory,
): ((path: string) => boolean) | null {
  if (shows === undefined) return null;
  const prefix = directory.path.slice(dir.length + 1);
  return (path) => shows(prefix === "" ? path : `${prefix}/${path}`);
}

/** The end of a path: `name` in `directory`; null names the directory itself. */
export interface Place {
  readonly directory: Directory;
  readonly name: string | null;
  /** Null when there is nothing of that name. Never of a link. */
  readonly stats: Stats | null;
}

export type Made = (directory: Directory) => Promise<void>;

/**
 * Reads: goes to the end of `path`, link by link, and refuses every link that leads out.
 * The place is good until `use` settles.
 */
export function atPlace<T>(
  roots: Roots,
  path: string,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  return walk(roots, path, null, use);
}

/** Writes: refuses every link, and makes the directories that are missing. */
export function atNewPlace<T>(
  roots: Roots,
  path: string,
  made: Made,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  return walk(roots, path, made, use);
}

/** Like atPlace, for a directory: it is open while `use` runs. */
export function inDirectory<T>(
  roots: Roots,
  path: string,
  use: (directory: Directory) => Promise<T>,
): Promise<T> {
  return atPlace(roots, path, async ({ directory, name, stats }) => {
    if (name === null) return use(directory);
    if (stats === null) throw new FileMissing(`${path} does not exist`);
    if (!stats.isDirectory()) throw new ToolRefusal(`${path} is not a directory`);
    const opened = await directory.openDirectory(name);
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  });
}

async function walk<T>(
  roots: Roots,
  path: string,
  made: Made | null,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const names = namesOf(roots.dir, path);
  const root = await Directory.root(roots.dir, roots.anchored);
  return new Walk({ roots, path, names, made, root }).run(use);
}

interface Task {
  readonly roots: Roots;
  readonly path: string;
  readonly names: readonly string[];
  /** Null when reading. */
  readonly made: Made | null;
  readonly root: Directory;
}

/**
 * Invariants: the open directory was reached from a root without following any link; a link's
 * target starts again at a root that holds it; so nothing outside the roots is ever opened.
 */
class Walk {
  readonly #task: Task;
  #directory: Directory;
  #names: string[];
  #links = 0;

  constructor(task: Task) {
    this.#task = task;
    this.#directory = task.root;
    this.#names = [...task.names];
  }

  async run<T>(use: (place: Place) => Promise<T>): Promise<T> {
    try {
      return await use(await this.#end());
    } catch (error) {
      throw refusalOf(error, this.#task.path);
    } finally {
      await this.#directory.close();
    }
  }

  async #end(): Promise<Place> {
    const place = await this.#found();
    const { roots, path } = this.#task;
    const shows = shownBelow(roots, this.#directory);
    const isHidden = place.name !== null && shows?.(place.name) === false;
    if (isHidden) throw new FileMissing(`${path} does not exist`);
    return place;
  }

  async #found(): Promise<Place> {
    for (;;) {
      const directory = this.#directory;
      const name = this.#names.shift();
      if (name === undefined) return { directory, name: null, stats: null };
      const stats = await directory.stats(name);
      if (stats?.isSymbolicLink()) await this.#follow(directory, name);
      else if (this.#names.length === 0) return { directory, name, stats };
      else await this.#descend(directory, name, stats);
    }
  }

  async #descend(directory: Directory, name: string, stats: Stats | null): Promise<void> {
    if (stats !== null && !stats.isDirectory()) {
      throw new ToolRefusal(`${name} in ${this.#task.path} is not a directory`);
    }
    if (stats === null && this.#task.made === null) {
      throw new FileMissing(`${this.#task.path} does not exist: there is no directory ${name}`);
    }
    const made = stats === null && (await directory.make(name));
    await this.#enter(await directory.openDirectory(name));
    if (made) await this.#task.made?.(this.#directory);
  }

  async #follow(directory: Directory, name: string): Promise<void> {
    const target = await directory.readLink(name);
    if (this.#task.made !== null) {
      throw new ToolRefusal(
        `${this.#task.path} leads through a link (${name} -> ${target}): tools do not write through links`,
      );
    }
    this.#links += 1;
    if (this.#links > linksMax)
      throw new ToolRefusal(`${this.#task.path} goes through too many links`);
    await this.#jump(resolve(directory.path, target), `${name} -> ${target}`);
  }

  /** Goes on from the root that holds `target`, with the target's names before the rest. */
  async #jump(target: string, link: string): Promise<void> {
    const { dir, readable, anchored } = this.#task.roots;
    const here = [dir, this.#task.root.path].find((root) => holds(root, target));
    const root = here ?? readable.filter((each) => holds(each, target)).sort(byLength)[0];
    if (root === undefined) {
      throw new ToolRefusal(
        `${this.#task.path} leads out of the worktree through a link (${link})`,
      );
    }
    // A readable root may be a file or a link itself: begin above it.
    const start = here === undefined ? dirname(root) : dir;
    const names = target.slice(root.length).split("/").filter(Boolean);
    if (here === undefined) names.unshift(basename(root));
    if (names.some(isGitName))
      throw new ToolRefusal(`${this.#task.path} leads into .git (${link})`);
    this.#names = [...names, ...this.#names];
    await this.#enter(await Directory.root(start, anchored));
  }

  async #enter(next: Directory): Promise<void> {
    const last = this.#directory;
    this.#directory = next;
    await last.close();
  }
}

/** Whether `path` is `root` or below it. */
export function holds(root: string, path: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function byLength(a: string, b: string): number {
  return a.length - b.length;
}
