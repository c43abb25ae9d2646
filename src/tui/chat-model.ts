/** What the screen knows of a talk with a model. */
import type { Usage } from "../core/loop.ts";
import type { ChatLive } from "../ports/chat.ts";
import type { ChatHeadView, ChatRequest, ChatView } from "../protocol/chat.ts";
import { type Draft, emptyDraft } from "./editor.ts";

/** A piece of the transcript. */
export interface ChatBlock {
  readonly from: "person" | "model" | "tool" | "failed" | "note" | "error";
  readonly text: string;
}

export interface ChatModel {
  /** Of the repository that it is about, or somewhere below. */
  readonly dir: string;
  /** Null until the daemon has named it. */
  readonly id: string | null;
  readonly title: string;
  /** As the person wants it; null is the configured one. */
  readonly model: string | null;
  /** That answered last. */
  readonly answeredBy: string | null;
  readonly blocks: readonly ChatBlock[];
  /** Whether the model still writes at the last block. */
  readonly isOpen: boolean;
  readonly draft: Draft;
  readonly isTyping: boolean;
  readonly sent: readonly string[];
  /** Which of them the draft shows, and what was being written before; null while none is shown. */
  readonly recalled: { readonly at: number; readonly own: Draft } | null;
  /** Null while nothing is being answered. */
  readonly busy: { readonly since: number; readonly state: string; readonly beats: number } | null;
  /** Number of the answer: what comes of an earlier one is not taken. */
  readonly run: number;
  readonly usage: Usage;
  readonly top: number;
  readonly follows: boolean;
  readonly heads: readonly ChatHeadView[];
}

/** What came of what was asked for. */
export type ChatNews =
  | { readonly type: "live"; readonly run: number; readonly event: ChatLive }
  | {
      readonly type: "closed";
      readonly run: number;
      readonly error: string | null;
      /** By the person. */
      readonly isStopped: boolean;
    }
  /** What the conversation has cost by now, of which nobody told the one who stopped it. */
  | { readonly type: "spent"; readonly run: number; readonly usage: Usage }
  | { readonly type: "opened"; readonly view: ChatView }
  | { readonly type: "listed"; readonly heads: readonly ChatHeadView[] }
  | { readonly type: "planned"; readonly id: string };

/** What is to be done about it, outside. */
export type ChatDoing =
  | { readonly type: "send"; readonly run: number; readonly request: ChatRequest }
  | { readonly type: "stop" }
  | { readonly type: "plan"; readonly chat: string; readonly words: string }
  | { readonly type: "list"; readonly dir: string }
  | { readonly type: "open"; readonly id: string };

const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0,
  requests: 0,
};

export function newChat(dir: string): ChatModel {
  return {
    dir,
    id: null,
    title: "",
    model: null,
    answeredBy: null,
    blocks: [],
    isOpen: false,
    draft: emptyDraft,
    isTyping: true,
    sent: [],
    recalled: null,
    busy: null,
    run: 0,
    usage: noUsage,
    top: 0,
    follows: true,
    heads: [],
  };
}

const blocksMax = 2_000;

export function withBlock(chat: ChatModel, from: ChatBlock["from"], text: string): ChatModel {
  const blocks = [...chat.blocks, { from, text }].slice(-blocksMax);
  return { ...chat, blocks, isOpen: false, follows: true };
}

/** Another conversation in the same place; what the person has set and written stays. */
export function anotherChat(chat: ChatModel): ChatModel {
  const { dir, model, sent, draft, run } = chat;
  return { ...newChat(dir), model, sent, draft, run: run + 1 };
}
