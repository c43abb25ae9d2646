import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { performance } from "node:perf_hooks";
import { kill } from "node:process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redact } from "../../ports.ts";
import { BoundedCapture } from "./capture.ts";
import { isAlive, ProcessTable, readProc } from "./tree.ts";
import type { TreeLimits, TreeWatch } from "./watch.ts";

export interface ProcessRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Also the group; null stays who we are. */
  readonly uid: number | null;
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
  readonly redact: Redact;
  readonly limits: TreeLimits;
  /** Opened for reading as descriptor 4. */
  readonly inputFile: string | null;
  /** Marks processes that leave the tree, so that the end finds them: an environment entry. */
  readonly mark: string | null;
}

export type ProcessEnding = "exited" | "timedOut" | "aborted" | "memory" | "processes";

export interface ProcessEnd {
  readonly ended: ProcessEnding;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** What came on descriptor 3, for programs that report there. */
  readonly status: string;
  readonly durationMs: number;
}

/** The program could not be started at all. */
export class SpawnFailed extends Error {}

const statusBytesMax = 4096;
const statusDescriptor = 3;
/** Below the daemon and the person at the keyboard: a fork storm must not starve its watchman. */
const niceness = 10;
/** Without a pid namespace a process may hide from us and hold a pipe: it is not waited for. */
const pipesCloseMs = 1000;
const killRounds = 40;
const killRoundMs = 25;

/**
 * Runs a program in a process group of its own until it ends, is aborted, takes too long or
 * grows beyond its limits; then everything it started is dead. Rejects with SpawnFailed only.
 */
export async function runProcess(
  request: ProcessRequest,
  watch: TreeWatch,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  const startedAt = performance.now();
  const child = await start(request);
  const root = child.pid ?? 0;
  const captures = capture(child, request.outputBytesMax);
  let ended: ProcessEnding = "exited";
  let killing: Promise<void> | null = null;
  const end = (reason: ProcessEnding) => {
    if (killing !== null) return;
    ended = reason;
    killing = killTree(child, root, request.mark);
  };
  const unwatch = watch.watch(root, request.limits, end);
  const timer = setTimeout(() => end("timedOut"), request.timeoutMs);
  const onAbort = () => end("aborted");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const { code, by } = await closed(child, captures, request.mark);
    await killing;
    return {
      ended,
      exitCode: ended === "exited" ? code : null,
      signal: by,
      output: captures.both.text(request.redact),
      stdout: captures.stdout.text(request.redact),
      stderr: captures.stderr.text(request.redact),
      status: captures.status(),
      durationMs: Math.round(performance.now() - startedAt),
    };
  } finally {
    clearTimeout(timer);
    unwatch();
    signal.removeEventListener("abort", onAbort);
  }
}

async function start(request: ProcessRequest): Promise<ChildProcess> {
  const [program, ...args] = request.argv;
  const input = request.inputFile === null ? null : openSync(request.inputFile, "r");
  try {
    const child = spawn(program, args, {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", ...(input === null ? [] : [input])],
      ...(request.uid === null ? {} : { uid: request.uid, gid: request.uid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(new SpawnFailed(`cannot start ${program}: ${cause.message}`, { cause })),
      );
      if (child.pid !== undefined) lowerPriority(child.pid);
    });
    return child;
  } finally {
    if (input !== null) closeSync(input);
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch (cause) {
    // It has ended already: then there is nothing to slow down.
    if (isAlive(pid)) throw new SpawnFailed("cannot lower a command's priority", { cause });
  }
}

interface Captures {
  readonly both: BoundedCapture;
  readonly stdout: BoundedCapture;
  readonly stderr: BoundedCapture;
  readonly status: () => string;
}

function capture(child: ChildProcess, bytesMax: number): Captures {
  const both = new BoundedCapture(bytesMax);
  const stdout = new BoundedCapture(bytesMax);
  const stderr = new BoundedCapture(bytesMax);
  child.stdout?.on("data", (chunk) => {
    stdout.push(chunk);
    both.push(chunk);
  });
  child.stderr?.on("data", (chunk) => {
    stderr.push(chunk);
    both.push(chunk);
  });
  let status = "";
  const reports = child.stdio[statusDescriptor] as Readable | null | undefined;
  reports?.on("data", (chunk) => {
    if (status.length < statusBytesMax) status += chunk;
  });
  return { both, stdout, stderr, status: () => status };
}

/** The program ended; what it left behind is killed, which closes the pipes. */
async function closed(
  child: ChildProcess,
  captures: Captures,
  mark: string | null,
): Promise<{ code: number | null; by: NodeJS.Signals | null }> {
  const pipesClosed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const exit = await new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, by) => resolve({ code, by })),
  );
  await killLeftovers(child.pid ?? 0, captures.status(), mark);
  await Promise.race([pipesClosed, sleep(pipesCloseMs, undefined, { ref: false })]);
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  return exit;
}

/** Kills a namespace's init first: the kernel then ends all in it before its parent hears. */
async function killTree(child: ChildProcess, root: number, mark: string | null): Promise<void> {
  for (let round = 0; round < killRounds; round += 1) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const below = new ProcessTable().tree(root).pids.filter((pid) => pid !== root);
    if (mark === null && below.length > 0 && round < killRounds / 2) killAll(below);
    else {
      killAll(below);
      killGroup(root);
    }
    await sleep(killRoundMs);
  }
}

/** Ends what outlived its parent: the group, a namespace's init, and processes with our mark. */
async function killLeftovers(root: number, status: string, mark: string | null): Promise<void> {
  const init = /"child-pid"\s*:\s*(\d+)/.exec(status)?.[1];
  for (let round = 0; round < killRounds; round += 1) {
    killGroup(root);
    const left = init !== undefined && isAlive(Number(init)) ? [Number(init)] : [];
    if (mark !== null) left.push(...marked(mark));
    if (left.length === 0) return;
    killAll(left);
    await sleep(killRoundMs);
  }
}

function marked(mark: string): number[] {
  return new ProcessTable().pids.filter(
    (pid) => isAlive(pid) && (readProc(pid, "environ")?.split("\0").includes(mark) ?? false),
  );
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) sendKill(pid);
}

function killGroup(leader: number): void {
  if (leader > 1) sendKill(-leader);
}

function sendKill(pid: number): void {
  try {
    kill(pid, constants.signals.SIGKILL);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone already, or (in a group) turned into a process of somebody else.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
