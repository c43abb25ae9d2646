import { type Anthropic, APIConnectionError, APIError, Anthropic as Sdk } from "@anthropic-ai/sdk";
import type { Corrections } from "../../core/admission.ts";
import type { Usage } from "../../core/loop.ts";
import {
  type ChatContent,
  type ChatMessage,
  type LlmClient,
  type LlmDelta,
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
} from "../../ports/llm.ts";
import {
  describe,
  type Endpoint,
  fetchEvents,
  kindOfStatus,
  replyCharsMax,
  retryAfterMs,
} from "./endpoint.ts";
import { ownErrorIn, rootOf, stopReasonOf, withRates, withUsage } from "./outcome.ts";
import { ratesOf } from "./rate-headers.ts";
import { type Watch, watched } from "./watch.ts";

type Event = Anthropic.RawMessageStreamEvent;
type EventUsage = Partial<Omit<Anthropic.MessageDeltaUsage, "server_tool_use">>;

const silent = () => {};
const logger = { error: silent, warn: silent, info: silent, debug: silent };
const timerMsMax = 2 ** 31 - 1;
const cacheHere = { type: "ephemeral" } as const;

/** The Messages API, streamed. The SDK parses the wire; what a broken stream means is told here. */
export class AnthropicClient implements LlmClient {
  readonly #endpoint: Endpoint & { readonly apiKey: string };
  readonly #sdk: Sdk;

  constructor(endpoint: Endpoint & { readonly apiKey: string }) {
    this.#endpoint = endpoint;
    this.#sdk = new Sdk({
      apiKey: endpoint.apiKey,
      baseURL: endpoint.baseUrl,
      fetch: fetchEvents(endpoint),
      maxRetries: 0,
      timeout: timerMsMax,
      logger,
      openTelemetry: false,
    });
  }

  async complete(
    request: LlmRequest,
    signal: AbortSignal,
    onDelta: (delta: LlmDelta) => void,
  ): Promise<LlmReply> {
    const assembly = new Assembly(this.#endpoint);
    try {
      await watched(this.#endpoint, signal, onDelta, (watch) =>
        this.#stream(request, watch, assembly),
      );
    } catch (error) {
      if (!(error instanceof LlmError)) throw error;
      // What breaks after the end mark cannot unmake the reply.
      if (!assembly.isWhole) throw withUsage(error, assembly.usage);
    }
    try {
      return withRates(assembly.reply(), assembly.rates);
    } catch (error) {
      throw error instanceof LlmError ? withUsage(error, assembly.usage) : error;
    }
  }

  async #stream(request: LlmRequest, watch: Watch, assembly: Assembly): Promise<void> {
    const body = bodyOf(request, this.#endpoint.provider);
    let events: AsyncIterator<Event>;
    try {
      // Not messages.create(): that writes warnings about old models to the console.
      const options = { body, stream: true, signal: watch.signal, timeout: timerMsMax };
      const call = this.#sdk.post<AsyncIterable<Event>>("/v1/messages", options);
      const { data: stream, response } = await call.withResponse();
      assembly.rates = ratesOf((name) => response.headers.get(name), this.#endpoint.now());
      events = stream[Symbol.asyncIterator]();
    } catch (error) {
      throw this.#failure(error, false);
    }
    watch.progress();
    while (true) {
      let next: IteratorResult<Event>;
      try {
        next = await events.next();
      } catch (error) {
        throw this.#failure(error, assembly.usage !== null);
      }
      if (next.done) break;
      watch.progress();
      const delta = assembly.take(next.value);
      if (delta !== null) watch.tell(delta);
      if (assembly.isWhole) watch.closing();
    }
    if (!assembly.isWhole) throw this.#error("cut", "the stream ended before message_stop");
  }

  #failure(error: unknown, began: boolean): LlmError {
    const own = ownErrorIn(error);
    if (own !== null) return own;
    if (error instanceof SyntaxError) {
      return this.#error("malformed", "sent an event that is not JSON", { cause: error });
    }
    if (!(error instanceof APIError) || error instanceof APIConnectionError) {
      const text = began ? "the connection broke" : `cannot reach ${this.#endpoint.baseUrl}`;
      const kind = began ? "cut" : "network";
      return this.#error(kind, `${text} (${rootOf(error)})`, { cause: error });
    }
    const text = [error.type, error.apiMessage ?? error.message].filter(Boolean).join(": ");
    if (typeof error.status === "number") {
      return this.#error(kindOfStatus(error.status), `${error.status} ${text}`, {
        status: error.status,
        retryAfterMs: retryAfterMs((name) => error.headers?.get(name), this.#endpoint.now()),
        rates: ratesOf((name) => error.headers?.get(name), this.#endpoint.now()),
      });
    }
    return this.#error(began ? "cut" : kindOfEvent(error.type), `error event: ${text}`);
  }

  #error(
    kind: LlmErrorKind,
    text: string,
    more: ConstructorParameters<typeof LlmError>[2] = {},
  ): LlmError {
    return new LlmError(kind, describe(this.#endpoint, text), more);
  }
}

/** An error event in place of a reply means what its HTTP status would have meant. */
function kindOfEvent(type: string | null): LlmErrorKind {
  switch (type) {
    case "overloaded_error":
      return "overloaded";
    case "rate_limit_error":
      return "rateLimited";
    case "authentication_error":
    case "permission_error":
    case "billing_error":
      return "auth";
    case "invalid_request_error":
    case "not_found_error":
    case "request_too_large":
      return "invalid";
    case "api_error":
    case "timeout_error":
      return "server";
    default:
      return "cut";
  }
}

// ── the reply, put together event by event; no event is kept ─────────────────────────────────

type Block =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: unknown; json: string };

