import { modelSettings } from "../adapters/config/model-settings.ts";
import type { Config } from "../adapters/config/schema.ts";
import type { DaemonLog } from "../adapters/daemon-log.ts";
import { createModels } from "../adapters/llm/models.ts";
import { removeInputs } from "../adapters/notify/command.ts";
import { NotifyFile } from "../adapters/notify/notify-file.ts";
import { readEvents } from "../adapters/store/history.ts";
import { type Alert, type AlertFacts, alertsOf } from "../core/alerts.ts";
import type { Transaction } from "../core/events.ts";
import type { Millis } from "../core/loop.ts";
import { type Notice, noticeOf } from "../core/notice.ts";
import { createRedact } from "../core/redact.ts";
import { Courier } from "../engine/courier.ts";
import type { Scheduler } from "../engine/scheduler.ts";
import type { Batch } from "../ports/notify.ts";
import type { AlertView, AttentionDoor } from "../protocol/alerts.ts";
import { timeOf } from "../views/loop-view.ts";
import { AlertMarks } from "./alert-marks.ts";
import { systemClock } from "./clock.ts";
import type { DaemonConfig } from "./daemon-config.ts";
import type { Guards } from "./guards.ts";
import type { Host } from "./host.ts";
import { channelsOf, type NotifyChannel, tryChannels } from "./notify-channels.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whom the daemon draws attention to, and what it measures them by. */
export interface Attended {
  readonly around: Surroundings;
  readonly home: string;
  readonly config: DaemonConfig;
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly guards: Guards;
  readonly log: DaemonLog;
}

/** How often alerts are looked for while nobody asks. */
const lookEveryMs = 5_000;
/** Who asks more often is told the same again. */
const freshMs = 500;
/** What happened longer ago than so many events is not told after a start. */
const missedMax = 10_000;
const pageMax = 1_000;

/** Alerts, and notifications of them and of what happens. Nothing waits for it. */
export class Attention implements AttentionDoor {
  readonly #attended: Attended;
  readonly #lagMs: () => number;
  readonly #file: NotifyFile;
  readonly #marks: AlertMarks;
  readonly #channels: readonly NotifyChannel[];
  readonly #couriers: readonly Courier[];
  readonly #over = new AbortController();
  readonly #leave: () => void;
  readonly #redact: (text: string) => string;
  #alerts: readonly Alert[] = [];
  #lookedAt: Millis = 0;

