/**
 * May this model call begin now? Token buckets (as in ATM traffic shaping: the generic cell rate
 * algorithm keeps the same account) per model for requests and tokens, counters per provider and per
 * model for concurrency. Plain data: what decides can be stored, simulated and shown.
 *
 * A bucket fills at `aim` of its limit per period up to its capacity, and starts full. Capacity is
 * 1.5 % of the limit and not the limit itself: whatever the bucket holds at the start of a window
 * comes on top of what flows in during it, so a bucket as large as its limit lets twice the limit
 * through around a window's border, at the first start of 50 loops above all.
 *   1. In any half-open window of a period no more is let through than aim * limit + capacity + the
 *      largest single want. What was really used beyond its reservation is paid by later calls.
 *   2. While calls wait a bucket does not get full, so none of its inflow is lost.
 *   3. What a provider says can lower a limit or a level, and never raise it above configuration.
 *   4. A limit that only the provider told of is its own affair: then our bucket is as large as its
 *      limit and mirrors the provider's, so that nobody is held up before there is need.
 */

import { levelOf } from "./aging.ts";
import { assert } from "./assert.ts";
import type { Millis, Priority } from "./loop.ts";

const kinds = ["requests", "inputTokens", "outputTokens"] as const;
export type Kind = (typeof kinds)[number];

/** What a call takes. Tokens that the provider does not count, such as cache reads, are left out. */
export type Amounts = Readonly<Record<Kind, number>>;

/** Of one provider. Null: none known. */
export interface RateLimits {
  readonly concurrency: number | null;
  /** Per period, for each model. */
  readonly perPeriod: Readonly<Record<Kind, number | null>>;
  /** A minute, except where time is scaled. */
  readonly periodMs: number;
  /** By model: how many of the provider's calls may be its, and rates in place of `perPeriod`'s. */
  readonly models?: Readonly<Record<string, ModelLimits>>;
}

export type ModelLimits = Pick<RateLimits, "concurrency" | "perPeriod">;

/** `level` may be negative: use that was not foreseen. `told`: the provider's limit, if known. */
interface Bucket {
  readonly level: number;
  readonly at: Millis;
  readonly told: number | null;
}

type Buckets = Readonly<Record<Kind, Bucket | null>>;

/** Of one provider: calls under way, by model what may still be asked, and who was told to wait. */
export interface Admission {
  readonly inFlight: number;
  readonly inFlightOf: Readonly<Record<string, number>>;
  readonly models: Readonly<Record<string, Buckets>>;
  readonly holds: Readonly<Record<string, Hold>>;
}

/** A time in which the provider wants no calls of a model. */
interface Hold {
  readonly from: Millis;
  readonly until: Millis;
}

/** Ended by exactly one of settle() and release(). */
export interface Reservation extends Amounts {
  readonly model: string;
}

type Refusal = {
  readonly ok: false;
  /** Null when only the end of another call can help. */
  readonly waitMs: number | null;
  readonly because: Because;
};

/** What a call waits for; `model`: the concurrency of its own; `told`: the provider asked for it. */
export type Because = Kind | "concurrency" | "model" | "told";

export type Admitted =
  | { readonly ok: true; readonly state: Admission; readonly reservation: Reservation }
  | Refusal;

/** Measured: with estimates 20 % off, 2 % less keeps every window within 5 % and uses 95 %. */
const aim = 0.98;
/** As a share of the limit, what a call need wait for at most: a larger one leaves a debt. */
const enough = 0.005;
/** As a share of the limit, what a bucket holds beyond that, so that a late timer costs nothing. */
const slack = 0.01;

export const unlimited: RateLimits = {
  concurrency: null,
  perPeriod: { requests: null, inputTokens: null, outputTokens: null },
  periodMs: 60_000,
};

export const noAdmission: Admission = { inFlight: 0, inFlightOf: {}, models: {}, holds: {} };

/** All that the call wants, or nothing and the time until it is worth asking again. */
export function reserve(
  state: Admission,
  want: Reservation,
  now: Millis,
  all: RateLimits,
): Admitted {
  const full = fullOf(state, want.model, all);
  if (full !== null) return { ok: false, waitMs: null, because: full };
  const heldMs = heldMsOf(state, want.model, now);
  if (heldMs > 0) return { ok: false, waitMs: heldMs, because: "told" };
  const limits = limitsOn(all, want.model);
  const buckets = filled(state, want.model, now, limits);
  const waits = kinds.map((kind) => ({
    kind,
    ms: waitMsOf(buckets[kind], want[kind], kind, limits),
  }));
  const longest = waits.reduce((a, b) => (b.ms > a.ms ? b : a));
  if (longest.ms > 0) return { ok: false, waitMs: longest.ms, because: longest.kind };
  const taken = changed(buckets, (bucket, kind) => ({
    ...bucket,
    level: bucket.level - want[kind],
  }));
  const models = { ...state.models, [want.model]: taken };
  return { ok: true, state: { ...counted(state, want.model, 1), models }, reservation: want };
}

