import type { Event } from "./events.ts";
import { type Loop, type LoopId, type Millis, type Reservation, tokensOf } from "./loop.ts";

/*
 * What is spent and held beyond one loop, kept up with every event so that no decision adds up
 * loops: the day, and what is below the root of a plan. A root's own account is the root itself.
 *   1. A reservation is held from `budget.reserved` until `budget.settled`, or until its attempt
 *      ends: then it is spent in full, everywhere.
 *   2. What is spent counts for the UTC day of the transaction that says so. What is held belongs
 *      to no day: it counts against whichever it is.
 */

/** What calls under way may cost. */
interface Held {
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
}

export interface Account {
  readonly usd: number;
  readonly tokens: number;
  readonly held: Held;
}

export interface DaySpent {
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  readonly usd: number;
  readonly tokens: number;
  /** The limit that a warning was given for; null when none was. */
  readonly warnedUsd: number | null;
}

export interface Spending {
  readonly held: Held;
  /** Ascending, the newest `daysMax`. */
  readonly days: readonly DaySpent[];
  /** Ascending, the newest `slicesMax` in which something was spent. */
  readonly recent: readonly Slice[];
  /** Calls of chats under way: they belong to no loop. Absent until there was one. */
  readonly chats?: readonly Reservation[];
}

interface Slice {
  /** Where it begins: a multiple of `sliceMs`. */
  readonly at: Millis;
  readonly usd: number;
}

export interface MutableBooks {
  spending: Spending;
  /** By the root of a plan: what its descendants spent and hold. */
  readonly plans: Map<LoopId, Account>;
}

export const dayMs: Millis = 86_400_000;
export const sliceMs: Millis = 300_000;
/** Rates look back over this many: an hour, and the slice that has just begun. */
export const slicesMax = 13;
export const daysMax = 31;

const noHeld: Held = { usd: 0, tokens: 0, calls: 0 };
export const noAccount: Account = { usd: 0, tokens: 0, held: noHeld };
export const noSpending: Spending = { held: noHeld, days: [], recent: [] };

export function dayOf(at: Millis): number {
  return Math.floor(at / dayMs);
}

/** An id is a path: what stands before its first dot. */
export function rootIdOf({ id, parent }: Pick<Loop, "id" | "parent">): LoopId {
  return parent === null ? id : (id.slice(0, id.indexOf(".")) as LoopId);
}

export function spentOn({ days }: Spending, day: number): DaySpent {
  return days.findLast((one) => one.day === day) ?? { day, usd: 0, tokens: 0, warnedUsd: null };
}

type Moved = Extract<Event, { type: `budget.${string}` | "attempt.ended" }>;

/** Call before the event changes `loop`: what it held is read from it. */
export function book(books: MutableBooks, event: Moved, loop: Loop, at: Millis): void {
  switch (event.type) {
    case "budget.reserved":
      hold(books, loop, event.data);
      return;
    case "budget.settled": {
      const { turn, usage } = event.data;
      for (const open of loop.reservations) if (open.turn === turn) release(books, loop, open);
      spend(books, loop, { tokens: tokensOf(usage), usd: usage.costUsd }, at);
      return;
    }
    case "attempt.ended":
      for (const open of loop.reservations) {
        release(books, loop, open);
        spend(books, loop, open, at);
      }
      return;
    case "budget.warned":
      if (event.data.level === "day") warned(books, event.data.limit, dayOf(at));
      return;
    default:
      event satisfies never;
  }
}

type Sum = Pick<Reservation, "tokens" | "usd">;
/** A loop, or who is no loop and has no parent. */
type Payer = Pick<Loop, "id" | "parent">;

export function hold(books: MutableBooks, loop: Payer, sum: Sum): void {
  change(books, loop, (held) => ({
    usd: held.usd + (sum.usd ?? 0),
    tokens: held.tokens + sum.tokens,
    calls: held.calls + 1,
  }));
}

/** When nobody holds anything any more, the sum is zero and not the dust of its fractions. */
export function release(books: MutableBooks, loop: Payer, sum: Sum): void {
  change(books, loop, (held) =>
    held.calls <= 1
      ? noHeld
      : {
          usd: Math.max(0, held.usd - (sum.usd ?? 0)),
          tokens: held.tokens - sum.tokens,
          calls: held.calls - 1,
        },
  );
}

function change(books: MutableBooks, loop: Payer, by: (held: Held) => Held): void {
  const { spending, plans } = books;
  books.spending = { ...spending, held: by(spending.held) };
  if (loop.parent === null) return;
  const root = rootIdOf(loop);
  const account = plans.get(root) ?? noAccount;
  plans.set(root, { ...account, held: by(account.held) });
}

export function spend(
  books: MutableBooks,
  loop: Payer,
  { tokens, usd: cost }: Sum,
  at: Millis,
): void {
  const usd = cost ?? 0;
  const { spending, plans } = books;
  const day = spentOn(spending, dayOf(at));
  books.spending = {
    ...spending,
    days: withDay(spending.days, { ...day, usd: day.usd + usd, tokens: day.tokens + tokens }),
    recent: withSlice(spending.recent, Math.floor(at / sliceMs) * sliceMs, usd),
  };
  if (loop.parent === null) return;
  const root = rootIdOf(loop);
  const account = plans.get(root) ?? noAccount;
  plans.set(root, { ...account, usd: account.usd + usd, tokens: account.tokens + tokens });
}

function warned(books: MutableBooks, warnedUsd: number, day: number): void {
  const { spending } = books;
  const days = withDay(spending.days, { ...spentOn(spending, day), warnedUsd });
  books.spending = { ...spending, days };
}

/** A clock may jump, and jump back: every day keeps its own sum, and the one at hand stays. */
function withDay(days: readonly DaySpent[], day: DaySpent): readonly DaySpent[] {
  if (days.at(-1)?.day === day.day) return days.with(-1, day);
  const others = days.filter((one) => one.day !== day.day);
  return [...others.slice(-(daysMax - 1)), day].sort((a, b) => a.day - b.day);
}

/**
 * What the day will have cost if it goes on as in the last hour: spent so far, plus what the last
 * full twelve slices and the one at hand cost per millisecond, times what is left of the day.
 */
export function projectedUsd(spending: Spending, now: Millis): number {
  const sinceAt = Math.floor(now / sliceMs) * sliceMs - (slicesMax - 1) * sliceMs;
  const recent = spending.recent.filter(({ at }) => at >= sinceAt && at <= now);
  const recentUsd = recent.reduce((sum, { usd }) => sum + usd, 0);
  const leftMs = (dayOf(now) + 1) * dayMs - now;
  return spentOn(spending, dayOf(now)).usd + (recentUsd / (now - sinceAt)) * leftMs;
}

function withSlice(recent: readonly Slice[], at: Millis, usd: number): readonly Slice[] {
  if (usd === 0) return recent;
  const newest = recent.at(-1);
  if (newest?.at === at) return recent.with(-1, { at, usd: newest.usd + usd });
  const before = recent.find((slice) => slice.at === at)?.usd ?? 0;
  const others = recent.filter((slice) => slice.at !== at);
  return [...others.slice(-(slicesMax - 1)), { at, usd: before + usd }].sort((a, b) => a.at - b.at);
}
