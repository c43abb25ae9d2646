import { calcPrice } from "@pydantic/genai-prices";
import type { Millis, Usage } from "../../core/loop.ts";
import type { Price } from "../../ports/llm.ts";

const tokensPerUnit = 1_000_000;

/** The list price of a model at a time; null when the table does not know it. */
export function listPrice(provider: string, model: string, at: Millis): Price | null {
  const options = { providerId: provider, timestamp: new Date(at) };
  const found = calcPrice({ input_tokens: 0, output_tokens: 0 }, model, options);
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = found?.model_price ?? {};
  const input = dollars(input_mtok);
  const output = dollars(output_mtok);
  if (input === null || output === null) return null;
  return {
    input,
    output,
    cacheRead: dollars(cache_read_mtok) ?? input,
    cacheWrite: dollars(cache_write_mtok) ?? input,
  };
}

/** In dollars; null when the price is unknown. */
export function costOf(usage: Usage, price: Price | null): number | null {
  if (price === null) return null;
  const millionths =
    usage.inputTokens * price.input +
    usage.outputTokens * price.output +
    usage.cacheReadTokens * price.cacheRead +
    usage.cacheWriteTokens * price.cacheWrite;
  return millionths / tokensPerUnit;
}

/** Of tiers the base: the others start at prompts of 200,000 tokens and more. */
function dollars(price: number | { readonly base: number } | undefined): number | null {
  if (price === undefined) return null;
  return typeof price === "number" ? price : price.base;
}
