import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/mock-llm/scenario.ts";
import { eventNames, post, serve } from "./wire-client.ts";

const headers = { "content-type": "application/json", authorization: "Bearer dummy" };
const question = { role: "user", content: "make the tests pass" } as const;
const askChat = { model: "gpt-mock", messages: [question] };
const askResponses = { model: "gpt-mock", input: "make the tests pass" };

const story: Scenario = {
  replies: [
    {
      match: "make the tests pass",
      turn: 0,
      text: "Reading a.txt now, then more.",
      thinking: "Where to begin?",
      tools: [{ name: "read", input: { path: "ä.txt" } }],
      usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 90 },
    },
    { match: ["make the tests pass", "contents of ä"], turn: 1, text: "Done." },
  ],
};

test("a compatible client streams text, reasoning, tool calls and cached tokens", async () => {
  const mock = await serve({ scenario: story });
  const provider = createOpenAICompatible({
    name: "mock",
    apiKey: "dummy",
    baseURL: `${mock.url}/v1`,
    includeUsage: true,
  });
  const { stream } = await provider("gpt-mock").doStream({
    prompt: [{ role: "user", content: [{ type: "text", text: "make the tests pass" }] }],
  });
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  const said = (type: "text-delta" | "reasoning-delta") =>
    parts.map((part) => (part.type === type ? part.delta : "")).join("");
  expect(said("text-delta")).toBe("Reading a.txt now, then more.");
  expect(said("reasoning-delta")).toBe("Where to begin?");
  expect(parts.find(({ type }) => type === "tool-call")).toMatchObject({
    toolName: "read",
    input: '{"path":"ä.txt"}',
  });
  expect(parts.at(-1)).toMatchObject({
    type: "finish",
    finishReason: { unified: "tool-calls" },
    usage: { inputTokens: { total: 100, cacheRead: 90 }, outputTokens: { total: 5 } },
  });
});

test("a compatible client gets the same in one piece, and the turn after the tool", async () => {
  const mock = await serve({ scenario: story });
  const model = createOpenAICompatible({ name: "mock", apiKey: "k", baseURL: mock.url })(
    "gpt-mock",
  );
  const user = {
    role: "user" as const,
    content: [{ type: "text" as const, text: "make the tests pass" }],
  };
  const first = await model.doGenerate({ prompt: [user] });
  const call = first.content.find(({ type }) => type === "tool-call");
  if (call?.type !== "tool-call") throw new Error("no tool call");
  const { toolCallId, toolName } = call;
  const second = await model.doGenerate({
    prompt: [
      user,
      {
        role: "assistant",
        content: [{ type: "tool-call", toolCallId, toolName, input: { path: "ä.txt" } }],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId,
            toolName,
            output: { type: "text", value: "contents of ä" },
          },
        ],
      },
    ],
  });
  expect(second.content).toMatchObject([{ type: "text", text: "Done." }]);
  expect(second.finishReason.unified).toBe("stop");
  expect(mock.journal().map(({ path, turn, matched }) => [path, turn, matched])).toEqual([
    ["/chat/completions", 0, 0],
    ["/chat/completions", 1, 1],
  ]);
});

test("a chat stream tells the usage only when it was asked for", async () => {
  const mock = await serve({ scenario: story });
  const url = `${mock.url}/v1/chat/completions`;
  const without = await (await post(url, { ...askChat, stream: true }, headers)).text();
  expect(without).not.toContain('"usage"');
  expect(without.endsWith("data: [DONE]\n\n")).toBe(true);
  const asked = { ...askChat, stream: true, stream_options: { include_usage: true } };
  const withUsage = await (await post(url, asked, headers)).text();
  expect(withUsage).toContain('"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":5');
});

test("responses stream numbered events whose pieces make up the whole", async () => {
  const mock = await serve({ scenario: story });
  const response = await post(`${mock.url}/responses`, { ...askResponses, stream: true }, headers);
  const text = await response.text();
  const names = eventNames(text).filter((name, at, all) => name !== all[at - 1]);
  expect(names).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, at) => at));
  const last = events.at(-1).response;
  expect(last.usage).toMatchObject({ input_tokens: 100, output_tokens: 5, total_tokens: 105 });
  const call = last.output.find((item: { type: string }) => item.type === "function_call");
  const pieces = events.filter(({ type }) => type === "response.function_call_arguments.delta");
  expect(pieces.map(({ delta }) => delta).join("")).toBe(call.arguments);
});