/** Whose concurrency is used up. */
function fullOf(
  state: Admission,
  model: string,
  limits: RateLimits,
): "concurrency" | "model" | null {
  const { concurrency } = limits;
  if (concurrency !== null && state.inFlight >= concurrency) return "concurrency";
  const own = limits.models?.[model]?.concurrency ?? null;
  return own !== null && inFlightOf(state, model) >= own ? "model" : null;
}

function counted(state: Admission, model: string, more: 1 | -1): Admission {
  const of = { ...state.inFlightOf, [model]: inFlightOf(state, model) + more };
  return { ...state, inFlight: state.inFlight + more, inFlightOf: of };
}

/** A model may be called `constructor`. */
function inFlightOf(state: Admission, model: string): number {
  return Object.hasOwn(state.inFlightOf, model) ? (state.inFlightOf[model] ?? 0) : 0;
}

/** Those of one model: its own where it has some. */
function limitsOn(limits: RateLimits, model: string): RateLimits {
  const own = limits.models?.[model]?.perPeriod;
  if (own === undefined) return limits;
  const { perPeriod } = limits;
  return {
    ...limits,
    perPeriod: {
      requests: own.requests ?? perPeriod.requests,
      inputTokens: own.inputTokens ?? perPeriod.inputTokens,
      outputTokens: own.outputTokens ?? perPeriod.outputTokens,
    },
  };
}

/** The call has ended: what it really took counts, as a refund or as a debt. */
export function settle(
  state: Admission,
  reservation: Reservation,
  real: Amounts,
  now: Millis,
  all: RateLimits,
): Admission {
  const { model } = reservation;
  assert(inFlightOf(state, model) > 0, "a call ends that never began");
  const limits = limitsOn(all, model);
  const buckets = changed(filled(state, model, now, limits), (bucket, kind) => {
    const level = bucket.level + reservation[kind] - real[kind];
    return { ...bucket, level: Math.min(level, capacityOf(bucket, kind, limits)) };
  });
  return { ...counted(state, model, -1), models: { ...state.models, [model]: buckets } };
}

/** The call never reached the provider: everything is given back. */
export function release(
  state: Admission,
  reservation: Reservation,
  now: Millis,
  limits: RateLimits,
): Admission {
  return settle(state, reservation, { requests: 0, inputTokens: 0, outputTokens: 0 }, now, limits);
}

/** The provider asked for a pause: no call of the model begins before `until`. */
export function hold(state: Admission, model: string, until: Millis, now: Millis): Admission {
  const known = state.holds[model];
  if (until <= now || (known !== undefined && isIn(known, now) && known.until >= until)) {
    return state;
  }
  return { ...state, holds: { ...state.holds, [model]: { from: now, until } } };
}

function heldMsOf({ holds }: Admission, model: string, now: Millis): Millis {
  const held = holds[model];
  return held !== undefined && isIn(held, now) ? held.until - now : 0;
}

/** The models that are held at `now`, and until when. */
export function heldAt({ holds }: Admission, now: Millis): readonly (readonly [string, Millis])[] {
  const held = Object.entries(holds).filter(([, each]) => isIn(each, now));
  return held.map(([model, { until }]) => [model, until]);
}

/** A clock that was put back ends it. */
function isIn({ from, until }: Hold, now: Millis): boolean {
  return from <= now && now < until;
}

/** What a provider's headers say of one kind. */
export interface Correction {
  readonly limit: number | null;
  readonly remaining: number;
  /** When nothing of it will be used up any more. */
  readonly resetAt: Millis | null;
}

export type Corrections = Readonly<Partial<Record<Kind, Correction>>>;

/**
 * Believes the provider where it is stricter. Both great providers keep token buckets: with nothing
 * remaining more flows in at once, though `resetAt` is far. One that means more says Retry-After.
 */
export function correct(
  state: Admission,
  model: string,
  headers: Corrections,
  now: Millis,
  all: RateLimits,
): Admission {
  const limits = limitsOn(all, model);
  const known = filled(state, model, now, limits);
  const buckets: Record<Kind, Bucket | null> = { ...known };
  for (const kind of kinds) {
    const said = headers[kind];
    if (said === undefined) continue;
    const told = said.limit !== null && said.limit > 0 ? said.limit : (known[kind]?.told ?? null);
    if (limitOf({ told }, kind, limits) === Number.POSITIVE_INFINITY) continue;
    const most = capacityOf({ told }, kind, limits);
    const isOver = said.resetAt !== null && said.resetAt <= now;
    const allowed = isOver ? most : said.remaining;
    buckets[kind] = { level: Math.min(known[kind]?.level ?? most, allowed, most), at: now, told };
  }
  return { ...state, models: { ...state.models, [model]: buckets } };
}

