import fc from "fast-check";
import { expect, test } from "vitest";
import { dayMs, noSpending, projectedUsd, sliceMs } from "../../src/core/ledger.ts";

const hourMs = 3_600_000;

function spending(usd: number, at: number) {
  const day = { day: Math.floor(at / dayMs), usd, tokens: 0, warnedUsd: null };
  return { ...noSpending, days: [day], recent: [{ at, usd }] };
}

test("a day goes on as in the last hour", () => {
  const noon = 12 * hourMs;
  expect(projectedUsd(spending(2, noon - sliceMs), noon)).toBeCloseTo(2 + 2 * 12, 9);
  expect(projectedUsd(noSpending, noon)).toBe(0);
});

test("what was spent longer ago than that says nothing of the rest", () => {
  expect(projectedUsd(spending(2, hourMs), 12 * hourMs)).toBe(2);
});

test("it is never less than what is spent, and that at the end of the day", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(287), fc.nat(dayMs - 1), (usd, slice, now) => {
      const projected = projectedUsd(spending(usd, slice * sliceMs), now);
      expect(projected).toBeGreaterThanOrEqual(usd);
    }),
  );
  expect(projectedUsd(spending(3, dayMs - sliceMs), dayMs - 1)).toBeCloseTo(3, 3);
});
