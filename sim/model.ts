import { Buffer } from "node:buffer";
import { assert } from "../src/core/assert.ts";
import { tokensEstimated } from "../src/core/budget.ts";
import { type LoopId, noUsage, tokensOf, type Usage } from "../src/core/loop.ts";
import {
  type ChatContent,
  type LlmClient,
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
  type Model,
} from "../src/ports/llm.ts";
import { halves } from "./git.ts";
import { talk } from "./mail.ts";
import { documentsWish } from "./pipeline.ts";
import type { SimProvider } from "./provider.ts";
import type { SeededRandom } from "./random.ts";
import type { Temper } from "./temper.ts";

export interface ModelOutside {
  /** The other loops that run just now. */
  readonly atWork: (loop: string) => readonly LoopId[];
  readonly random: SeededRandom;
  readonly temper: Temper;
  readonly provider: SimProvider;
  /** Takes its time or until it is aborted; never returns after a crash. */
  readonly takes: (msMax: number, signal: AbortSignal) => Promise<void>;
  /** Called as a request arrives, and what it returns as it ends, with the tokens to be paid. */
  readonly began: (
    loop: string,
    model: string,
    tokensMax: number,
    signal: AbortSignal,
  ) => (tokens: number) => void;
}

const kinds: readonly LlmErrorKind[] = [
  "rateLimited",
  "overloaded",
  "server",
  "network",
  "cut",
  "stalled",
  "malformed",
  "auth",
  "invalid",
];

/** A model that thinks with dice: it reads, writes, repairs, spoils, cheats, asks and stops. */
export function simModel(name: string, outside: ModelOutside): Model {
  const client: LlmClient = { complete: (request, signal) => complete(request, signal, outside) };
  const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
  return { provider: "sim", name, client, price, outputTokensMax: 8_000 };
}

async function complete(
  request: LlmRequest,
  signal: AbortSignal,
  outside: ModelOutside,
): Promise<LlmReply> {
  const { random, temper } = outside;
  const loop = /loop (\S+)/.exec(request.system)?.[1];
  assert(loop !== undefined, "the system prompt names its loop");
  checkConversation(request);
  const tokensMax = tokensEstimated(bytesOf(request)) + request.outputTokensMax;
  const isOut = outside.provider.isOut;
  const ended = outside.began(loop, request.model, tokensMax, signal);
  await outside.takes(temper.modelMsMax, signal);
  if (signal.aborted || isOut || random.chance(temper.modelFails)) {
    const error = signal.aborted
      ? new LlmError("aborted", "aborted")
      : fault(request, isOut, outside);
    ended(error.usage === null ? 0 : tokensOf(error.usage));
    throw error;
  }
  const answer = reply(request, loop, outside);
  ended(tokensOf(answer.usage));
  return answer;
}

function bytesOf({ system, messages, tools }: LlmRequest): number {
  return Buffer.byteLength(JSON.stringify([system, messages, tools]));
}

function fault(
  request: LlmRequest,
  isOut: boolean,
  { random, temper, provider }: ModelOutside,
): LlmError {
  if (isOut) {
    provider.failed();
    return random.chance(0.5) ? new LlmError("overloaded", "529") : new LlmError("server", "500");
  }
  const kind = kinds[random.between(0, kinds.length - 1)] ?? "server";
  if (kind === "invalid" && random.chance(0.9)) return new LlmError("server", "500");
  const isLong = random.chance(temper.modelParks);
  const retryAfterMs = isLong ? 3_600_000 : random.chance(0.3) ? random.between(0, 90_000) : null;
  const usage = kind === "cut" || kind === "stalled" ? usageOf(request, random) : null;
  return new LlmError(kind, `a ${kind} of the simulator`, { retryAfterMs, usage });
}

/** The fresh context: a conversation begins with one prompt, and every call has its answer. */
function checkConversation({ messages }: LlmRequest): void {
  assert(messages[0]?.role === "user", "a conversation begins with the prompt");
  const asked = messages.flatMap(({ content }) => ids(content, "toolCall"));
  const answered = messages.flatMap(({ content }) => ids(content, "toolResult"));
  assert(asked.join() === answered.join(), "every tool call has its result, in order");
}

function ids(content: readonly ChatContent[], type: "toolCall" | "toolResult"): string[] {
  return content.flatMap((part) => (part.type === type && "id" in part ? [part.id] : []));
}

function reply(request: LlmRequest, loop: string, outside: ModelOutside): LlmReply {
  const { random, temper } = outside;
  const usage = usageOf(request, random);
  const call = (name: string, input: unknown): LlmReply => ({
    content: [{ type: "toolCall", id: `call-${random.between(0, 1e9)}`, name, input }],
    stopReason: "toolUse",
    usage,
  });
  const text = (words: string, stopReason: LlmReply["stopReason"]): LlmReply => ({
    content: [{ type: "text", text: words }],
    stopReason,
    usage,
  });
  if (random.chance(temper.modelAsks)) return call("ask_person", { question: "May I?" });
  if (random.chance(temper.modelTalks))
    return call(...talk(random, textOf(request), outside.atWork(loop)));
  if (random.chance(0.2)) return call("complete_task", { summary: "It is done, believe me." });
  if (random.chance(0.1)) return text("I am finished.", "endTurn");
  if (random.chance(0.05)) return text("And so on and", "maxTokens");
  if (random.chance(0.2)) return call("bash", { command: "./check.sh" });
  const files = documentsWish(request.system, random, temper) ?? [wish(random, temper)];
  const content = files.flatMap((input) => {
    const reading = call("read", { path: input.path }).content;
    return random.chance(0.05) ? reading : [...reading, ...call("write", input).content];
  });
  return content.length === 0 ? text("Nothing to write.", "endTurn") : { ...call("", {}), content };
}

function textOf({ messages }: LlmRequest): string {
  const parts = messages.flatMap(({ content }) => content);
  return parts.map((part) => ("text" in part ? part.text : "")).join("\n");
}

function wish(random: SeededRandom, temper: Temper): { path: string; content: string } {
  if (random.chance(temper.modelCheats)) {
    return random.chance(0.5)
      ? { path: "check.sh", content: "exit 0" }
      : { path: "cache.txt", content: "good" };
  }
  if (random.chance(0.1)) return { path: "check.sh", content: "real" };
  if (random.chance(0.15)) {
    const path = halves[random.between(0, 1)] ?? "half-1.txt";
    return { path, content: random.chance(0.6) ? "alone" : "together" };
  }
  const content = random.chance(temper.modelFixes) ? "good" : `bad ${random.between(1, 3)}`;
  return { path: "src.txt", content };
}

function usageOf(request: LlmRequest, random: SeededRandom): Usage {
  const inputTokens = random.between(1, tokensEstimated(bytesOf(request)));
  const outputTokens = random.between(1, request.outputTokensMax);
  return { ...noUsage, inputTokens, outputTokens, costUsd: null, requests: 1 };
}
