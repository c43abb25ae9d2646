import type { Hold } from "./dispatch.ts";
import { silenceMsMax } from "./health.ts";
import { dayMs, dayOf, spentOn } from "./ledger.ts";
import { type BlockedOn, isSettled, type Loop, type LoopId, type Millis } from "./loop.ts";
import type { State } from "./state.ts";

/*
 * What is not as it should be, and what to do about it. A function of the state, of what the daemon
 * measures of itself, and of the moment. An id is one condition: it stands once, and comes again
 * only after it was gone.
 */

export const alertLevels = ["critical", "warn", "info"] as const;
type AlertLevel = (typeof alertLevels)[number];

export interface Alert {
  readonly id: string;
  readonly level: AlertLevel;
  readonly since: Millis;
  /** One sentence. Some of it may be a provider's or a model's words. */
  readonly text: string;
  /** What to do, a command where there is one. */
  readonly remedy: string;
}

/** What the state does not know: measured by the daemon of itself and of its machine. */
export interface AlertFacts {
  readonly hold: Hold | null;
  readonly freeBytes: number;
  readonly freeBytesMin: number;
  /** The 99th percentile of what the event loop was late by. */
  readonly lagMs: number;
  /** Decided, and not yet durable. */
  readonly undurable: number;
  /** Why the newest snapshot was not kept; null when it was. */
  readonly snapshotProblem: string | null;
  readonly configProblem: string | null;
  readonly dayUsd: number | null;
  readonly pending: number;
  readonly queueMax: number;
  /** Since when limits alone hold up the one who waits longest; null while they hold up nobody. */
  readonly eldestReadyAt: Millis | null;
  readonly providers: readonly {
    readonly name: string;
    readonly breaker: "closed" | "open" | "half-open";
    readonly reason: string | null;
  }[];
  /** Channels whose newest notification did not get through, and why. */
  readonly unsent: readonly { readonly channel: string; readonly reason: string }[];
  /** Since when each alert that stood at the last look has stood, by id. */
  readonly seen: ReadonlyMap<string, Millis>;
}

/** Without `since` it stands from when it was first seen. */
type Found = Omit<Alert, "since"> & { readonly since?: Millis };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** An outage that is over sooner mends itself. */
const outageMsMax = 5 * minuteMs;
const parkedMsMax = 15 * minuteMs;
/** Nothing started for so long though somebody could. */
const starvingMs = 10 * minuteMs;
/** A wait that even a long queue should not make. */
const queueMsMax = 2 * hourMs;
/** A person who looks now and then has seen it by then. */
const unansweredMs = hourMs;
const lagMsWarn = 250;
const lagMsCritical = 2_000;
const undurableWarn = 1_000;
const undurableCritical = 10_000;
/** Twice the floor is not yet a hold, and soon will be. */
const diskSpare = 2;
const nearly = 0.8;
const nearlyFull = 0.9;
const idsMax = 5;
/** Parked models and providers that are told one by one. */
const rowsMax = 20;

/** The gravest first, then by id. */
export function alertsOf(state: State, facts: AlertFacts, now: Millis): readonly Alert[] {
  const census = censusOf(state, now);
  const found: readonly Found[] = [
    ...machine(facts),
    ...providers(state, facts, now),
    ...budgets(state, census, facts, now),
    ...loops(census, facts, now),
    ...facts.unsent.map(({ channel, reason }) => ({
      id: `notify:${channel}`,
      level: "warn" as const,
      text: `notifications do not get through by ${channel}: ${reason}`,
      remedy: "td notify test",
    })),
  ];
  return found
    .map(({ since, ...alert }) => ({
      ...alert,
      since: since ?? facts.seen.get(alert.id) ?? now,
    }))
    .sort(byGravity);
}

function byGravity(a: Alert, b: Alert): number {
  const rank = alertLevels.indexOf(a.level) - alertLevels.indexOf(b.level);
  if (rank !== 0) return rank;
  return a.id < b.id ? -1 : 1;
}

