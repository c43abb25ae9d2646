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
import {
  type Answer,
  type Frame,
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

/** OpenAI's responses. Nothing is stored: the client sends the whole conversation. */
export const responses: Protocol = {
  name: "responses",
  read,
  refuse,
  outputTokensMax: ({ max_output_tokens: limit }) => (typeof limit === "number" ? limit : null),
  whole: (answer) => responseOf(answer, itemsOf(answer)),
  frames,
  error: openaiError,
  errorFrame: (message) =>
    openaiFrame("error", {
      type: "error",
      code: "server_error",
      message,
      param: null,
      sequence_number: 0,
    }),
  ping: keepAlive,
};

const outputTypes: readonly unknown[] = ["function_call_output", "custom_tool_call_output"];
const callTypes: readonly unknown[] = ["function_call", "custom_tool_call"];
const isSystem = ({ role }: Wire) => role === "system" || role === "developer";
const isAssistants = ({ role, type }: Wire) =>
  role === "assistant" || type === "reasoning" || callTypes.includes(type);

function inputOf(body: Wire): readonly Wire[] {
  return typeof body.input === "string"
    ? [{ role: "user", content: body.input }]
    : wires(body.input);
}

function read(body: Wire): NormalRequest {
  const items = inputOf(body);
  const system = [body.instructions, ...items.filter(isSystem).map(({ content }) => content)];
  const others = items.filter((item) => !isSystem(item));
  const answers = others.filter(
    (item, at) => isAssistants(item) && !isAssistants(others[at - 1] ?? {}),
  );
  return normalRequest({
    protocol: "responses",
    model: typeof body.model === "string" ? body.model : "",
    system: system.map(contentText).join("\n"),
    messages: others.map(readItem),
    tools: wires(body.tools).map(({ name }) => String(name)),
    turn: answers.length,
  });
}

function readItem(item: Wire): NormalMessage {
  const message = { texts: [], toolCalls: [], toolResults: [] };
  const id = String(item.call_id);
  if (callTypes.includes(item.type)) {
    const input = item.type === "function_call" ? parseArguments(item.arguments) : item.input;
    const call = { id, name: String(item.name), input };
    return { ...message, role: "assistant", toolCalls: [call] };
  }
  if (outputTypes.includes(item.type)) {
    const result = { id, text: contentText(item.output), isError: false };
    return { ...message, role: "user", toolResults: [result] };
  }
  const text = contentText(item.content);
  const role = isAssistants(item) ? "assistant" : "user";
  return { ...message, role, texts: text === "" ? [] : [text] };
}

function refuse(body: Wire): Refusal | null {
  const missing = refuseMissing(body, "input");
  if (missing !== null) return missing;
  if (typeof body.previous_response_id === "string") {
    const message = `Previous response with id '${body.previous_response_id}' not found.`;
    const code = "previous_response_not_found";
    return { status: 400, message, param: "previous_response_id", code };
  }
  const items = inputOf(body);
  const ids = (types: readonly unknown[]) =>
    items.filter(({ type }) => types.includes(type)).map((item) => String(item.call_id));
  const calls = ids(callTypes);
  const outputs = ids(outputTypes);
  const open = calls.find((id) => !outputs.includes(id));
  if (open !== undefined) return wrongInput(`No tool output found for function call ${open}.`);
  const stray = outputs.find((id) => !calls.includes(id));
  if (stray !== undefined) {
    return wrongInput(`No tool call found for function call output with call_id ${stray}.`);
  }
  const unnamed = wires(body.tools).findIndex(
    ({ type, name }) => type === "function" && typeof name !== "string",
  );
  return unnamed >= 0 ? badInput(`tools[${unnamed}].name`, "expected a name") : null;
}

const wrongInput = (message: string): Refusal => ({ status: 400, message, param: "input" });

type Item =
  | {
      readonly id: string;
      readonly type: "reasoning";
      readonly summary: readonly { readonly type: "summary_text"; readonly text: string }[];
    }
  | {
      readonly id: string;
      readonly type: "message";
      readonly status: "completed";
      readonly role: "assistant";
      readonly content: readonly {
        readonly type: "output_text";
        readonly text: string;
        readonly annotations: readonly never[];
      }[];
    }
  | {
      readonly id: string;
      readonly type: "function_call";
      readonly status: "completed";
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    };

function itemsOf({ thinking, text, tools, dice }: Answer): readonly Item[] {
  const items: Item[] = [];
  if (thinking !== null) {
    const summary = [{ type: "summary_text" as const, text: thinking }];
    items.push({ id: `rs_${dice.token(48)}`, type: "reasoning", summary });
  }
  if (text !== null && text !== "") {
    const content = [{ type: "output_text" as const, text, annotations: [] }];
    const id = `msg_${dice.token(48)}`;
    items.push({ id, type: "message", status: "completed", role: "assistant", content });
  }
  for (const { name, input } of tools) {
    items.push({
      id: `fc_${dice.token(48)}`,
      type: "function_call",
      status: "completed",
      call_id: `call_${dice.token(24)}`,
      name,
      arguments: JSON.stringify(input),
    });
  }
  return items;
}

function responseOf(answer: Answer, output: readonly Item[]) {
  const isCut = answer.stopReason === "max_tokens";
  return {
    id: `resp_${answer.dice.token(48)}`,
    object: "response",
    created_at: createdAt + answer.n,
    status: isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    instructions: answer.body.instructions ?? null,
    model: answer.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    tools: answer.body.tools ?? [],
    usage: usageOnWire(answer.usage),
  };
}

function usageOnWire(usage: Usage): object {
  const input = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.thinking },
    total_tokens: input + usage.output,
  };
}

