import type { Price } from "../../ports/llm.ts";
import type { Config } from "./schema.ts";

/** `llm` as the clients of model APIs take it. */
export function modelSettings({ llm }: Config) {
  const providers = Object.entries(llm.providers).map(([name, provider]) => {
    const settings = {
      kind: provider.kind,
      apiKeyEnv: provider["api-key-env"],
      apiKeyFile: provider["api-key-file"],
      baseUrl: provider["base-url"],
      outputTokensMax: provider["output-tokens-max"],
    };
    return [name, settings] as const;
  });
  const prices = Object.entries(llm.prices).map(([model, price]): [string, Price] => {
    const { input, output, "cache-read": cacheRead, "cache-write": cacheWrite } = price;
    return [
      model,
      { input, output, cacheRead: cacheRead ?? input, cacheWrite: cacheWrite ?? input },
    ];
  });
  return {
    providers: Object.fromEntries(providers),
    prices: Object.fromEntries(prices),
    stallTimeoutMs: llm["stall-timeout"],
  };
}
