import type { RateLimits } from "../core/admission.ts";
import { type BreakerLimits, breakerLimits } from "../core/breaker.ts";
import type { LoopId, Millis } from "../core/loop.ts";
import { AdmissionGate, type GateOutside, type Wait } from "./admission-gate.ts";

/** What a loop waits for at a gate, in words. */
export interface GateWait {
  readonly until: Millis | null;
  readonly reason: string;
}

/** One gate for each provider, shared by all repositories of the process. */
export class Gates {
  readonly #outside: GateOutside;
  #limitsOf: (provider: string) => RateLimits;
  readonly #breaking: BreakerLimits;
  readonly #shared = new Map<string, AdmissionGate>();
  /** Of repositories that ask for less than the user allows, by repository and provider. */
  readonly #own = new Map<string, AdmissionGate>();

  /** `limitsOf` is what the user allows, until allow() says otherwise. */
  constructor(
    outside: GateOutside,
    limitsOf: (provider: string) => RateLimits,
    breaking: BreakerLimits = breakerLimits,
  ) {
    this.#outside = outside;
    this.#breaking = breaking;
    this.#limitsOf = limitsOf;
  }

  /** The user allows something else: every gate that all share follows at once. */
  allow(limitsOf: (provider: string) => RateLimits): void {
    this.#limitsOf = limitsOf;
    for (const [provider, gate] of this.#shared) gate.allow(limitsOf(provider));
  }

  /**
   * What a call passes, in this order. A repository's own limits, other than what the user allowed
   * when they were read, hold for its own calls alone.
   */
  path(
    provider: string,
    repo: string,
    { own, users }: { readonly own: RateLimits; readonly users: RateLimits },
  ): readonly AdmissionGate[] {
    const shared = this.shared(provider);
    if (isSame(own, users)) return [shared];
    const key = `${repo}\n${provider}`;
    const known = this.#own.get(key) ?? this.#open(provider, own, neverOpens);
    if (!isSame(known.limits, own)) known.allow(own);
    this.#own.set(key, known);
    return [known, shared];
  }

  shared(provider: string): AdmissionGate {
    const known = this.#shared.get(provider);
    if (known !== undefined) return known;
    const gate = this.#open(provider, this.#limitsOf(provider), this.#breaking);
    this.#shared.set(provider, gate);
    return gate;
  }

  /** By name; only those that were asked for something. */
  all(): readonly (readonly [string, AdmissionGate])[] {
    return [...this.#shared].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  waitOf(loop: LoopId): GateWait | null {
    for (const gate of [...this.#own.values(), ...this.#shared.values()]) {
      const waiting = gate.waitOf(loop);
      if (waiting === null) continue;
      const { wait, model } = waiting;
      return {
        until: wait.until,
        reason: waitText(wait, `${gate.provider}/${model}`, gate.limits),
      };
    }
    return null;
  }

  #open(provider: string, limits: RateLimits, breaking: BreakerLimits): AdmissionGate {
    return new AdmissionGate(this.#outside, provider, limits, breaking);
  }
}

function isSame(a: RateLimits, b: RateLimits): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Of a provider's health the shared gate alone decides. */
const neverOpens: BreakerLimits = { ...breakerLimits, samplesMin: Number.POSITIVE_INFINITY };

/** Without a time: that stands beside it. */
export function waitText({ because }: Wait, name: string, limits: RateLimits): string {
  const provider = name.split("/", 1)[0] ?? name;
  const model = name.slice(provider.length + 1);
  switch (because) {
    case "failing":
      return `${provider} is failing, and is tried by one call at a time`;
    case "told":
      return `${name} is rate limited: ${provider} asked for a pause`;
    case "concurrency":
      return `${limits.concurrency} calls of ${provider} are under way, as many as llm.providers.${provider}.concurrency allows`;
    case "model":
      return `${limits.models?.[model]?.concurrency} calls of ${name} are under way, as many as the concurrency of llm.providers.${provider}.models allows it`;
    case "requests":
      return `${name} is rate limited (requests per minute)`;
    case "inputTokens":
      return `${name} is rate limited (input tokens per minute)`;
    case "outputTokens":
      return `${name} is rate limited (output tokens per minute)`;
    case "full":
      return `too many calls of ${provider} wait already`;
    default:
      return because satisfies never;
  }
}
