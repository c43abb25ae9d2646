import { assert } from "../src/core/assert.ts";
import { levelsOf } from "../src/core/budget.ts";
import type { Transaction } from "../src/core/events.ts";
import { daysMax } from "../src/core/ledger.ts";
import { type Loop, tokensOf } from "../src/core/loop.ts";
import { loopOf, type State } from "../src/core/state.ts";
import type { Before, SimDisk } from "./store.ts";

/** Sums of fractions differ by dust when they are added up in another order. */
const dustUsd = 1e-6;

/** What is spent and held is under every limit, and the sums that are kept are the loops' own. */
export function checkBooks(
  { state }: SimDisk,
  { events, at }: Transaction,
  before: Before,
  dayUsd: number | null,
): void {
  const moved = events.filter(({ type }) => /^(?:budget\.|attempt\.ended)/.test(type));
  if (moved.length === 0) return;
  checkSums(state);
  for (const { loop: id } of moved) {
    if (id === null) continue;
    const loop = loopOf(state, id);
    for (const level of levelsOf(state, loop, { now: at, dayUsd })) {
      const { name, unit, limit, spent, held } = level;
      const isOver = spent + held > limit + dustUsd;
      const grew = spent + held > used(before.get(id), unit) + dustUsd;
      // A person may set a loop's limit below what is spent already.
      assert(
        !isOver || (name === "loop" && !grew),
        `${id}: ${spent} + ${held} ${unit} of the ${name}'s ${limit}`,
      );
    }
  }
}

function used(loop: Loop | undefined, unit: "usd" | "tokens"): number {
  if (loop === undefined) return 0;
  if (unit === "tokens") {
    return loop.reservations.reduce((sum, { tokens }) => sum + tokens, tokensOf(loop.usage));
  }
  const held = loop.reservations.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
  return (loop.usage.costUsd ?? 0) + held;
}

function checkSums({ loops, spending, plans }: State): void {
  let usd = 0;
  let tokens = 0;
  let heldUsd = 0;
  let calls = 0;
  for (const { usage, reservations } of loops.values()) {
    usd += usage.costUsd ?? 0;
    tokens += tokensOf(usage);
    calls += reservations.length;
    for (const reservation of reservations) heldUsd += reservation.usd ?? 0;
  }
  const days = spending.days.reduce((sum, day) => sum + day.usd, 0);
  const dayTokens = spending.days.reduce((sum, day) => sum + day.tokens, 0);
  assert(calls === spending.held.calls, `${calls} calls under way, ${spending.held.calls} booked`);
  assert(near(heldUsd, spending.held.usd), `${heldUsd} held, ${spending.held.usd} booked`);
  // Of a long life the oldest days are gone.
  const isCut = spending.days.length === daysMax;
  const isBooked = near(usd, days) || (isCut && days < usd);
  assert(isBooked, `$${usd} spent by loops, $${days} by days`);
  const isCounted = tokens === dayTokens || (isCut && dayTokens < tokens);
  assert(isCounted, `${tokens} tokens spent by loops, ${dayTokens} by days`);
  for (const [root, { usd: booked, held }] of plans) {
    const below = [...loops.values()].filter(({ id }) => id.startsWith(`${root}.`));
    const spent = below.reduce((sum, { usage: { costUsd } }) => sum + (costUsd ?? 0), 0);
    assert(near(spent, booked), `$${spent} spent below ${root}, $${booked} booked`);
    const open = below.reduce((sum, { reservations }) => sum + reservations.length, 0);
    assert(open === held.calls, `${open} calls below ${root}, ${held.calls} booked`);
  }
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < dustUsd;
}
