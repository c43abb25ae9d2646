import Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/mock-llm/scenario.ts";
import { anthropicHeaders, ask, eventNames, post, serve } from "./wire-client.ts";

const hello = { role: "user", content: "hello" } as const;

async function client(scenario: Scenario | string = {}) {
  const mock = await serve({ scenario });
  return { mock, sdk: new Anthropic({ apiKey: "dummy", baseURL: mock.url, maxRetries: 0 }) };
}

test("answers a short text when there is no scenario", async () => {
  const { mock, sdk } = await client();
  const message = await sdk.messages.create({ ...ask, messages: [hello] });
  expect(message.content).toEqual([{ type: "text", text: expect.any(String), citations: null }]);
  expect(message.stop_reason).toBe("end_turn");
  expect(message.id).toMatch(/^msg_01\w{22}$/);
  expect(mock.journal()).toMatchObject([
    { n: 1, path: "/v1/messages", turn: 0, status: 200, matched: null, auth: "bearer" },
  ]);
});

test("plays a tool call and the turn after it, streamed through the official client", async () => {
  const { mock, sdk } = await client(`
replies:
  - { match: "make the tests pass", turn: 0, text: "Reading.", thinking: "Hm.",
      tools: [{ name: read, input: { path: "ä/b.txt", deep: { list: [1, 2, 3] } } }, { name: list, input: {} }] }
  - { match: "make the tests pass", turn: 1, text: "Done.", usage: { cache_read_input_tokens: 100, output_tokens: 7 } }
`);
  const question = { role: "user", content: "please make the tests pass" } as const;
  const first = await sdk.messages.stream({ ...ask, messages: [question] }).finalMessage();
  expect(first.stop_reason).toBe("tool_use");
  expect(first.content.map(({ type }) => type)).toEqual([
    "thinking",
    "text",
    "tool_use",
    "tool_use",
  ]);
  const calls = first.content.filter((block) => block.type === "tool_use");
  expect(calls.map(({ name, input }) => ({ name, input }))).toEqual([
    { name: "read", input: { path: "ä/b.txt", deep: { list: [1, 2, 3] } } },
    { name: "list", input: {} },
  ]);
  const results = calls.map(({ id }) => ({
    type: "tool_result" as const,
    tool_use_id: id,
    content: "contents",
  }));
  const second = await sdk.messages
    .stream({
      ...ask,
      messages: [
        question,
        { role: "assistant", content: first.content },
        { role: "user", content: results },
      ],
    })
    .finalMessage();
  expect(second.content).toMatchObject([{ type: "text", text: "Done." }]);
  expect(second.usage).toMatchObject({ cache_read_input_tokens: 100, output_tokens: 7 });
  expect(mock.journal().map(({ turn, matched }) => ({ turn, matched }))).toEqual([
    { turn: 0, matched: 0 },
    { turn: 1, matched: 1 },
  ]);
});

test.each([
  [401, Anthropic.AuthenticationError, "authentication_error"],
  [403, Anthropic.PermissionDeniedError, "permission_error"],
  [429, Anthropic.RateLimitError, "rate_limit_error"],
  [500, Anthropic.InternalServerError, "api_error"],
  [529, Anthropic.InternalServerError, "overloaded_error"],
])("a %i fault is the official client's typed error, times over", async (status, type, name) => {
  const { sdk } = await client({ replies: [{ times: 1, fault: { status } }, { text: "ok" }] });
  const call = () => sdk.messages.create({ ...ask, messages: [hello] });
  const error = await call().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(type);
  expect(error).toMatchObject({ status, type: name, requestID: expect.stringMatching(/^req_01/) });
  expect((await call()).content).toMatchObject([{ text: "ok" }]);
});

test("tells how long to wait, in seconds or as a date", async () => {
  const date = "Wed, 21 Oct 2026 07:28:00 GMT";
  const { mock } = await client({
    replies: [
      { times: 1, fault: { status: 429, "retry-after": 3600, message: "slow down" } },
      { fault: { status: 503, "retry-after": date } },
    ],
  });
  const first = await post(`${mock.url}/v1/messages`, ask);
  expect(first.headers.get("retry-after")).toBe("3600");
  expect(await first.json()).toMatchObject({ error: { message: "slow down" } });
  const second = await post(`${mock.url}/v1/messages`, ask);
  expect(second.headers.get("retry-after")).toBe(date);
});