test("responses count a turn for each answer, however many items it has", async () => {
  const mock = await serve({ scenario: story });
  const answered = await post(`${mock.url}/v1/responses`, askResponses, headers);
  const first = JSON.parse(await answered.text());
  const call = first.output.at(-1);
  const output = { type: "function_call_output", call_id: call.call_id, output: "contents of ä" };
  const input = [question, ...first.output, output];
  const second = await post(`${mock.url}/v1/responses`, { model: "gpt-mock", input }, headers);
  expect(await second.json()).toMatchObject({
    status: "completed",
    output: [{ type: "message", content: [{ type: "output_text", text: "Done." }] }],
  });
  expect(mock.journal().map(({ turn }) => turn)).toEqual([0, 1]);
});

const call = { id: "call_1", type: "function", function: { name: "read", arguments: "{}" } };

test.each<[string, string, object, object]>([
  ["no model", "/v1/chat/completions", { model: undefined }, { param: "model" }],
  [
    "no messages",
    "/v1/chat/completions",
    { messages: undefined },
    { code: "missing_required_parameter", param: "messages" },
  ],
  [
    "a role of its own",
    "/v1/chat/completions",
    { messages: [{ role: "x" }] },
    { param: "messages[0].role" },
  ],
  [
    "a tool message that answers nothing",
    "/v1/chat/completions",
    { messages: [question, { role: "tool", tool_call_id: "call_1", content: "" }] },
    { param: "messages.[1].role" },
  ],
  [
    "a tool call without an answer",
    "/v1/chat/completions",
    { messages: [question, { role: "assistant", tool_calls: [call] }, question] },
    { message: expect.stringContaining("call_1") },
  ],
  ["no input", "/v1/responses", { input: undefined }, { param: "input" }],
  [
    "a call without an output",
    "/v1/responses",
    { input: [{ type: "function_call", call_id: "call_1", name: "a", arguments: "{}" }] },
    { message: "No tool output found for function call call_1." },
  ],
  [
    "an output without a call",
    "/v1/responses",
    { input: [{ type: "function_call_output", call_id: "call_1", output: "" }] },
    { message: expect.stringContaining("No tool call found") },
  ],
  [
    "an earlier response",
    "/v1/responses",
    { previous_response_id: "resp_1" },
    { code: "previous_response_not_found" },
  ],
])("refuses %s in the words of the protocol", async (_name, path, change, error) => {
  const mock = await serve();
  const body = { ...(path.endsWith("responses") ? askResponses : askChat), ...change };
  const response = await post(`${mock.url}${path}`, body, headers);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { type: "invalid_request_error", ...error },
  });
});

test("refuses a request without a key, and says a rate limit as OpenAI does", async () => {
  const mock = await serve({
    scenario: { replies: [{ fault: { status: 429, "retry-after": 7 } }] },
  });
  const url = `${mock.url}/v1/chat/completions`;
  const keyless = await post(url, askChat, { "content-type": "application/json" });
  expect(keyless.status).toBe(401);
  expect(await keyless.json()).toMatchObject({ error: { code: "invalid_api_key" } });
  const limited = await post(url, askChat, headers);
  expect(limited.headers.get("retry-after")).toBe("7");
  expect(limited.headers.get("x-ratelimit-limit-requests")).toBe("4000");
  expect(await limited.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
});

test("a rule may hold for one protocol only", async () => {
  const mock = await serve({
    scenario: {
      replies: [
        { protocol: "responses", text: "r" },
        { protocol: "chat", text: "c" },
      ],
    },
  });
  await post(`${mock.url}/v1/chat/completions`, askChat, headers);
  await post(`${mock.url}/v1/responses`, askResponses, headers);
  expect(mock.journal().map(({ matched }) => matched)).toEqual([1, 0]);
});

test("an error in the middle of a stream has the shape of its protocol, and no end mark", async () => {
  const reply = { text: "some words that are cut short", fault: { "error-after": 2 } };
  const { url } = await serve({ scenario: { replies: [reply] } });
  const told = async (path: string, body: object) =>
    await (await post(`${url}${path}`, { ...body, stream: true }, headers)).text();
  const chat = await told("/v1/chat/completions", askChat);
  expect(chat).toContain('{"error":{"message":"Overloaded","type":"server_error"');
  expect(chat).not.toContain("[DONE]");
  const responses = await told("/v1/responses", askResponses);
  expect(eventNames(responses)).toEqual(["response.created", "response.in_progress", "error"]);
});

test("a text beyond the limit ends as each protocol says it", async () => {
  const { url } = await serve({ scenario: { replies: [{ text: "x".repeat(100) }] } });
  const chat = { ...askChat, max_completion_tokens: 5 };
  const completion = await post(`${url}/v1/chat/completions`, chat, headers);
  expect(await completion.json()).toMatchObject({
    choices: [{ finish_reason: "length", message: { content: "x".repeat(20) } }],
  });
  const input = { ...askResponses, max_output_tokens: 5 };
  const response = await post(`${url}/v1/responses`, input, headers);
  expect(await response.json()).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
  });
});