  constructor(attended: Attended, lagMs: () => number) {
    const { home, host, log } = attended;
    this.#attended = attended;
    this.#lagMs = lagMs;
    removeInputs(home);
    this.#file = new NotifyFile(home);
    this.#marks = new AlertMarks(this.#file, (error) => {
      const why = "which alerts were told cannot be kept in mind";
      log.logger.warn({ error: String(error) }, why);
    });
    this.#redact = redactOf(attended);
    this.#channels = this.#openChannels();
    this.#couriers = this.#channels.map(
      (channel) =>
        new Courier(channel, {
          clock: systemClock,
          random: { next: () => Math.random() },
          cursors: this.#file,
          state: () => host.states.state,
          warn: (told, why) => log.logger.warn(told, why),
          done: (notices) => this.#marks.brought(notices),
        }),
    );
    const leave = host.states.subscribe((transaction) => this.#hear(transaction));
    const timer = setInterval(() => this.#look(), lookEveryMs);
    timer.unref();
    this.#leave = () => {
      clearInterval(timer);
      leave();
    };
    this.#start(host.states.durableSeq).catch((error: unknown) => {
      log.logger.error({ error: String(error) }, "nothing is notified");
    });
  }

  /** The gravest first. */
  now(): readonly AlertView[] {
    if (Math.abs(systemClock.now() - this.#lookedAt) >= freshMs) this.#look();
    return this.#alerts.map((alert) => ({ ...alert, since: timeOf(alert.since) }));
  }

  async alerts(): Promise<readonly AlertView[]> {
    return this.now();
  }

  testNotify(): ReturnType<AttentionDoor["testNotify"]> {
    const at = systemClock.now();
    const reason = "this is a test: you will be told here of what needs you";
    const nowhere = { seq: null, loop: null, status: null, repo: null };
    const test = {
      event: "test",
      at,
      ...nowhere,
      title: "",
      reason,
      remedy: "td status",
    } as const;
    const batch: Batch = { notices: [test], dropped: 0, id: `${at}-test`, at };
    return tryChannels(this.#channels, batch, this.#over.signal);
  }

  /** What was not told yet is told after the next start. */
  async close(): Promise<void> {
    this.#leave();
    this.#over.abort();
    const { durableSeq } = this.#attended.host.states;
    const idle = this.#couriers.filter((courier) => courier.isIdle);
    await Promise.allSettled(idle.map(({ name }) => this.#file.keep(name, durableSeq)));
  }

  #openChannels(): readonly NotifyChannel[] {
    const { around, home, config, host } = this.#attended;
    const audit = host.chronicle.audit(this.#redact);
    return channelsOf({
      around,
      home,
      config: () => config.users,
      redact: this.#redact,
      record: (channel, { id, title }) => audit.record({ type: "notified", channel, id, title }),
    });
  }

  /** What the last daemon did not come to tell, then what comes. */
  async #start(upTo: number): Promise<void> {
    for (const { name, isOn } of this.#channels) {
      const cursor = this.#file.of(name);
      if (!isOn() || cursor === null || cursor > upTo) await this.#file.keep(name, upTo);
    }
    const cursors = this.#channels.map(({ name }) => this.#file.of(name) ?? upTo);
    let from = Math.max(Math.min(...cursors) + 1, upTo - missedMax);
    for (let pages = 0; from <= upTo && pages * pageMax <= missedMax; pages += 1) {
      const { transactions } = await readEvents(this.#attended.home, from, pageMax);
      const last = transactions.at(-1);
      if (last === undefined) break;
      for (const transaction of transactions) {
        if (transaction.seq <= upTo) this.#hear(transaction);
      }
      from = last.seq + last.events.length;
    }
    const { signal } = this.#over;
    await Promise.all(this.#couriers.map((courier) => courier.run(signal)));
  }

  #hear({ seq, at, events }: Transaction): void {
    const { state } = this.#attended.host.states;
    for (const [index, event] of events.entries()) {
      const notice = noticeOf(state, event, seq + index, at);
      if (notice !== null) this.#tell(notice);
    }
  }

  /** How many channels took it. */
  #tell(notice: Notice): number {
    const { events } = this.#attended.config.users.notify;
    if (!events.some((event) => event === notice.event)) return 0;
    return this.#couriers.filter((courier) => courier.tell(notice)).length;
  }

  #look(): void {
    const now = systemClock.now();
    const seen = new Map(this.#alerts.map(({ id, since }) => [id, since]));
    const { state } = this.#attended.host.states;
    this.#alerts = alertsOf(state, { ...this.#facts(), seen }, now);
    this.#lookedAt = now;
    this.#marks.look(this.#alerts, now, (notice) => this.#tell(notice));
  }

  #facts(): Omit<AlertFacts, "seen"> {
    const { host, scheduler, guards, config } = this.#attended;
    const { states } = host;
    const problem = states.snapshotProblem;
    return {
      hold: scheduler.hold,
      freeBytes: guards.freeBytes(),
      freeBytesMin: config.guardLimits.freeBytesMin,
      lagMs: this.#lagMs(),
      undurable: states.seq - states.durableSeq,
      snapshotProblem: problem === null ? null : String(problem),
      configProblem: config.state().problem,
      dayUsd: config.dayUsd(),
      pending: scheduler.pending,
      queueMax: config.queueMax,
      eldestReadyAt: scheduler.eldestReadyAt(),
      providers: host.providers(),
      unsent: this.#couriers.flatMap(({ name, problem: reason }) =>
        reason === null ? [] : [{ channel: name, reason }],
      ),
    };
  }
}

/** Secrets of the user's configuration; made anew when that changes. */
function redactOf({ around, config }: Attended): (text: string) => string {
  let of: Config | null = null;
  let redact = createRedact([]);
  return (text) => {
    if (of !== config.users) {
      of = config.users;
      const options = { ...modelSettings(of), env: around.env, now: systemClock.now };
      const keys = createModels({ ...options, isDaemons: true }).secrets();
      const name = of.notify["webhook-secret-env"];
      const own = [of.notify.webhook, name === null ? null : around.env[name]];
      redact = createRedact([...keys, ...own.filter((each) => typeof each === "string")]);
    }
    return redact(text);
  };
}
