import type { ReadableStreamReadResult } from "node:stream/web";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type {
  JSONSchema7,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import type { Corrections } from "../../core/admission.ts";
import {
  type ChatMessage,
  type LlmClient,
  type LlmDelta,
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
} from "../../ports/llm.ts";
import { describe, type Endpoint, fetchEvents, kindOfStatus, retryAfterMs } from "./endpoint.ts";
import { PartAssembly } from "./openai-reply.ts";
import { ownErrorIn, rootOf, withRates, withUsage } from "./outcome.ts";
import { ratesOf } from "./rate-headers.ts";
import { type Watch, watched } from "./watch.ts";
import { untilDone, type Wire } from "./wire.ts";

/** Chat completions as OpenAI, Ollama and most gateways speak them. */
export class OpenAiCompatibleClient implements LlmClient {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  async complete(
    request: LlmRequest,
    signal: AbortSignal,
    onDelta: (delta: LlmDelta) => void,
  ): Promise<LlmReply> {
    const assembly = new PartAssembly(this.#endpoint, request);
    const wire: Wire = { isDone: false, hasEnded: false, headers: null };
    try {
      await watched(this.#endpoint, signal, onDelta, (watch) =>
        this.#stream(request, watch, assembly, wire),
      );
      return withRates(assembly.reply(wire), this.#rates(wire));
    } catch (error) {
      throw error instanceof LlmError ? withUsage(error, assembly.usage) : error;
    }
  }

  async #stream(
    request: LlmRequest,
    watch: Watch,
    assembly: PartAssembly,
    wire: Wire,
  ): Promise<void> {
    const parts = await this.#open(request, watch, wire);
    watch.progress();
    while (true) {
      let next: ReadableStreamReadResult<LanguageModelV4StreamPart>;
      try {
        next = await parts.read();
        if (!next.done && next.value.type === "error") throw next.value.error;
      } catch (error) {
        throw this.#failure(error, wire, assembly.usage !== null);
      }
      if (next.done) return;
      watch.progress();
      for (const delta of assembly.take(next.value)) watch.tell(delta);
    }
  }

  async #open(
    request: LlmRequest,
    watch: Watch,
    wire: Wire,
  ): Promise<ReadableStreamDefaultReader<LanguageModelV4StreamPart>> {
    try {
      const options = { ...optionsOf(request, this.#endpoint.provider), abortSignal: watch.signal };
      const { stream } = await this.#model(request.model, wire).doStream(options);
      return stream.getReader();
    } catch (error) {
      throw this.#failure(error, wire, false);
    }
  }

  /** A model is only a description; it is made per request because its fetch tells of one wire. */
  #model(name: string, wire: Wire): LanguageModelV4 {
    const { provider, baseUrl, apiKey } = this.#endpoint;
    // OpenAI's own newer models refuse the old name of the limit; most other servers know only it.
    const isOpenAi = new URL(baseUrl).hostname === "api.openai.com";
    return createOpenAICompatible({
      name: provider,
      baseURL: baseUrl,
      ...(apiKey !== null && { apiKey }),
      includeUsage: true,
      fetch: untilDone(fetchEvents(this.#endpoint), wire),
      transformRequestBody: ({ max_tokens, ...rest }) =>
        isOpenAi ? { ...rest, max_completion_tokens: max_tokens } : { ...rest, max_tokens },
    }).languageModel(name);
  }

  #failure(error: unknown, wire: Wire, began: boolean): LlmError {
    const own = ownErrorIn(error);
    if (own !== null) return own;
    const name = error instanceof Error ? error.name : "";
    if (name === "AI_JSONParseError" || name === "AI_TypeValidationError") {
      return this.#error("malformed", "sent an event that is not of the protocol");
    }
    if (name === "AI_InvalidResponseDataError") {
      const isCut = wire.hasEnded && !wire.isDone;
      return isCut
        ? this.#error("cut", "the stream ended before its end mark")
        : this.#error("malformed", rootOf(error));
    }
    if (error instanceof Error) return this.#callFailure(error, wire, began);
    return this.#errorPart(error, began);
  }

  /** Thrown by the library: an answer with a bad status, or no answer. */
  #callFailure(error: CallError, wire: Wire, began: boolean): LlmError {
    if (error.statusCode === undefined || error.statusCode < 300) {
      const text = began ? "the connection broke" : `cannot reach ${this.#endpoint.baseUrl}`;
      // Not the error itself: it holds the whole request.
      return this.#error(began ? "cut" : "network", `${text} (${rootOf(error)})`, {
        cause: error.cause,
      });
    }
    const { statusCode, responseBody = "", responseHeaders = {} } = error;
    const text = responseBody.includes(error.message)
      ? error.message
      : `${error.message} ${responseBody}`;
    return this.#error(kindOfStatus(statusCode), `${statusCode} ${text}`, {
      status: statusCode,
      retryAfterMs: retryAfterMs((header) => responseHeaders[header], this.#endpoint.now()),
      rates: this.#rates(wire),
    });
  }

  #rates({ headers }: Wire): Corrections | null {
    return ratesOf((name) => headers?.get(name), this.#endpoint.now());
  }

  /** The server's own error object; gateways put the status they got into its `code`. */
  #errorPart(error: unknown, began: boolean): LlmError {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    const status = Number(code);
    const kind = began || !(status >= 400) ? "cut" : kindOfStatus(status);
    return this.#error(kind, `error event: ${message ?? JSON.stringify(error)}`);
  }

  #error(
    kind: LlmErrorKind,
    text: string,
    more: ConstructorParameters<typeof LlmError>[2] = {},
  ): LlmError {
    return new LlmError(kind, describe(this.#endpoint, text), more);
  }
}

interface CallError extends Error {
  readonly statusCode?: number;
  readonly responseBody?: string;
  readonly responseHeaders?: Record<string, string>;
}

// ── the request ──────────────────────────────────────────────────────────────────────────────

function optionsOf(request: LlmRequest, provider: string): LanguageModelV4CallOptions {
  const names = new Map<string, string>();
  const prompt: LanguageModelV4Prompt = [];
  if (request.system !== "") prompt.push({ role: "system", content: request.system });
  for (const message of request.messages) {
    prompt.push(
      ...(message.role === "user"
        ? userPrompt(message, names)
        : assistantPrompt(message, provider, names)),
    );
  }
  return {
    prompt,
    maxOutputTokens: request.outputTokensMax,
    ...(request.tools.length > 0 && {
      tools: request.tools.map(({ name, description, inputSchema }) => ({
        type: "function" as const,
        name,
        description,
        inputSchema: inputSchema as JSONSchema7,
      })),
    }),
  };
}

function userPrompt(message: ChatMessage, names: Map<string, string>): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = [];
  const results = message.content.flatMap((part) =>
    part.type === "toolResult"
      ? [
          {
            type: "tool-result" as const,
            toolCallId: part.id,
            toolName: names.get(part.id) ?? "unknown",
            output: { type: part.isError ? "error-text" : "text", value: part.text } as const,
          },
        ]
      : [],
  );
  const texts = message.content.flatMap((part) =>
    part.type === "text" && part.text !== "" ? [{ type: "text" as const, text: part.text }] : [],
  );
  if (results.length > 0) prompt.push({ role: "tool", content: results });
  if (texts.length > 0) prompt.push({ role: "user", content: texts });
  return prompt;
}

/** Thinking goes back to its own provider only; with it what that provider hung on a call. */
function assistantPrompt(
  message: ChatMessage,
  provider: string,
  names: Map<string, string>,
): LanguageModelV4Prompt {
  const content: Extract<LanguageModelV4Prompt[number], { role: "assistant" }>["content"] = [];
  const attached = new Map<string, SharedV4ProviderOptions>();
  for (const part of message.content) {
    if (part.type === "text") content.push({ type: "text", text: part.text });
    if (part.type === "thinking" && part.provider === provider) {
      // It came from PartAssembly, so it is one of its blocks.
      const block = part.block as ThinkingBlock;
      if (block.type === "reasoning") content.push({ type: "reasoning", text: block.text });
      else attached.set(block.id, block.metadata);
    }
    if (part.type === "toolCall") {
      names.set(part.id, part.name);
      const providerOptions = attached.get(part.id);
      content.push({
        type: "tool-call",
        toolCallId: part.id,
        toolName: part.name,
        input: part.input ?? {},
        ...(providerOptions && { providerOptions }),
      });
    }
  }
  return content.length > 0 ? [{ role: "assistant", content }] : [];
}

type ThinkingBlock =
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "call"; readonly id: string; readonly metadata: SharedV4ProviderOptions };
