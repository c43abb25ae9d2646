import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectDoor } from "../client/connect.ts";
import type { RemoteDoor } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { pidFileOf, socketOf } from "./socket.ts";
import type { Surroundings } from "./surroundings.ts";

const startMsMax = 30_000;
const stopMsMax = 150_000;
const pollMs = 50;
const tailCharsMax = 500;

/** The daemon of a home; null when nobody answers at its socket. */
export async function connect(home: string): Promise<RemoteDoor | null> {
  const socket = socketOf(home);
  if (!existsSync(socket)) return null;
  const door = connectDoor(socket);
  try {
    await door.version();
    return door;
  } catch (error) {
    if (error instanceof UserError && error.exitCode === exitCodes.daemon) return null;
    throw error;
  }
}

/** Starts a guardian with its daemon, in the background; resolves once the daemon answers. */
export async function startDaemon({ self, env }: Surroundings, home: string): Promise<RemoteDoor> {
  if ((await connect(home)) !== null) {
    const message = `a daemon serves ${home} already: td status, td stop`;
    throw new UserError(exitCodes.daemon, message);
  }
  const logs = join(home, "logs");
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const outputFile = join(logs, "guardian.log");
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
    if (door !== null) return door;
    await sleep(pollMs);
  }
  const told = readFileSync(outputFile, "utf8").trim().slice(-tailCharsMax);
  throw new UserError(exitCodes.daemon, told || `the daemon did not answer: see ${logs}`);
}

/** Asks the daemon to end, and waits until it has. */
export async function stopDaemon(home: string, options: { readonly now: boolean }): Promise<void> {
  const door = await connect(home);
  if (door === null) {
    throw new UserError(exitCodes.daemon, `no daemon serves ${home}: td start`);
  }
  await door.shutdown(options);
  for (let waitedMs = 0; waitedMs < stopMsMax; waitedMs += pollMs) {
    if (!existsSync(pidFileOf(home)) && (await connect(home)) === null) return;
    await sleep(pollMs);
  }
  const pid = (await readFile(pidFileOf(home), "utf8").catch(() => "?")).trim();
  const message = `the daemon (pid ${pid}) is still at work: td stop --now interrupts it`;
  throw new UserError(exitCodes.daemon, message);
}
