import type { LlmReply } from "../../../src/ports/llm.ts";

export interface ClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly stallTimeoutMs: number;
  readonly now: () => number;
}

/** One wire protocol, as the raw server-sent events of replies that the suite knows. */
export interface Protocol {
  /** The text "Grüße 👋 🌍" in two deltas, ended; usage as in `usage`. */
  readonly text: readonly string[];
  readonly usage: LlmReply["usage"];
  /** Text "Reading.", then the calls `read {"path":"ä.txt"}` (`c1`) and `list {}` (`c2`). */
  readonly tools: readonly string[];
  /** Thinking "Hm." and then the text "Yes". */
  readonly thinking: readonly string[];
  /** Cut by the output limit in the middle of the input of a call. */
  readonly maxTokens: readonly string[];
  readonly refusal: readonly string[];
  /** A call whose input is not JSON, properly ended. */
  readonly brokenInput: readonly string[];
  /** The beginning of a reply with the text "Hello". */
  readonly beginning: readonly string[];
  /** Any number of them is no progress. */
  readonly ping: string;
  /** More text: progress. */
  readonly more: string;
  readonly ending: readonly string[];
  readonly errorEvent: string;
  readonly malformed: string;
  errorBody(message: string): string;
  /** The tokens of a reply that broke after `beginning`. */
  readonly partialUsage: LlmReply["usage"];
}
