import {
  badInput,
  contentText,
  createdAt,
  keepAlive,
  openaiError,
  openaiFrame,
  parseArguments,
  refuseMissing,
} from "./openai-shapes.ts";
import type { StopReason } from "./scenario.ts";
import {
  type Answer,
  type Frame,
  isWire,
  type NormalMessage,
  type NormalRequest,
  normalRequest,
  type Protocol,
  piecesOf,
  type Refusal,
  type Usage,
  type Wire,
  wires,
} from "./wire.ts";

/** OpenAI's chat completions, as the many compatible servers speak them too. */
export const chat: Protocol = {
  name: "chat",
  read,
  refuse,
  outputTokensMax: ({ max_completion_tokens: newer, max_tokens: older }) => {
    const limit = newer ?? older;
    return typeof limit === "number" ? limit : null;
  },
  whole,
  frames,
  error: openaiError,
  errorFrame: (message) => openaiFrame(null, openaiError({ status: 503, message })),
  ping: keepAlive,
};

const isSystem = ({ role }: Wire) => role === "system" || role === "developer";

function read(body: Wire): NormalRequest {
  const messages = wires(body.messages);
  return normalRequest({
    protocol: "chat",
    model: typeof body.model === "string" ? body.model : "",
    system: messages
      .filter(isSystem)
      .map(({ content }) => contentText(content))
      .join("\n"),
    messages: messages.filter((message) => !isSystem(message)).map(readMessage),
    tools: wires(body.tools).map(({ function: it }) => String(isWire(it) ? it.name : "")),
  });
}

function readMessage(message: Wire): NormalMessage {
  const text = contentText(message.content);
  if (message.role === "tool") {
    const result = { id: String(message.tool_call_id), text, isError: false };
    return { role: "user", texts: [], toolCalls: [], toolResults: [result] };
  }
  return {
    role: message.role === "assistant" ? "assistant" : "user",
    texts: text === "" ? [] : [text],
    toolCalls: wires(message.tool_calls).map(({ id, function: it }) => ({
      id: String(id),
      name: String(isWire(it) ? it.name : ""),
      input: parseArguments(isWire(it) ? it.arguments : null),
    })),
    toolResults: [],
  };
}

const roles: readonly unknown[] = ["system", "developer", "user", "assistant", "tool"];

function refuse(body: Wire): Refusal | null {
  const missing = refuseMissing(body, "messages");
  if (missing !== null) return missing;
  const messages = wires(body.messages);
  const stranger = messages.findIndex(({ role }) => !roles.includes(role));
  if (stranger >= 0) return badInput(`messages[${stranger}].role`, `not one of ${roles}`);
  for (const [index, tool] of wires(body.tools).entries()) {
    const it = tool.function;
    if (tool.type === "function" && (!isWire(it) || typeof it.name !== "string")) {
      return badInput(`tools[${index}].function.name`, "expected a name");
    }
  }
  return refuseToolOrder(messages);
}

/** Every call is answered at once, and nothing else is. */
function refuseToolOrder(messages: readonly Wire[]): Refusal | null {
  let open: readonly string[] = [];
  let asked: readonly string[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      const id = String(message.tool_call_id);
      if (!asked.includes(id)) return strayResult(index);
      open = open.filter((other) => other !== id);
      continue;
    }
    if (open.length > 0) return unanswered(open, index);
    asked = wires(message.tool_calls).map(({ id }) => String(id));
    open = asked;
  }
  return open.length > 0 ? unanswered(open, messages.length) : null;
}

const strayResult = (index: number): Refusal => ({
  status: 400,
  message:
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
  param: `messages.[${index}].role`,
});

const unanswered = (ids: readonly string[], index: number): Refusal => ({
  status: 400,
  message: `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids.join(", ")}`,
  param: `messages.[${index}].role`,
});

function whole(answer: Answer): object {
  const { text, thinking } = answer;
  const head = headOf(answer, "chat.completion");
  const calls = callsOf(answer);
  const message = {
    role: "assistant",
    content: text,
    ...(thinking === null ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    refusal: null,
  };
  const reason = finishReason(answer.stopReason);
  const choices = [{ index: 0, message, logprobs: null, finish_reason: reason }];
  return { ...head, choices, usage: usageOnWire(answer.usage) };
}

function frames(answer: Answer): readonly Frame[] {
  const head = headOf(answer, "chat.completion.chunk");
  const options = answer.body.stream_options;
  const countsTokens = isWire(options) && options.include_usage === true;
  const rest = countsTokens ? { usage: null } : {};
  const chunk = (delta: object, how: { tokens?: number; closing?: boolean } = {}, end?: string) => {
    const choice = { index: 0, delta, logprobs: null, finish_reason: end ?? null };
    return openaiFrame(null, { ...head, choices: [choice], ...rest }, how);
  };
  const callFrames = callsOf(answer).flatMap((call, index) => [
    chunk({
      tool_calls: [{ index, ...call, function: { ...call.function, arguments: "" } }],
    }),
    ...piecesOf(call.function.arguments).map((piece) =>
      chunk({ tool_calls: [{ index, function: { arguments: piece } }] }, { tokens: 1 }),
    ),
  ]);
  const usage = openaiFrame(
    null,
    { ...head, choices: [], usage: usageOnWire(answer.usage) },
    { closing: true },
  );
  return [
    chunk({ role: "assistant", content: answer.text === null ? null : "", refusal: null }),
    ...piecesOf(answer.thinking ?? "").map((reasoning_content) =>
      chunk({ reasoning_content }, { tokens: 1 }),
    ),
    ...piecesOf(answer.text ?? "").map((content) => chunk({ content }, { tokens: 1 })),
    ...callFrames,
    chunk({}, { closing: true }, finishReason(answer.stopReason)),
    ...(countsTokens ? [usage] : []),
    openaiFrame(null, "[DONE]", { closing: true }),
  ];
}

function headOf({ dice, n, model }: Answer, object: string): object {
  return {
    id: `chatcmpl-${dice.token(29)}`,
    object,
    created: createdAt + n,
    model,
    service_tier: "default",
    system_fingerprint: "fp_mock",
  };
}

function callsOf({ tools, dice }: Answer) {
  return tools.map(({ name, input }) => ({
    id: `call_${dice.token(24)}`,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  }));
}

function finishReason(reason: StopReason): string {
  switch (reason) {
    case "tool_use":
      return "tool_calls";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "refusal":
      return "content_filter";
    case "end_turn":
    case "stop_sequence":
    case "pause_turn":
      return "stop";
  }
}

/** Prompt tokens include the cached ones here. */
function usageOnWire(usage: Usage): object {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: usage.thinking, audio_tokens: 0 },
  };
}