class Assembly {
  /** Null until the reply began. */
  usage: Usage | null = null;
  rates: Corrections | null = null;
  isWhole = false;
  readonly #endpoint: Endpoint;
  readonly #blocks = new Map<number, Block | null>();
  #stopReason: string | null = null;
  #chars = 0;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Adds one event; returns what a watcher should hear of it. Throws LlmError `malformed`. */
  take(event: Event): LlmDelta | null {
    try {
      return this.#take(event);
    } catch (error) {
      if (error instanceof LlmError) throw error;
      throw this.#malformed("sent an event of an unknown shape", error);
    }
  }

  reply(): LlmReply {
    if (this.usage === null) throw this.#malformed("ended a reply that it never began");
    const mayBeIncomplete = stopReasonOf(this.#stopReason, []) === "maxTokens";
    const content: ChatContent[] = [];
    for (const block of this.#blocks.values()) {
      const made = block && this.#contentOf(block, { mayBeIncomplete });
      if (made) content.push(made);
    }
    return { content, stopReason: stopReasonOf(this.#stopReason, content), usage: this.usage };
  }

  #take(event: Event): LlmDelta | null {
    if (this.usage === null) {
      if (event.type !== "message_start") throw this.#malformed(`began with ${event.type}`);
      this.#count(event.message.usage);
      return { type: "began" };
    }
    switch (event.type) {
      case "content_block_delta":
        return this.#extend(this.#blocks.get(event.index), event.delta);
      case "content_block_start":
        this.#bounded(JSON.stringify(event.content_block));
        this.#blocks.set(event.index, blockOf(event.content_block));
        return null;
      case "message_delta":
        this.#stopReason = event.delta.stop_reason ?? this.#stopReason;
        this.#count(event.usage ?? {});
        return null;
      case "message_stop":
        this.isWhole = true;
        return null;
      case "message_start":
        throw this.#malformed("began a second reply in one stream");
      default:
        return null;
    }
  }

  #extend(block: Block | null | undefined, delta: Anthropic.RawContentBlockDelta): LlmDelta | null {
    if (block === undefined) throw this.#malformed("sent a delta of a block that never began");
    if (delta.type === "text_delta" && block?.type === "text") {
      block.text += this.#bounded(delta.text);
      return { type: "text", text: delta.text };
    }
    if (delta.type === "input_json_delta" && block?.type === "tool_use") {
      block.json += this.#bounded(delta.partial_json);
      return { type: "toolInput", name: block.name };
    }
    if (delta.type === "thinking_delta" && block?.type === "thinking") {
      block.thinking += this.#bounded(delta.thinking);
      return { type: "thinking", text: delta.thinking };
    }
    if (delta.type === "signature_delta" && block?.type === "thinking") {
      block.signature += this.#bounded(delta.signature);
    }
    return null;
  }

  #bounded(text: string): string {
    this.#chars += text.length;
    if (this.#chars > replyCharsMax) throw this.#malformed("sent a reply without end");
    return text;
  }

  /** Later numbers win; what a later event leaves out keeps its earlier value. */
  #count(told: EventUsage): void {
    this.usage = {
      inputTokens: told.input_tokens ?? this.usage?.inputTokens ?? 0,
      outputTokens: told.output_tokens ?? this.usage?.outputTokens ?? 0,
      cacheReadTokens: told.cache_read_input_tokens ?? this.usage?.cacheReadTokens ?? 0,
      cacheWriteTokens: told.cache_creation_input_tokens ?? this.usage?.cacheWriteTokens ?? 0,
      costUsd: null,
      requests: 1,
    };
  }