test("streams the events in the order of the real API, input in pieces", async () => {
  const { mock } = await client({
    replies: [{ text: "Reading.", tools: [{ name: "read", input: { path: "a".repeat(40) } }] }],
  });
  const response = await post(`${mock.url}/v1/messages?beta=true`, { ...ask, stream: true });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("request-id")).toMatch(/^req_01/);
  expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("4000");
  const text = await response.text();
  expect(eventNames(text)).toEqual([
    "message_start",
    "content_block_start",
    "ping",
    "content_block_delta",
    "content_block_stop",
    "content_block_start",
    ...Array(5).fill("content_block_delta"),
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
});

test("counts tokens and lists models", async () => {
  const { sdk } = await client();
  const counted = await sdk.messages.countTokens({ model: ask.model, messages: [hello] });
  expect(counted).toEqual({ input_tokens: 2 });
  const ids: string[] = [];
  for await (const model of sdk.models.list()) ids.push(model.id);
  expect(ids).toContain("claude-opus-5-5");
  expect(await sdk.models.retrieve("claude-x")).toMatchObject({ id: "claude-x", type: "model" });
});

test("cuts a text at max_tokens and says so", async () => {
  const { sdk } = await client({ replies: [{ text: "0123456789".repeat(10) }] });
  const message = await sdk.messages.create({ ...ask, max_tokens: 5, messages: [hello] });
  expect(message.stop_reason).toBe("max_tokens");
  expect(message.content).toMatchObject([{ text: "01234567890123456789" }]);
});

test("serves both versions of the API with either kind of key", async () => {
  const { mock } = await client();
  for (const version of ["2023-06-01", "2026-10-21"]) {
    for (const key of [{ "x-api-key": "k" }, { authorization: "Bearer k" }]) {
      const headers = { "content-type": "application/json", "anthropic-version": version, ...key };
      expect((await post(`${mock.url}/v1/messages`, ask, headers)).status).toBe(200);
    }
  }
  expect(mock.journal().map(({ auth }) => auth)).toEqual([
    "x-api-key",
    "bearer",
    "x-api-key",
    "bearer",
  ]);
  expect(JSON.stringify(mock.journal())).not.toContain("Bearer");
});

const toolUse = { type: "tool_use", id: "toolu_1", name: "read", input: {} };
const toolResult = { type: "tool_result", tool_use_id: "toolu_1", content: "x" };
const user = (...content: unknown[]) => ({ role: "user", content });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const text = (words: string) => ({ type: "text", text: words });
const cached = { type: "text", text: "x", cache_control: { type: "ephemeral" } };

test.each<[string, object, string]>([
  ["no model", { model: undefined }, "model: Field required"],
  ["no max_tokens", { max_tokens: undefined }, "max_tokens: Field required"],
  ["no messages", { messages: undefined }, "messages: Field required"],
  ["empty messages", { messages: [] }, "at least one message"],
  ["a temperature", { temperature: 1 }, "temperature"],
  ["top_k", { top_k: 1 }, "top_k"],
  ["an unknown field", { max_token: 1 }, "max_token: Extra inputs are not permitted"],
  ["a role of its own", { messages: [{ role: "tool", content: "x" }] }, "messages.0.role"],
  ["an assistant first", { messages: [assistant(text("x"))] }, "first message must use"],
  ["an empty content", { messages: [{ role: "user", content: "" }] }, "non-empty content"],
  ["an empty text block", { messages: [user(text(""))] }, "must be non-empty"],
  ["a blank text block", { messages: [user(text(" \n"))] }, "non-whitespace"],
  [
    "a tool use without its result",
    { messages: [user(text("x")), assistant(toolUse), user(text("y"))] },
    "`tool_use` ids were found without `tool_result`",
  ],
  [
    "a tool use at the end",
    { messages: [user(text("x")), assistant(toolUse)] },
    "`tool_use` ids were found without `tool_result`",
  ],
  [
    "a result without its tool use",
    { messages: [user(toolResult)] },
    "messages.0.content.0: unexpected `tool_use_id`",
  ],
  [
    "a result twice",
    { messages: [user(text("x")), assistant(toolUse), user(toolResult, toolResult)] },
    "single result",
  ],
  [
    "a tool use twice",
    {
      messages: [
        user(text("x")),
        assistant(toolUse),
        user(toolResult),
        assistant(toolUse),
        user(toolResult),
      ],
    },
    "must be unique",
  ],
  [
    "five cache marks",
    { system: [cached], messages: [user(cached, cached, cached, cached)] },
    "Found 5",
  ],
  [
    "a document of the assistant",
    { messages: [user(text("x")), assistant({ type: "document" }), user(text("y"))] },
    "document blocks",
  ],
  [
    "tools of one name",
    { tools: [{ name: "a", input_schema: { type: "object" } }, { name: "a" }] },
    "unique",
  ],
  [
    "a tool without a schema",
    { tools: [{ name: "a" }] },
    "tools.0.custom.input_schema: Field required",
  ],
  [
    "thinking beyond max_tokens",
    { thinking: { type: "enabled", budget_tokens: 1000 } },
    "budget_tokens",
  ],
])("refuses %s as the real API does", async (_name, change, message) => {
  const { mock } = await client();
  const response = await post(`${mock.url}/v1/messages`, { ...ask, ...change });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    type: "error",
    error: { type: "invalid_request_error", message: expect.stringContaining(message) },
    request_id: response.headers.get("request-id"),
  });
  expect(mock.journal()).toMatchObject([{ status: 400, matched: null }]);
});

test("takes a temperature in the old version, and tool results split over two messages", async () => {
  const { mock } = await client();
  const headers = { ...anthropicHeaders, "anthropic-version": "2023-06-01" };
  const second = { ...toolUse, id: "toolu_2" };
  const messages = [
    user(text("x")),
    assistant(toolUse, second),
    user(toolResult),
    user({ ...toolResult, tool_use_id: "toolu_2" }, text("go on")),
  ];
  const body = { ...ask, messages, temperature: 0 };
  expect((await post(`${mock.url}/v1/messages`, body, headers)).status).toBe(200);
});

test.each<[string, Record<string, string>, number, string]>([
  ["no key", { authorization: "" }, 401, "authentication_error"],
  ["an empty bearer", { authorization: "Bearer " }, 401, "authentication_error"],
  ["no version", { "anthropic-version": "" }, 400, "invalid_request_error"],
  ["a version of its own", { "anthropic-version": "2024-01-01" }, 400, "invalid_request_error"],
])("refuses %s", async (_name, headers, status, type) => {
  const { mock } = await client();
  const all = { ...anthropicHeaders, ...headers };
  const response = await post(`${mock.url}/v1/messages`, ask, all);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ type: "error", error: { type } });
});
