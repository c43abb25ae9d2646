import { type Loop, tokensOf } from "./loop.ts";

/** What a loop may still reserve; null where no limit is set. */
export interface Left {
  readonly tokens: number | null;
  readonly usd: number | null;
}

/** Limit minus what is spent minus what is reserved. May be negative: real usage is what it is. */
export function leftOf(loop: Loop): Left {
  const reservedTokens = loop.reservations.reduce((sum, { tokens }) => sum + tokens, 0);
  const reservedUsd = loop.reservations.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
  const { budgetTokens, budgetUsd } = loop.settings;
  return {
    tokens: budgetTokens === null ? null : budgetTokens - tokensOf(loop.usage) - reservedTokens,
    usd: budgetUsd === null ? null : budgetUsd - (loop.usage.costUsd ?? 0) - reservedUsd,
  };
}

/** Dollars per million tokens, as in ports.ts. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
}

/** A model call that fits: how long its reply may be, and what to reserve for the worst case. */
export interface Allowance {
  readonly outputTokensMax: number;
  readonly tokens: number;
  readonly usd: number | null;
}

export type Shortage = "tokens" | "usd" | "price";

/** A reply shorter than this is not worth its request. */
export const replyTokensMin = 1_024;

/**
 * The largest reply that what is left can pay for, input first. Input is reserved at the price of
 * writing it to the cache, the dearest way to send it.
 */
export function allow(
  left: Left,
  inputTokens: number,
  outputTokensMax: number,
  price: TokenPrice | null,
): Allowance | Shortage {
  if (left.usd !== null && price === null) return "price";
  const byTokens = left.tokens === null ? outputTokensMax : left.tokens - inputTokens;
  if (byTokens < replyTokensMin) return "tokens";
  const inputUsd = price === null ? 0 : (inputTokens * inputPrice(price)) / 1e6;
  const byUsd =
    left.usd === null || price === null || price.output === 0
      ? outputTokensMax
      : Math.floor(((left.usd - inputUsd) / price.output) * 1e6);
  if (byUsd < replyTokensMin || (left.usd !== null && left.usd < inputUsd)) return "usd";
  const output = Math.min(outputTokensMax, byTokens, byUsd);
  return {
    outputTokensMax: output,
    tokens: inputTokens + output,
    usd: price === null ? null : inputUsd + (output * price.output) / 1e6,
  };
}

function inputPrice(price: TokenPrice): number {
  return Math.max(price.input, price.cacheWrite);
}

/** An upper estimate: today's tokenisers make at most one token of two bytes of UTF-8. */
export function tokensEstimated(bytes: number): number {
  return Math.ceil(bytes / 2);
}
