import type { Gauge } from "./rate-limits.ts";
import type { ProtocolName } from "./wire.ts";

/** The headers with which each provider signs an answer. */
export function signature(
  protocol: ProtocolName,
  requestId: string,
  gauges: readonly Gauge[],
  now: number,
): Record<string, string> {
  return protocol === "anthropic"
    ? anthropicSignature(requestId, gauges)
    : openaiSignature(requestId, gauges, now);
}

function anthropicSignature(requestId: string, gauges: readonly Gauge[]): Record<string, string> {
  const headers: Record<string, string> = {
    "request-id": requestId,
    "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
  };
  for (const { name, limit, remaining, resetAt } of gauges) {
    headers[`anthropic-ratelimit-${name}-limit`] = String(limit);
    headers[`anthropic-ratelimit-${name}-remaining`] = String(remaining);
    headers[`anthropic-ratelimit-${name}-reset`] = isoSeconds(resetAt);
  }
  const tokens = gauges.filter(({ name }) => name !== "requests");
  const sum = (part: (gauge: Gauge) => number) =>
    tokens.reduce((total, gauge) => total + part(gauge), 0);
  if (tokens.length > 0) {
    headers["anthropic-ratelimit-tokens-limit"] = String(sum((gauge) => gauge.limit));
    headers["anthropic-ratelimit-tokens-remaining"] = String(sum((gauge) => gauge.remaining));
    headers["anthropic-ratelimit-tokens-reset"] = isoSeconds(
      Math.max(...tokens.map(({ resetAt }) => resetAt)),
    );
  }
  return headers;
}

function openaiSignature(
  requestId: string,
  gauges: readonly Gauge[],
  now: number,
): Record<string, string> {
  const headers: Record<string, string> = {
    "x-request-id": requestId,
    "openai-version": "2020-10-01",
    "openai-processing-ms": "1",
  };
  for (const { name, limit, remaining, resetAt } of gauges) {
    if (name === "output-tokens") continue;
    const what = name === "requests" ? "requests" : "tokens";
    headers[`x-ratelimit-limit-${what}`] = String(limit);
    headers[`x-ratelimit-remaining-${what}`] = String(remaining);
    headers[`x-ratelimit-reset-${what}`] = `${Math.max(0, resetAt - now)}ms`;
  }
  return headers;
}

const isoSeconds = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
