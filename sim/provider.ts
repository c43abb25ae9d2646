import type { RateLimits } from "../src/core/admission.ts";
import { assert } from "../src/core/assert.ts";
import { type BreakerLimits, breakerLimits } from "../src/core/breaker.ts";
import type { Millis } from "../src/core/loop.ts";
import type { SimClock } from "./clock.ts";
import type { Temper } from "./temper.ts";

const minuteMs = 60_000;

/** A life has a few loops, not fifty: so few calls must tell of an outage. */
export const simBreakerLimits: BreakerLimits = {
  ...breakerLimits,
  windowMs: 3_600_000,
  samplesMin: 3,
  samplesMax: 6,
};

/** Failures that open the breaker, calls under way meanwhile, and probes while its pauses grow. */
const failuresMax = 18;

export function limitsOf({ concurrency, requestsPerMinute: requests }: Temper): RateLimits {
  const perPeriod = { requests, inputTokens: null, outputTokens: null };
  return { concurrency, perPeriod, periodMs: minuteMs, models: modelsOf(requests) };
}

/** In every third life with a limit the usual model has limits of its own. */
function modelsOf(requests: number | null): RateLimits["models"] & object {
  if (requests === null || requests % 3 !== 0) return {};
  const perPeriod = { requests: 2 * requests, inputTokens: null, outputTokens: null };
  return { small: { concurrency: 1, perPeriod } };
}

/** The other side of one boot's gate: it counts what arrives, and has bad times. */
export class SimProvider {
  readonly #clock: SimClock;
  readonly #temper: Temper;
  readonly #arrivals = new Map<string, Millis[]>();
  readonly #inFlightOf = new Map<string, number>();
  #inFlight = 0;
  #outage = { number: -1, failures: 0 };

  constructor(clock: SimClock, temper: Temper) {
    this.#clock = clock;
    this.#temper = temper;
  }

  /** Returns what is to be called when the call ends. */
  began(model: string): () => void {
    const { concurrency, perPeriod, models } = limitsOf(this.#temper);
    const own = models?.[model];
    this.#count(model, 1, own?.concurrency ?? null);
    this.#inFlight += 1;
    assert(this.#inFlight <= (concurrency ?? Number.POSITIVE_INFINITY), "too many calls at once");
    const requests = own?.perPeriod.requests ?? perPeriod.requests;
    if (requests !== null) this.#arrive(model, requests);
    return () => {
      this.#inFlight -= 1;
      this.#count(model, -1, null);
    };
  }

  #count(model: string, more: number, most: number | null): void {
    const inFlight = (this.#inFlightOf.get(model) ?? 0) + more;
    this.#inFlightOf.set(model, inFlight);
    assert(inFlight <= (most ?? Number.POSITIVE_INFINITY), `too many calls of ${model} at once`);
  }

  get isOut(): boolean {
    const { outageMs, outageEveryMs } = this.#temper;
    return this.#clock.now() % outageEveryMs < outageMs;
  }

  /** A call ends that came in an outage. */
  failed(): void {
    const { outageMs, outageEveryMs } = this.#temper;
    const number = Math.floor(this.#clock.now() / outageEveryMs);
    if (number !== this.#outage.number) this.#outage = { number, failures: 0 };
    this.#outage.failures += 1;
    const probesMax = outageMs / simBreakerLimits.probeMsMax;
    const { failures } = this.#outage;
    assert(failures <= failuresMax + probesMax, `an outage saw ${failures} calls`);
  }

  /** Between its ticket and its arrival a call waits for the disk: so much longer is the window. */
  #arrive(model: string, limit: number): void {
    const now = this.#clock.now();
    const lagMs = 4 * this.#temper.diskMsMax;
    const known = this.#arrivals.get(model) ?? [];
    const recent = [...known.filter((at) => at > now - minuteMs), now];
    this.#arrivals.set(model, recent);
    const inflow = limit * (1 + lagMs / minuteMs);
    const most = inflow + Math.max(1, 0.015 * limit) + 1;
    assert(recent.length <= most, `${recent.length} requests in a minute, ${limit} are allowed`);
  }
}
