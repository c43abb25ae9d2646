import { type ChildProcess, spawn } from "node:child_process";
import { pid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { DaemonRequest } from "../protocol/program.ts";
import { guardianPidOf, nameGuardian, pidOf } from "./socket.ts";

export interface GuardianOptions {
  /** Starts the daemon in the foreground; ends with its home. */
  readonly argv: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly onSignal: DaemonRequest["onSignal"];
}

const backoffMsFirst = 500;
const backoffMsMax = 30_000;
const pollMs = 100;
/** A daemon that lived so long starts over with the first backoff. */
const healthyMs = 60_000;
const restartsMax = 1_000;
const bugCode = 70;

/**
 * Keeps a daemon running: one that took its leave was told to, or cannot start; one that a signal
 * or a bug ended is started again, with backoff. Leaves when it was told to, or when the home's
 * guardian is another.
 */
export async function guard({ argv, env, onSignal }: GuardianOptions): Promise<number> {
  const home = argv.at(-1) ?? "";
  let child: ChildProcess | null = null;
  let told = false;
  const forward = (name: "SIGTERM" | "SIGINT" | "SIGHUP") =>
    onSignal(name, () => {
      if (name !== "SIGHUP") told = true;
      child?.kill(name);
    });
  const ways = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map(forward);
  try {
    let backoffMs = backoffMsFirst;
    for (let restarts = 0; restarts < restartsMax && !told; restarts += 1) {
      const startedAt = Date.now();
      child = spawn(argv[0], argv.slice(1), { env, stdio: "inherit" });
      const { code, signal } = await attended(child, home);
      // Its file is still there: whatever the code, it did not come to its own end.
      const crashed = signal !== null || code === bugCode || pidOf(home) === child.pid;
      if (!crashed) return code ?? 1;
      if (Date.now() - startedAt > healthyMs) backoffMs = backoffMsFirst;
      // It may have ended before it had the home.
      if (guardianPidOf(home) === null) nameGuardian(home);
      const isOver = () => told || guardianPidOf(home) !== pid;
      await waited(backoffMs, isOver);
      if (isOver()) return 0;
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    }
    return 0;
  } finally {
    for (const way of ways) way();
  }
}

async function waited(waitMs: number, isOver: () => boolean): Promise<void> {
  for (let ms = 0; ms < waitMs && !isOver(); ms += pollMs) await sleep(pollMs);
}

/** Its guardian has a name from when the daemon has the home, and no other's daemon has. */
async function attended(child: ChildProcess, home: string): ReturnType<typeof ended> {
  const timer = setInterval(() => {
    if (pidOf(home) !== child.pid) return;
    nameGuardian(home);
    clearInterval(timer);
  }, pollMs);
  const end = await ended(child);
  clearInterval(timer);
  return end;
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 1, signal: null }));
  });
}
