import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, readFileSync, statSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { pid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { DaemonRequest } from "../protocol/program.ts";
import { guardianLogOf, guardianPidOf, nameGuardian, pidOf, socketOf } from "./socket.ts";

export interface GuardianOptions {
  /** Starts the daemon in the foreground; ends with its home. */
  readonly argv: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly onSignal: DaemonRequest["onSignal"];
}

const backoffMsFirst = 500;
const backoffMsMax = 30_000;
const pollMs = 100;
const knockMsMax = 1_000;
const logBytesMax = 1024 * 1024;
const logBytesKept = 256 * 1024;
/** A daemon that lived so long starts over with the first backoff. */
const healthyMs = 60_000;
const restartsMax = 1_000;
/** Bounds of them: while a person waits for the first one, and later on. */
const mutesMaxAtFirst = 4;
const mutesMaxLater = 10;
const bugCode = 70;

/**
 * Keeps a daemon running: one that took its leave was told to, or cannot start; one that a signal
 * or a bug ended is started again, with backoff. Leaves when it was told to, or when the home's
 * guardian is another.
 */
export async function guard({ argv, env, onSignal }: GuardianOptions): Promise<number> {
  const home = argv.at(-1) ?? "";
  const ward: Ward = { child: null, told: false };
  const forward = (name: "SIGTERM" | "SIGINT" | "SIGHUP") =>
    onSignal(name, () => {
      if (name !== "SIGHUP") ward.told = true;
      ward.child?.kill(name);
    });
  const ways = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map(forward);
  const start = () => spawn(argv[0], argv.slice(1), { env, stdio: "inherit" });
  try {
    return await keep(home, ward, start);
  } finally {
    for (const way of ways) way();
  }
}

interface Ward {
  child: ChildProcess | null;
  /** Whoever was told to end does not start another. */
  told: boolean;
}

async function keep(home: string, ward: Ward, start: () => ChildProcess): Promise<number> {
  const mutes = new Mutes();
  let backoffMs = backoffMsFirst;
  const isOver = () => ward.told || guardianPidOf(home) !== pid;
  for (let restarts = 0; restarts < restartsMax && !ward.told; restarts += 1) {
    const startedAt = Date.now();
    ward.child = start();
    const end = await attended(ward.child, home);
    // Its file is still there: whatever the code, it did not come to its own end.
    const isCrash = end.signal !== null || end.code === bugCode || pidOf(home) === ward.child.pid;
    if (!isCrash) return end.code ?? 1;
    if (mutes.areTooMany(end)) {
      giveUp(home, mutes.inRow, end);
      return end.code ?? bugCode;
    }
    boundLog(home);
    if (Date.now() - startedAt > healthyMs) backoffMs = backoffMsFirst;
    // It may have ended before it had the home.
    if (guardianPidOf(home) === null) nameGuardian(home);
    await waited(backoffMs, isOver);
    if (isOver()) return 0;
    backoffMs = Math.min(backoffMs * 2, backoffMsMax);
  }
  return 0;
}

/** Deaths in a row before an answer. */
class Mutes {
  inRow = 0;
  #max = mutesMaxAtFirst;

  areTooMany({ answered }: Attended): boolean {
    this.inRow = answered ? 0 : this.inRow + 1;
    if (answered) this.#max = mutesMaxLater;
    return this.inRow >= this.#max;
  }
}

async function waited(waitMs: number, isOver: () => boolean): Promise<void> {
  for (let ms = 0; ms < waitMs && !isOver(); ms += pollMs) await sleep(pollMs);
}

/** Its guardian has a name from when the daemon has the home, and no other's daemon has. */
async function attended(child: ChildProcess, home: string): Promise<Attended> {
  let named = false;
  let answered = false;
  const timer = setInterval(() => {
    if (pidOf(home) !== child.pid) return;
    if (!named) nameGuardian(home);
    named = true;
    knock(home, () => {
      answered = true;
      clearInterval(timer);
    });
  }, pollMs);
  const end = await ended(child);
  clearInterval(timer);
  return { ...end, answered };
}

interface Attended extends Awaited<ReturnType<typeof ended>> {
  readonly answered: boolean;
}

/** Only who has the home listens at its socket. */
function knock(home: string, onAnswer: () => void): void {
  const socket = connect(socketOf(home));
  socket.unref();
  socket.setTimeout(knockMsMax, () => socket.destroy());
  socket.once("connect", () => {
    onAnswer();
    socket.destroy();
  });
  socket.once("error", () => socket.destroy());
}

/** Nobody starts it again: the reason is kept where `td start` finds it. */
function giveUp(home: string, times: number, { code, signal }: Attended): void {
  boundLog(home);
  const log = join(home, "logs", "daemon.log");
  const how = signal ?? `exit code ${code}`;
  const message = `the daemon died ${times} times before it answered (${how}): see ${log} and above; td start tries again`;
  appendFileSync(guardianLogOf(home), `td: ${message}\n`);
}

/** Keeps the newest of what daemons that died said last. */
function boundLog(home: string): void {
  const file = guardianLogOf(home);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= logBytesMax) return;
  const tail = readFileSync(file).subarray(-logBytesKept);
  // Whoever has it open appends.
  truncateSync(file, 0);
  appendFileSync(file, tail);
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 1, signal: null }));
  });
}
