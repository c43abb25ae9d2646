import { Bug } from "../core/assert.ts";
import { addUsage, type Millis, noUsage, tokensOf, type Usage } from "../core/loop.ts";
import type { ChatEnd, ChatEntry, ChatLack, ChatLive, ChatPart } from "../ports/chat.ts";
import type { ChatContent, ChatMessage, Model } from "../ports/llm.ts";
import { type Files, StoreBroken, ToolRefusal } from "../ports.ts";
import { openBench, type ToolBench } from "../tools/tool.ts";
import { callTool, toolset } from "../tools/toolset.ts";
import { ChatRefusal, callForPerson } from "./chat-call.ts";
import { chatSystem, remembered } from "./chat-prompt.ts";
import { summaryOf } from "./conversation.ts";
import type { Engine } from "./engine.ts";

export interface ChatQuestion {
  readonly chat: string;
  /** Of the messages in this conversation, from 1. */
  readonly number: number;
  readonly repo: string;
  readonly model: Model;
  readonly files: Files;
  /** What was said before. */
  readonly entries: readonly ChatEntry[];
  readonly text: string;
}

export interface ChatAnswer {
  readonly parts: readonly ChatPart[];
  readonly ended: ChatEnd;
  readonly reason: string | null;
  readonly usage: Usage;
  readonly lacks?: ChatLack;
}

/** What a model may do while a person talks with it: look. */
const chatTools = ["read", "list", "glob", "grep"] as const;
const tools = toolset(chatTools);

/** Of one answer. */
const turnsMax = 24;
const answerTokensMax = 400_000;
const answerMsMax: Millis = 900_000;
const callsMax = 16;

/**
 * The model's answer to a person, with what it looked at. Whatever happens is an end of the answer;
 * only a Bug and StoreBroken are thrown. Nothing is written and no command runs.
 */
export async function answerPerson(
  engine: Engine,
  question: ChatQuestion,
  hear: (event: ChatLive) => void,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, engine.drain, over.signal]);
  const timer = new AbortController();
  const { clock } = engine.world;
  const alarm = clock.sleepUntil(clock.now() + answerMsMax, timer.signal).then(() => over.abort());
  const talk = startTalk(engine, question, hear);
  try {
    const end = await converse(talk, either);
    return answerOf(talk, end);
  } catch (error) {
    if (error instanceof Bug || error instanceof StoreBroken) throw error;
    return answerOf(talk, endBy(engine, error, { left: signal, over: over.signal }));
  } finally {
    timer.abort();
    await alarm;
  }
}

type End = Pick<ChatAnswer, "ended" | "reason" | "lacks">;

function endBy(
  { drain }: Engine,
  error: unknown,
  { left, over }: { readonly left: AbortSignal; readonly over: AbortSignal },
): End {
  if (left.aborted) return { ended: "stopped", reason: null };
  if (drain.aborted) {
    return { ended: "stopped", reason: "the daemon is stopping: ask again once it is back" };
  }
  if (over.aborted) {
    return { ended: "limit", reason: `an answer may take ${answerMsMax / 60_000} minutes` };
  }
  const reason = error instanceof Error ? error.message : String(error);
  const lacks = error instanceof ChatRefusal ? error.lacks : null;
  return { ended: "failed", reason, ...(lacks === null ? {} : { lacks }) };
}

interface Talk {
  readonly engine: Engine;
  readonly question: ChatQuestion;
  readonly system: string;
  readonly messages: ChatMessage[];
  readonly bench: ToolBench;
  readonly parts: ChatPart[];
  readonly since: Millis;
  /** Told of the reply under way, and not yet one of the parts. */
  streamed: string;
  usage: Usage;
  readonly tell: (event: ChatLive) => void;
}

function startTalk(engine: Engine, question: ChatQuestion, hear: (event: ChatLive) => void): Talk {
  const { repo, entries, text, files } = question;
  const refused = () => Promise.reject(new ToolRefusal("only looking is possible here"));
  const talk: Talk = {
    engine,
    question,
    system: chatSystem(repo, chatTools),
    messages: [...remembered(entries), { role: "user", content: [{ type: "text", text }] }],
    bench: openBench({ files, run: refused, fetch: refused, redact: engine.world.redact }),
    parts: [],
    since: engine.world.clock.now(),
    streamed: "",
    usage: noUsage,
    tell: (event) => {
      if (event.type === "text") talk.streamed += event.text;
      if (event.type === "again") talk.streamed = "";
      hear(event);
    },
  };
  return talk;
}

async function converse(talk: Talk, signal: AbortSignal): Promise<End> {
  for (let turn = 1; turn <= turnsMax; turn += 1) {
    talk.tell({ type: "turn", turn });
    const end = await takeTurn(talk, turn, signal);
    if (end !== null) return end;
    if (tokensOf(talk.usage) >= answerTokensMax) {
      const reason = `an answer may take ${answerTokensMax} tokens: ask again to go on`;
      return { ended: "limit", reason };
    }
  }
  return { ended: "limit", reason: `stopped after ${turnsMax} turns: ask again to go on` };
}

/** Null while it goes on. */
async function takeTurn(talk: Talk, turn: number, signal: AbortSignal): Promise<End | null> {
  const { engine, question, system, messages, tell } = talk;
  const { chat, number, model } = question;
  const call = {
    key: `${chat}.${number}.${turn}`,
    ...{ chat, since: talk.since, model, tell },
    request: { system, messages, tools },
    spend: (usage: Usage) => {
      talk.usage = addUsage(talk.usage, usage);
      tell({ type: "usage", usage: talk.usage });
    },
  };
  const { content, stopReason } = await callForPerson(engine, call, signal);
  keepText(talk, content.map((part) => (part.type === "text" ? part.text : "")).join(""));
  const calls = content.filter((part) => part.type === "toolCall").slice(0, callsMax);
  if (calls.length === 0) return endOf(stopReason);
  const answered = content.filter((part) => part.type !== "toolCall" || calls.includes(part));
  messages.push({ role: "assistant", content: answered });
  const results: ChatContent[] = [];
  for (const each of calls) results.push(await look(talk, each, signal));
  if (turn >= turnsMax - 1) results.push({ type: "text", text: lastWords });
  messages.push({ role: "user", content: results });
  return null;
}

const lastWords = "That was the last look. Answer now with what you know; call no more tools.";

function endOf(stopReason: string): End {
  if (stopReason === "refusal") return { ended: "failed", reason: "the model refused to go on" };
  if (stopReason !== "maxTokens") return { ended: "done", reason: null };
  return { ended: "limit", reason: "the reply reached its maximum length: ask it to go on" };
}

type ToolCall = Extract<ChatContent, { type: "toolCall" }>;

async function look(
  { engine, question, bench, parts, tell }: Talk,
  { id, name, input }: ToolCall,
  signal: AbortSignal,
): Promise<ChatContent> {
  const { chat, repo } = question;
  await engine.world.audit.record({ type: "chat", chat, repo, name, input });
  const summary = summaryOf(input);
  tell({ type: "tool", name, summary });
  const { text, isError } = await callTool(tools, { name, input }, bench, signal);
  tell({ type: "toolDone", name, isError });
  parts.push({ type: "tool", name, summary, isError });
  return { type: "toolResult", id, text, isError };
}

function keepText(talk: Talk, text: string): void {
  talk.streamed = "";
  if (text !== "") talk.parts.push({ type: "text", text });
}

/** What a broken answer had said by then is kept too. */
function answerOf(talk: Talk, end: End): ChatAnswer {
  keepText(talk, talk.streamed);
  const { parts, usage } = talk;
  return { parts, usage, ...end };
}
