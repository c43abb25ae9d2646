import type { Corrections } from "../../core/admission.ts";
import type { Usage } from "../../core/loop.ts";
import { type ChatContent, LlmError, type LlmReply, type StopReason } from "../../ports/llm.ts";

const causesMax = 8;

/**
 * Limits and refusals are taken from the provider's word, the rest from the content: several
 * servers say "stop" after a tool call.
 */
export function stopReasonOf(told: string | null, content: readonly ChatContent[]): StopReason {
  switch (told) {
    case "max_tokens":
    case "model_context_window_exceeded":
    case "length":
      return "maxTokens";
    case "refusal":
    case "content-filter":
      return "refusal";
    default:
      return content.some((part) => part.type === "toolCall") ? "toolUse" : "endTurn";
  }
}

/** Our own verdict on a response, if that is what made a library fail. */
export function ownErrorIn(error: unknown): LlmError | null {
  let inner = error;
  for (let depth = 0; depth < causesMax && inner instanceof Error; depth += 1) {
    if (inner instanceof LlmError) return inner;
    inner = inner.cause;
  }
  return null;
}

/** The same error with what the reply had cost until then. */
export function withUsage(error: LlmError, usage: Usage | null): LlmError {
  if (usage === null || error.usage !== null) return error;
  const { status, retryAfterMs, rates, cause } = error;
  return new LlmError(error.kind, error.message, { status, retryAfterMs, usage, rates, cause });
}

/** The reply with what the headers before it said, if that was anything. */
export function withRates(reply: LlmReply, rates: Corrections | null): LlmReply {
  return rates === null ? reply : { ...reply, rates };
}

/** What lies at the bottom of a chain of causes: `ECONNREFUSED` says more than "fetch failed". */
export function rootOf(error: unknown): string {
  let root = error;
  for (let depth = 0; depth < causesMax; depth += 1) {
    if (!(root instanceof Error) || root.cause === undefined) break;
    root = root.cause;
  }
  if (!(root instanceof Error)) return String(root);
  const code = "code" in root && typeof root.code === "string" ? root.code : null;
  return code ?? root.message;
}
