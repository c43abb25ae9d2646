import { assert, unreachable } from "./assert.ts";
import { backoffMs } from "./backoff.ts";
import type { Millis } from "./loop.ts";

/** How long a turn puts up with a model API before it hands its slot back. */
export interface Patience {
  /** A longer Retry-After parks the model for everybody instead of waiting here. */
  readonly retryAfterMaxMs: Millis;
  readonly triesMax: number;
}

export type Failure =
  | "rateLimited"
  | "overloaded"
  | "server"
  | "network"
  | "cut"
  | "stalled"
  | "malformed"
  | "auth"
  | "invalid";

export type NextStep =
  | { readonly type: "wait"; readonly ms: Millis }
  | { readonly type: "park"; readonly ms: Millis }
  | { readonly type: "block" }
  | { readonly type: "fail" };

/** A refused key may be one hiccup of a gateway: it gets one more try, no more. */
const authTriesMax = 2;
const parkMsMin: Millis = 60_000;

/** What follows on the `tries`-th failure in a row of one model call. */
export function afterFailure(
  failure: Failure,
  retryAfterMs: Millis | null,
  tries: number,
  jitter: number,
  patience: Patience,
): NextStep {
  assert(tries >= 1, "tries count from one");
  const askedMs = Math.max(retryAfterMs ?? 0, backoffMs(tries, jitter));
  const waitMs = Math.min(askedMs, patience.retryAfterMaxMs);
  switch (failure) {
    case "invalid":
      return { type: "fail" };
    case "auth":
      return tries < Math.min(authTriesMax, patience.triesMax)
        ? { type: "wait", ms: waitMs }
        : { type: "block" };
    case "rateLimited":
    case "overloaded":
    case "server":
    case "network":
    case "cut":
    case "stalled":
    case "malformed":
      if (retryAfterMs !== null && retryAfterMs > patience.retryAfterMaxMs) {
        return { type: "park", ms: retryAfterMs };
      }
      if (tries >= patience.triesMax) return { type: "park", ms: Math.max(askedMs, parkMsMin) };
      return { type: "wait", ms: waitMs };
    default:
      return unreachable(failure);
  }
}
