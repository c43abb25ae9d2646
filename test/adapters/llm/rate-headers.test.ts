import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ratesOf } from "../../../src/adapters/llm/rate-headers.ts";

const now = Date.parse("2026-01-01T12:00:00Z");
const of = (headers: Readonly<Record<string, string>>) => ratesOf((name) => headers[name], now);

test("Anthropic's headers are read, each kind for itself", () => {
  expect(
    of({
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-01-01T12:00:01Z",
      "anthropic-ratelimit-input-tokens-limit": "40000",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-01-01T12:01:00Z",
      "anthropic-ratelimit-output-tokens-remaining": "8000",
    }),
  ).toEqual({
    requests: { limit: 50, remaining: 49, resetAt: now + 1_000 },
    inputTokens: { limit: 40_000, remaining: 0, resetAt: now + 60_000 },
    outputTokens: { limit: null, remaining: 8_000, resetAt: null },
  });
});

test("the OpenAI family's headers are read, durations and all", () => {
  const reset = (text: string) =>
    of({
      "x-ratelimit-limit-tokens": "150000",
      "x-ratelimit-remaining-tokens": "149984",
      "x-ratelimit-reset-tokens": text,
    })?.inputTokens?.resetAt;
  expect(reset("6m0s")).toBe(now + 360_000);
  expect(reset("1s")).toBe(now + 1_000);
  expect(reset("20ms")).toBe(now + 20);
  expect(reset("1h2m3.5s")).toBe(now + 3_723_500);
  expect(of({ "x-ratelimit-remaining-requests": "3" })).toEqual({
    requests: { limit: null, remaining: 3, resetAt: null },
  });
});

describe("garbage", () => {
  test.each(["", "-1", "1.5", "NaN", "1e9", "0x10", "99999999999999", "Infinity", "12 34"])(
    "%j is no count",
    (text) => {
      expect(of({ "anthropic-ratelimit-requests-remaining": text })).toBe(null);
    },
  );

  test.each(["soon", "-5s", "2026", "9999-12-31T00:00:00Z", "9999h", `${"1".repeat(200)}s`])(
    "%j is no time",
    (text) => {
      const said = of({
        "anthropic-ratelimit-requests-remaining": "1",
        "anthropic-ratelimit-requests-reset": text,
      });
      expect(said).toEqual({ requests: { limit: null, remaining: 1, resetAt: null } });
    },
  );

  test("of any kind gives bounded numbers or nothing", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (limit, remaining, reset) => {
        const said = of({
          "x-ratelimit-limit-requests": limit,
          "x-ratelimit-remaining-requests": remaining,
          "x-ratelimit-reset-requests": reset,
        })?.requests;
        if (said === undefined) return;
        expect(said.remaining).toBeGreaterThanOrEqual(0);
        expect(said.remaining).toBeLessThanOrEqual(1e12);
        expect(Math.abs((said.resetAt ?? now) - now)).toBeLessThanOrEqual(86_400_000);
      }),
    );
  });
});