/** An event before it has its number. */
interface Step {
  readonly type: string;
  readonly fields: object;
  readonly tokens?: number;
}

function frames(answer: Answer): readonly Frame[] {
  const items = itemsOf(answer);
  const done = responseOf(answer, items);
  const begun = { ...done, status: "in_progress", output: [], usage: null };
  const steps: readonly Step[] = [
    { type: "response.created", fields: { response: begun } },
    { type: "response.in_progress", fields: { response: begun } },
    ...items.flatMap(itemSteps),
    { type: `response.${done.status}`, fields: { response: done } },
  ];
  return steps.map(({ type, fields, tokens = 0 }, sequence_number) =>
    openaiFrame(
      type,
      { type, ...fields, sequence_number },
      {
        tokens,
        closing: sequence_number === steps.length - 1,
      },
    ),
  );
}

function itemSteps(item: Item, output_index: number): readonly Step[] {
  const at = { item_id: item.id, output_index };
  const opened = { ...item, ...emptied(item) };
  return [
    { type: "response.output_item.added", fields: { output_index, item: opened } },
    ...innerSteps(item, at),
    { type: "response.output_item.done", fields: { output_index, item } },
  ];
}

function emptied(item: Item): object {
  switch (item.type) {
    case "reasoning":
      return { summary: [] };
    case "message":
      return { status: "in_progress", content: [] };
    case "function_call":
      return { status: "in_progress", arguments: "" };
  }
}

function innerSteps(item: Item, at: object): readonly Step[] {
  switch (item.type) {
    case "reasoning":
      return item.summary.flatMap((part, summary_index) =>
        partSteps("reasoning_summary", { ...at, summary_index }, part),
      );
    case "message":
      return item.content.flatMap((part, content_index) =>
        partSteps("output", { ...at, content_index }, part),
      );
    case "function_call":
      return [
        ...deltaSteps("response.function_call_arguments.delta", at, item.arguments),
        {
          type: "response.function_call_arguments.done",
          fields: { ...at, name: item.name, arguments: item.arguments },
        },
      ];
  }
}

function partSteps(
  kind: "reasoning_summary" | "output",
  at: object,
  part: { readonly type: string; readonly text: string },
): readonly Step[] {
  const whole = kind === "output" ? "response.content_part" : "response.reasoning_summary_part";
  return [
    { type: `${whole}.added`, fields: { ...at, part: { ...part, text: "" } } },
    ...deltaSteps(`response.${kind}_text.delta`, at, part.text),
    { type: `response.${kind}_text.done`, fields: { ...at, text: part.text } },
    { type: `${whole}.done`, fields: { ...at, part } },
  ];
}

function deltaSteps(type: string, at: object, text: string): readonly Step[] {
  return piecesOf(text).map((delta) => ({ type, fields: { ...at, delta }, tokens: 1 }));
}