function machine(facts: AlertFacts): readonly Found[] {
  const { hold, freeBytes, freeBytesMin, lagMs, undurable, snapshotProblem } = facts;
  const found: Found[] = [];
  if (hold !== null) found.push(heldBy(hold));
  if (hold?.on !== "disk" && freeBytes < freeBytesMin * diskSpare) {
    const text = `the disk of the home is nearly full: ${megabytes(freeBytes)} are free, below ${megabytes(freeBytesMin)} nothing starts`;
    found.push({ id: "disk-low", level: "warn", text, remedy: "td trash empty" });
  }
  if (lagMs >= lagMsWarn) {
    const level = lagMs >= lagMsCritical ? "critical" : "warn";
    const text = `the daemon is late: its event loop by ${Math.round(lagMs)} ms`;
    found.push({ id: "lag", level, text, remedy: "lower concurrency.loops" });
  }
  if (undurable >= undurableWarn) {
    const level = undurable >= undurableCritical ? "critical" : "warn";
    const text = `the log is behind by ${undurable} events: the disk of the home is slow`;
    found.push({ id: "log", level, text, remedy: "td status" });
  }
  if (snapshotProblem !== null) {
    const text = `the log could not be summed up: ${snapshotProblem}`;
    found.push({ id: "snapshot", level: "warn", text, remedy: "td store snapshot" });
  }
  if (facts.configProblem !== null) {
    const text = `the configuration is broken: ${facts.configProblem}`;
    found.push({ id: "config", level: "warn", text, remedy: "td config check" });
  }
  return found;
}

const holdRemedies: Readonly<Record<Hold["on"], string>> = {
  draining: "td start, once it has stopped",
  disk: "td trash empty",
  memory: "td restart, or raise daemon.memory",
};

function heldBy({ on, reason }: Hold): Found {
  const level = on === "draining" ? "info" : "critical";
  return { id: on, level, text: `nothing new starts: ${reason}`, remedy: holdRemedies[on] };
}

function providers(state: State, facts: AlertFacts, now: Millis): readonly Found[] {
  const failing = facts.providers.filter(({ breaker }) => breaker !== "closed");
  const parked = [...state.parked].filter(([, { until }]) => until > now);
  return [
    ...failing.slice(0, rowsMax).map(({ name, reason }): Found => {
      const id = `provider:${name}`;
      const isLong = now - (facts.seen.get(id) ?? now) >= outageMsMax;
      const text = `${name} does not answer: ${reason ?? "calls wait, and one at a time is tried"}`;
      return { id, level: isLong ? "critical" : "warn", text, remedy: "td queue" };
    }),
    ...parked.slice(0, rowsMax).map(([model, { until, reason }]): Found => {
      const level = until - now >= parkedMsMax ? "warn" : "info";
      const text = `${model} is parked for ${span(until - now)} more: ${reason}`;
      return { id: `parked:${model}`, level, text, remedy: "set llm.fallback, or wait: td queue" };
    }),
  ];
}

function budgets(
  { spending }: State,
  { spent, near }: Census,
  { dayUsd }: AlertFacts,
  now: Millis,
): readonly Found[] {
  const found: Found[] = [];
  const { usd } = spentOn(spending, dayOf(now));
  if (dayUsd !== null && usd >= dayUsd * nearly) {
    const isSpent = usd >= dayUsd;
    const left = span((dayOf(now) + 1) * dayMs - now);
    const what = isSpent ? "the budget of the day is spent" : "the day's budget is nearly spent";
    const text = `${what}: $${usd.toFixed(2)} of $${dayUsd.toFixed(2)}, and ${left} of it are left`;
    const remedy = "raise budget.day-usd, or wait: td status";
    found.push({ id: "budget-day", level: isSpent ? "critical" : "warn", text, remedy });
  }
  const [first] = spent;
  if (first !== undefined) {
    const text = `${count(spent, "waits", "wait")} for a higher budget: ${named(spent)}`;
    const remedy = `td resume ${first.id} --budget USD`;
    found.push({ id: "budget-spent", level: "warn", text, remedy, since: eldest(spent) });
  }
  const [nearest] = near;
  if (nearest !== undefined) {
    const text = `${count(near, "has", "have")} nearly spent what is allowed: ${named(near)}`;
    found.push({ id: "budget-near", level: "info", text, remedy: `td show ${nearest.id}` });
  }
  return found;
}

function loops(census: Census, facts: AlertFacts, now: Millis): readonly Found[] {
  const { waiting, stuck, keyless, silent } = census;
  return [
    ...queue(census, facts, now),
    ...told("key", "critical", keyless, {
      text: `${count(keyless, "waits", "wait")} for a key that works: ${named(keyless)}`,
      remedy: "td doctor",
    }),
    ...told("stuck", "warn", stuck, {
      text: `${count(stuck, "is", "are")} stuck: ${named(stuck)}`,
      remedy: "td questions",
    }),
    ...told("silent", "warn", silent, {
      text: `${count(silent, "gives", "give")} no sign of life: ${named(silent)}`,
      remedy: `td logs ${silent[0]?.id ?? ""}`,
    }),
    ...(now - eldest(waiting) < unansweredMs
      ? []
      : told("unanswered", "warn", waiting, {
          text: `${count(waiting, "waits", "wait")} for you, the first for ${span(now - eldest(waiting))}: ${named(waiting)}`,
          remedy: "td questions",
        })),
  ];
}

