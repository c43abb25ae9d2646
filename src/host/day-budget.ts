import { dayMs, dayOf, projectedUsd, spentOn } from "../core/ledger.ts";
import type { Millis } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import type { DayBudgetView } from "../protocol/status.ts";
import { rounded, timeOf } from "../views/loop-view.ts";

export function dayBudgetOf(
  { spending }: State,
  now: Millis,
  dayUsd: number | null,
): DayBudgetView {
  const { day, usd, tokens } = spentOn(spending, dayOf(now));
  return {
    day: timeOf(day * dayMs).slice(0, 10),
    dayUsd,
    daySpentUsd: rounded(usd),
    daySpentTokens: tokens,
    dayReservedUsd: rounded(spending.held.usd),
    projectedDayUsd: rounded(projectedUsd(spending, now)),
    dayEndsAt: timeOf((day + 1) * dayMs),
  };
}