  /** Null for a block with nothing in it, and for a call that the output limit cut in two. */
  #contentOf(block: Block, { mayBeIncomplete }: { mayBeIncomplete: boolean }): ChatContent | null {
    if (block.type === "text") return block.text === "" ? null : { type: "text", text: block.text };
    if (block.type !== "tool_use") {
      return { type: "thinking", provider: this.#endpoint.provider, block };
    }
    const { id, name, json } = block;
    if (json === "") return { type: "toolCall", id, name, input: block.input };
    try {
      return { type: "toolCall", id, name, input: JSON.parse(json) as unknown };
    } catch (error) {
      if (mayBeIncomplete) return null;
      throw this.#malformed(`sent input for the tool ${name} that is not JSON`, error);
    }
  }

  #malformed(text: string, cause?: unknown): LlmError {
    return new LlmError("malformed", describe(this.#endpoint, text), { cause });
  }
}

/** Null for kinds of block that we never ask for. */
function blockOf(block: Anthropic.ContentBlock): Block | null {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text };
    case "thinking":
      return { type: "thinking", thinking: block.thinking, signature: block.signature ?? "" };
    case "redacted_thinking":
      return { type: "redacted_thinking", data: block.data };
    case "tool_use":
      return { type: "tool_use", id: block.id, name: block.name, input: block.input, json: "" };
    default:
      return null;
  }
}

// ── the request ──────────────────────────────────────────────────────────────────────────────

/**
 * Cache breakpoints (at most four) stand where the prefix stays the same from turn to turn: after
 * the tools, after the system prompt, and after the two newest messages of the user's side.
 */
function bodyOf(request: LlmRequest, provider: string): Anthropic.MessageCreateParamsStreaming {
  const messages = request.messages
    .map((message) => messageOf(message, provider))
    .filter((message) => message.content.length > 0);
  const asked = messages.filter((message) => message.role === "user").slice(-2);
  for (const message of asked) cacheAfter(message.content);
  const tools = request.tools.map(
    (tool): Anthropic.Tool => ({
      name: tool.name,
      description: tool.description,
      input_schema: { ...tool.inputSchema, type: "object" },
    }),
  );
  const lastTool = tools.at(-1);
  if (lastTool) lastTool.cache_control = cacheHere;
  return {
    model: request.model,
    max_tokens: request.outputTokensMax,
    stream: true,
    messages,
    ...(tools.length > 0 && { tools }),
    ...(request.system !== "" && {
      system: [{ type: "text" as const, text: request.system, cache_control: cacheHere }],
    }),
  };
}

interface MessageParam {
  role: "user" | "assistant";
  content: Anthropic.ContentBlockParam[];
}

/** The API wants tool results before any text of the same message. */
function messageOf(message: ChatMessage, provider: string): MessageParam {
  const results = message.content.filter((part) => part.type === "toolResult");
  const others = message.content.filter((part) => part.type !== "toolResult");
  return {
    role: message.role,
    content: [...results, ...others].flatMap((part) => paramOf(part, provider)),
  };
}

function paramOf(part: ChatContent, provider: string): Anthropic.ContentBlockParam[] {
  switch (part.type) {
    case "text":
      return part.text === "" ? [] : [{ type: "text", text: part.text }];
    case "thinking":
      // Only its own provider can read it. It came from blockOf(), so it has the block's shape.
      return part.provider === provider ? [part.block as Anthropic.ThinkingBlockParam] : [];
    case "toolCall":
      return [{ type: "tool_use", id: part.id, name: part.name, input: part.input ?? {} }];
    case "toolResult":
      return [
        { type: "tool_result", tool_use_id: part.id, content: part.text, is_error: part.isError },
      ];
  }
}

function cacheAfter(content: Anthropic.ContentBlockParam[]): void {
  const last = content.at(-1);
  if (last?.type === "text" || last?.type === "tool_result") last.cache_control = cacheHere;
}
