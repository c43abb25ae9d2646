import type { Dice } from "./dice.ts";
import type { StopReason } from "./scenario.ts";

export type ProtocolName = "anthropic" | "chat" | "responses";

/** A request in words that all protocols share. */
export interface NormalRequest {
  readonly protocol: ProtocolName;
  readonly model: string;
  readonly system: string;
  readonly messages: readonly NormalMessage[];
  /** The names of the tools on offer. */
  readonly tools: readonly string[];
  /** The number of assistant messages so far. */
  readonly turn: number;
  /** Every string of it a person would read, one to a line: what `match` searches. */
  readonly text: string;
}

export interface NormalMessage {
  readonly role: "user" | "assistant";
  readonly texts: readonly string[];
  readonly toolCalls: readonly NormalToolCall[];
  readonly toolResults: readonly NormalToolResult[];
}

interface NormalToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

interface NormalToolResult {
  readonly id: string;
  readonly text: string;
  readonly isError: boolean;
}

/** What a provider says instead of an answer. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly param?: string;
  readonly code?: string;
}

/** One server-sent event. */
export interface Frame {
  readonly event: string | null;
  readonly data: string;
  /** What it costs at the scenario's tokens per second. */
  readonly tokens: number;
  /** Part of the end mark. */
  readonly closing: boolean;
}

/** A reply with everything decided that the wire will show. */
export interface Answer {
  readonly n: number;
  readonly model: string;
  readonly body: Wire;
  readonly thinking: string | null;
  readonly text: string | null;
  readonly tools: readonly { readonly name: string; readonly input: unknown }[];
  readonly stopReason: StopReason;
  readonly usage: Usage;
  readonly dice: Dice;
}

/** Tokens as Anthropic counts them: `input` is without the cached ones. */
export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly thinking: number;
}

/** One provider's way to say things. Rendering twice draws other ids: render once. */
export interface Protocol {
  readonly name: ProtocolName;
  /** Never fails: what is not understood is not there. */
  read(body: Wire): NormalRequest;
  refuse(body: Wire, headers: RequestHeaders): Refusal | null;
  outputTokensMax(body: Wire): number | null;
  whole(answer: Answer): object;
  frames(answer: Answer): readonly Frame[];
  error(refusal: Refusal, requestId: string): object;
  errorFrame(message: string, requestId: string): Frame;
  /** What keeps an idle stream alive, as it is on the wire. */
  readonly ping: string;
}

export interface RequestHeaders {
  readonly version: string | null;
  readonly betas: string | null;
}

/** Any object of any protocol: every field may be there and may be anything. */
export type Wire = Partial<Record<Field, unknown>>;

type Field =
  | "arguments"
  | "cache_control"
  | "call_id"
  | "citations"
  | "content"
  | "custom"
  | "function"
  | "id"
  | "include_usage"
  | "input"
  | "input_schema"
  | "instructions"
  | "is_error"
  | "max_completion_tokens"
  | "max_output_tokens"
  | "max_tokens"
  | "messages"
  | "model"
  | "name"
  | "output"
  | "parameters"
  | "previous_response_id"
  | "role"
  | "stream"
  | "stream_options"
  | "summary"
  | "system"
  | "temperature"
  | "text"
  | "thinking"
  | "budget_tokens"
  | "tool_call_id"
  | "tool_calls"
  | "tool_use_id"
  | "tools"
  | "top_k"
  | "top_p"
  | "type";

export function isWire(value: unknown): value is Wire {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects of a list; nothing where there is no list. */
export function wires(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.filter(isWire) : [];
}

/** The strings inside a JSON value, in their order. */
export function stringsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  return isWire(value) ? Object.values(value).flatMap(stringsOf) : [];
}

/** Puts the parts of a request together and derives `turn` and `text`. */
export function normalRequest(
  request: Omit<NormalRequest, "turn" | "text"> & { readonly turn?: number },
): NormalRequest {
  const lines = request.messages.flatMap((message) => [
    ...message.texts,
    ...message.toolCalls.flatMap((call) => stringsOf(call.input)),
    ...message.toolResults.map((result) => result.text),
  ]);
  return {
    ...request,
    turn: request.turn ?? request.messages.filter(({ role }) => role === "assistant").length,
    text: [request.system, ...lines].join("\n"),
  };
}

/** A reply comes in pieces of so many characters, about four to a token. */
export const pieceCharacters = 16;
export const charactersPerToken = 4;

/** Cuts between characters, never inside one. */
export function piecesOf(text: string): readonly string[] {
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += pieceCharacters) {
    pieces.push(characters.slice(at, at + pieceCharacters).join(""));
  }
  return pieces;
}