function queue({ startedAt: newest }: Census, facts: AlertFacts, now: Millis): readonly Found[] {
  const { eldestReadyAt: since, hold, pending, queueMax } = facts;
  const found: Found[] = [];
  if (pending >= queueMax * nearlyFull) {
    const text = `the queue is nearly full: ${pending} of ${queueMax} wait, and more are refused`;
    found.push({ id: "queue-full", level: "warn", text, remedy: "td queue" });
  }
  if (since === null || hold !== null) return found;
  const isStarving = now - Math.max(since, newest) >= starvingMs;
  if (!isStarving && now - since < queueMsMax) return found;
  const text = isStarving
    ? `the queue starves: nothing has started for ${span(now - Math.max(since, newest))}, and ${pending} wait`
    : `the queue is long: the first of ${pending} waits for ${span(now - since)}`;
  const level = isStarving ? "warn" : "info";
  found.push({ id: "starving", level, text, since, remedy: "raise concurrency.loops: td queue" });
  return found;
}

function told(
  id: string,
  level: AlertLevel,
  of: readonly Loop[],
  words: Pick<Alert, "text" | "remedy">,
): readonly Found[] {
  return of.length === 0 ? [] : [{ id, level, ...words, since: eldest(of) }];
}

type Matter = "waiting" | "stuck" | "keyless" | "silent" | "spent" | "near";

/** The loops that something is the matter with, by the first thing that is. */
interface Census extends Readonly<Record<Matter, readonly Loop[]>> {
  /** When the newest attempt of all started. */
  readonly startedAt: Millis;
}

/** Those that wait for nothing but a person. */
const matters: Readonly<Record<BlockedOn, Matter | null>> = {
  question: "waiting",
  gate: "waiting",
  conflict: "waiting",
  setup: "waiting",
  stuck: "stuck",
  key: "keyless",
  budget: "spent",
  child: null,
};

/** In one pass: there may be many. */
function censusOf({ loops: all }: State, now: Millis): Census {
  const found: Record<Matter, Loop[]> = {
    ...{ waiting: [], stuck: [], keyless: [] },
    ...{ silent: [], spent: [], near: [] },
  };
  let startedAt = 0;
  for (const loop of all.values()) {
    startedAt = Math.max(startedAt, loop.startedAt ?? 0);
    const matter = matterOf(loop, now);
    if (matter !== null) found[matter].push(loop);
  }
  return { ...found, startedAt };
}

function matterOf(loop: Loop, now: Millis): Matter | null {
  const { status, blockedOn, blockedUntil } = loop;
  if (isSettled(loop)) return null;
  if (status === "draft") return "waiting";
  if (status === "running" && isSilent(loop, now)) return "silent";
  const isHeld = status === "blocked" && blockedOn !== null && blockedUntil === null;
  const matter = isHeld ? matters[blockedOn] : null;
  return matter ?? (loop.warned.length > 0 ? "near" : null);
}

/** Its attempt is given up later: core/health.ts. */
function isSilent({ updatedAt, settings }: Loop, now: Millis): boolean {
  return now - updatedAt >= silenceMsMax(settings) / 2;
}

/** When the first of them came to where it is; never, of none. */
function eldest(loops: readonly Loop[]): Millis {
  return loops.reduce((at, { updatedAt }) => Math.min(at, updatedAt), Number.POSITIVE_INFINITY);
}

function count({ length }: readonly Loop[], one: string, many: string): string {
  return length === 1 ? `1 loop ${one}` : `${length} loops ${many}`;
}

function named(loops: readonly { readonly id: LoopId }[]): string {
  const ids = loops.slice(0, idsMax).map(({ id }) => id);
  const more = loops.length - ids.length;
  return more > 0 ? `${ids.join(", ")} and ${more} more` : ids.join(", ");
}

function span(ms: Millis): string {
  if (ms < 2 * minuteMs) return `${Math.max(0, Math.round(ms / 1_000))} s`;
  if (ms < 2 * hourMs) return `${Math.round(ms / minuteMs)} min`;
  return ms < 2 * dayMs ? `${Math.round(ms / hourMs)} h` : `${Math.round(ms / dayMs)} days`;
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
