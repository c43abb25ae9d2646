import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, test } from "vitest";
import { AnthropicClient } from "../../../src/adapters/llm/anthropic.ts";
import { createTransport } from "../../../src/adapters/llm/transport.ts";
import type { LlmRequest } from "../../../src/ports/llm.ts";
import { llmClientContract, request } from "../../contracts/llm-client.ts";
import type { ClientOptions, Protocol } from "./protocol.ts";
import { serve, sse } from "./server.ts";

const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

const started = event("message_start", {
  message: {
    id: "m1",
    role: "assistant",
    content: [],
    usage: {
      input_tokens: 10,
      output_tokens: 1,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 3,
    },
  },
});
const block = (index: number, content_block: object): string =>
  event("content_block_start", { index, content_block });
const delta = (index: number, change: object): string =>
  event("content_block_delta", { index, delta: change });
const stop = (index: number): string => event("content_block_stop", { index });
const textBlock = (index: number, ...texts: string[]): string[] => [
  block(index, { type: "text", text: "" }),
  ...texts.map((text) => delta(index, { type: "text_delta", text })),
  stop(index),
];
const tool = (index: number, id: string, name: string, ...pieces: string[]): string[] => [
  block(index, { type: "tool_use", id, name, input: {} }),
  ...pieces.map((partial_json) => delta(index, { type: "input_json_delta", partial_json })),
  stop(index),
];
const megabyte = "x".repeat(2 ** 20);
const ended = (stop_reason: string): string[] => [
  event("message_delta", { delta: { stop_reason }, usage: { output_tokens: 5 } }),
  event("message_stop"),
];
const usage = {
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: 7,
  cacheWriteTokens: 3,
  costUsd: null,
  requests: 1,
};

const protocol: Protocol = {
  text: [started, event("ping"), ...textBlock(0, "Grüße 👋", " 🌍"), ...ended("end_turn")],
  usage,
  partialUsage: { ...usage, outputTokens: 1 },
  tools: [
    started,
    ...textBlock(0, "Reading."),
    ...tool(1, "c1", "read", "", '{"pa', 'th":"ä.', 'txt"}'),
    ...tool(2, "c2", "list"),
    ...ended("tool_use"),
  ],
  thinking: [
    started,
    block(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "Hm." }),
    delta(0, { type: "signature_delta", signature: "sig" }),
    stop(0),
    ...textBlock(1, "Yes"),
    ...ended("end_turn"),
  ],
  maxTokens: [
    started,
    ...textBlock(0, "So"),
    ...tool(1, "c1", "read", '{"pa'),
    ...ended("max_tokens"),
  ],
  refusal: [started, ...ended("refusal")],
  brokenInput: [started, ...tool(0, "c1", "read", '{"pa'), ...ended("tool_use")],
  beginning: [started, ...textBlock(0, "Hello").slice(0, 2)],
  more: delta(0, { type: "text_delta", text: "." }),
  ending: [stop(0), ...ended("end_turn")],
  ping: event("ping"),
  errorEvent: event("error", { error: { type: "overloaded_error", message: "Overloaded" } }),
  malformed: "event: content_block_delta\ndata: {oops\n\n",
  errorBody: (message) => JSON.stringify({ type: "error", error: { type: "an_error", message } }),
};

const fetch = createTransport();
const create = (options: ClientOptions) =>
  new AnthropicClient({ ...options, provider: "anthropic", fetch });

