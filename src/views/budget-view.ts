import { type Level, levelsOf } from "../core/budget.ts";
import { rootIdOf } from "../core/ledger.ts";
import type { Loop } from "../core/loop.ts";
import type { State } from "../core/state.ts";

/** The limits a loop has of its own and with its plan; null where there is none. */
export interface BudgetView {
  readonly usd: LimitView | null;
  readonly tokens: LimitView | null;
  readonly plan: (LimitView & { readonly id: string }) | null;
}

export interface LimitView {
  readonly limit: number;
  readonly spent: number;
  /** By calls under way. */
  readonly reserved: number;
}

export function budgetView(state: State, loop: Loop): BudgetView {
  const levels = levelsOf(state, loop, { now: 0, dayUsd: null });
  const of = (name: Level["name"], unit: Level["unit"]) => {
    const level = levels.find((one) => one.name === name && one.unit === unit);
    if (level === undefined) return null;
    return { limit: level.limit, spent: level.spent, reserved: level.held };
  };
  const plan = of("plan", "usd");
  return {
    usd: of("loop", "usd"),
    tokens: of("loop", "tokens"),
    plan: plan === null ? null : { id: rootIdOf(loop), ...plan },
  };
}
