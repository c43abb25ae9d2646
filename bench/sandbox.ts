import { spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { argv, env, geteuid } from "node:process";
import { pathToFileURL } from "node:url";
import { createSandbox } from "../src/adapters/sandbox/sandbox.ts";
import type { LoopId } from "../src/core/loop.ts";
import type { CommandRequest } from "../src/ports.ts";

export interface SandboxTimes {
  readonly name: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const rounds = 60;
const uid = 65_534;
const bare = [
  "--unshare-all",
  "--die-with-parent",
  "--ro-bind",
  "/",
  "/",
  "--dev",
  "/dev",
  "--proc",
  "/proc",
];

/** What a sandbox costs: `true`, one after the other, plain, in bare bubblewrap, and in ours. */
export async function benchSandbox(): Promise<readonly SandboxTimes[]> {
  const home = mkdtempSync(join(tmpdir(), "td-bench-"));
  const worktree = join(home, "worktrees/1");
  mkdirSync(worktree, { recursive: true });
  if (geteuid?.() === 0) chownSync(worktree, uid, uid);
  const sandbox = await createSandbox({
    ...{ home, uid, env, userHome: homedir(), concurrency: "auto" as const },
    redact: (text) => text,
  });
  const run = (networkAllow: readonly string[]) => () =>
    sandbox.run(request(worktree, networkAllow), new AbortController().signal);
  try {
    return await takeTurns({
      "plain bash": () => start("bash", ["-c", "true"]),
      "bare bubblewrap": () => start("bwrap", [...bare, "bash", "-c", "true"]),
      "our sandbox": run([]),
      "our sandbox with network": run(["example.org"]),
    });
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** One of each in every round, so that what else the machine does hits all alike. */
async function takeTurns(
  actions: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<readonly SandboxTimes[]> {
  const times = new Map<string, number[]>(Object.keys(actions).map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, action] of Object.entries(actions)) {
      const startedAt = performance.now();
      await action();
      if (round >= 0) times.get(name)?.push(performance.now() - startedAt);
    }
  }
  return [...times].map(([name, each]) => {
    each.sort((a, b) => a - b);
    const at = (share: number) => Math.round((each[Math.floor(rounds * share)] ?? 0) * 10) / 10;
    return { name, p50Ms: at(0.5), p95Ms: at(0.95) };
  });
}

function start(program: string, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => spawn(program, args, { stdio: "pipe" }).once("close", resolve));
}

function request(worktree: string, networkAllow: readonly string[]): CommandRequest {
  return {
    ...{ loop: "1" as LoopId, command: "true", cwd: worktree, writable: [worktree], readable: [] },
    settings: { level: "required", networkAllow, memoryBytesMax: 2 ** 32, processesMax: 512 },
    ...{ env: {}, unixSockets: false, timeoutMs: 10_000, outputBytesMax: 10_000 },
  };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  console.table(await benchSandbox());
}
