import fc from "fast-check";
import { expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import { backoffMs } from "../../src/core/backoff.ts";

test("doubles, and stops doubling at five minutes", () => {
  expect([1, 2, 3, 9, 10, 99].map((failures) => backoffMs(failures, 0))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
});

test("never shrinks with failures, never exceeds one and a half of the cap", () => {
  const jitters = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), jitters, (failures, jitter) => {
      expect(backoffMs(failures + 1, jitter)).toBeGreaterThanOrEqual(backoffMs(failures, jitter));
      expect(backoffMs(failures, jitter)).toBeLessThanOrEqual(450_000);
    }),
  );
});

test("failures count from one, and jitter is a fraction", () => {
  expect(() => backoffMs(0, 0)).toThrow(Bug);
  expect(() => backoffMs(1, 1)).toThrow(Bug);
  expect(() => backoffMs(1, -0.1)).toThrow(Bug);
});
