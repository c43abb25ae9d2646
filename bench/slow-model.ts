/** A model server in a process of its own: replies that take a while, streamed. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startMockLlm } from "../src/mock-llm/mock-llm.ts";
import type { Policy } from "../src/mock-llm/script.ts";

export interface SlowModel {
  readonly url: string;
  close(): Promise<void>;
}

export interface Mind {
  readonly replyMs: number;
  /** Of each reply's words. */
  readonly wordsTokens: number;
  /** What it writes in its first turn. */
  readonly path: string;
  readonly content: string;
}

/** Each reply takes `replyMs`, in pieces. */
export async function startSlowModel(mind: Mind): Promise<SlowModel> {
  const server = fork(fileURLToPath(import.meta.url), ["serve", JSON.stringify(mind)]);
  const [url] = (await once(server, "message")) as [string];
  return { url, close: () => stop(server) };
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = once(server, "exit");
  server.kill();
  await gone;
}

/** A provider's headers are believed: limits that count would be what is measured. */
const beyondReach = {
  "requests-per-minute": 1e9,
  "input-tokens-per-minute": 1e12,
  "output-tokens-per-minute": 1e12,
};

/** Writes the file in one turn, and is done in the next. */
function mending({ replyMs, wordsTokens, path, content }: Mind): Policy {
  // Of four characters each, as the server counts.
  const text = "Now. ".repeat(wordsTokens).slice(0, 4 * wordsTokens);
  const read = { name: "read", input: { path } };
  const write = { name: "write", input: { path, content } };
  const done = { name: "complete_task", input: { summary: "It is done." } };
  return ({ turn }) => {
    const tools = turn === 0 ? [read, write] : [done];
    return { text, tools, "tokens-per-second": (wordsTokens * 1_000) / replyMs };
  };
}

if (import.meta.main && process.argv[2] === "serve") {
  const policy = mending(JSON.parse(process.argv[3] ?? "{}") as Mind);
  const mock = await startMockLlm({ policy, scenario: { limits: beyondReach } });
  process.send?.(mock.url);
}
