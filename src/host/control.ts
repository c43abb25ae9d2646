import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, readProc } from "../adapters/process/tree.ts";
import { connectDoor } from "../client/connect.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { guardianFileOf, guardianLogOf, guardianPidOf, isOurs, pidOf, socketOf } from "./socket.ts";
import type { Surroundings } from "./surroundings.ts";

const startMsMax = 30_000;
/** Above what the daemon itself takes to drain, and to end at once. */
const stopMsMax = 120_000;
const stopNowMsMax = 25_000;
const answerMsMax = 5_000;
const killMsMax = 5_000;
const pollMs = 50;
const tailCharsMax = 500;

/** The daemon of a home; null when nobody answers at its socket. */
export async function connect(home: string): Promise<Door | null> {
  const socket = socketOf(home);
  if (!existsSync(socket) || !isOurs(socket, home)) return null;
  const door = connectDoor(socket, {
    isThere: () => isThere(guardianPidOf(home)),
    lastWords: () => lastWords(home),
  });
  try {
    await door.version();
    return door;
  } catch (error) {
    if (error instanceof UserError && error.exitCode === exitCodes.daemon) return null;
    throw error;
  }
}

/** Starts a guardian with its daemon, in the background; resolves once the daemon answers. */
export async function startDaemon({ self, env }: Surroundings, home: string): Promise<Door> {
  if ((await connect(home)) !== null) throw servedAlready(home);
  const logs = join(home, "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const outputFile = guardianLogOf(home);
  const output = openSync(outputFile, "a", 0o600);
  truncateSync(outputFile, 0);
  const [node, script] = self;
  const child = spawn(node, [script, "daemon", "--guardian", "--home", home], {
    detached: true,
    cwd: "/",
    env,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  let ended: number | null = null;
  child.once("exit", (code) => {
    ended = code ?? 1;
  });
  child.unref();
  for (let waitedMs = 0; waitedMs < startMsMax && ended === null; waitedMs += pollMs) {
    const door = await connect(home);
    if (door !== null && guardianPidOf(home) === child.pid) return door;
    await sleep(pollMs);
  }
  if ((await connect(home)) !== null) throw servedAlready(home);
  const message = lastWords(home) || `the daemon did not answer: see ${logs}`;
  const known = Object.values(exitCodes).find((code) => code !== 0 && code === ended);
  throw new UserError(known ?? exitCodes.daemon, message);
}

/** What the daemon or its guardian said beside the daemon's log: why it could not go on. */
function lastWords(home: string): string {
  const file = guardianLogOf(home);
  if (!existsSync(file)) return "";
  const told = readFileSync(file, "utf8").trim().slice(-tailCharsMax);
  return told.replace(/^td: /, "");
}

function servedAlready(home: string): UserError {
  const message = `a daemon serves ${home} already: td status, td stop`;
  return new UserError(exitCodes.daemon, message);
}

/** Whether there is a daemon, or a guardian that will start one; it need not answer. */
export async function isServed(home: string): Promise<boolean> {
  return isThere(guardianPidOf(home)) || isThere(pidOf(home)) || (await answering(home)) !== null;
}

/**
 * Asks the daemon to end, and waits until it has; also one that its guardian would start again.
 * What does not end in its time is killed: nothing that was acknowledged is lost by that.
 */
export async function stopDaemon(home: string, options: { readonly now: boolean }): Promise<void> {
  const guardian = guardianPidOf(home);
  const daemon = pidOf(home);
  if (!(await isServed(home))) {
    throw new UserError(exitCodes.daemon, `no daemon serves ${home}: td start`);
  }
  rmSync(guardianFileOf(home), { force: true });
  if (await hasEnded(home, guardian, options)) return;
  for (const pid of [pidOf(home), daemon, guardian]) {
    if (pid !== null && isThere(pid)) kill(pid, "SIGKILL");
  }
  for (let waitedMs = 0; waitedMs < killMsMax; waitedMs += pollMs) {
    if (!isThere(guardian) && !isThere(daemon)) return;
    await sleep(pollMs);
  }
  throw new UserError(exitCodes.daemon, `the daemon (pid ${daemon}) does not end: kill -9 it`);
}

/** False once its time is over. */
async function hasEnded(
  home: string,
  guardian: number | null,
  options: { readonly now: boolean },
): Promise<boolean> {
  const until = Date.now() + (options.now ? stopNowMsMax : stopMsMax);
  let asked = false;
  while (Date.now() < until) {
    const door = await answering(home);
    if (door !== null && !asked) asked = await askedToEnd(door, options);
    if (door === null && !isThere(guardian) && !isThere(pidOf(home))) return true;
    await sleep(pollMs);
  }
  return false;
}

/** False where it did not hear it; nor does one that somebody else has ended meanwhile. */
export async function askedToEnd(
  door: Pick<Door, "shutdown">,
  options: { readonly now: boolean },
): Promise<boolean> {
  const heard = door.shutdown(options).then(
    () => true,
    (error: unknown) => {
      if (error instanceof UserError && error.exitCode === exitCodes.daemon) return false;
      throw error;
    },
  );
  return (await inTime(heard)) === true;
}

function answering(home: string): Promise<Door | null> {
  return inTime(connect(home));
}

/** Null for a daemon that is too busy with itself to answer. */
async function inTime<T>(asking: Promise<T>): Promise<T | null> {
  const over = new AbortController();
  try {
    const silence = sleep(answerMsMax, null, { signal: over.signal });
    return await Promise.race([asking, silence]);
  } finally {
    over.abort();
  }
}

/** A number may belong to another program by now: after a reboot, or much later. */
function isThere(pid: number | null): boolean {
  if (pid === null || !isAlive(pid)) return false;
  const command = readProc(pid, "cmdline");
  return command === null || /\0(daemon|start)\0/.test(command);
}
