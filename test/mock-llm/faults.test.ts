import Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import type { Fault, Reply } from "../../src/mock-llm/scenario.ts";
import { ask, eventNames, post, serve } from "./wire-client.ts";

const words = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich 🥊.";

async function stream(fault: Fault, reply: Reply = { text: words }, signal?: AbortSignal) {
  const mock = await serve({ scenario: { replies: [{ ...reply, fault }], "ping-ms": 5 } });
  const response = await fetch(`${mock.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": "k", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ ...ask, stream: true }),
    signal: signal ?? null,
  });
  return { mock, response };
}

/** What came before the connection broke, if it did. */
async function drain(response: Response): Promise<{ text: string; error: unknown }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

const whole = ["message_start", "content_block_start", "ping"];

test("cut-after breaks the connection when so many events have arrived", async () => {
  const { text, error } = await drain((await stream({ "cut-after": 4 })).response);
  expect(eventNames(text)).toEqual([...whole, "content_block_delta"]);
  expect(error).toBeInstanceOf(Error);
});

test("a cut beyond the end still comes before the end mark", async () => {
  const { text, error } = await drain((await stream({ "cut-after": 1000 })).response);
  expect(eventNames(text).at(-1)).toBe("content_block_stop");
  expect(error).toBeInstanceOf(Error);
});

test("end-after ends well-behaved, without the end mark", async () => {
  const { text, error } = await drain((await stream({ "end-after": 3 })).response);
  expect(eventNames(text)).toEqual(whole);
  expect(error).toBeNull();
});

test("error-after says overloaded in the middle of a stream", async () => {
  const mock = await serve({
    scenario: { replies: [{ text: words, fault: { "error-after": 4 } }] },
  });
  const sdk = new Anthropic({ apiKey: "k", baseURL: mock.url, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "hello" }];
  const streamed = sdk.messages.stream({ ...ask, messages }).finalMessage();
  await expect(streamed).rejects.toMatchObject({ type: "overloaded_error" });
  const created = sdk.messages.create({ ...ask, messages });
  await expect(created).rejects.toMatchObject({ status: 529, type: "overloaded_error" });
});

test("malformed sends half an event and goes on", async () => {
  const { text, error } = await drain((await stream({ malformed: 3 })).response);
  expect(error).toBeNull();
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data ?? "");
  expect(() => JSON.parse(events[3] ?? "")).toThrow(SyntaxError);
  expect(() => JSON.parse(events[4] ?? "")).not.toThrow();
  expect(eventNames(text).at(-1)).toBe("message_stop");
});

test("split cuts characters apart and loses none", async () => {
  const { response } = await stream({ split: true });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  const cutsCharacter = chunks.some((chunk) => ((chunk[0] ?? 0) & 0xc0) === 0x80);
  expect(cutsCharacter).toBe(true);
  const text = new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
  const deltas = [...text.matchAll(/"text_delta","text":"([^"]*)"/g)].map(([, delta]) => delta);
  expect(deltas.join("")).toBe(words);
});

test("stall sends pings until the client gives up", async () => {
  const abort = new AbortController();
  const { response } = await stream({ stall: 2 }, { text: words }, abort.signal);
  let text = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk);
      if (eventNames(text).length === 6) abort.abort();
    }
  })();
  await expect(reading).rejects.toThrow();
  expect(eventNames(text)).toEqual([
    "message_start",
    "content_block_start",
    ...Array(4).fill("ping"),
  ]);
});

test("silent sends nothing, or the headers and nothing more", async () => {
  const silent = stream({ silent: true }, {}, AbortSignal.timeout(50));
  await expect(silent).rejects.toThrow();
  const { mock, response } = await stream({ silent: "headers" }, {}, AbortSignal.timeout(200));
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
  expect(mock.journal()).toMatchObject([{ status: 200, fault: { silent: "headers" } }]);
});

test("a server that stalls can be closed", async () => {
  const { mock, response } = await stream({ stall: true });
  const [broken] = await Promise.all([drain(response), mock.close()]);
  expect(broken.error).toBeInstanceOf(Error);
});

test.each<[string, Fault]>([
  ["cut-after", { "cut-after": 1 }],
  ["end-after", { "end-after": 1 }],
  ["malformed", { malformed: 1 }],
])("%s breaks an answer in one piece in its middle", async (_name, fault) => {
  const mock = await serve({ scenario: { replies: [{ text: words, fault }] } });
  const response = await post(`${mock.url}/v1/messages`, ask);
  expect(response.status).toBe(200);
  await expect(response.json()).rejects.toThrow();
});

test("latency and pace take their time", async () => {
  const started = performance.now();
  const reply = { text: "x".repeat(64), "latency-ms": 30, "tokens-per-second": 200 };
  const { response } = await stream({ split: true }, reply);
  await response.text();
  expect(performance.now() - started).toBeGreaterThan(100);
});

test("chance faults come at their rate, from the seed, and use up no rule", async () => {
  const statuses = async () => {
    const mock = await serve({
      seed: 7,
      scenario: {
        replies: [{ text: "once", times: 20 }],
        faults: { rate: 0.5, kinds: [{ status: 529 }, { status: 500 }] },
      },
    });
    for (let n = 0; n < 40; n += 1) await post(`${mock.url}/v1/messages`, ask);
    return mock.journal().map(({ status, matched }) => [status, matched]);
  };
  const [first, second] = await Promise.all([statuses(), statuses()]);
  expect(first).toEqual(second);
  const told = first.filter(([, matched]) => matched === 0).length;
  expect(told).toBeGreaterThan(10);
  expect(told).toBe(Math.min(20, first.filter(([status]) => status === 200).length));
  expect(new Set(first.map(([status]) => status))).toEqual(new Set([200, 500, 529]));
});

test("a client that leaves early is forgotten without a fuss", async () => {
  const abort = new AbortController();
  const slow = { text: words.repeat(20), "tokens-per-second": 10 };
  const { mock, response } = await stream({ split: true }, slow, abort.signal);
  await response.body?.getReader().read();
  abort.abort();
  expect((await fetch(`${mock.url}/healthz`)).status).toBe(200);
});

test("a stream that breaks by chance has not used up its rule", async () => {
  const mock = await serve({
    seed: 3,
    scenario: {
      replies: [{ text: "told", times: 1 }, { text: "over" }],
      faults: { rate: 0.7, kinds: [{ "end-after": 2 }] },
    },
  });
  for (let n = 0; n < 20; n += 1) await post(`${mock.url}/v1/messages`, { ...ask, stream: true });
  const played = mock.journal().map(({ matched, fault }) => [matched, fault === null]);
  const told = played.findIndex(([, isWhole]) => isWhole);
  expect(told).toBeGreaterThan(0);
  expect(played.slice(0, told + 1).every(([matched]) => matched === 0)).toBe(true);
  expect(played.slice(told + 1).every(([matched]) => matched === 1)).toBe(true);
});

test("no piece of a text cuts a character in two", async () => {
  const mock = await serve({ scenario: { replies: [{ text: `a${"🥊".repeat(40)}` }] } });
  const response = await post(`${mock.url}/v1/messages`, { ...ask, stream: true });
  expect(await response.text()).not.toContain("\\ud83e");
});
