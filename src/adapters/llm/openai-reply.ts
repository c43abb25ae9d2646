import type {
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { Usage } from "../../core/loop.ts";
import {
  type ChatContent,
  type LlmDelta,
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
} from "../../ports/llm.ts";
import { describe, type Endpoint, replyCharsMax } from "./endpoint.ts";
import { stopReasonOf } from "./outcome.ts";
import type { Wire } from "./wire.ts";

type Finish = Extract<LanguageModelV4StreamPart, { type: "finish" }>;
type Piece =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | LanguageModelV4ToolCall;

const charsPerToken = 4;

/** A reply of a chat completion, put together part by part; no part is kept. */
export class PartAssembly {
  /** Null until the reply began; then what the server said of it, which it does at the end. */
  usage: Usage | null = null;
  readonly #endpoint: Endpoint;
  readonly #request: LlmRequest;
  readonly #pieces: Piece[] = [];
  readonly #toolNames = new Map<string, string>();
  #finish: Finish | null = null;
  #chars = 0;

  constructor(endpoint: Endpoint, request: LlmRequest) {
    this.#endpoint = endpoint;
    this.#request = request;
  }

  /** Adds one part; returns what a watcher should hear of it. */
  take(part: LanguageModelV4StreamPart): LlmDelta[] {
    if (part.type === "stream-start") return [];
    const began = this.usage === null;
    if (began) this.usage = this.#usageOf(undefined);
    const delta = this.#take(part);
    const deltas: LlmDelta[] = began ? [{ type: "began" }] : [];
    if (delta !== null) deltas.push(delta);
    return deltas;
  }

  /** The reply, if the stream had its end mark; else throws LlmError. */
  reply(wire: Wire): LlmReply {
    const finish = this.#finish;
    const raw = finish?.finishReason.raw;
    if (finish === null || raw === undefined) throw this.#error("cut", "ended before its end mark");
    if (raw === "error") throw this.#error("cut", "broke off its reply with an error");
    const isReported = finish.usage.outputTokens.total !== undefined;
    if (!wire.isDone && !isReported) throw this.#error("cut", "ended before its usage");
    const reason = finish.finishReason.unified;
    const mayBeIncomplete = stopReasonOf(reason, []) === "maxTokens";
    const content = this.#pieces.flatMap((piece) => this.#contentOf(piece, { mayBeIncomplete }));
    const usage = isReported ? this.#usageOf(finish.usage) : this.#estimate();
    return { content, stopReason: stopReasonOf(reason, content), usage };
  }

  #take(part: LanguageModelV4StreamPart): LlmDelta | null {
    switch (part.type) {
      case "text-start":
        this.#pieces.push({ type: "text", text: "" });
        return null;
      case "reasoning-start":
        this.#pieces.push({ type: "reasoning", text: "" });
        return null;
      case "text-delta":
        this.#extend("text", part.delta);
        return { type: "text", text: part.delta };
      case "reasoning-delta":
        this.#extend("reasoning", part.delta);
        return { type: "thinking", text: part.delta };
      case "tool-input-start":
        this.#toolNames.set(part.id, part.toolName);
        return { type: "toolInput", name: part.toolName };
      case "tool-input-delta":
        this.#bound(part.delta);
        return { type: "toolInput", name: this.#toolNames.get(part.id) ?? "unknown" };
      case "tool-call":
        this.#pieces.push(part);
        return null;
      case "finish":
        this.#finish = part;
        return null;
      default:
        return null;
    }
  }

  #extend(type: "text" | "reasoning", text: string): void {
    this.#bound(text);
    const last = this.#pieces.at(-1);
    if (last?.type === type) last.text += text;
    else this.#pieces.push({ type, text });
  }

  #bound(text: string): void {
    this.#chars += text.length;
    if (this.#chars > replyCharsMax) throw this.#error("malformed", "sent a reply without end");
  }

  /** Nothing for an empty piece, and for a call that the output limit cut in two. */
  #contentOf(piece: Piece, { mayBeIncomplete }: { mayBeIncomplete: boolean }): ChatContent[] {
    const { provider } = this.#endpoint;
    if (piece.type !== "tool-call") {
      if (piece.text === "") return [];
      if (piece.type === "text") return [{ type: "text", text: piece.text }];
      return [{ type: "thinking", provider, block: { type: "reasoning", text: piece.text } }];
    }
    const { toolCallId: id, toolName: name, providerMetadata: metadata } = piece;
    let input: unknown;
    try {
      input = piece.input.trim() === "" ? {} : JSON.parse(piece.input);
    } catch (error) {
      if (mayBeIncomplete) return [];
      throw this.#error("malformed", `sent input for the tool ${name} that is not JSON`, error);
    }
    const call: ChatContent = { type: "toolCall", id, name, input };
    if (metadata === undefined) return [call];
    return [{ type: "thinking", provider, block: { type: "call", id, metadata } }, call];
  }

  #usageOf(told: LanguageModelV4Usage | undefined): Usage {
    const cacheReadTokens = told?.inputTokens.cacheRead ?? 0;
    const cacheWriteTokens = told?.inputTokens.cacheWrite ?? 0;
    const total = told?.inputTokens.total ?? 0;
    return {
      inputTokens: Math.max(0, total - cacheReadTokens - cacheWriteTokens),
      outputTokens: told?.outputTokens.total ?? 0,
      cacheReadTokens,
      cacheWriteTokens,
      costUsd: null,
      requests: 1,
    };
  }

  /** For servers that never report usage: unknown is not free. */
  #estimate(): Usage {
    const { system, messages, tools } = this.#request;
    const asked = JSON.stringify([system, messages, tools]).length;
    return {
      ...this.#usageOf(undefined),
      inputTokens: Math.ceil(asked / charsPerToken),
      outputTokens: Math.ceil(this.#chars / charsPerToken),
    };
  }

  #error(kind: LlmErrorKind, text: string, cause?: unknown): LlmError {
    return new LlmError(kind, describe(this.#endpoint, text), { cause });
  }
}
