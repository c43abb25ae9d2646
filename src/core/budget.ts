import { type DaySpent, dayOf, noAccount, rootIdOf, spentOn } from "./ledger.ts";
import { type Loop, type LoopId, type Millis, tokensOf } from "./loop.ts";
import { loopOf, type State } from "./state.ts";

/** What a loop may still reserve; null where no limit is set. */
export interface Left {
  readonly tokens: number | null;
  readonly usd: number | null;
}

/** Limit minus what is spent minus what is reserved. May be negative: real usage is what it is. */
export function leftOf(loop: Loop): Left {
  return leftIn(ownLevels(loop));
}

type LevelName = "loop" | "plan" | "day";

/** One limit that a loop's calls stand under, and how far it is used. */
export interface Level {
  readonly name: LevelName;
  readonly unit: "usd" | "tokens";
  readonly limit: number;
  readonly spent: number;
  /** By calls under way. */
  readonly held: number;
}

/** The day's limit is configuration, not state: it comes with each question. */
export interface Today {
  readonly now: Millis;
  readonly dayUsd: number | null;
}

const none: readonly Level[] = [];

/** Every limit above a loop, the nearest first; where there is none, there is no level. */
export function levelsOf(state: State, loop: Loop, { now, dayUsd }: Today): readonly Level[] {
  return [...ownLevels(loop), ...planLevels(state, loop), ...dayLevels(state, { now, dayUsd })];
}

/** What stands above everybody. */
export function dayLevels({ spending }: State, { now, dayUsd }: Today): readonly Level[] {
  if (dayUsd === null) return none;
  const spent = spentOn(spending, dayOf(now)).usd;
  return [{ name: "day", unit: "usd", limit: dayUsd, spent, held: spending.held.usd }];
}

function ownLevels({ settings, usage, reservations }: Loop): Level[] {
  const { budgetUsd, budgetTokens } = settings;
  const levels: Level[] = [];
  if (budgetTokens !== null) {
    const held = heldTokens(reservations);
    const spent = tokensOf(usage);
    levels.push({ name: "loop", unit: "tokens", limit: budgetTokens, spent, held });
  }
  if (budgetUsd !== null) {
    const held = heldUsd(reservations);
    const spent = usage.costUsd ?? 0;
    levels.push({ name: "loop", unit: "usd", limit: budgetUsd, spent, held });
  }
  return levels;
}

/** The root of a plan, with all that is below it. */
export function planLevels(state: State, loop: Loop): readonly Level[] {
  const root = loop.parent === null ? loop : loopOf(state, rootIdOf(loop));
  const { planBudgetUsd: limit } = root.settings;
  if (limit === null) return none;
  const below = state.plans.get(root.id) ?? noAccount;
  const spent = (root.usage.costUsd ?? 0) + below.usd;
  const held = heldUsd(root.reservations) + below.held.usd;
  return [{ name: "plan", unit: "usd", limit, spent, held }];
}

function heldTokens(reservations: Loop["reservations"]): number {
  return reservations.reduce((sum, { tokens }) => sum + tokens, 0);
}

function heldUsd(reservations: Loop["reservations"]): number {
  return reservations.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
}

/** What the narrowest of the levels leaves. */
export function leftIn(levels: readonly Level[]): Left {
  const least = (unit: Level["unit"]) => {
    const left = levels.filter((level) => level.unit === unit).map(leftAt);
    return left.length === 0 ? null : Math.min(...left);
  };
  return { tokens: least("tokens"), usd: least("usd") };
}

function leftAt({ limit, spent, held }: Level): number {
  return limit - spent - held;
}

/** A sum of fractions may pass its limit by dust; a call is not refused for that. */
const dustUsd = 1e-9;

/** The level that a reservation does not fit under; null when it fits under all. */
export function exceeded(levels: readonly Level[], { tokens, usd }: Sum): Level | null {
  const passes = (level: Level) =>
    level.unit === "tokens"
      ? tokens > leftAt(level)
      : (usd ?? Number.POSITIVE_INFINITY) > leftAt(level) + dustUsd;
  return levels.find(passes) ?? null;
}

const warnShare = 0.8;

/**
 * Whether so much on top of what is spent and held stays below the warning of every level: then no
 * level needs a closer look. Asked at every model call: it makes no list of a loop's own levels.
 */
export function isFarFromAll(state: State, loop: Loop, more: Sum, today: Today): boolean {
  const { settings, usage, reservations } = loop;
  const { budgetTokens, budgetUsd } = settings;
  if (budgetTokens !== null) {
    const used = tokensOf(usage) + heldTokens(reservations);
    if (used + more.tokens >= warnShare * budgetTokens) return false;
  }
  const usd = more.usd ?? Number.POSITIVE_INFINITY;
  if (budgetUsd !== null) {
    const used = (usage.costUsd ?? 0) + heldUsd(reservations);
    if (used + usd >= warnShare * budgetUsd) return false;
  }
  for (const levels of [planLevels(state, loop), dayLevels(state, today)]) {
    for (const { limit, spent, held } of levels) {
      if (spent + held + usd >= warnShare * limit) return false;
    }
  }
  return true;
}

