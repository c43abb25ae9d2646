import { describe, expect, test } from "vitest";
import { OpenAiCompatibleClient } from "../../../src/adapters/llm/openai-compatible.ts";
import { createTransport } from "../../../src/adapters/llm/transport.ts";
import type { LlmReply, LlmRequest } from "../../../src/ports/llm.ts";
import { llmClientContract, request } from "../../contracts/llm-client.ts";
import type { ClientOptions, Protocol } from "./protocol.ts";
import { serve, sse } from "./server.ts";

const line = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object, finish_reason: string | null = null): string =>
  line({ id: "1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] });
const text = (content: string): string => chunk({ content });
const call = (index: number, change: object): string =>
  chunk({ tool_calls: [{ index, ...change }] });
const done = "data: [DONE]\n\n";
const reported = line({
  choices: [],
  usage: {
    prompt_tokens: 17,
    completion_tokens: 5,
    prompt_tokens_details: { cached_tokens: 7 },
  },
});
const ended = (reason: string): string[] => [chunk({}, reason), reported, done];
const usage = {
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: 7,
  cacheWriteTokens: 0,
  costUsd: null,
  requests: 1,
};
const started = chunk({ role: "assistant", content: "" });

const protocol: Protocol = {
  text: [started, ": ping\n\n", text("Grüße 👋"), text(" 🌍"), ...ended("stop")],
  usage,
  partialUsage: { ...usage, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 },
  tools: [
    started,
    text("Reading."),
    call(0, { id: "c1", type: "function", function: { name: "read", arguments: "" } }),
    call(0, { function: { arguments: '{"pa' } }),
    call(1, { id: "c2", type: "function", function: { name: "list", arguments: "" } }),
    call(0, { function: { arguments: 'th":"ä.' } }),
    call(0, { function: { arguments: 'txt"}' } }),
    ...ended("tool_calls"),
  ],
  thinking: [started, chunk({ reasoning_content: "Hm." }), text("Yes"), ...ended("stop")],
  maxTokens: [
    started,
    text("So"),
    call(0, { id: "c1", type: "function", function: { name: "read", arguments: '{"pa' } }),
    ...ended("length"),
  ],
  refusal: [started, chunk({ refusal: "No." }), ...ended("stop")],
  brokenInput: [
    started,
    call(0, { id: "c1", type: "function", function: { name: "read", arguments: '{"pa' } }),
    ...ended("tool_calls"),
  ],
  beginning: [started, text("Hello")],
  more: text("."),
  ending: ended("stop"),
  ping: ": ping\n\n",
  errorEvent: line({ error: { message: "Overloaded", type: "server_error" } }),
  malformed: "data: {oops\n\n",
  errorBody: (message) => JSON.stringify({ error: { message, type: "an_error" } }),
};

const fetch = createTransport();
const create = (options: ClientOptions) =>
  new OpenAiCompatibleClient({ ...options, provider: "openai", fetch });

describe("OpenAiCompatibleClient", () => {
  llmClientContract(protocol, create);

  const replyTo = async (events: readonly string[], asked: LlmRequest = request) => {
    let seen = "{}";
    const baseUrl = await serve((response, _incoming, body) => {
      seen = body;
      sse(response, events).end();
    });
    const client = create({ baseUrl, apiKey: "sk-a-key", stallTimeoutMs: 1000, now: () => 0 });
    const outcome = await client
      .complete(asked, new AbortController().signal, () => {})
      .catch((error: unknown) => error);
    return { outcome, body: JSON.parse(seen) as Record<string, unknown> };
  };

  test("sends tool results before the text that came with them", async () => {
    const { body } = await replyTo(protocol.text, {
      ...request,
      messages: [
        { role: "user", content: [{ type: "text", text: "1" }] },
        {
          role: "assistant",
          content: [{ type: "toolCall", id: "c", name: "list", input: { path: "." } }],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "2" },
            { type: "toolResult", id: "c", text: "a.txt", isError: false },
          ],
        },
      ],
    });
    expect(body).toMatchObject({
      model: "model-1",
      max_tokens: 1000,
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: "system", content: "You test." },
        { role: "user", content: "1" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "c", type: "function", function: { name: "list", arguments: '{"path":"."}' } },
          ],
        },
        { role: "tool", tool_call_id: "c", content: "a.txt" },
        { role: "user", content: "2" },
      ],
    });
    expect(Object.keys(body)).not.toContain("temperature");
  });

  test("a tool call under the finish reason stop is still a tool call", async () => {
    const events = [...protocol.tools.slice(0, -3), ...ended("stop")];
    const { outcome } = await replyTo(events);
    expect(outcome).toMatchObject({ stopReason: "toolUse" });
  });

  test("what the provider hung on a call goes back with it", async () => {
    const signed = { google: { thought_signature: "sig-1" } };
    const made = { id: "c1", function: { name: "read", arguments: "{}" }, extra_content: signed };
    const { outcome } = await replyTo([started, call(0, made), ...ended("tool_calls")]);
    const { content } = outcome as LlmReply;
    const result = { type: "toolResult", id: "c1", text: "", isError: true } as const;
    const { body } = await replyTo(protocol.text, {
      ...request,
      messages: [
        { role: "assistant", content },
        { role: "user", content: [result] },
      ],
    });
    expect(JSON.stringify(body)).toContain("sig-1");
  });

  test("usage that is never reported is estimated, not free", async () => {
    const { outcome } = await replyTo([started, text("12345678"), chunk({}, "stop"), done]);
    expect(outcome).toMatchObject({ usage: { outputTokens: 2, requests: 1 } });
    expect((outcome as LlmReply).usage.inputTokens).toBeGreaterThan(50);
  });

  test("is cut when it ends between the finish reason and the usage", async () => {
    const { outcome } = await replyTo([started, text("1"), chunk({}, "stop")]);
    expect(outcome).toMatchObject({ kind: "cut" });
  });

  test("is cut by the finish reason error", async () => {
    const { outcome } = await replyTo([started, ...ended("error")]);
    expect(outcome).toMatchObject({ kind: "cut" });
  });

  test.for<[unknown, string]>([
    [429, "rateLimited"],
    ["502", "server"],
    ["server_error", "cut"],
  ])("an error in place of a reply with the code %s is %s", async ([code, kind]) => {
    const { outcome } = await replyTo([line({ error: { message: "No.", code } })]);
    expect(outcome).toMatchObject({ kind, usage: null });
  });
});
