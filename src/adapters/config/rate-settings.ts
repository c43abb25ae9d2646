import type { RateLimits } from "../../core/admission.ts";
import type { Config } from "./schema.ts";

const minuteMs = 60_000;

/** What `llm.providers.<name>` allows; what is not set is not limited. */
export function rateLimitsOf({ llm }: Config, provider: string): RateLimits {
  const settings = Object.hasOwn(llm.providers, provider) ? llm.providers[provider] : undefined;
  return {
    concurrency: settings?.concurrency ?? null,
    perPeriod: {
      requests: settings?.["requests-per-minute"] ?? null,
      inputTokens: settings?.["input-tokens-per-minute"] ?? null,
      outputTokens: settings?.["output-tokens-per-minute"] ?? null,
    },
    periodMs: minuteMs,
  };
}
