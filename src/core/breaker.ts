/**
 * A sampling circuit breaker for one provider, as plain data (the pattern of Nygard's "Release It!",
 * with a count-based sliding window as in resilience4j). It keeps an outage from being hammered by all loops at once.
 *
 *   closed ──(failures ≥ failureRatio of the newest samples)──▶ open
 *   open ──(until)──▶ half-open ──(a probe succeeds)──▶ closed, (a probe fails)──▶ open, for longer
 *
 *   1. While open nothing passes. Half-open, at most `probesMax` are under way.
 *   2. Only calls of the present phase are counted: what began before it says nothing of it.
 *   3. Every refusal names a time to ask again, so a probe that never reports holds up nobody.
 */
import { assert, unreachable } from "./assert.ts";
import type { Millis } from "./loop.ts";
import type { Failure } from "./retry.ts";

export interface BreakerLimits {
  /**
   * Of the newest `samplesMax` calls those count that ended within the window; with fewer than
   * `samplesMin` nothing is said. By count, because after good times a window of time alone holds so
   * many successes that an outage takes as many failures to be seen.
   */
  readonly windowMs: number;
  readonly samplesMin: number;
  readonly samplesMax: number;
  /** 0 to 1. */
  readonly failureRatio: number;
  /** The first pause; each further one doubles, up to the most, and half of it is chance. */
  readonly openMs: number;
  readonly openMsMax: number;
  readonly probesMax: number;
  /** A probe that has not reported by then is given up, and another may go. */
  readonly probeMsMax: number;
}

/** For providers whose calls last from a second to minutes. */
export const breakerLimits: BreakerLimits = {
  windowMs: 10_000,
  samplesMin: 10,
  samplesMax: 30,
  failureRatio: 0.5,
  openMs: 1_000,
  openMsMax: 60_000,
  probesMax: 1,
  probeMsMax: 30_000,
};

/** `phase` numbers the phases, `opens` counts the openings since it last kept closed for a window. */
interface Phase {
  readonly phase: number;
  readonly opens: number;
}

export type Breaker =
  | (Phase & {
      readonly state: "closed";
      readonly since: Millis;
      readonly samples: readonly Sample[];
    })
  | (Phase & { readonly state: "open"; readonly until: Millis })
  /** `probes` are the times at which those under way began. */
  | (Phase & { readonly state: "halfOpen"; readonly probes: readonly Millis[] });

interface Sample {
  readonly at: Millis;
  readonly failed: boolean;
}

/** To be shown again when the call has ended. */
export interface Pass {
  readonly phase: number;
  readonly at: Millis;
}

export type Passing =
  | { readonly ok: true; readonly breaker: Breaker; readonly pass: Pass }
  | { readonly ok: false; readonly until: Millis };

/** `neutral` says nothing of the provider's health. */
export type CallEnd = "success" | "failure" | "neutral";

export function newBreaker(now: Millis): Breaker {
  return { state: "closed", phase: 0, opens: 0, since: now, samples: [] };
}

/** What the end of a call says of the provider's health; null is a reply. */
export function callEndOf(failure: Failure | "aborted" | null): CallEnd {
  switch (failure) {
    case "overloaded":
    case "server":
    case "network":
    case "cut":
    case "stalled":
    case "malformed":
      return "failure";
    case "rateLimited": // A limit is obeyed by admission and parking; the provider is well.
    case "aborted":
      return "neutral";
    case "auth":
    case "invalid":
    case null:
      return "success";
    default:
      return unreachable(failure);
  }
}

/** May a call begin? A pass must be reported by record(), whatever becomes of the call. */
export function pass(breaker: Breaker, now: Millis, limits: BreakerLimits): Passing {
  if (breaker.state === "closed") return granted(breaker, now);
  if (breaker.state === "open") {
    // A clock put back must not keep it open for longer than it could ever be.
    if (now < breaker.until && breaker.until - now <= limits.openMsMax) {
      return { ok: false, until: breaker.until };
    }
    const { phase, opens } = breaker;
    return granted({ state: "halfOpen", phase: phase + 1, opens, probes: [now] }, now);
  }
  const probes = breaker.probes.filter((at) => now >= at && now - at < limits.probeMsMax);
  if (probes.length < limits.probesMax) {
    return granted({ ...breaker, probes: [...probes, now] }, now);
  }
  return { ok: false, until: Math.min(...probes) + limits.probeMsMax };
}

function granted(breaker: Breaker, now: Millis): Passing {
  return { ok: true, breaker, pass: { phase: breaker.phase, at: now } };
}

/** `jitter` in [0, 1) spreads the ends of pauses. */
export function record(
  breaker: Breaker,
  { phase, at }: Pass,
  end: CallEnd,
  moment: { readonly now: Millis; readonly jitter: number },
  limits: BreakerLimits,
): Breaker {
  if (phase !== breaker.phase || breaker.state === "open") return breaker;
  if (breaker.state === "closed") {
    return end === "neutral" ? breaker : sampled(breaker, end, moment, limits);
  }
  const index = breaker.probes.indexOf(at);
  const probes = breaker.probes.filter((_, other) => other !== index);
  if (end === "neutral") return { ...breaker, probes };
  if (end === "failure") return opened(breaker, breaker.opens + 1, moment, limits);
  const { opens } = breaker;
  return { state: "closed", phase: phase + 1, opens, since: moment.now, samples: [] };
}

type Closed = Extract<Breaker, { state: "closed" }>;
type Moment = Parameters<typeof record>[3];

function sampled(closed: Closed, end: CallEnd, moment: Moment, limits: BreakerLimits): Breaker {
  const { now } = moment;
  const { windowMs, samplesMin, samplesMax, failureRatio } = limits;
  const failed = end === "failure";
  const samples = [...closed.samples, { at: now, failed }]
    .slice(-samplesMax)
    .filter(({ at }) => Math.abs(now - at) < windowMs);
  const failures = samples.filter((each) => each.failed).length;
  const isWell = samples.length < samplesMin || failures < failureRatio * samples.length;
  // A success is never the last straw.
  if (isWell || !failed) return { ...closed, samples };
  const isRelapse = now - closed.since < windowMs;
  return opened(closed, isRelapse ? closed.opens + 1 : 1, moment, limits);
}

function opened(
  { phase }: Breaker,
  opens: number,
  { now, jitter }: Moment,
  { openMs, openMsMax }: BreakerLimits,
): Breaker {
  assert(jitter >= 0 && jitter < 1, "jitter is a fraction");
  const growthMs = Math.min(openMs * 2 ** (opens - 1), openMsMax / 1.5);
  const until = now + Math.round(growthMs * (1 + jitter / 2));
  return { state: "open", phase: phase + 1, opens, until };
}
