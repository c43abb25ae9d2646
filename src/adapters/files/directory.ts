import { existsSync, constants as flags, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { FileMissing, ToolRefusal } from "../../ports.ts";

/** Where the kernel lets a path begin at an open directory, as openat does. Not on macOS. */
export const canAnchor = existsSync("/proc/self/fd");

/**
 * An open directory. On Linux `at(name)` starts from the open directory itself, so that whoever
 * renames or replaces directories meanwhile cannot lead us elsewhere. Where that is not possible
 * every step is looked at before and after instead.
 */
export class Directory {
  /** Its absolute path when it was opened; free of links below the root. */
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #anchored: boolean;

  constructor(path: string, handle: FileHandle, anchored: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#anchored = anchored;
  }

  /** `path` is trusted: links in it are followed. */
  static async root(path: string, anchored: boolean): Promise<Directory> {
    const real = anchored ? path : await realpath(path);
    return new Directory(real, await open(real, flags.O_RDONLY | flags.O_DIRECTORY), anchored);
  }

  /** A path for system calls: `name` in this very directory, or the directory itself. A child process may begin here too. */
  at(name: string | null): string {
    const here = this.#anchored ? `/proc/self/fd/${this.#handle.fd}` : this.path;
    return name === null ? here : `${here}/${name}`;
  }

  /** Null when there is nothing of that name. Links are not followed. */
  async stats(name: string): Promise<Stats | null> {
    return lstat(this.at(name)).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    });
  }

  readLink(name: string): Promise<string> {
    return readlink(this.at(name));
  }

  /** Opens what is there, never through a link, never waiting for the other end of a pipe. */
  async openFile(name: string, how: number): Promise<FileHandle> {
    const handle = await open(this.at(name), how | flags.O_NOFOLLOW | flags.O_NONBLOCK, 0o666);
    if (!this.#anchored) await this.#confirm(join(this.path, name), handle);
    return handle;
  }

  async openDirectory(name: string): Promise<Directory> {
    const handle = await this.openFile(name, flags.O_RDONLY | flags.O_DIRECTORY);
    return new Directory(join(this.path, name), handle, this.#anchored);
  }

  /** Makes the directory if it is not there. Resolves to whether it was made. */
  async make(name: string): Promise<boolean> {
    return mkdir(this.at(name)).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      },
    );
  }

  async chown(uid: number, gid: number): Promise<void> {
    await this.#handle.chown(uid, gid);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #confirm(path: string, handle: FileHandle): Promise<void> {
    if ((await realpath(path)) === path) return;
    await handle.close();
    throw new ToolRefusal("a link appeared in the path while it was opened: try again");
  }
}

/** The code of a system error, also of one from another realm, or null. */
export function codeOf(error: unknown): string | null {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : null;
}

/** What a model can act on becomes a refusal; the rest is the machine's trouble. */
export function refusalOf(error: unknown, path: string): unknown {
  switch (codeOf(error)) {
    case "ENOENT":
      return new FileMissing(`${path} does not exist`);
    case "ENOTDIR":
    case "ELOOP":
      return new ToolRefusal(`a part of ${path} is not a directory`);
    case "EISDIR":
      return new ToolRefusal(`${path} is a directory`);
    case "EACCES":
    case "EPERM":
      return new ToolRefusal(`no permission for ${path}`);
    case "ENAMETOOLONG":
      return new ToolRefusal(`the path ${path} is too long`);
    case "ENXIO":
      return new ToolRefusal(`${path} is not a regular file`);
    default:
      return error;
  }
}
