import { memoryUsage } from "node:process";
import { assert } from "../core/assert.ts";
import type { Transaction } from "../core/events.ts";
import { loopStatuses } from "../core/loop.ts";
import type { Scheduler } from "../engine/scheduler.ts";
import type { DashboardView } from "../protocol/dashboard.ts";
import type { Desk } from "../protocol/desk.ts";
import type { FeedEvent, Raise, RunRequest } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { ConfigView } from "../protocol/program.ts";
import type { StatusView } from "../protocol/status.ts";
import { type LoopView, timeOf } from "../views/loop-view.ts";
import { reportHtml, reportPolicy } from "../views/report-html.ts";
import type { Attention } from "./attention.ts";
import { Chats } from "./chats.ts";
import { systemClock } from "./clock.ts";
import { dayBudgetOf } from "./day-budget.ts";
import { feedback } from "./feedback.ts";
import { History } from "./history.ts";
import type { Host } from "./host.ts";
import { openMail } from "./mail.ts";
import { keepNumbers, type Numbers } from "./numbers.ts";
import { amend } from "./plans.ts";
import { queueOf, whyOf } from "./queue.ts";
import type { Surroundings } from "./surroundings.ts";

export interface DeskOptions {
  readonly host: Host;
  readonly around: Surroundings;
  readonly home: string;
  readonly pid: number;
  readonly version: string;
  readonly scheduler: Scheduler;
  /** As it is at the moment: a reload changes it. */
  readonly queueMax: number;
  readonly configState: () => StatusView["config"];
  readonly dayUsd: () => number | null;
  readonly drain: AbortSignal;
  readonly config: (dir: string | null) => Promise<ConfigView>;
  readonly dashboard: (port: number | null) => Promise<DashboardView>;
  readonly shutdown: (options: { readonly now: boolean }) => void;
  readonly attend: (lagMs: () => number) => Attention;
}

/** What the daemon's routes call, over a host. */
export function createDesk(options: DeskOptions): Desk & { close(): Promise<void> } {
  const { host, shutdown, config, dashboard } = options;
  const history = new History(host);
  const numbers = keepNumbers(host, options.home, options.version);
  const startedAt = systemClock.now();
  const attention = options.attend(numbers.lagMs);
  const createOne = async (request: RunRequest) => {
    const [view] = await create(options, [request]);
    assert(view !== undefined, "one was asked for");
    return view;
  };
  const chats = new Chats({ ...options, create: createOne });
  return {
    ...host.reader(),
    why: async (id) => whyOf(options, id),
    ...openMail(host),
    chat: (request) => chats.chat(request),
    chats: (dir) => chats.chats(dir),
    conversation: (id) => chats.conversation(id),
    planOfChat: (id, words) => chats.planOfChat(id, words),
    plan: (request) => host.plan(request),
    create: (requests) => create(options, requests),
    resume: (id, raise) => resume(options, id, raise),
    pause: (id) => host.ask({ type: "pause", id: host.id(id) }),
    stop: (id) => host.ask({ type: "stop", id: host.id(id) }),
    answer: (id, answer) => host.ask({ type: "answer", id: host.id(id), answer }),
    amend: (id, amendment) => amend(host, id, amendment),
    feedback: async (id, text) => feedback(host, id, text, createOne),
    rollback: (id, to) => host.ask({ type: "rollback", id: host.id(id), to }),
    status: () => statusOf(options, startedAt, numbers, attention),
    alerts: () => attention.alerts(),
    testNotify: () => attention.testNotify(),
    metrics: numbers.metrics,
    metricsText: numbers.metricsText,
    queue: async () => queueOf(options),
    history: () => history.view(),
    reportPage: async (id) => ({
      html: reportHtml(await host.reader().report(id)),
      policy: reportPolicy,
    }),
    config,
    dashboard,
    follow: (from, listener) => follow(host, from, listener),
    watch: (loop, listener) => host.watch(loop, listener),
    shutdown,
    close: async () => {
      await chats.close();
      numbers.close();
      history.close();
      await attention.close();
    },
  };
}

async function create(
  options: DeskOptions,
  requests: readonly RunRequest[],
): Promise<readonly LoopView[]> {
  admit(options, requests.length);
  return options.host.create(requests);
}

/** Goes on with a loop that rests, if the queue has room for it. */
async function resume(options: DeskOptions, id: string, raise: Raise): Promise<LoopView> {
  const { status } = await options.host.reader().loop(id);
  if (status !== "pending" && status !== "running") admit(options, 1);
  return options.host.resume(id, raise);
}

function admit({ scheduler, queueMax, drain }: DeskOptions, count: number): void {
  if (drain.aborted) {
    throw new UserError(exitCodes.rejected, "the daemon is stopping: try again once it is back");
  }
  const waiting = scheduler.pending;
  if (waiting + count > queueMax) {
    const message = `the queue is full: ${waiting} loops wait, queue.max is ${queueMax}; wait, or raise it in the user-level taskdaemon.yml`;
    throw new UserError(exitCodes.rejected, message);
  }
}

async function statusOf(
  { host, scheduler, pid, version, drain, dayUsd, configState }: DeskOptions,
  startedAt: number,
  numbers: Numbers,
  attention: Attention,
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
    eventLoopLagMs: Math.round(numbers.lagMs() * 10) / 10,
    draining: drain.aborted,
    config: configState(),
    sandbox: host.sandboxLevel(),
    store: { seq, bytes: await numbers.storeBytes() },
    loops,
    hold: scheduler.hold,
    budget: dayBudgetOf(state, systemClock.now(), dayUsd()),
    providers: host.providers(),
    alerts: attention.now(),
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
    // What comes later than this is told by the subscription.
    for (const upTo = host.states.durableSeq; next <= upTo; ) {
      const page = await host.reader().events(next);
      if (page.length === 0) break;
      for (const event of page) {
        if (event.seq < next) continue;
        next = event.seq + 1;
        listener(event);
      }
    }
  } catch (error) {
    leave();
    throw error;
  }
  for (const transaction of waiting) tell(transaction);
  waiting = null;
  return leave;
}
