import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Anthropic } from "@anthropic-ai/sdk";
import { AnthropicClient } from "../src/adapters/llm/anthropic.ts";
import { createTransport } from "../src/adapters/llm/transport.ts";

const events = 20_000;
const streams = 4;
const rounds = 9;
const apiKey = "sk-bench-0123456789";
const neverMs = 60_000;

export interface StreamBench {
  readonly name: "stream";
  /** Processor time of one streamed event of 40 characters. */
  readonly cpuUsPerEvent: number;
  /** Against the SDK's own stream with nobody listening. */
  readonly ratio: number;
}

/** CPU per streamed event of AnthropicClient and of the SDK alone, in turn, by their medians. */
export async function benchStream(): Promise<StreamBench> {
  const server = fork(fileURLToPath(import.meta.url), ["serve"]);
  try {
    const [baseUrl] = (await once(server, "message")) as [string];
    return await measure(baseUrl);
  } finally {
    await stop(server);
  }
}

async function measure(baseUrl: string): Promise<StreamBench> {
  const fetch = createTransport();
  const endpoint = { provider: "anthropic", baseUrl, apiKey, stallTimeoutMs: neverMs, fetch };
  const client = new AnthropicClient({ ...endpoint, now: () => 0 });
  const sdk = new Anthropic({ apiKey, baseURL: baseUrl, maxRetries: 0 });
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = -2; round < rounds; round += 1) {
    const first = await cpuUsPerEvent(() => readBare(sdk));
    const second = await cpuUsPerEvent(() => readOurs(client));
    // The first two rounds warm up.
    if (round < 0) continue;
    bare.push(first);
    ours.push(second);
  }
  return {
    name: "stream",
    cpuUsPerEvent: rounded(median(ours)),
    ratio: rounded(median(ours) / median(bare)),
  };
}

async function cpuUsPerEvent(read: () => Promise<number>): Promise<number> {
  const before = process.cpuUsage();
  const counts = await Promise.all(Array.from({ length: streams }, read));
  const { user, system } = process.cpuUsage(before);
  if (counts.some((count) => count < events)) throw new Error("a stream was not read whole");
  return (user + system) / (streams * events);
}

async function readBare(sdk: Anthropic): Promise<number> {
  let count = 0;
  const stream = await sdk.messages.create({
    model: "bench",
    max_tokens: 1000,
    messages: [{ role: "user", content: "Go" }],
    stream: true,
  });
  for await (const event of stream) if (event.type === "content_block_delta") count += 1;
  return count;
}

async function readOurs(client: AnthropicClient): Promise<number> {
  let count = 0;
  const request = {
    model: "bench",
    system: "",
    messages: [{ role: "user", content: [{ type: "text", text: "Go" }] }],
    tools: [],
    outputTokensMax: 1000,
  } as const;
  await client.complete(request, new AbortController().signal, (delta) => {
    if (delta.type === "text") count += 1;
  });
  return count;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = once(server, "exit");
  server.kill();
  await gone;
}

// ── the other process: a server that streams as fast as it is read ───────────────────────────

function serve(): void {
  const server = createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const chunk of chunks()) {
      if (!response.write(chunk)) await once(response, "drain");
    }
    response.end();
  });
  server.listen(0, "127.0.0.1", () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}

function* chunks(): Generator<string> {
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const usage = { input_tokens: 1, output_tokens: 1 };
  yield event("message_start", { message: { role: "assistant", content: [], usage } });
  yield event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  const delta = { type: "text_delta", text: "x".repeat(40) };
  const text = event("content_block_delta", { index: 0, delta });
  // Four events a write, about what arrives together from a fast model.
  for (let sent = 0; sent < events; sent += 4) yield text.repeat(4);
  yield event("content_block_stop", { index: 0 });
  yield event("message_delta", { delta: { stop_reason: "end_turn" }, usage });
  yield event("message_stop", {});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === "serve") serve();
  else console.log(JSON.stringify(await benchStream()));
}
