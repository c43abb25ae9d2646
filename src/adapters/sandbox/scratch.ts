import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { assert } from "../../core/assert.ts";
import type { LoopId } from "../../core/loop.ts";
import { isAlive } from "../process/tree.ts";

/**
 * Private directories of commands, below the daemon's home. Names begin with the daemon's pid and
 * its start, as in a container every daemon has the same pid.
 */
export class Scratch {
  readonly #temps: string;
  readonly #homes: string;
  readonly #daemon: string;
  readonly #own: string;
  readonly #uid: number | null;
  #count = 0;

  constructor(home: string, options: { readonly pid: number; readonly uid: number | null }) {
    this.#temps = join(home, "sandbox-temp");
    this.#homes = join(home, "sandbox-home");
    this.#daemon = `${options.pid}-${Math.round(performance.timeOrigin).toString(36)}-`;
    this.#own = `${this.#daemon}${randomBytes(4).toString("hex")}-`;
    this.#uid = options.uid;
    for (const dir of [this.#temps, this.#homes]) {
      mkdirSync(dir, { recursive: true });
      chmodSync(dir, 0o711);
    }
  }

  /** Of one command, empty. */
  temp(): string {
    this.#count += 1;
    return this.#make(join(this.#temps, `${this.#own}${this.#count}`));
  }

  /** Of this daemon, and nobody else's to read. */
  keep(name: string): string {
    const dir = join(this.#temps, `${this.#own}${name}`);
    mkdirSync(dir, { mode: 0o700 });
    return dir;
  }

  /** Of one loop: caches of package managers stay from command to command. */
  home(loop: LoopId): string {
    assert(/^\w[\w.]*$/.test(loop), "a loop's id is a file name");
    return this.#make(join(this.#homes, loop));
  }

  /** A finished loop runs no more commands: what they kept for each other goes. */
  forget(loop: LoopId): Promise<void> {
    assert(/^\w[\w.]*$/.test(loop), "a loop's id is a file name");
    return removeTree(join(this.#homes, loop));
  }

  #make(dir: string): string {
    if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === true) return dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (this.#uid !== null) chownSync(dir, this.#uid, this.#uid);
    return dir;
  }

  /** What a daemon that died left behind. */
  reap(): void {
    for (const name of readdirSync(this.#temps)) {
      const pid = name.split("-")[0] ?? "";
      const isReused = this.#daemon.startsWith(`${pid}-`) && !name.startsWith(this.#daemon);
      if (isReused || !isAlive(Number(pid))) removeNow(join(this.#temps, name));
    }
  }

  /** What this sandbox made, but for the loops' homes. */
  close(): void {
    for (const name of readdirSync(this.#temps)) {
      if (name.startsWith(this.#own)) removeNow(join(this.#temps, name));
    }
  }
}

/** Removes a tree that a hostile command filled: links are not followed, closed doors opened. */
export async function removeTree(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true }).catch(() => removeNow(dir));
}

/**
 * By the programs: they go down directory by directory, where a path from the root may be longer
 * than the kernel takes, and one such tree must not keep a daemon from its next start.
 */
function removeNow(dir: string): void {
  const remove = () => spawnSync("rm", ["-rf", "--", dir], { encoding: "utf8" });
  if (remove().status === 0) return;
  // A directory without permissions cannot be emptied by its own user.
  spawnSync("chmod", ["-R", "u+rwX", "--", dir]);
  const { status, stderr, error } = remove();
  if (status !== 0) throw new Error(`cannot remove ${dir}: ${stderr}`, { cause: error });
}
