import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ChatEntryView, ChatRequest, ChatView } from "../../src/protocol/chat.ts";
import type { Door } from "../../src/protocol/door.ts";
import { ChatEffects } from "../../src/tui/chat-effects.ts";
import type { ChatNews } from "../../src/tui/chat-model.ts";
import { FakeProgram } from "../cli/fake-program.ts";

const at = "2026-01-01T00:00:00.000Z";
const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const usage = { ...none, outputTokens: 40, costUsd: 0.03, requests: 1 };
const question: ChatEntryView = { from: "person", text: "Where?", at };
const answer: ChatEntryView = {
  from: "model",
  ...{ model: "sim/small", parts: [], ended: "stopped", reason: null, usage, at },
};
const head = { id: "c1", repo: "/repo", title: "Where?", model: "sim/small", asked: 1, usage };
const request: ChatRequest = { chat: null, dir: "/repo", model: null, text: "Where?" };

test("what an answer cost that was stopped is asked for until it is known", async () => {
  const views: ChatView[] = [
    { ...head, usage: { ...usage, costUsd: 0 }, createdAt: at, updatedAt: at, entries: [question] },
    { ...head, createdAt: at, updatedAt: at, entries: [question, answer] },
  ];
  const door: Door = Object.assign((await new FakeProgram().daemon()) as Door, {
    chat: async (_: ChatRequest, hear: (event: never) => void, signal: AbortSignal) => {
      hear({ type: "began", chat: "c1", model: "sim/small" } as never);
      while (!signal.aborted) await setImmediate();
    },
    conversation: async () => views.shift() as ChatView,
  });
  const news: ChatNews[] = [];
  const asked: Promise<void>[] = [];
  const tell = (each: ChatNews) => {
    news.push(each);
    if (each.type === "live") effects.carryOut({ type: "stop" });
  };
  const effects = new ChatEffects({ door, tell, ask: (body) => asked.push(body()) });
  effects.carryOut({ type: "send", run: 1, request });
  await Promise.all(asked);
  expect(news.map(({ type }) => type)).toEqual(["live", "closed", "spent"]);
  expect(news.at(-1)).toEqual({ type: "spent", run: 1, usage });
});
