import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../adapters/config/schema.ts";
import { type DaemonLog, openDaemonLog } from "../adapters/daemon-log.ts";
import { reconcile } from "../engine/loop-manager.ts";
import { type Limits, Scheduler } from "../engine/scheduler.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { DaemonRequest } from "../protocol/program.ts";
import { openSocket } from "../server/listen.ts";
import { connect } from "./control.ts";
import { dayLimit } from "./day-limit.ts";
import { createDesk } from "./desk.ts";
import { asUserError } from "./errors.ts";
import { type Guards, keepGuards } from "./guards.ts";
import { Host } from "./host.ts";
import { guardianFileOf, isOurs, pidFileOf, pidOf, socketOf } from "./socket.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig } from "./world.ts";

export interface DaemonOptions {
  readonly version: string;
  readonly onSignal: DaemonRequest["onSignal"];
}

/** A drain that takes longer becomes an interruption. */
const drainMsMax = 120_000;
const rotateEveryMs = 60_000;

/** The daemon itself, in the foreground, until it is told to stop. Resolves to its exit code. */
export async function runDaemon(
  around: Surroundings,
  home: string,
  options: DaemonOptions,
): Promise<number> {
  const { config } = loadRepositoryConfig(around, home, null);
  const host = await Host.open(around, home);
  try {
    // Before anybody can connect: who waits for the end looks at it.
    await writeFile(pidFileOf(home), `${around.pid}\n`, { mode: 0o600 });
    await host.chronicle.started(around.pid, options.version);
    return await serve(around, home, config, host, options);
  } finally {
    await host.close();
    // The next one may have the home already.
    if (pidOf(home) === around.pid) {
      for (const file of [guardianFileOf(home), pidFileOf(home)]) await rm(file, { force: true });
    }
  }
}

const pollMs = 20;
const startMsMax = 60_000;

/**
 * A daemon in this process for as long as `body` runs, spoken to over its socket like any other.
 * Nothing of it is left afterwards.
 */
export async function withDaemonHere<Result>(
  around: Surroundings,
  home: string,
  body: (door: Door) => Promise<Result>,
): Promise<Result> {
  const { version } = around;
  let isOver = false;
  const daemon = runDaemon(around, home, { version, onSignal: () => () => undefined });
  const end = daemon.finally(() => {
    isOver = true;
  });
  const early = end.then((code) => {
    throw new UserError(exitCodes.failed, `the daemon ended early, with ${code}`);
  });
  early.catch(() => undefined);
  const open = async () => {
    for (let waitedMs = 0; waitedMs < startMsMax && !isOver; waitedMs += pollMs) {
      const door = await connect(home);
      if (door !== null) return door;
      await sleep(pollMs);
    }
    return early;
  };
  const door = await Promise.race([open(), early]);
  try {
    return await Promise.race([body(door), early]);
  } finally {
    if (!isOver) await door.shutdown({ now: true });
    await end;
  }
}

async function serve(
  around: Surroundings,
  home: string,
  config: Config,
  host: Host,
  options: DaemonOptions,
): Promise<number> {
  const log = openDaemonLog(home);
  const { logger } = log;
  const drain = new AbortController();
  const halt = new AbortController();
  const shutdown = ({ now }: { readonly now: boolean }) => {
    logger.info({ now }, "stopping");
    drain.abort();
    if (now) halt.abort("the daemon was stopped");
    else setTimeout(() => halt.abort("the daemon was stopped"), drainMsMax).unref();
  };
  const crew = host.crew(drain.signal);
  const guards = await guardsOf(home, config, host, log);
  const scheduler = new Scheduler({ ...crew, hold: guards.hold }, limitsOf(config));
  const desk = createDesk({
    host,
    home,
    pid: around.pid,
    version: options.version,
    scheduler,
    queueMax: config.queue.max,
    dayUsd: dayLimit(() => loadRepositoryConfig(around, home, null).config, config),
    isDraining: () => drain.signal.aborted,
    shutdown,
  });
  const report = (error: unknown) => logger.error({ error: String(error) }, "a bug");
  const socket = socketOf(home);
  if (!isOurs(socket, home)) {
    throw new UserError(exitCodes.invalid, `${socket} lies in a directory of somebody else`);
  }
  const { version } = options;
  const door = await openSocket(socket, { version, desk, asUserError, report });
  const leave = handleSignals(options, drain.signal, shutdown, log);
  host.broken.addEventListener("abort", () => halt.abort("the log took no more"));
  logger.info({ pid: around.pid, version, recovered: host.recovered }, "started");
  try {
    await reconcile(crew, scheduler, halt.signal);
    host.broken.throwIfAborted();
    logger.info("stopped");
    return exitCodes.done;
  } catch (error) {
    logger.fatal(
      { error: error instanceof Error ? error.stack : String(error) },
      "ended by an error",
    );
    return exitCodes.bug;
  } finally {
    for (const way of leave) way();
    await door.close();
    scheduler.close();
    guards.close();
    desk.close();
  }
}

function guardsOf(
  home: string,
  { daemon }: Config,
  { states }: Host,
  { logger }: DaemonLog,
): Promise<Guards> {
  const limits = { memoryBytesMax: daemon.memory, freeBytesMin: daemon["disk-free"] };
  return keepGuards(home, limits, (hold) => {
    if (hold === null) logger.info("loops start again");
    else logger.warn({ hold: hold.on }, `nothing new starts: ${hold.reason}`);
    states.changes.ring();
  });
}

function limitsOf({ concurrency, queue, llm }: Config): Limits {
  return {
    runningMax: concurrency.loops,
    perType: concurrency["per-type"],
    agingMs: queue.aging,
    retryAfterMaxMs: llm["retry-after-max"],
    pollMs: queue.poll,
    wants: () => true,
  };
}

/** TERM and INT drain, the second one interrupts; the log is rotated now and then. */
function handleSignals(
  { onSignal }: DaemonOptions,
  draining: AbortSignal,
  shutdown: (options: { readonly now: boolean }) => void,
  log: DaemonLog,
): readonly (() => void)[] {
  const stop = () => shutdown({ now: draining.aborted });
  const timer = setInterval(() => log.rotate(), rotateEveryMs);
  timer.unref();
  const hup = onSignal("SIGHUP", () =>
    log.logger.info("asked to reload: nothing is kept between iterations"),
  );
  return [onSignal("SIGTERM", stop), onSignal("SIGINT", stop), hup, () => clearInterval(timer)];
}