/** The buckets of a model as they are at `now`. */
function filled(state: Admission, model: string, now: Millis, limits: RateLimits): Buckets {
  const known = state.models[model];
  const at = (kind: Kind): Bucket | null => {
    const bucket = known?.[kind] ?? null;
    const limit = limitOf(bucket, kind, limits);
    if (limit === Number.POSITIVE_INFINITY) return null;
    const most = capacityOf({ told: bucket?.told ?? null }, kind, limits);
    if (bucket === null) return { level: most, at: now, told: null };
    // A clock may go back: then nothing flows in.
    const inflow = limit * Math.max(now - bucket.at, 0) * rate(limits);
    return { level: Math.min(bucket.level + inflow, most), at: now, told: bucket.told };
  };
  return {
    requests: at("requests"),
    inputTokens: at("inputTokens"),
    outputTokens: at("outputTokens"),
  };
}

function changed(buckets: Buckets, change: (bucket: Bucket, kind: Kind) => Bucket): Buckets {
  const of = (kind: Kind) => {
    const bucket = buckets[kind];
    return bucket === null ? null : change(bucket, kind);
  };
  return {
    requests: of("requests"),
    inputTokens: of("inputTokens"),
    outputTokens: of("outputTokens"),
  };
}

/** The limit in force, per period: of configuration and provider the stricter. */
function limitOf(bucket: Pick<Bucket, "told"> | null, kind: Kind, limits: RateLimits): number {
  const none = Number.POSITIVE_INFINITY;
  return Math.min(limits.perPeriod[kind] ?? none, bucket?.told ?? none);
}

/** The level at which any call may go. A whole request must fit, however small the limit. */
function enoughOf(limit: number, kind: Kind, limits: RateLimits): number {
  return isMirror(kind, limits) ? limit : Math.max(enough * limit, 1);
}

function capacityOf(bucket: Pick<Bucket, "told">, kind: Kind, limits: RateLimits): number {
  const limit = limitOf(bucket, kind, limits);
  const most = enoughOf(limit, kind, limits);
  return isMirror(kind, limits) ? most : most + slack * limit;
}

function isMirror(kind: Kind, { perPeriod }: RateLimits): boolean {
  return perPeriod[kind] === null;
}

function waitMsOf(bucket: Bucket | null, want: number, kind: Kind, limits: RateLimits): number {
  if (bucket === null || want <= 0) return 0;
  const limit = limitOf(bucket, kind, limits);
  const missing = Math.min(want, enoughOf(limit, kind, limits)) - bucket.level;
  // Sums of fractions are a little off.
  return missing <= limit * 1e-9 ? 0 : Math.ceil(missing / (limit * rate(limits)));
}

/** Inflow per millisecond, as a share of the limit. */
function rate({ periodMs }: RateLimits): number {
  return aim / periodMs;
}

/** A call that waits for admission. */
export interface Caller {
  readonly key: string;
  readonly priority: Priority;
  readonly since: Millis;
  readonly want: Reservation;
}

/** A waiting call rises one priority in this time, so that busy ones never shut out the rest. */
const callerAgingMs: Millis = 60_000;

/** Callers in the order in which they came; full at `max`. */
export function enqueue(
  callers: readonly Caller[],
  caller: Caller,
  max: number,
): readonly Caller[] | "full" {
  return callers.length >= max ? "full" : [...callers, caller];
}

export type Next =
  | { readonly ok: true; readonly caller: Caller; readonly state: Admission }
  | { readonly ok: false; readonly waitMs: number | null };

/**
 * Who begins now: the highest level, then who came first. Of one model only the first is asked, so
 * that small calls do not starve a large one; another model's callers go past it. Otherwise how
 * long until asking again is of use; null when only an end of a call or a newcomer is.
 */
export function nextWaiter(
  callers: readonly Caller[],
  state: Admission,
  now: Millis,
  limits: RateLimits,
): Next {
  const firsts = new Map<string, Ranked>();
  for (const caller of callers) {
    const level = levelOf(caller.priority, caller.since, now, callerAgingMs);
    const first = firsts.get(caller.want.model);
    const ranked = { caller, level };
    if (first === undefined || order(ranked, first) < 0) firsts.set(caller.want.model, ranked);
  }
  const inOrder = [...firsts.values()].sort(order);
  let waitMs: number | null = null;
  for (const { caller } of inOrder) {
    const answer = reserve(state, caller.want, now, limits);
    if (answer.ok) return { ok: true, caller, state: answer.state };
    if (answer.waitMs !== null) waitMs = Math.min(waitMs ?? answer.waitMs, answer.waitMs);
  }
  return { ok: false, waitMs };
}

interface Ranked {
  readonly caller: Caller;
  readonly level: number;
}

/** Of equals the first in the queue stays first. */
function order(a: Ranked, b: Ranked): number {
  return a.level - b.level || a.caller.since - b.caller.since;
}
