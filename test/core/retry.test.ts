import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterFailure, type Failure } from "../../src/core/retry.ts";

const patience = { retryAfterMaxMs: 60_000, triesMax: 4 };
const passing: readonly Failure[] = [
  "rateLimited",
  "overloaded",
  "server",
  "network",
  "cut",
  "stalled",
  "malformed",
];
const all: readonly Failure[] = [...passing, "auth", "invalid"];

describe.each(passing)("%s", (failure) => {
  test("is waited for, longer each time, then parks the model for a minute", () => {
    expect([1, 2, 3, 4].map((tries) => afterFailure(failure, null, tries, 0, patience))).toEqual([
      { type: "wait", ms: 1_000 },
      { type: "wait", ms: 2_000 },
      { type: "wait", ms: 4_000 },
      { type: "park", ms: 60_000 },
    ]);
  });

  test("with Retry-After is waited for exactly so long, when that is within patience", () => {
    const step = afterFailure(failure, 30_000, 1, 0.9, patience);
    expect(step).toEqual({ type: "wait", ms: 30_000 });
  });

  test("with a Retry-After beyond patience parks the model at once until then", () => {
    const step = afterFailure(failure, 3_600_000, 1, 0, patience);
    expect(step).toEqual({ type: "park", ms: 3_600_000 });
  });
});

test("a refused key is tried once more, then a person is needed", () => {
  expect([1, 2].map((tries) => afterFailure("auth", null, tries, 0, patience))).toEqual([
    { type: "wait", ms: 1_000 },
    { type: "block" },
  ]);
  expect(afterFailure("auth", null, 1, 0, { ...patience, triesMax: 1 })).toEqual({ type: "block" });
});

test("a request that the provider calls invalid is not tried again", () => {
  expect(afterFailure("invalid", 5_000, 1, 0, patience)).toEqual({ type: "fail" });
});

test("never waits longer than patience, and comes to an end after the last try", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.option(fc.nat(10_000_000)),
      fc.integer({ min: 1, max: 10 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 1, max: 10 }),
      (failure, retryAfterMs, tries, jitter, triesMax) => {
        const step = afterFailure(failure, retryAfterMs, tries, jitter, { ...patience, triesMax });
        if (step.type === "wait") expect(step.ms).toBeLessThanOrEqual(patience.retryAfterMaxMs);
        if (tries >= triesMax) expect(step.type).not.toBe("wait");
        if (step.type === "park") expect(step.ms).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
      },
    ),
  );
});
