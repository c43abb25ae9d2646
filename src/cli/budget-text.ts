import type { DayBudgetView } from "../protocol/status.ts";
import type { BudgetView, LimitView } from "../views/budget-view.ts";
import { cost, tokens } from "./numbers.ts";
import { oneLine } from "./text.ts";

/** `$1.20 of $5.00 · plan 7: $3.10 of $20.00, $0.40 reserved`; null where nothing is limited. */
export function budgetText({ usd, tokens: counted, plan }: BudgetView): string | null {
  const parts = [
    ...(usd === null ? [] : [limitText(usd, cost)]),
    ...(counted === null ? [] : [`${limitText(counted, tokens)} tokens`]),
    ...(plan === null ? [] : [`plan ${oneLine(plan.id)}: ${limitText(plan, cost)}`]),
  ];
  return parts.length === 0 ? null : parts.join(" · ");
}

function limitText({ limit, spent, reserved }: LimitView, text: (amount: number) => string) {
  const held = reserved > 0 ? `, ${text(reserved)} reserved` : "";
  return `${text(spent)} of ${text(limit)}${held}`;
}

/** `$3.10 of $20.00 today, $0.40 reserved, $8.00 by midnight UTC at this pace` */
export function dayText(day: DayBudgetView): string {
  const { dayUsd, daySpentUsd, dayReservedUsd, projectedDayUsd } = day;
  const limit = dayUsd === null ? "" : ` of ${cost(dayUsd)}`;
  const held = dayReservedUsd > 0 ? `, ${cost(dayReservedUsd)} reserved` : "";
  const pace =
    projectedDayUsd > daySpentUsd ? `, ${cost(projectedDayUsd)} by midnight UTC at this pace` : "";
  const share = dayUsd === null || daySpentUsd < warnShare * dayUsd ? "" : " (over 80 %)";
  return `${cost(daySpentUsd)}${limit} today${share}${held}${pace}`;
}

const warnShare = 0.8;
