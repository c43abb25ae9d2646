import { exceeded, isFarFromAll, leftOf, levelsOf, planLevels, warnable } from "./budget.ts";
import type { Command, Raise } from "./commands.ts";
import type { Event } from "./events.ts";
import { rootIdOf } from "./ledger.ts";
import { isSettled, type Loop, type Millis, tokensOf } from "./loop.ts";
import { childrenOf, type State } from "./state.ts";
import { to } from "./transition.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

/** Why a reservation is refused; null when every level above the loop has room for it. */
export function refusalOf(
  state: State,
  loop: Loop,
  command: Of<"reserve">,
  now: Millis,
): string | null {
  const { turn, dayUsd = null } = command;
  if (isOpen(loop, turn)) return `${loop.id} has reserved ${turn} already`;
  const today = { now, dayUsd };
  if (isFarFromAll(state, loop, command, today)) return null;
  const level = exceeded(levelsOf(state, loop, today), command);
  if (level === null) return null;
  const what = `${loop.id} is out of ${level.unit === "usd" ? "money" : "tokens"}`;
  if (level.name === "loop") return what;
  return `${what}: ${level.name === "day" ? "the day's budget" : "the budget of its plan"}`;
}

/** What a settled call cost, and the warnings that are due by it. */
export function settled(
  state: State,
  loop: Loop,
  { turn, usage, dayUsd = null }: Of<"settle">,
  now: Millis,
): Event[] {
  const more = { usd: usage.costUsd ?? 0, tokens: tokensOf(usage) };
  const due = warnable(state, loop, more, { now, dayUsd });
  const cost: Event = { type: "budget.settled", loop: loop.id, data: { turn, usage } };
  if (due.length === 0) return [cost];
  const warnings = due.map(({ loop: about, name, unit, spent, limit }): Event => {
    return { type: "budget.warned", loop: about, data: { level: name, unit, spent, limit } };
  });
  return [cost, ...warnings];
}

export function isOpen(loop: Loop, turn: string): boolean {
  return loop.reservations.some((open) => open.turn === turn);
}

/** New limits. Iterations that are used up are granted once more, whoever asks. */
export function raised(loop: Loop, raise: Raise): Event[] {
  const isOut = loop.iteration >= (raise.iterationsMax ?? loop.settings.iterationsMax);
  const data = {
    ...raise,
    ...planRaise(loop, raise),
    ...(isOut ? { iterationsMax: loop.iteration + loop.settings.iterationsMax } : {}),
  };
  return Object.keys(data).length === 0 ? [] : [{ type: "loop.raised", loop: loop.id, data }];
}

/** What the root of a plan may cost, all below it may: a raise never takes from them. */
function planRaise({ parent, settings }: Loop, { budgetUsd }: Raise): { planBudgetUsd?: number } {
  const { planBudgetUsd } = settings;
  if (parent !== null || budgetUsd === undefined || planBudgetUsd === null) return {};
  return budgetUsd > planBudgetUsd ? { planBudgetUsd: budgetUsd } : {};
}

/** What is spent so that resuming alone would be of no use, and the remedy; null when nothing is. */
export function spentOf(state: State, loop: Loop, raise: Raise): string | null {
  const { usd, tokens } = leftOf({ ...loop, settings: { ...loop.settings, ...raise } });
  if (usd !== null && usd <= 0) {
    return `${loop.id} has spent its budget: resume it with a higher --budget`;
  }
  if (tokens !== null && tokens <= 0) {
    return `${loop.id} has spent its tokens: resume it with a higher --budget-tokens`;
  }
  const root = rootIdOf(loop);
  const isRaised = loop.parent === null && raise.budgetUsd !== undefined;
  const isOut = planLevels(state, loop).some(({ limit, spent }) => spent >= limit);
  if (!isOut || isRaised) return null;
  return `the budget of plan ${root} is spent: td resume ${root} with a higher --budget`;
}

/** With more money for a plan, what waited for it goes on: all below that is not spent itself. */
export function freed(state: State, loop: Loop): Event[] {
  return childrenOf(state, loop.id).flatMap((child) => {
    const below = freed(state, child);
    const waits = child.status === "blocked" && child.blockedOn === "budget";
    if (!waits || isSpentItself(child)) return below;
    return [...below, to(child, "pending", null)];
  });
}

function isSpentItself(loop: Loop): boolean {
  const { usd, tokens } = leftOf(loop);
  return (usd !== null && usd <= 0) || (tokens !== null && tokens <= 0);
}

/** A raise alone: for a loop that needs nothing else to go on. */
export function raisedOnly(state: State, loop: Loop, raise: Raise): Event[] | null {
  if (Object.keys(raise).length === 0 || isSettled(loop)) return null;
  const data = { ...raise, ...planRaise(loop, raise) };
  return [{ type: "loop.raised", loop: loop.id, data }, ...freed(state, loop)];
}
