import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { setPriority } from "node:os";
import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { BoundedCapture, type Captured } from "./capture.ts";
import { type ChannelPlace, openItsEnds } from "./channel.ts";
import type { OutputPipes, PipePlace, PipePool } from "./pipes.ts";
import { isAlive, ProcessTable, readProc, sendSignal } from "./tree.ts";
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
  readonly limits: TreeLimits;
  /** Opened for reading as descriptor 4. */
  readonly inputFile: string | null;
  /** Instead of Node's own, which scripts cannot open by name. */
  readonly pipes: PipePlace | null;
  /** Where it is spoken to while it runs; else it reads nothing, and all it writes is kept. */
  readonly channel?: ChannelPlace | null;
  /** Marks processes that leave the tree, so that the end finds them: an environment entry. */
  readonly mark: string | null;
}

type ProcessEnding = "exited" | "timedOut" | "aborted" | "memory" | "processes";

export interface ProcessEnd {
  readonly ended: ProcessEnding;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: Captured;
  readonly stdout: Captured;
  readonly stderr: Captured;
  /** What came on descriptor 3, for programs that report there. */
  readonly status: string;
  readonly durationMs: number;
}

/** The program could not be started at all. */
export class SpawnFailed extends Error {}

const statusBytesMax = 4096;
/** A longer timer would fire at once. */
const timerMsMax = 2 ** 31 - 1;
const statusDescriptor = 3;
const handshakeDescriptor = 5;
/** Below the daemon and the person at the keyboard: a fork storm must not starve its watchman. */
const niceness = 10;
/** Without a pid namespace a process may hide from us and hold a pipe: it is not waited for. */
const pipesCloseMs = 1000;
const killRounds = 40;
const killRoundMs = 25;
/** Ten seconds: to take down what a large command mapped takes a while. */
const leftoverRounds = 400;

/**
 * Descriptors of the program: 3 takes its reports, 4 is `inputFile`, and on 5 a line that it
 * writes is answered with a line, for as long as we live.
 *
 * Runs a program in a process group of its own until it ends, is aborted, takes too long or
 * grows beyond its limits; then everything it started is dead. Rejects with SpawnFailed only.
 */
export function runProcessHere(
  request: ProcessRequest,
  { watch, pipes }: { readonly watch: TreeWatch; readonly pipes: PipePool },
  signal: AbortSignal,
): Promise<ProcessEnd> {
  if (request.pipes === null) return runWith(request, null, watch, signal);
  return pipes.lend(request.pipes, (lent) => runWith(request, lent, watch, signal));
}

async function runWith(
  request: ProcessRequest,
  pipes: OutputPipes | null,
  watch: TreeWatch,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  const startedAt = performance.now();
  const child = await start(request, pipes);
  const root = child.pid ?? 0;
  const captures = capture(child, pipes, request.outputBytesMax);
  let ended: ProcessEnding = "exited";
  let killing: Promise<void> | null = null;
  const end = (reason: ProcessEnding) => {
    if (killing !== null) return;
    ended = reason;
    killing = killTree(child, root, request.mark);
  };
  const unwatch = watch.watch(root, request.limits, end);
  const timer = setTimeout(() => end("timedOut"), Math.min(request.timeoutMs, timerMsMax));
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
      output: captures.both.captured(),
      stdout: captures.stdout.captured(),
      stderr: captures.stderr.captured(),
      status: captures.status(),
      durationMs: Math.round(performance.now() - startedAt),
    };
  } finally {
    clearTimeout(timer);
    unwatch();
    signal.removeEventListener("abort", onAbort);
  }
}

