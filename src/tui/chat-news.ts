/** What the daemon tells of a talk, taken into the model. */
import { cost } from "../cli/numbers.ts";
import { oneLine } from "../cli/text.ts";
import type { ChatLive, ChatPart } from "../ports/chat.ts";
import type { ChatView } from "../protocol/chat.ts";
import {
  anotherChat,
  type ChatBlock,
  type ChatModel,
  type ChatNews,
  withBlock,
} from "./chat-model.ts";

/** Of one block; a model that writes more goes on in the next. */
const blockCharsMax = 100_000;

export function takeChat(chat: ChatModel, news: ChatNews): ChatModel {
  switch (news.type) {
    case "live":
      return news.run === chat.run ? heard(beating(chat), news.event) : chat;
    case "closed":
      if (news.run !== chat.run) return chat;
      if (news.isStopped) return withBlock(rested(chat), "note", "stopped");
      return news.error === null ? rested(chat) : withBlock(rested(chat), "error", news.error);
    case "spent":
      return news.run === chat.run ? { ...chat, usage: news.usage } : chat;
    case "opened":
      return opened(chat, news.view);
    case "listed":
      return { ...chat, heads: news.heads };
    case "planned": {
      const words = `loop ${news.id} makes a plan of this conversation: it is under 2 Plan, and waits there for your approval once it is written`;
      return withBlock(chat, "note", words);
    }
    default:
      return news satisfies never;
  }
}

function rested(chat: ChatModel): ChatModel {
  return { ...chat, busy: null, isOpen: false };
}

function beating(chat: ChatModel): ChatModel {
  const { busy } = chat;
  return busy === null ? chat : { ...chat, busy: { ...busy, beats: busy.beats + 1 } };
}

function heard(chat: ChatModel, event: ChatLive): ChatModel {
  switch (event.type) {
    case "began":
      return { ...chat, id: event.chat, answeredBy: event.model };
    case "turn":
      return { ...doing(chat, "thinking"), isOpen: false };
    case "text":
      return doing(withText(chat, event.text), "writing");
    case "again":
      return withBlock(withoutOpen(chat), "note", `asked again: ${event.reason}`);
    case "tool":
      return doing(
        withBlock(chat, "tool", oneLine(`${event.name} ${event.summary}`)),
        oneLine(event.name),
      );
    case "toolDone":
      return event.isError ? { ...chat, blocks: lastFailed(chat.blocks) } : chat;
    case "waiting":
      return doing(chat, `waiting: ${oneLine(event.reason)}`);
    case "usage":
      return chat;
    case "ended": {
      const done = { ...chat, usage: added(chat.usage, event.usage), isOpen: false };
      if (event.ended === "done") return done;
      const words = event.reason ?? "stopped";
      return withBlock(done, event.ended === "failed" ? "error" : "note", words);
    }
    default:
      return event satisfies never;
  }
}

function doing(chat: ChatModel, state: string): ChatModel {
  return chat.busy === null ? chat : { ...chat, busy: { ...chat.busy, state } };
}

function withText(chat: ChatModel, text: string): ChatModel {
  const last = chat.blocks.at(-1);
  const isFull = (last?.text.length ?? 0) > blockCharsMax;
  if (!chat.isOpen || last === undefined || isFull) {
    return { ...withBlock(chat, "model", text), isOpen: true, follows: chat.follows };
  }
  const blocks = [...chat.blocks.slice(0, -1), { ...last, text: last.text + text }];
  return { ...chat, blocks };
}

function withoutOpen(chat: ChatModel): ChatModel {
  return chat.isOpen ? { ...chat, blocks: chat.blocks.slice(0, -1), isOpen: false } : chat;
}

function lastFailed(blocks: readonly ChatBlock[]): readonly ChatBlock[] {
  const at = blocks.findLastIndex(({ from }) => from === "tool");
  return blocks.map((block, index) => (index === at ? { ...block, from: "failed" } : block));
}

function opened(chat: ChatModel, view: ChatView): ChatModel {
  const { id, title, repo, model, usage, entries } = view;
  const blocks = entries.flatMap((entry): ChatBlock[] => {
    if (entry.from === "person") return [{ from: "person", text: entry.text }];
    const ended: ChatBlock[] =
      entry.ended === "done" ? [] : [{ from: "note", text: entry.reason ?? "stopped" }];
    return [...entry.parts.map(blockOf), ...ended];
  });
  const said = entries.flatMap((entry) => (entry.from === "person" ? [entry.text] : []));
  const fresh = { ...anotherChat(chat), dir: repo, id, title, answeredBy: model, usage };
  return { ...fresh, blocks, sent: [...chat.sent, ...said].slice(-sentMax) };
}

export const sentMax = 100;

function blockOf(part: ChatPart): ChatBlock {
  if (part.type === "text") return { from: "model", text: part.text };
  const text = oneLine(`${part.name} ${part.summary}`);
  return { from: part.isError ? "failed" : "tool", text };
}

function added(a: ChatModel["usage"], b: ChatModel["usage"]): ChatModel["usage"] {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
    requests: a.requests + b.requests,
  };
}

/** What it cost so far, in a word or two. */
export function costWords({ usage }: ChatModel): string {
  return usage.requests === 0 ? "" : cost(usage.costUsd);
}