interface Sum {
  readonly tokens: number;
  readonly usd: number | null;
}

/** The levels that need their one warning once `usd` and `tokens` more are spent. */
export function warnable(
  state: State,
  loop: Loop,
  more: { readonly usd: number; readonly tokens: number },
  today: Today,
): readonly (Level & { readonly loop: LoopId })[] {
  if (isFarFromAll(state, loop, more, today)) return [];
  const near = levelsOf(state, loop, today).filter(({ unit, limit, spent }) => {
    const then = spent + more[unit];
    return then > 0 && then >= warnShare * limit;
  });
  if (near.length === 0) return [];
  const day = spentOn(state.spending, dayOf(today.now));
  const root = loopOf(state, rootIdOf(loop));
  return near
    .map((level) => ({ ...level, spent: level.spent + more[level.unit] }))
    .filter((level) => !isWarned(level, { loop, root, day }))
    .map((level) => ({ ...level, loop: level.name === "plan" ? root.id : loop.id }))
    .filter((level, index, all) => all.findIndex(({ name }) => name === level.name) === index);
}

interface Warned {
  readonly loop: Loop;
  readonly root: Loop;
  readonly day: DaySpent;
}

/** A loop without kin is told once: its plan is itself. */
function isWarned({ name, limit }: Level, { loop, root, day }: Warned): boolean {
  if (name === "day") return day.warnedUsd !== null && limit <= day.warnedUsd;
  if (name === "loop") return loop.warned.includes("loop");
  const isSame = loop.id === root.id && (loop.settings.budgetUsd ?? limit + 1) <= limit;
  return isSame || root.warned.includes("plan");
}
/** Dollars per million tokens, as in ports.ts. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
}

/** A model call that fits: how long its reply may be, and what to reserve for the worst case. */
export interface Allowance {
  readonly outputTokensMax: number;
  readonly tokens: number;
  readonly usd: number | null;
}

export type Shortage = "tokens" | "usd" | "price";

/** A reply shorter than this is not worth its request. */
export const replyTokensMin = 1_024;

/**
 * The largest reply that what is left can pay for, input first. Input is reserved at the price of
 * writing it to the cache, the dearest way to send it.
 */
export function allow(
  left: Left,
  inputTokens: number,
  outputTokensMax: number,
  price: TokenPrice | null,
): Allowance | Shortage {
  if (left.usd !== null && price === null) return "price";
  const byTokens = left.tokens === null ? outputTokensMax : left.tokens - inputTokens;
  if (byTokens < replyTokensMin) return "tokens";
  const inputUsd = price === null ? 0 : (inputTokens * inputPrice(price)) / 1e6;
  const byUsd =
    left.usd === null || price === null || price.output === 0
      ? outputTokensMax
      : Math.floor(((left.usd - inputUsd) / price.output) * 1e6);
  if (byUsd < replyTokensMin || (left.usd !== null && left.usd < inputUsd)) return "usd";
  const output = Math.min(outputTokensMax, byTokens, byUsd);
  return {
    outputTokensMax: output,
    tokens: inputTokens + output,
    usd: price === null ? null : inputUsd + (output * price.output) / 1e6,
  };
}

function inputPrice(price: TokenPrice): number {
  return Math.max(price.input, price.cacheWrite);
}

/** An upper estimate: today's tokenisers make at most one token of two bytes of UTF-8. */
export function tokensEstimated(bytes: number): number {
  return Math.ceil(bytes / 2);
}

/** A level that does not let a call pass: for good, or until calls under way have ended. */
export interface Lack {
  readonly level: Level;
  /** `spent`: it needs more than is left of it. `held`: it needs what others hold just now. */
  readonly what: "spent" | "held";
  /** Whether it would pass with nothing spent yet: a new day helps. */
  readonly freshHelps: boolean;
}

/** Which level lacks what. `fits` says whether a call could be made with so much left. */
export function lackOf(levels: readonly Level[], fits: (left: Left) => boolean): Lack | null {
  const fitsUnder = ({ unit }: Level, amount: number) =>
    fits(unit === "usd" ? { tokens: null, usd: amount } : { tokens: amount, usd: null });
  const spent = levels.find((level) => !fitsUnder(level, level.limit - level.spent));
  if (spent !== undefined) {
    return { level: spent, what: "spent", freshHelps: fitsUnder(spent, spent.limit) };
  }
  const held = levels.find((level) => !fitsUnder(level, leftAt(level)));
  return held === undefined ? null : { level: held, what: "held", freshHelps: true };
}
