import type { ChatEntry, ChatLive, ConversationHead } from "../ports/chat.ts";
import type { LoopView } from "../views/loop-view.ts";

/** A person's message to a model, about a repository. */
export interface ChatRequest {
  /** The conversation that goes on; null begins one. */
  readonly chat: string | null;
  /** Any directory inside the repository; of a conversation that goes on it is not looked at. */
  readonly dir: string;
  /** Null: that of the conversation, or the configured one. */
  readonly model: string | null;
  readonly text: string;
}

/** A conversation in a list of them. */
export interface ChatHeadView
  extends Pick<ConversationHead, "id" | "repo" | "title" | "model" | "asked" | "usage"> {
  readonly createdAt: string;
  readonly updatedAt: string;
}

type Told<Entry> = Entry extends ChatEntry ? Omit<Entry, "at"> & { readonly at: string } : never;
export type ChatEntryView = Told<ChatEntry>;

export interface ChatView extends ChatHeadView {
  readonly entries: readonly ChatEntryView[];
}

/** A line of the answer to `POST /v1/chat`: what goes by, or why nothing more comes. */
export type ChatLine =
  | ChatLive
  | { readonly type: "error"; readonly error: string; readonly exitCode: number };

interface ChatReader {
  /** Of the repository that `dir` lies in, the newest first. */
  chats(dir: string): Promise<readonly ChatHeadView[]>;
  conversation(id: string): Promise<ChatView>;
  /** Has a plan made of it, to be approved; `words` are what the person says of that. */
  planOfChat(id: string, words: string): Promise<LoopView>;
}

export interface ChatDoor extends ChatReader {
  /** Resolves once the answer has ended; aborting `signal` stops it, and what was said is kept. */
  chat(request: ChatRequest, hear: (event: ChatLive) => void, signal: AbortSignal): Promise<void>;
}

/** Answers, and calls back with what goes by. */
export type Answering = (hear: (event: ChatLive) => void, signal: AbortSignal) => Promise<void>;

export interface ChatDesk extends ChatReader {
  /** Refuses first what cannot be answered; then the answer may begin. */
  chat(request: ChatRequest): Promise<Answering>;
}

/** Of one message; more belongs into a file. */
export const chatCharsMax = 100_000;
