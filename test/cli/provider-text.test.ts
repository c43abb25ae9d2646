import { expect, test } from "vitest";
import { providerText } from "../../src/cli/provider-text.ts";
import type { ProviderView } from "../../src/protocol/status.ts";

const quiet: ProviderView = {
  name: "p",
  concurrency: null,
  inFlight: 0,
  waiting: 0,
  requestsPerMinute: null,
  inputTokensPerMinute: null,
  outputTokensPerMinute: null,
  breaker: "closed",
  nextTryAt: null,
  parkedUntil: null,
  reason: null,
  parked: [],
};

test("a provider is told in a line: calls, limits, and what keeps them waiting", () => {
  expect(providerText(quiet)).toBe("p: 0 calls under way, 0 waiting");
  const parkedUntil = "2026-01-01T13:00:00.000Z";
  expect(
    providerText({
      ...quiet,
      concurrency: 10,
      inFlight: 3,
      waiting: 2,
      requestsPerMinute: 50,
      outputTokensPerMinute: 8_000,
      breaker: "open",
      nextTryAt: "2026-01-01T12:00:00.000Z",
      parked: [{ model: "p/\u001b[31mred", parkedUntil, reason: "429" }],
    }),
  ).toBe(
    "p: 3 of 10 calls under way, 2 waiting, 50 requests a minute, 8000 output tokens a minute, failing, next try at 2026-01-01T12:00:00.000Z, p/red waits until 2026-01-01T13:00:00.000Z (429)",
  );
  expect(providerText({ ...quiet, breaker: "half-open" })).toContain("failing, being tried");
});
