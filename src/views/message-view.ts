import type { Message } from "../core/message.ts";
import { timeOf } from "./loop-view.ts";

/** A message as people and scripts see it. */
export interface MessageView {
  readonly id: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly topic: string | null;
  readonly body: string;
  /** `waiting delivered answered dead`, or `read` once nothing is left to do. */
  readonly status: string;
  readonly reason: string | null;
  readonly answer: string | null;
  readonly sentAt: string;
  readonly expiresAt: string;
}

export function messageView(message: Message): MessageView {
  const { id, kind, from, to, topic, body, status, reason, answer } = message;
  const times = { sentAt: timeOf(message.sentAt), expiresAt: timeOf(message.expiresAt) };
  return { id, kind, from, to, topic, body, status, reason, answer, ...times };
}
