import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Scenario } from "../../src/mock-llm/scenario.ts";
import { anthropicHeaders, ask, post, serve } from "./wire-client.ts";

test("answers probes, says it is well, and knows no other doors", async () => {
  const { url } = await serve();
  expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(url)).status).toBe(200);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true });
  expect((await fetch(`${url}/v1/embeddings`, { method: "POST", body: "{}" })).status).toBe(404);
  const unknown = await fetch(`${url}/v1/files`, { headers: anthropicHeaders });
  expect(await unknown.json()).toMatchObject({ type: "error", error: { type: "not_found_error" } });
  expect((await fetch(`${url}/v1/models/%`, { headers: anthropicHeaders })).status).toBe(200);
});

test("the journal shows requests as they were sent, and can be emptied", async () => {
  const mock = await serve({ now: () => 0 });
  await post(`${mock.url}/v1/messages`, ask);
  await post(`${mock.url}/v1/messages`, "no json");
  const journal = await (await fetch(`${mock.url}/journal`)).json();
  expect(journal).toMatchObject([
    { n: 1, at: "1970-01-01T00:00:00.000Z", protocol: "anthropic", status: 200, body: ask },
    { n: 2, model: null, turn: null, status: 400, body: "no json" },
  ]);
  await fetch(`${mock.url}/journal`, { method: "DELETE" });
  expect(mock.journal()).toEqual([]);
});

test("refuses a body that is too large, and still serves the next", async () => {
  const mock = await serve();
  const large = { ...ask, messages: [{ role: "user", content: "x".repeat(33 * 1024 * 1024) }] };
  const response = await post(`${mock.url}/v1/messages`, large);
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ error: { type: "request_too_large" } });
  expect((await post(`${mock.url}/v1/messages`, ask)).status).toBe(200);
});

test("the same seed and order give the same bytes, another seed others", async () => {
  const scenario: Scenario = {
    replies: [
      { turn: 0, thinking: "Hm.", text: "Reading.", tools: [{ name: "read", input: { a: 1 } }] },
    ],
    faults: { rate: 0.2 },
  };
  const play = async (seed: number) => {
    const { url } = await serve({ scenario, seed, now: () => 0 });
    const said: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const stream = n % 2 === 0;
      for (const [path, body] of [
        ["/v1/messages", { ...ask, stream }],
        ["/v1/chat/completions", { ...ask, stream }],
        ["/v1/responses", { model: "m", input: "hello", stream }],
      ] as const) {
        const response = await post(`${url}${path}`, body);
        const text = await response.text().catch(() => "cut");
        const { date, ...headers } = Object.fromEntries(response.headers);
        said.push(JSON.stringify({ status: response.status, headers, text }));
      }
    }
    return said;
  };
  const [once, again, other] = [await play(1), await play(1), await play(2)];
  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
});

test("limits are kept: 429 with the wait, then room again", async () => {
  let now = 0;
  const mock = await serve({
    scenario: { limits: { "requests-per-minute": 2, "output-tokens-per-minute": 1000 } },
    now: () => now,
  });
  const call = () => post(`${mock.url}/v1/messages`, ask);
  const first = await call();
  expect(first.headers.get("anthropic-ratelimit-requests-remaining")).toBe("1");
  expect(first.headers.get("anthropic-ratelimit-requests-reset")).toBe("1970-01-01T00:00:30Z");
  await call();
  const limited = await call();
  expect(limited.status).toBe(429);
  expect(limited.headers.get("retry-after")).toBe("30");
  expect(await limited.json()).toMatchObject({ error: { type: "rate_limit_error" } });
  now = 30_000;
  expect((await call()).status).toBe(200);
  expect((await call()).status).toBe(429);
});

test("an answer may overdraw the tokens, the next request waits for them", async () => {
  const mock = await serve({
    scenario: {
      replies: [{ text: "ok", usage: { output_tokens: 200 } }],
      limits: { "output-tokens-per-minute": 100 },
    },
    now: () => 0,
  });
  expect((await post(`${mock.url}/v1/messages`, ask)).status).toBe(200);
  const limited = await post(`${mock.url}/v1/messages`, ask);
  expect(limited.status).toBe(429);
  expect(limited.headers.get("retry-after")).toBe("61");
});

test("five hundred streams at once all arrive whole", async () => {
  const words = "x".repeat(640);
  const mock = await serve({ scenario: { replies: [{ text: words, "tokens-per-second": 4000 }] } });
  const streams = Array.from({ length: 500 }, async () => {
    const response = await post(`${mock.url}/v1/messages`, { ...ask, stream: true });
    return await response.text();
  });
  const texts = await Promise.all(streams);
  expect(texts.every((text) => text.endsWith('data: {"type":"message_stop"}\n\n'))).toBe(true);
  expect(new Set(texts.map((text) => text.match(/msg_01\w+/)?.[0])).size).toBe(500);
  expect(mock.journal()).toHaveLength(500);
});

test("closes once, however often it is told to, and says when its port is taken", async () => {
  const mock = await serve();
  await expect(serve({ port: mock.port })).rejects.toThrow("EADDRINUSE");
  await mock.close();
  await mock.close();
});

test("the command writes its URL first, and ends with its signal", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mock-llm-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const scenarioFile = join(directory, "scenario.yaml");
  await writeFile(scenarioFile, "replies: [{ text: from the file }]");
  const abort = new AbortController();
  const { promise: url, resolve: write } = Promise.withResolvers<string>();
  const running = runMockLlm({ port: 0, scenarioFile, write, signal: abort.signal });
  const response = await post(`${await url}/v1/messages`, ask);
  expect(await response.text()).toContain("from the file");
  abort.abort();
  await running;
  await expect(fetch(await url)).rejects.toThrow();
});

test("the command says which file is wrong, and where", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mock-llm-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const scenarioFile = join(directory, "scenario.yaml");
  await writeFile(scenarioFile, "seed: x\n");
  const { signal } = new AbortController();
  const running = runMockLlm({ port: 0, scenarioFile, write: () => {}, signal });
  await expect(running).rejects.toThrow(`${scenarioFile}:1:7: seed: `);
});
