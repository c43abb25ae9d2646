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

/** Each reply takes `replyMs`, in pieces. */
export async function startSlowModel(replyMs: number): Promise<SlowModel> {
  const server = fork(fileURLToPath(import.meta.url), ["serve", String(replyMs)]);
  const [url] = (await once(server, "message")) as [string];
  return { url, close: () => stop(server) };
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = once(server, "exit");
  server.kill();
  await gone;
}

/** Of four characters, as the server counts. */
const wordsTokens = 200;
const words = "Now. ".repeat(wordsTokens).slice(0, 4 * wordsTokens);

/** Mends `sum.txt` in one turn, and is done in the next. */
function mending(replyMs: number): Policy {
  return ({ turn }) => {
    const read = { name: "read", input: { path: "sum.txt" } };
    const write = { name: "write", input: { path: "sum.txt", content: "plus\n" } };
    const done = { name: "complete_task", input: { summary: "It is done." } };
    const tools = turn === 0 ? [read, write] : [done];
    return { text: words, tools, "tokens-per-second": (wordsTokens * 1_000) / replyMs };
  };
}

if (import.meta.main && process.argv[2] === "serve") {
  const mock = await startMockLlm({ policy: mending(Number(process.argv[3])) });
  process.send?.(mock.url);
}
