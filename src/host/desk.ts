import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { memoryUsage } from "node:process";
import { storeDirOf } from "../adapters/store/home.ts";
import type { Transaction } from "../core/events.ts";
import { type Loop, loopStatuses } from "../core/loop.ts";
import type { Desk } from "../protocol/desk.ts";
import type { FeedEvent } from "../protocol/door.ts";
import type { ProviderView, QueueRow, QueueView, StatusView } from "../protocol/status.ts";
import { timeOf } from "../views/loop-view.ts";
import { why } from "../views/why.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";

export interface DeskOptions {
  readonly host: Host;
  readonly home: string;
  readonly pid: number;
  readonly version: string;
  readonly slotsMax: number;
  readonly queueMax: number;
  readonly isDraining: () => boolean;
  readonly shutdown: (options: { readonly now: boolean }) => void;
}

const rowsMax = 1_000;

/** What the daemon's routes call, over a host. */
export function createDesk(options: DeskOptions): Desk & { close(): void } {
  const { host, shutdown } = options;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const startedAt = systemClock.now();
  return {
    ...host.reader(),
    plan: (request) => host.plan(request),
    create: (requests) => host.create(requests),
    resume: (id, raise) => host.resume(id, raise),
    pause: (id) => host.ask({ type: "pause", id: host.id(id) }),
    stop: (id) => host.ask({ type: "stop", id: host.id(id) }),
    answer: (id, answer) => host.ask({ type: "answer", id: host.id(id), answer }),
    rollback: (id, to) => host.ask({ type: "rollback", id: host.id(id), to }),
    status: () => statusOf(options, startedAt, delay.percentile(99) / 1e6),
    queue: async () => queueOf(options),
    follow: (from, listener) => follow(host, from, listener),
    watch: (listener) => host.watch(listener),
    shutdown,
    close: () => delay.disable(),
  };
}

async function statusOf(
  { host, home, pid, version, isDraining }: DeskOptions,
  startedAt: number,
  eventLoopLagMs: number,
): Promise<StatusView> {
  const { state, seq } = host.states;
  const loops = Object.fromEntries(loopStatuses.map((status) => [status, 0]));
  for (const { status } of state.loops.values()) loops[status] = (loops[status] ?? 0) + 1;
  return {
    running: true,
    pid,
    version,
    startedAt: timeOf(startedAt),
    uptimeSeconds: Math.round((systemClock.now() - startedAt) / 1_000),
    rssBytes: memoryUsage.rss(),
    eventLoopLagMs: Math.round(eventLoopLagMs * 10) / 10,
    draining: isDraining(),
    sandbox: host.sandboxLevel(),
    store: { seq, bytes: await bytesOf(storeDirOf(home)) },
    loops,
    providers: providersOf(host),
  };
}

async function bytesOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size;
  return bytes;
}

function providersOf({ states }: Host): ProviderView[] {
  const now = systemClock.now();
  return [...states.state.parked].map(([model, { until, reason }]) => ({
    model,
    parkedUntil: until > now ? timeOf(until) : null,
    reason: until > now ? reason : null,
  }));
}

function queueOf({ host, slotsMax, queueMax }: DeskOptions): QueueView {
  const { state } = host.states;
  const now = systemClock.now();
  const row = (loop: Loop): QueueRow => {
    const { id, type, priority, title } = loop;
    return { id, type, priority, title, why: why(state, loop, now).sentence };
  };
  const loops = [...state.loops.values()];
  const running = loops.filter(({ status }) => status === "running");
  const waiting = loops.filter(({ status }) => status === "pending");
  return {
    running: running.slice(0, rowsMax).map(row),
    waiting: waiting.slice(0, rowsMax).map(row),
    slots: { used: running.length, max: slotsMax },
    queueMax,
    providers: providersOf(host),
  };
}

/** Old events from the log, then new ones as they become durable; none twice, none left out. */
async function follow(
  host: Host,
  from: number,
  listener: (event: FeedEvent) => void,
): Promise<() => void> {
  let next = from;
  let waiting: Transaction[] | null = [];
  const tell = ({ seq, at, events }: Transaction) => {
    for (const [index, event] of events.entries()) {
      if (seq + index < next) continue;
      next = seq + index + 1;
      listener({ seq: seq + index, at: timeOf(at), ...event });
    }
  };
  const leave = host.states.subscribe((transaction) => {
    if (waiting === null) tell(transaction);
    else waiting.push(transaction);
  });
  try {
    for (const event of await host.reader().events(from)) {
      if (event.seq < next) continue;
      next = event.seq + 1;
      listener(event);
    }
  } catch (error) {
    leave();
    throw error;
  }
  for (const transaction of waiting) tell(transaction);
  waiting = null;
  return leave;
}
