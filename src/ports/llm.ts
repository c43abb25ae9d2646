/** Models, as the engine sees them: one more page of the outside world. */
import type { Corrections } from "../core/admission.ts";
import type { Usage } from "../core/loop.ts";

export type ChatContent =
  | { readonly type: "text"; readonly text: string }
  /** Opaque to us; passed back unchanged, because providers demand it in tool turns. */
  | { readonly type: "thinking"; readonly provider: string; readonly block: unknown }
  | {
      readonly type: "toolCall";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    }
  | {
      readonly type: "toolResult";
      readonly id: string;
      readonly text: string;
      readonly isError: boolean;
    };

export interface ChatMessage {
  readonly role: "user" | "assistant";
  readonly content: readonly ChatContent[];
}

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface LlmRequest {
  readonly model: string;
  readonly system: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolSpec[];
  readonly outputTokensMax: number;
}

export type StopReason = "endTurn" | "toolUse" | "maxTokens" | "refusal";

export interface LlmReply {
  readonly content: readonly ChatContent[];
  readonly stopReason: StopReason;
  /** `costUsd` is filled in by whoever knows the price; a client reports null. */
  readonly usage: Usage;
  /** What the provider's headers said of its rate limits; absent when they said nothing. */
  readonly rates?: Corrections;
}

export type LlmDelta =
  | { readonly type: "began" }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "toolInput"; readonly name: string };

/** One conversation with a model API. No retries, no waiting: those are decisions, made above. */
export interface LlmClient {
  /**
   * Streams one reply. Rejects only with LlmError. A stream that ends without the provider's own
   * end mark is `cut`, never a reply. Ends within 1 s of an abort (`aborted`).
   */
  complete(
    request: LlmRequest,
    signal: AbortSignal,
    onDelta: (delta: LlmDelta) => void,
  ): Promise<LlmReply>;
}

export type LlmErrorKind =
  | "rateLimited" // 429
  | "overloaded" // 529, 503
  | "server" // other 5xx
  | "network" // no connection, reset before the reply began
  | "cut" // the stream ended or broke before its end mark, or an error event came in mid-stream
  | "stalled" // no progress for `stallTimeoutMs`; pings do not count
  | "malformed" // bytes that are not the protocol
  | "auth" // 401, 403: a person must mend the key
  | "invalid" // 400, 404, 413, 422: the request will never work
  | "aborted";

export class LlmError extends Error {
  readonly kind: LlmErrorKind;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** What was reported before it broke, if the reply began; `costUsd` null. */
  readonly usage: Usage | null;
  /** What the provider's headers said of its rate limits. */
  readonly rates: Corrections | null;

  constructor(
    kind: LlmErrorKind,
    message: string,
    more: {
      status?: number | null;
      retryAfterMs?: number | null;
      usage?: Usage | null;
      rates?: Corrections | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "LlmError";
    this.kind = kind;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.usage = more.usage ?? null;
    this.rates = more.rates ?? null;
  }
}

/** Dollars per million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface Model {
  readonly provider: string;
  /** The name the provider knows it by. */
  readonly name: string;
  readonly client: LlmClient;
  /** Null when nobody knows: unknown is not free. */
  readonly price: Price | null;
  readonly outputTokensMax: number;
}

export interface Models {
  /** `name` is `provider/model`. Throws ModelUnavailable with a remedy for the person. */
  resolve(name: string): Model;
}

export class ModelUnavailable extends Error {}
