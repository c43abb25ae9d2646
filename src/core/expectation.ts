/**
 * What a call of a model will probably take. The worst case, which a budget reserves, is several
 * times of it and would leave most of a rate limit unused; what is wrong is settled after the call.
 */
import type { Amounts } from "./admission.ts";

/** Of one model, learnt from its calls: caching and tokenisers are in the first number. */
export interface Expectation {
  readonly inputTokensPerByte: number;
  readonly outputTokens: number;
}

/** A byte of today's prompts is about a quarter of a token. */
export const firstExpectation: Expectation = { inputTokensPerByte: 0.25, outputTokens: 400 };

/** How much the newest call counts. */
const weight = 0.2;
const inputTokensPerByteMax = 2;
/** More than any call takes: a provider that reports more is not believed. */
export const tokensMax = 10_000_000;

export function expect(
  { inputTokensPerByte, outputTokens }: Expectation,
  bytes: number,
  outputTokensMax: number,
): Amounts {
  return {
    requests: 1,
    inputTokens: Math.ceil(bytes * inputTokensPerByte),
    outputTokens: Math.min(Math.ceil(outputTokens), outputTokensMax),
  };
}

/** Of a call that was replied to. */
export function learn(before: Expectation, bytes: number, real: Amounts): Expectation {
  const ratio = Math.min(real.inputTokens / Math.max(bytes, 1), inputTokensPerByteMax);
  return {
    inputTokensPerByte: mean(before.inputTokensPerByte, ratio),
    outputTokens: mean(before.outputTokens, real.outputTokens),
  };
}

function mean(before: number, newest: number): number {
  return before + weight * (newest - before);
}

/** Numbers of a provider, made harmless: whole, not negative, bounded. */
export function plausible(tokens: number): number {
  if (!Number.isFinite(tokens)) return tokens > 0 ? tokensMax : 0;
  return Math.min(Math.max(Math.round(tokens), 0), tokensMax);
}
