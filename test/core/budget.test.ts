import fc from "fast-check";
import { expect, test } from "vitest";
import {
  allow,
  exceeded,
  isFarFromAll,
  leftOf,
  levelsOf,
  replyTokensMin,
  tokensEstimated,
} from "../../src/core/budget.ts";
import { decide } from "../../src/core/decide.ts";
import { addUsage, type Loop, noUsage, tokensOf } from "../../src/core/loop.ts";
import { apply, loopOf } from "../../src/core/state.ts";
import { given, id, loop, moment, settings, spent } from "../given.ts";

const price = { input: 3, output: 15, cacheWrite: 3.75 };
const unlimited = { tokens: null, usd: null };

function limited(more: Partial<Loop["settings"]>, rest: Partial<Loop> = {}): Loop {
  return loop("1 running", { settings: { ...settings, ...more }, ...rest });
}

test("what is left is the limit minus what is spent minus what is reserved", () => {
  const reservations = [{ turn: "a", tokens: 300, usd: 0.25, at: 1 }];
  const one = limited(
    { budgetTokens: 1_000, budgetUsd: 2 },
    { usage: spent(500, 1), reservations },
  );
  expect(leftOf(one)).toEqual({ tokens: 200, usd: 0.75 });
  expect(leftOf(limited({}, { usage: spent(500, 1) }))).toEqual(unlimited);
});

test("without limits a reply may be as long as the model can", () => {
  expect(allow(unlimited, 1_000, 8_000, null)).toEqual({
    outputTokensMax: 8_000,
    tokens: 9_000,
    usd: null,
  });
  expect(allow(unlimited, 1_000_000, 8_000, price)).toEqual({
    outputTokensMax: 8_000,
    tokens: 1_008_000,
    usd: 3.75 + 0.12,
  });
});

test("a shortage is named", () => {
  expect(allow({ tokens: 2_000, usd: null }, 1_000, 8_000, null)).toBe("tokens");
  expect(allow({ tokens: null, usd: 0.01 }, 1_000, 8_000, price)).toBe("usd");
  expect(allow({ tokens: null, usd: 100 }, 1_000, 8_000, null)).toBe("price");
  expect(allow({ tokens: null, usd: -1 }, 0, 8_000, { input: 0, output: 0, cacheWrite: 0 })).toBe(
    "usd",
  );
});

const prices = fc.record({
  input: fc.double({ min: 0, max: 100, noNaN: true }),
  output: fc.double({ min: 0, max: 500, noNaN: true }),
  cacheWrite: fc.double({ min: 0, max: 125, noNaN: true }),
});

test("an allowance never exceeds what is left, and is never too small to be of use", () => {
  fc.assert(
    fc.property(
      fc.option(fc.integer({ min: -1_000, max: 1_000_000 })),
      fc.option(fc.double({ min: -1, max: 50, noNaN: true })),
      fc.nat(500_000),
      fc.integer({ min: replyTokensMin, max: 128_000 }),
      fc.option(prices),
      (tokens, usd, inputTokens, outputTokensMax, cost) => {
        const allowed = allow({ tokens, usd }, inputTokens, outputTokensMax, cost);
        if (typeof allowed === "string") return;
        expect(allowed.outputTokensMax).toBeGreaterThanOrEqual(replyTokensMin);
        expect(allowed.outputTokensMax).toBeLessThanOrEqual(outputTokensMax);
        expect(allowed.tokens).toBe(inputTokens + allowed.outputTokensMax);
        if (tokens !== null) expect(allowed.tokens).toBeLessThanOrEqual(tokens);
        if (usd !== null) expect(allowed.usd ?? Infinity).toBeLessThanOrEqual(usd + 1e-9);
      },
    ),
  );
});

test("reserve and settle never outspend, however calls and crashes follow", () => {
  const calls = fc.array(
    fc.record({
      inputTokens: fc.nat(20_000),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      crashes: fc.boolean(),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      calls,
      fc.nat(100_000),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, tokens, usd) => {
        const limits = { budgetTokens: tokens, budgetUsd: usd };
        const state = given(limited(limits));
        for (const [turn, call] of all.entries()) spend(state, String(turn), call);
        const { usage } = loopOf(state, id("1"));
        expect(tokensOf(usage)).toBeLessThanOrEqual(tokens);
        expect(usage.costUsd ?? Infinity).toBeLessThanOrEqual(usd + 1e-9);
      },
    ),
  );
});

function spend(
  state: ReturnType<typeof given>,
  turn: string,
  call: { inputTokens: number; used: number; crashes: boolean },
): void {
  const one = { id: id("1"), attempt: 1 };
  const allowed = allow(leftOf(loopOf(state, one.id)), call.inputTokens, 8_000, price);
  if (typeof allowed === "string") return;
  const { tokens, usd } = allowed;
  const reserved = decide(
    state,
    { type: "reserve", ...one, turn, tokens, usd, dayUsd: null },
    moment,
  );
  if (!reserved.ok) throw new Error(reserved.reason);
  for (const event of reserved.events) apply(state, event, 1);
  if (call.crashes) {
    const data = { attempt: 1, interruptedAt: "a crash", erred: false };
    apply(state, { type: "attempt.ended", loop: one.id, data }, 2);
    return;
  }
  const usage = spent(Math.floor(tokens * call.used), (usd ?? 0) * call.used);
  const settled = decide(state, { type: "settle", ...one, turn, usage, dayUsd: null }, moment);
  if (!settled.ok) throw new Error(settled.reason);
  for (const event of settled.events) apply(state, event, 2);
}

test("what is far from every limit exceeds none and warns of none", () => {
  const money = fc.integer({ min: 0, max: 10 });
  const limit = fc.option(fc.integer({ min: 0, max: 50 }));
  const many = fc.integer({ min: 0, max: 1_000 });
  const cases = fc.record({
    limits: fc.record({
      budgetTokens: fc.option(fc.nat(5_000)),
      budgetUsd: limit,
      planBudgetUsd: limit,
    }),
    used: fc.record({ tokens: many, usd: money }),
    held: fc.record({ tokens: many, usd: fc.option(money) }),
    more: fc.record({ tokens: many, usd: fc.option(money) }),
    dayUsd: limit,
  });
  let far = 0;
  fc.assert(
    fc.property(cases, ({ limits, used, held, more, dayUsd }) => {
      const reservations = [{ turn: "a", ...held, at: 1 }];
      const one = limited(limits, { usage: spent(used.tokens, used.usd), reservations });
      const state = given(one);
      const today = { now: 1, dayUsd };
      const isFar = isFarFromAll(state, one, more, today);
      const levels = levelsOf(state, one, today);
      if (!isFar) return;
      far += 1;
      expect(exceeded(levels, more)).toBeNull();
      for (const level of levels) {
        expect(level.spent + (more[level.unit] ?? Infinity)).toBeLessThan(0.8 * level.limit);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(far).toBeGreaterThan(100);
});

test("a cost that is unknown anywhere stays unknown", () => {
  expect(addUsage(spent(5, 1), spent(6, null))).toEqual({ ...spent(11, null), requests: 2 });
  expect(addUsage(spent(5, 1), noUsage)).toEqual(spent(5, 1));
});

test("every kind of token counts", () => {
  const usage = { ...noUsage, inputTokens: 1, outputTokens: 20, cacheReadTokens: 300 };
  expect(tokensOf({ ...usage, cacheWriteTokens: 4_000 })).toBe(4_321);
});

test("two bytes are one token at most", () => {
  expect([0, 1, 2, 3, 1_000].map(tokensEstimated)).toEqual([0, 1, 1, 2, 500]);
});
