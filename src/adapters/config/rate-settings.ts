import type { ModelLimits, RateLimits } from "../../core/admission.ts";
import type { Config } from "./schema.ts";

const minuteMs = 60_000;

/** What `llm.providers.<name>` allows; what is not set is not limited. */
export function rateLimitsOf({ llm }: Config, provider: string): RateLimits {
  const settings = Object.hasOwn(llm.providers, provider) ? llm.providers[provider] : undefined;
  const models = Object.entries(settings?.models ?? {}).map(([name, own]) => [name, limitsIn(own)]);
  return { ...limitsIn(settings), periodMs: minuteMs, models: Object.fromEntries(models) };
}

type Settings = NonNullable<Config["llm"]["providers"][string]["models"]>[string];

function limitsIn(settings: Settings | undefined): ModelLimits {
  return {
    concurrency: settings?.concurrency ?? null,
    perPeriod: {
      requests: settings?.["requests-per-minute"] ?? null,
      inputTokens: settings?.["input-tokens-per-minute"] ?? null,
      outputTokens: settings?.["output-tokens-per-minute"] ?? null,
    },
  };
}
