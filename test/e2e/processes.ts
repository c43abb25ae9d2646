/** What is left on the machine when a program is gone. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Processes that work below `place`, were told of it, or have it in their environment. */
export async function processesOf(place: string): Promise<readonly Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => tellIfOf(pid, place)));
  return found.filter((each) => each !== null);
}

async function tellIfOf(pid: number, place: string): Promise<Process | null> {
  if (pid === process.pid) return null;
  const dir = join("/proc", String(pid));
  const [command, environ, cwd] = await Promise.all([
    readFile(join(dir, "cmdline"), "utf8").catch(gone),
    readFile(join(dir, "environ"), "utf8").catch(gone),
    readlink(join(dir, "cwd")).catch(gone),
  ]);
  if (![command, environ, cwd].some((text) => text.includes(place))) return null;
  return { pid, command: command.replaceAll("\0", " ").trim() };
}

/** It ended while we looked, or is not ours to look at. */
function gone(): string {
  return "";
}

/** Names in a directory; none when it is not there. */
export async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