async function start(request: ProcessRequest, pipes: OutputPipes | null): Promise<ChildProcess> {
  const [program, ...args] = request.argv;
  const input = request.inputFile === null ? null : openSync(request.inputFile, "r");
  const [stdout, stderr] = pipes?.descriptors ?? (["pipe", "pipe"] as const);
  const spoken = request.channel ? openItsEnds(request.channel) : null;
  const [reads, writes] = spoken ?? (["ignore", stdout] as const);
  try {
    const options: SpawnOptions = {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: [reads, writes, stderr, "pipe", input ?? "ignore", "pipe"],
      ...(request.uid === null ? {} : { uid: request.uid, gid: request.uid }),
    };
    const child = spawn(program, args, options);
    const line: unknown = Object.values(child.stdio)[handshakeDescriptor];
    if (line instanceof Socket) answer(line);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(new SpawnFailed(`cannot start ${program}: ${cause.message}`, { cause })),
      );
      if (child.pid !== undefined) lowerPriority(child.pid);
    });
    return child;
  } finally {
    pipes?.closeDescriptors();
    for (const descriptor of spoken ?? []) closeSync(descriptor);
    if (input !== null) closeSync(input);
  }
}

/** A program that asks here before it does anything does nothing once we are dead. */
function answer(line: Socket): void {
  line.once("data", () => line.end("go\n"));
  line.once("error", () => line.destroy());
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
  readonly streams: readonly Readable[];
}

function capture(child: ChildProcess, pipes: OutputPipes | null, bytesMax: number): Captures {
  const both = new BoundedCapture(bytesMax);
  const stdout = new BoundedCapture(bytesMax);
  const stderr = new BoundedCapture(bytesMax);
  const streams: Readable[] = [];
  for (const [stream, own] of [
    [pipes?.stdout ?? child.stdout, stdout],
    [pipes?.stderr ?? child.stderr, stderr],
  ] as const) {
    if (stream === null) continue;
    streams.push(stream);
    stream.on("data", (chunk) => {
      own.push(chunk);
      both.push(chunk);
    });
  }
  let status = "";
  const reports = child.stdio[statusDescriptor] as Readable | null | undefined;
  reports?.on("data", (chunk) => {
    if (status.length < statusBytesMax) status += chunk;
  });
  return { both, stdout, stderr, status: () => status, streams };
}

/** The program ended; what it left behind is killed, which closes the pipes. */
async function closed(
  child: ChildProcess,
  captures: Captures,
  mark: string | null,
): Promise<{ code: number | null; by: NodeJS.Signals | null }> {
  const pipesClosed = Promise.all(
    [child, ...captures.streams].map(
      (end) => new Promise<void>((resolve) => end.once("close", () => resolve())),
    ),
  );
  const exit = await new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, by) => resolve({ code, by })),
  );
  await killLeftovers(child.pid ?? 0, captures.status(), mark);
  await Promise.race([pipesClosed, sleep(pipesCloseMs, undefined, { ref: false })]);
  for (const stream of captures.streams) stream.destroy();
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

/**
 * Ends what outlived its parent: the group, a namespace's init, and processes with our mark. Who
 * comes next trusts that nobody writes any more, so a namespace that does not end is an error.
 */
async function killLeftovers(root: number, status: string, mark: string | null): Promise<void> {
  // Without a namespace whoever writes there is the command: it would name us whom to kill.
  const init = mark === null ? /"child-pid"\s*:\s*(\d+)/.exec(status)?.[1] : undefined;
  for (let round = 0; round < leftoverRounds; round += 1) {
    killGroup(root);
    const left = init !== undefined && isAlive(Number(init)) ? [Number(init)] : [];
    if (mark !== null) left.push(...marked(mark));
    if (left.length === 0) return;
    killAll(left);
    await sleep(Math.min(2 ** round, killRoundMs));
  }
  if (mark === null) throw new SpawnFailed("the processes of a command do not end");
}

function marked(mark: string): number[] {
  return new ProcessTable().pids.filter(
    (pid) => isAlive(pid) && (readProc(pid, "environ")?.split("\0").includes(mark) ?? false),
  );
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) sendSignal(pid);
}

function killGroup(leader: number): void {
  if (leader > 1) sendSignal(-leader);
}
