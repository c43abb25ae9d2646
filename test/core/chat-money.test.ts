import fc from "fast-check";
import { expect, test } from "vitest";
import { chatAllowance, openChats } from "../../src/core/chat-money.ts";
import type { Command } from "../../src/core/commands.ts";
import { decide } from "../../src/core/decide.ts";
import type { Transaction } from "../../src/core/events.ts";
import { dayMs, dayOf, spentOn } from "../../src/core/ledger.ts";
import { restore, snapshotOf } from "../../src/core/snapshot.ts";
import { adopt, apply, emptyState, replay, touchedBy } from "../../src/core/state.ts";
import { answerTo, following, given, id, moment, spent } from "../given.ts";

const reserve = (turn: string, usd: number, dayUsd: number | null = null): Command => {
  return { type: "reserveChat", turn, tokens: 10, usd, dayUsd };
};
const settle = (turn: string, usd: number): Command => {
  return { type: "settleChat", turn, usage: spent(10, usd) };
};
const price = { input: 1, output: 2, cacheWrite: 1 };

test("a chat and a loop share the day: what one holds the other cannot have", () => {
  const state = following(given("1 running"), reserve("a", 0.7, 1));
  const loops = { type: "reserve", id: id("1"), attempt: 1, turn: "t", tokens: 10 } as const;
  expect(answerTo(state, { ...loops, usd: 0.4, dayUsd: 1 })).toContain("the day's budget");
  following(state, { ...loops, usd: 0.3, dayUsd: 1 });
  expect(answerTo(state, reserve("b", 0.01, 1))).toContain("the day's budget has no room");
});

test("a call that a crash left open is charged in full, once", () => {
  const state = following(given(), reserve("a", 0.7), reserve("b", 0.1), settle("a", 0.2));
  following(state, { type: "chargeChats" });
  expect(spentOn(state.spending, 0)).toMatchObject({ tokens: 20, usd: expect.closeTo(0.3) });
  expect([openChats(state), state.spending.held.calls]).toEqual([[], 0]);
  expect(decide(state, { type: "chargeChats" }, moment)).toMatchObject({ events: [] });
});

test("a turn is reserved once and settled once", () => {
  const state = following(given(), reserve("a", 0.1));
  expect(answerTo(state, reserve("a", 0.1))).toContain("reserved already");
  following(state, settle("a", 0.1));
  expect(answerTo(state, settle("a", 0.1))).toContain("not reserved");
});

test("an unknown price is not free, and a spent day says what to do", () => {
  const call = { inputTokens: 10, outputTokensMax: 5_000, price: null };
  const day = { now: moment.now, dayUsd: 1 };
  expect(chatAllowance(given(), day, call)).toBe("price");
  expect(chatAllowance(given(), { ...day, dayUsd: null }, call)).toMatchObject({ usd: null });
  const state = following(given(), reserve("a", 1), settle("a", 1));
  expect(chatAllowance(state, day, { ...call, price })).toContain("raise budget.day-usd");
  const tomorrow = { now: moment.now + dayMs, dayUsd: 1 };
  expect(chatAllowance(state, tomorrow, { ...call, price })).toMatchObject({ tokens: 5_010 });
});

const turns = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  fc.record({ does: fc.constant("reserve" as const), turn: turns, cents: fc.nat(60) }),
  fc.record({ does: fc.constant("settle" as const), turn: turns, cents: fc.nat(60) }),
  fc.record({ does: fc.constant("crash" as const), turn: turns, cents: fc.constant(0) }),
);

function commandOf({ does, turn, cents }: { does: string; turn: string; cents: number }): Command {
  if (does === "crash") return { type: "chargeChats" };
  return does === "reserve" ? reserve(turn, cents / 100, 1) : settle(turn, cents / 100);
}

test("whatever happens: held is the sum of what is open, and replay, adoption and snapshots agree", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const state = emptyState();
      const other = emptyState();
      const log: Transaction[] = [];
      for (const each of steps) {
        const decision = decide(state, commandOf(each), moment);
        if (!decision.ok) continue;
        log.push({ seq: 1, at: moment.now, events: decision.events });
        for (const event of decision.events) {
          apply(state, event, moment.now);
          adopt(other, [touchedBy(state, event)]);
        }
        const open = openChats(state).reduce((sum, { usd }) => sum + (usd ?? 0), 0);
        expect(state.spending.held.usd).toBeCloseTo(open, 9);
        const { usd } = spentOn(state.spending, dayOf(moment.now));
        if (each.does === "reserve") expect(usd + open).toBeLessThanOrEqual(1 + 1e-6);
      }
      expect(replay(log)).toEqual(state);
      expect(other).toEqual(state);
      expect(restore(snapshotOf(state, 1)).state).toEqual(state);
    }),
  );
});
