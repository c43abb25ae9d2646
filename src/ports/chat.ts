/** A person's talk with a model about a repository: one more page of the outside world. */
import type { Millis, Usage } from "../core/loop.ts";

/** A piece of what a model did to answer. */
export type ChatPart =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "tool";
      readonly name: string;
      readonly summary: string;
      readonly isError: boolean;
    };

/** How an answer came to its end. */
export type ChatEnd = "done" | "stopped" | "limit" | "failed";

/** What a person has to give before it goes on. */
export type ChatLack = "budget" | "key";

export type ChatEntry =
  | { readonly from: "person"; readonly text: string; readonly at: Millis }
  | {
      readonly from: "model";
      readonly parts: readonly ChatPart[];
      /** `provider/model` */
      readonly model: string;
      readonly ended: ChatEnd;
      /** Why, where it is not done. */
      readonly reason: string | null;
      readonly usage: Usage;
      readonly at: Millis;
    };

export interface ConversationHead {
  readonly id: string;
  /** Absolute path of the repository. */
  readonly repo: string;
  /** Of its first message. */
  readonly title: string;
  readonly model: string;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly usage: Usage;
  /** Messages of the person, also those that are no longer kept. */
  readonly asked: number;
}

export interface Conversation extends ConversationHead {
  /** The newest. */
  readonly entries: readonly ChatEntry[];
}

/** What goes by while a model answers. */
export type ChatLive =
  | { readonly type: "began"; readonly chat: string; readonly model: string }
  | { readonly type: "text"; readonly text: string }
  /** Another call of the model: what it says stands apart from what was said. */
  | { readonly type: "turn"; readonly turn: number }
  /** The reply broke off and is asked for again: its text so far is void. */
  | { readonly type: "again"; readonly reason: string }
  | { readonly type: "tool"; readonly name: string; readonly summary: string }
  | { readonly type: "toolDone"; readonly name: string; readonly isError: boolean }
  | { readonly type: "waiting"; readonly until: Millis; readonly reason: string }
  /** Of this answer, so far. */
  | { readonly type: "usage"; readonly usage: Usage }
  | {
      readonly type: "ended";
      readonly ended: ChatEnd;
      readonly reason: string | null;
      readonly usage: Usage;
      readonly lacks?: ChatLack;
    };

/** Conversations on disk: redacted, bounded, private. */
export interface Conversations {
  /** Of one repository, the newest first. */
  list(repo: string): Promise<readonly ConversationHead[]>;
  /** Null when there is none. */
  read(id: string): Promise<Conversation | null>;
  /** A name that no conversation has or had, as far as is known. */
  newId(): Promise<string>;
  /** Replaces it as a whole. Drops the oldest entries, and the oldest conversations, beyond the bounds. */
  save(conversation: Conversation): Promise<Conversation>;
}
