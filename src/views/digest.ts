import type { Event } from "../core/events.ts";
import { addUsage, type Loop, type Millis, noUsage, type Usage } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import { rounded, timeOf } from "./loop-view.ts";
import type { Happened } from "./report-history.ts";
import { Spending } from "./spending.ts";

/** What happened since somebody looked last, and what waits for them. */
export interface DigestView {
  readonly since: string;
  readonly until: string;
  readonly finished: readonly DigestRow[];
  readonly failed: readonly DigestRow[];
  /** Whatever the time: who needs a person now. */
  readonly needsYou: readonly DigestRow[];
  readonly merges: readonly MergeRow[];
  readonly iterations: { readonly passed: number; readonly others: number };
  /** Spent within the time. */
  readonly usage: Usage;
  readonly running: number;
  readonly pending: number;
}

export interface DigestRow {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly status: string;
  readonly reason: string | null;
  readonly costUsd: number | null;
  readonly at: string;
}

interface MergeRow {
  readonly at: string;
  readonly id: string;
  readonly to: string;
  readonly commit: string;
}

export interface Span {
  readonly since: Millis;
  readonly until: Millis;
}

/** `events` are those of the log; what lies outside of the time is not counted. */
export function digestOf(
  { loops }: State,
  events: readonly Happened[],
  { since, until }: Span,
): DigestView {
  const within = events.filter(({ at }) => at >= since && at <= until);
  const all = [...loops.values()];
  const ended = all.filter(({ id }) => within.some((event) => endsNow(event, id)));
  const rows = (wanted: (loop: Loop) => boolean, among = all) => among.filter(wanted).map(rowOf);
  const spending = new Spending();
  const usage = within.map((event) => spending.of(event)).reduce(addUsage, noUsage);
  const finished = within.filter(({ type }) => type === "iteration.finished");
  const passed = finished.filter(hasPassed).length;
  return {
    since: timeOf(since),
    until: timeOf(until),
    finished: rows(({ status }) => status === "complete", ended),
    failed: rows(({ status }) => status === "failed", ended),
    needsYou: rows(waitsForPerson),
    merges: within.flatMap(mergeOf),
    iterations: { passed, others: finished.length - passed },
    usage: { ...usage, costUsd: usage.costUsd === null ? null : rounded(usage.costUsd) },
    running: all.filter(({ status }) => status === "running").length,
    pending: all.filter(({ status }) => status === "pending").length,
  };
}

function endsNow(event: Event, id: string): boolean {
  if (event.type !== "loop.status" || event.loop !== id) return false;
  return event.data.to === "complete" || event.data.to === "failed";
}

function hasPassed(event: Event): boolean {
  return event.type === "iteration.finished" && event.data.verdict.passed;
}

/** Of a plan that a child holds up, the child is who waits. */
function waitsForPerson({ status, blockedOn, blockedUntil }: Loop): boolean {
  if (status === "draft") return true;
  return status === "blocked" && blockedOn !== "child" && blockedUntil === null;
}

function mergeOf(event: Happened): MergeRow[] {
  if (event.type !== "loop.delivered") return [];
  return [{ at: timeOf(event.at), id: event.loop, ...event.data }];
}

function rowOf({ id, type, title, status, reason, usage, updatedAt }: Loop): DigestRow {
  const costUsd = usage.costUsd === null ? null : rounded(usage.costUsd);
  return { id, type, title, status, reason, costUsd, at: timeOf(updatedAt) };
}