describe("AnthropicClient", () => {
  llmClientContract(protocol, create);

  const replyTo = async (events: readonly string[], asked: LlmRequest = request) => {
    const seen: { body: string; headers: IncomingHttpHeaders }[] = [];
    const baseUrl = await serve((response, incoming, body) => {
      seen.push({ body, headers: incoming.headers });
      sse(response, events).end();
    });
    const client = create({ baseUrl, apiKey: "sk-a", stallTimeoutMs: 1000, now: () => 0 });
    const outcome = await client
      .complete(asked, new AbortController().signal, () => {})
      .catch((error: unknown) => error);
    const body = JSON.parse(seen[0]?.body ?? "{}") as Record<string, unknown>;
    return { outcome, body, headers: seen[0]?.headers };
  };

  test("asks for the whole prefix to be cached, with four breakpoints at most", async () => {
    const { body, headers } = await replyTo(protocol.text, {
      ...request,
      messages: [
        { role: "user", content: [{ type: "text", text: "1" }] },
        { role: "assistant", content: [{ type: "text", text: "2" }] },
        { role: "user", content: [{ type: "text", text: "3" }] },
        {
          role: "assistant",
          content: [{ type: "toolCall", id: "c", name: "list", input: undefined }],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "after the results" },
            { type: "toolResult", id: "c", text: "a.txt", isError: false },
          ],
        },
      ],
    });
    const cache_control = { type: "ephemeral" };
    expect(headers?.authorization).toBe("Bearer sk-a");
    expect(body).toEqual({
      model: "model-1",
      max_tokens: 1000,
      stream: true,
      system: [{ type: "text", text: "You test.", cache_control }],
      tools: [
        {
          name: "read",
          description: "Reads a file.",
          input_schema: { type: "object", properties: { path: { type: "string" } } },
        },
        {
          name: "list",
          description: "Lists files.",
          input_schema: { type: "object" },
          cache_control,
        },
      ],
      messages: [
        { role: "user", content: [{ type: "text", text: "1" }] },
        { role: "assistant", content: [{ type: "text", text: "2" }] },
        { role: "user", content: [{ type: "text", text: "3", cache_control }] },
        { role: "assistant", content: [{ type: "tool_use", id: "c", name: "list", input: {} }] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "c", content: "a.txt", is_error: false },
            { type: "text", text: "after the results", cache_control },
          ],
        },
      ],
    });
  });

  test.for([
    ["overloaded_error", "overloaded"],
    ["rate_limit_error", "rateLimited"],
    ["authentication_error", "auth"],
    ["invalid_request_error", "invalid"],
    ["api_error", "server"],
    ["a_new_error", "cut"],
  ])("an error event %s in place of a reply is %s", async ([type, kind]) => {
    const { outcome } = await replyTo([event("error", { error: { type, message: "No." } })]);
    expect(outcome).toMatchObject({ kind, usage: null });
  });

  test.for<[string, string[]]>([
    ["a delta before the reply began", [delta(0, { type: "text_delta", text: "a" })]],
    ["a delta of no block", [started, delta(4, { type: "text_delta", text: "a" })]],
    ["a second beginning", [started, started]],
    ["an event that is null", [started, "event: content_block_delta\ndata: null\n\n"]],
    [
      "a delta that is missing",
      [started, block(0, { type: "text", text: "" }), event("content_block_delta", { index: 0 })],
    ],
    [
      "blocks without end",
      [
        started,
        ...Array.from({ length: 17 }, (_, n) => block(n, { type: "text", text: megabyte })),
      ],
    ],
  ])("%s is malformed", async ([, events]) => {
    const { outcome } = await replyTo(events);
    expect(outcome).toMatchObject({ kind: "malformed" });
  });

  test("the final usage wins", async () => {
    const final = { input_tokens: 20, output_tokens: 9, cache_read_input_tokens: null };
    const { outcome } = await replyTo([
      started,
      event("message_delta", { delta: { stop_reason: "end_turn" }, usage: final }),
      event("message_stop"),
    ]);
    expect(outcome).toMatchObject({
      usage: { ...usage, inputTokens: 20, outputTokens: 9 },
    });
  });

  test("says nothing on the console about an old model", async () => {
    const { outcome } = await replyTo(protocol.text, { ...request, model: "claude-sonnet-4-5" });
    expect(outcome).toMatchObject({ stopReason: "endTurn" });
  });
});
