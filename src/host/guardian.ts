import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { DaemonRequest } from "../protocol/program.ts";

export interface GuardianOptions {
  /** Starts the daemon in the foreground. */
  readonly argv: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly onSignal: DaemonRequest["onSignal"];
}

const backoffMsFirst = 500;
const backoffMsMax = 30_000;
/** A daemon that lived so long starts over with the first backoff. */
const healthyMs = 60_000;
const restartsMax = 1_000;

/**
 * Keeps a daemon running: one that ends with an exit code was told to, or cannot start; one that a
 * signal or a bug ended is started again, with backoff.
 */
export async function guard({ argv, env, onSignal }: GuardianOptions): Promise<number> {
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
      const { code, signal } = await ended(child);
      if (signal === null && code !== bugCode) return code ?? 1;
      if (Date.now() - startedAt > healthyMs) backoffMs = backoffMsFirst;
      if (!told) await sleep(backoffMs);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    }
    return 0;
  } finally {
    for (const way of ways) way();
  }
}

const bugCode = 70;

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 1, signal: null }));
  });
}
