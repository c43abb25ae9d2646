import type { Conversation, ConversationHead } from "../ports/chat.ts";
import type { ChatEntryView, ChatHeadView, ChatView } from "../protocol/chat.ts";
import { timeOf } from "../views/loop-view.ts";

export function chatHeadView(head: ConversationHead): ChatHeadView {
  const { id, repo, title, model, asked, usage, createdAt, updatedAt } = head;
  const times = { createdAt: timeOf(createdAt), updatedAt: timeOf(updatedAt) };
  return { id, repo, title, model, asked, usage, ...times };
}

export function chatView(conversation: Conversation): ChatView {
  const entries = conversation.entries.map((entry): ChatEntryView => {
    return { ...entry, at: timeOf(entry.at) };
  });
  return { ...chatHeadView(conversation), entries };
}
