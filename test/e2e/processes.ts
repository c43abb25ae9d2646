/** What is left on the machine when a program is gone. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

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

const endTriesMax = 20;

/** Ends with force whatever works below `place`. */
export async function endProcessesOf(place: string): Promise<void> {
  for (let tries = 0; tries < endTriesMax; tries += 1) {
    const left = await processesOf(place);
    if (left.length === 0) return;
    for (const { pid } of left) killIfThere(pid, "SIGKILL");
    await setTimeout(50);
  }
}

/** The home's daemon and its guardian, in this order of names. */
export async function daemonsOf(place: string): Promise<readonly Process[]> {
  return (await processesOf(place)).filter(({ command }) =>
    / daemon (--guardian )?--home /.test(command),
  );
}

export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
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
