import { statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type DaemonLog, openDaemonLog } from "../adapters/daemon-log.ts";
import { Hand } from "../adapters/process/hand.ts";
import { startBy } from "../adapters/process/launch.ts";
import { type Crew, reconcile } from "../engine/loop-manager.ts";
import { type Limits, Scheduler } from "../engine/scheduler.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { DaemonRequest } from "../protocol/program.ts";
import { openSocket } from "../server/listen.ts";
import { Attention } from "./attention.ts";
import { watchConfig } from "./config-watch.ts";
import { connect } from "./control.ts";
import { DaemonConfig } from "./daemon-config.ts";
import { Dashboard } from "./dashboard.ts";
import { createDesk } from "./desk.ts";
import { asUserError } from "./errors.ts";
import { type Guards, keepGuards } from "./guards.ts";
import { Host } from "./host.ts";
import { viewConfig } from "./pages.ts";
import { guardianFileOf, isOurs, pidFileOf, pidOf, socketOf } from "./socket.ts";
import { Stopping } from "./stopping.ts";
import type { Surroundings } from "./surroundings.ts";

export interface DaemonOptions {
  readonly version: string;
  readonly onSignal: DaemonRequest["onSignal"];
}

/** What an attempt that did not end holds on to is not waited for. */
const closeMsMax = 5_000;
const rotateEveryMs = 60_000;
/** How often it looks whether its home is still there. */
const lookMs = 1_000;

/** The daemon itself, in the foreground, until it is told to stop. Resolves to its exit code. */
export async function runDaemon(
  around: Surroundings,
  home: string,
  options: DaemonOptions,
): Promise<number> {
  const config = new DaemonConfig(around, home);
  const host = await Host.open(around, home);
  try {
    // Before anybody can connect: who waits for the end looks at it.
    await writeFile(pidFileOf(home), `${around.pid}\n`, { mode: 0o600 });
    await host.chronicle.started(around.pid, options.version);
    return await serve(around, home, config, host, options);
  } finally {
    await unlessHung(host.close());
    // The next one may have the home already.
    if (pidOf(home) === around.pid) {
      for (const file of [guardianFileOf(home), pidFileOf(home)]) await rm(file, { force: true });
    }
  }
}

