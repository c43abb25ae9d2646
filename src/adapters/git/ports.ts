import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { WorktreeError } from "../../ports.ts";
import { absent, codeIs } from "./files.ts";

/** Below the ports that the system gives to outgoing connections. */
const firstPort = 20_000;
const portsMax = 10_000;
/** Blocks begin at multiples of it, whatever their size: two sizes never overlap. */
const blockPorts = 20;

/**
 * Blocks of ports of one home: each is a file, named after its first port, that holds whose it is.
 * Several repositories and configurations share them.
 */
export class Ports {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The first port of a block that nobody else has until it is given back. */
  async take(owner: string): Promise<number> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const known = await this.#blockOf(owner);
    if (known !== null) return known;
    const taken = new Set(await readdir(this.#dir));
    for (let port = firstPort; port < firstPort + portsMax; port += blockPorts) {
      if (!taken.has(String(port)) && (await this.#claim(port, owner))) return port;
    }
    throw new WorktreeError(
      `All ${portsMax / blockPorts} blocks of ports are taken. Lower concurrency.loops, or set worktree.ports: 0.`,
    );
  }

  async giveBack(owner: string): Promise<void> {
    const port = await this.#blockOf(owner);
    if (port !== null) await rm(join(this.#dir, String(port)), { force: true });
  }

  async #blockOf(owner: string): Promise<number | null> {
    for (const name of (await readdir(this.#dir).catch(absent)) ?? []) {
      const text = await readFile(join(this.#dir, name), "utf8").catch(absent);
      if (text === owner) return Number(name);
    }
    return null;
  }

  async #claim(port: number, owner: string): Promise<boolean> {
    try {
      const file = await open(join(this.#dir, String(port)), "wx", 0o600);
      await file.writeFile(owner).finally(() => file.close());
      return true;
    } catch (error) {
      if (codeIs(error, "EEXIST")) return false;
      throw error;
    }
  }
}

/** What commands are told of theirs. */
export function portsEnvironment(first: number, count: number): Readonly<Record<string, string>> {
  return { TD_PORT: String(first), TD_PORTS: String(Math.min(count, blockPorts)) };
}
