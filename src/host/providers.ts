import type { Breaker } from "../core/breaker.ts";
import type { Millis } from "../core/loop.ts";
import type { Parking, State } from "../core/state.ts";
import type { AdmissionGate } from "../engine/admission-gate.ts";
import type { Gates } from "../engine/gates.ts";
import type { BreakerView, ProviderView } from "../protocol/status.ts";
import { timeOf } from "../views/loop-view.ts";

/** Every provider that has been asked for something, or has a model that waits. */
export function providersOf(gates: Gates | null, state: State, now: Millis): ProviderView[] {
  const open = new Map(gates?.all() ?? []);
  const paused = [...open].flatMap(([name, gate]) => pausesOf(name, gate));
  const parked = [...state.parked].filter(([, { until }]) => until > now);
  const waits = new Map([...paused, ...parked]);
  const names = new Set([...open.keys(), ...parked.map(([model]) => providerOf(model))]);
  return [...names].sort().map((name) => {
    const models = [...waits]
      .filter(([model]) => providerOf(model) === name)
      .map(([model, { until, reason }]) => ({ model, parkedUntil: timeOf(until), reason, until }))
      .sort((a, b) => b.until - a.until);
    return {
      name,
      ...numbersOf(open.get(name)),
      parkedUntil: models[0]?.parkedUntil ?? null,
      reason: models[0]?.reason ?? null,
      parked: models.map(({ model, parkedUntil, reason }) => ({ model, parkedUntil, reason })),
    };
  });
}

/** Short ones are no more than kept in mind: the loops keep their slots meanwhile. */
function pausesOf(name: string, gate: AdmissionGate): [string, Parking][] {
  const reason = "the provider asks for a pause";
  return gate.held.map(([model, until]) => [`${name}/${model}`, { until, reason }]);
}

function numbersOf(gate: AdmissionGate | undefined) {
  const limits = gate?.limits;
  return {
    concurrency: limits?.concurrency ?? null,
    inFlight: gate?.inFlight ?? 0,
    waiting: gate?.waiting ?? 0,
    requestsPerMinute: limits?.perPeriod.requests ?? null,
    inputTokensPerMinute: limits?.perPeriod.inputTokens ?? null,
    outputTokensPerMinute: limits?.perPeriod.outputTokens ?? null,
    breaker: gate === undefined ? ("closed" as const) : stateOf(gate.breaker),
    nextTryAt: gate?.breaker.state === "open" ? timeOf(gate.breaker.until) : null,
  };
}

function stateOf({ state }: Breaker): BreakerView {
  return state === "halfOpen" ? "half-open" : state;
}

function providerOf(model: string): string {
  return model.split("/", 1)[0] ?? model;
}
