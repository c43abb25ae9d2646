import type { Loop } from "./loop.ts";
import { childrenOf, type State } from "./state.ts";

/** What a draft's documents are likely to become; null is unknown, which is not nothing. */
export interface Estimate {
  readonly loops: number | null;
  readonly costUsd: number | null;
}

/** Levels below a plan that are looked at. */
const depthMax = 8;
const unknown: Estimate = { loops: null, costUsd: null };

/** One loop of a type, before it is asked for. */
export function estimateOfType(
  state: State,
  { repo, type }: { readonly repo: string; readonly type: string },
): Estimate {
  const { loops, costUsd } = ofOne(state, historyOf(state, repo), type, depthMax);
  return { loops: rounded(loops, 1), costUsd: rounded(costUsd, 100) };
}

function historyOf(state: State, repo: string): readonly Loop[] {
  return [...state.loops.values()].filter(
    (loop) => loop.repo === repo && loop.status === "complete",
  );
}

/** From what loops of the same types in the same repository have come to so far. */
export function estimateOf(state: State, { repo, documents }: Loop): Estimate {
  const types = documents.flatMap(({ becomes }) => (becomes === null ? [] : [becomes]));
  const history = historyOf(state, repo);
  const each = new Map(
    [...new Set(types)].map((type) => [type, ofOne(state, history, type, depthMax)]),
  );
  const all = types.map((type) => each.get(type) ?? unknown);
  return { loops: rounded(sum(all.map(({ loops }) => loops)), 1), costUsd: cents(all) };
}

function cents(all: readonly Estimate[]): number | null {
  return rounded(sum(all.map(({ costUsd }) => costUsd)), 100);
}

/** One loop of a type, with all that is usually below it. */
function ofOne(state: State, history: readonly Loop[], type: string, depth: number): Estimate {
  const past = history.filter((loop) => loop.type === type);
  if (past.length === 0 || depth === 0) return unknown;
  const children = past
    .flatMap(({ id }) => childrenOf(state, id))
    .filter(({ dropped }) => !dropped);
  const own = sum(past.map(({ usage }) => usage.costUsd));
  const below =
    children[0] === undefined ? null : ofOne(state, history, children[0].type, depth - 1);
  const each = children.length / past.length;
  if (below === null) return { loops: 1, costUsd: own === null ? null : own / past.length };
  return {
    loops: below.loops === null ? null : 1 + each * below.loops,
    costUsd:
      own === null || below.costUsd === null ? null : own / past.length + each * below.costUsd,
  };
}

function sum(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

function rounded(value: number | null, parts: number): number | null {
  return value === null ? null : Math.round(value * parts) / parts;
}
