import { refuseAnthropic } from "./anthropic-rules.ts";
import {
  type Answer,
  charactersPerToken,
  type Frame,
  type NormalMessage,
  normalRequest,
  type Protocol,
  pieceCharacters,
  piecesOf,
  type Refusal,
  stringsOf,
  type Usage,
  type Wire,
  wires,
} from "./wire.ts";

/** Anthropic's Messages API, versions 2023-06-01 and 2026-10-21. */
export const anthropic: Protocol = {
  name: "anthropic",
  read,
  refuse: refuseAnthropic,
  outputTokensMax: (body) => (typeof body.max_tokens === "number" ? body.max_tokens : null),
  whole: (answer) => ({
    ...messageOf(answer),
    content: blocksOf(answer),
    stop_reason: answer.stopReason,
    usage: usageOnWire(answer.usage),
  }),
  frames,
  error,
  errorFrame: (message, requestId) =>
    frame("error", error({ status: 529, message }, requestId), { closing: true }),
  ping: 'event: ping\ndata: {"type": "ping"}\n\n',
};

function read(body: Wire) {
  return normalRequest({
    protocol: "anthropic",
    model: typeof body.model === "string" ? body.model : "",
    system: textOf(body.system),
    messages: wires(body.messages).map(readMessage),
    tools: wires(body.tools).map((tool) => String(tool.name)),
  });
}

function readMessage(message: Wire): NormalMessage {
  const blocks =
    typeof message.content === "string"
      ? [{ type: "text", text: message.content }]
      : wires(message.content);
  return {
    role: message.role === "assistant" ? "assistant" : "user",
    texts: blocks.filter(({ type }) => type === "text").map((block) => String(block.text)),
    toolCalls: blocks
      .filter(({ type }) => type === "tool_use")
      .map(({ id, name, input }) => ({ id: String(id), name: String(name), input })),
    toolResults: blocks
      .filter(({ type }) => type === "tool_result")
      .map((block) => ({
        id: String(block.tool_use_id),
        text: textOf(block.content),
        isError: block.is_error === true,
      })),
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return wires(content)
    .flatMap((block) => (block.type === "text" ? stringsOf(block.text) : []))
    .join("\n");
}

function messageOf({ dice, model }: Answer): object {
  return {
    id: `msg_01${dice.token(22)}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
  };
}

type Block =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string; readonly citations: null }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    };

function blocksOf({ thinking, text, tools, dice }: Answer): readonly Block[] {
  const blocks: Block[] = [];
  if (thinking !== null) {
    blocks.push({ type: "thinking", thinking, signature: `${dice.token(86)}==` });
  }
  if (text !== null && text !== "") blocks.push({ type: "text", text, citations: null });
  for (const { name, input } of tools) {
    blocks.push({ type: "tool_use", id: `toolu_01${dice.token(22)}`, name, input });
  }
  return blocks;
}

function usageOnWire(usage: Usage): object {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
    },
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.thinking },
    server_tool_use: null,
    service_tier: "standard",
  };
}

function frames(answer: Answer): readonly Frame[] {
  const usage = usageOnWire(answer.usage);
  const message = { ...messageOf(answer), usage: { ...usage, output_tokens: 1 } };
  const start = frame("message_start", { type: "message_start", message });
  const blocks = blocksOf(answer).map(blockFrames);
  const [first = [], ...rest] = blocks;
  const ping = frame("ping", { type: "ping" });
  const { output_tokens, ...others } = { output_tokens: answer.usage.output, ...usage };
  const delta = {
    type: "message_delta",
    delta: { stop_reason: answer.stopReason, stop_sequence: null, stop_details: null },
    usage: { ...others, output_tokens },
  };
  return [
    start,
    ...first.slice(0, 1),
    ping,
    ...first.slice(1),
    ...rest.flat(),
    frame("message_delta", delta, { closing: true }),
    frame("message_stop", { type: "message_stop" }, { closing: true }),
  ];
}

function blockFrames(block: Block, index: number): readonly Frame[] {
  const { empty, deltas } = opened(block);
  return [
    frame("content_block_start", { type: "content_block_start", index, content_block: empty }),
    ...deltas.map((delta) =>
      frame("content_block_delta", { type: "content_block_delta", index, delta }, { tokens: 1 }),
    ),
    frame("content_block_stop", { type: "content_block_stop", index }),
  ];
}

/** A block as it begins, and the deltas that fill it. */
function opened(block: Block): { empty: object; deltas: readonly object[] } {
  switch (block.type) {
    case "thinking": {
      const pieces = piecesOf(block.thinking);
      const deltas = pieces.map((thinking) => ({ type: "thinking_delta", thinking }));
      const signature = { type: "signature_delta", signature: block.signature };
      return { empty: { ...block, thinking: "", signature: "" }, deltas: [...deltas, signature] };
    }
    case "text": {
      const pieces = piecesOf(block.text);
      return {
        empty: { ...block, text: "" },
        deltas: pieces.map((text) => ({ type: "text_delta", text })),
      };
    }
    case "tool_use": {
      const pieces = ["", ...piecesOf(JSON.stringify(block.input))];
      return {
        empty: { ...block, input: {} },
        deltas: pieces.map((partial_json) => ({ type: "input_json_delta", partial_json })),
      };
    }
  }
}

function frame(
  event: string,
  data: object,
  { tokens = 0, closing = false }: { tokens?: number; closing?: boolean } = {},
): Frame {
  return {
    event,
    data: JSON.stringify(data),
    tokens: tokens * (pieceCharacters / charactersPerToken),
    closing,
  };
}

function error({ status, message }: Refusal, requestId: string): object {
  const type = errorTypes.get(status) ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { type: "error", error: { type, message }, request_id: requestId };
}

const errorTypes: ReadonlyMap<number, string> = new Map([
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);