async function unlessHung(closing: Promise<void>): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([closing, sleep(closeMsMax, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

/** A process of its own that does nothing but serve: a hand starts its programs. */
export async function withHand<Result>(
  { self: [node] }: Surroundings,
  home: string,
  body: () => Promise<Result>,
): Promise<Result> {
  const hand = new Hand({ node, home });
  startBy(hand);
  try {
    return await body();
  } finally {
    startBy(null);
    await hand.close();
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
  config: DaemonConfig,
  host: Host,
  options: DaemonOptions,
): Promise<number> {
  const log = openDaemonLog(home);
  const { logger } = log;
  const { version } = options;
  const stopping = new Stopping();
  const { drain, halt } = stopping;
  const shutdown = ({ now }: { readonly now: boolean }) => {
    logger.info({ now }, "stopping");
    stopping.shutdown({ now });
  };
  const crew = host.crew(drain);
  const guards = await guardsOf(home, config, host, log);
  const scheduler = new Scheduler({ ...crew, hold: guards.hold }, limitsOf(config, host));
  const desk = createDesk({
    ...{ host, around, home },
    pid: around.pid,
    version,
    scheduler,
    get queueMax() {
      return config.queueMax;
    },
    configState: () => config.state(),
    dayUsd: config.dayUsd,
    drain,
    config: (dir) => viewConfig(around, { home, dir: dir ?? home }),
    dashboard: (port) => dashboard.open(port),
    shutdown,
    attend: (lagMs) => new Attention({ around, home, config, host, scheduler, guards, log }, lagMs),
  });
  const report = (error: unknown) => logger.error({ error: String(error) }, "a bug");
  const door = await openSocket(ownSocketOf(home), { version, desk, asUserError, report });
  const dashboard = Dashboard.of(home, door.serving, (why) => logger.warn(why));
  const reload = oneByOne(() => reloaded(config, host, log));
  const leave = handleSignals(options, { draining: drain, shutdown, reload, log });
  leave.push(follow(config, host, reload, log));
  let isRemoved = false;
  const remove = () => {
    isRemoved = true;
    shutdown({ now: true });
  };
  leave.push(watchHome(home, remove));
  host.broken.addEventListener("abort", () => stopping.interrupt("the log took no more"));
  logger.info({ pid: around.pid, version, recovered: host.recovered }, "started");
  try {
    const code = await carryOut(host, crew, scheduler, { halt, logger });
    if (!isRemoved) return code;
    throw new UserError(exitCodes.failed, `${home} was removed: its daemon ends`);
  } finally {
    for (const way of leave) way();
    await Promise.all([door.close(), dashboard.close()]);
    stopping.close();
    scheduler.close();
    guards.close();
    await desk.close();
  }
}

function limitsOf({ limits }: DaemonConfig, host: Host): Limits {
  return Object.create(limits, { inRepo: { value: (repo: string) => host.limitsIn(repo) } });
}

function ownSocketOf(home: string): string {
  const socket = socketOf(home);
  if (isOurs(socket, home)) return socket;
  throw new UserError(
    exitCodes.invalid,
    `${socket} lies in a directory of somebody else: choose another place with --home`,
  );
}

async function reloaded(config: DaemonConfig, host: Host, { logger }: DaemonLog): Promise<void> {
  const problems = await config.reload(host);
  if (problems.length === 0) logger.info("the configuration was read again");
  else logger.error({ problems }, "the configuration is broken: the last good one holds");
}

/** Reads the configuration whenever its files change. */
function follow(
  config: DaemonConfig,
  host: Host,
  reload: () => Promise<void>,
  { logger }: DaemonLog,
): () => void {
  return watchConfig({
    hasMoved: async () => (await config.hasMoved()) || (await host.hasMoved()),
    reload,
    onError: (error) => logger.error({ error: String(error) }, "the configuration was not read"),
  });
}

/** Calls wait for those before them. */
function oneByOne(act: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.catch(() => undefined).then(act);
    return last;
  };
}

function guardsOf(
  home: string,
  { guardLimits }: DaemonConfig,
  { states }: Host,
  { logger }: DaemonLog,
): Promise<Guards> {
  return keepGuards(home, guardLimits, (hold) => {
    if (hold === null) logger.info("loops start again");
    else logger.warn({ hold: hold.on }, `nothing new starts: ${hold.reason}`);
    states.changes.ring();
  });
}

/** All loops, until it is told to stop; resolves to the exit code. */
async function carryOut(
  host: Host,
  crew: Crew,
  scheduler: Scheduler,
  { halt, logger }: { readonly halt: AbortSignal; readonly logger: DaemonLog["logger"] },
): Promise<number> {
  try {
    await reconcile(crew, scheduler, halt);
    host.broken.throwIfAborted();
    logger.info("stopped");
    return exitCodes.done;
  } catch (error) {
    const stack = error instanceof Error ? error.stack : String(error);
    logger.fatal({ error: stack }, "ended by an error");
    return exitCodes.bug;
  }
}

/** Calls back once when the home is not the directory it was. Returns the way out. */
function watchHome(home: string, onRemoved: () => void): () => void {
  const identityOf = () => {
    const found = statSync(home, { throwIfNoEntry: false });
    return found === undefined ? null : `${found.dev}:${found.ino}`;
  };
  const own = identityOf();
  const timer = setInterval(() => {
    if (identityOf() === own) return;
    clearInterval(timer);
    onRemoved();
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

interface Handled {
  readonly draining: AbortSignal;
  readonly shutdown: (options: { readonly now: boolean }) => void;
  readonly reload: () => Promise<void>;
  readonly log: DaemonLog;
}

/** TERM and INT drain, the second one interrupts; HUP reloads; the log is rotated now and then. */
function handleSignals(
  { onSignal }: DaemonOptions,
  { draining, shutdown, reload, log }: Handled,
): (() => void)[] {
  const stop = () => shutdown({ now: draining.aborted });
  const timer = setInterval(() => log.rotate(), rotateEveryMs);
  timer.unref();
  const hup = onSignal("SIGHUP", () => {
    reload().catch((error: unknown) => {
      log.logger.error({ error: String(error) }, "the configuration could not be read");
    });
  });
  return [onSignal("SIGTERM", stop), onSignal("SIGINT", stop), hup, () => clearInterval(timer)];
}
