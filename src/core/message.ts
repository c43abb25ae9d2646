/**
 * What loops and people say to each other: durable, bounded, with receipts.
 *
 *   waiting ──delivered──▶ delivered ──read──▶ (gone from state; the log keeps it)
 *      ▲                      │
 *      └──────returned────────┘   the conversation died, or a question is still open
 *   waiting | delivered ──▶ dead ──requeued──▶ waiting       dead ──dropped──▶ (gone)
 *
 *   1. What was acknowledged is read by one conversation that came to its end, or is a dead letter.
 *   2. No cycle of waits stands: the question that would close one dies in the same decision.
 *   3. Everything here has a maximum: bodies, boxes, open questions, letters kept.
 */
import type { LoopId, Millis } from "./loop.ts";

export type MessageId = string & { readonly brand: "MessageId" };

type MessageKind = "alert" | "query" | "share" | "reply" | "stop";

export const person = "person";
export type Sender = LoopId | typeof person;

/** What is sent to one loop. */
interface Sent {
  readonly id: MessageId;
  readonly kind: MessageKind;
  readonly from: Sender;
  /** Of an alert. */
  readonly topic: string | null;
  readonly body: string;
  /** The question that a reply answers, cut to `aboutCharsMax`. */
  readonly about: { readonly query: MessageId; readonly question: string } | null;
  readonly asking: Asking | null;
  readonly expiresAt: Millis;
}

/** The two leases between which a loop's question is a wait. */
interface Asking {
  readonly attempt: number;
  readonly iteration: number;
  /** Of the loop that is asked; null when it was not at work, and nobody waits. */
  readonly toAttempt: number | null;
}

export interface Message extends Sent {
  readonly to: LoopId;
  readonly sentAt: Millis;
  readonly status: "waiting" | "delivered" | "answered" | "dead";
  /** Why it is dead. */
  readonly reason: string | null;
  /** To a person's question. */
  readonly answer: string | null;
}

/** `loop` is the one it was sent to. */
export type MessageEvent =
  | Of<"message.sent", Sent>
  | Of<"message.delivered", { readonly id: MessageId; readonly attempt: number }>
  | Of<"message.read", { readonly id: MessageId }>
  | Of<"message.returned", { readonly id: MessageId }>
  /** A person's answer is kept for a while; to a loop it goes as a message of its own. */
  | Of<
      "message.answered",
      { readonly id: MessageId; readonly answer: string; readonly until: Millis | null }
    >
  | Of<"message.dead", { readonly id: MessageId; readonly reason: string }>
  | Of<"message.requeued", { readonly id: MessageId; readonly expiresAt: Millis }>
  | Of<"message.dropped", { readonly id: MessageId; readonly reason: string }>;

interface Of<Type extends string, Data> {
  readonly type: Type;
  readonly loop: LoopId;
  readonly data: Data;
}

/** What somebody wants to be sent. */
export type Letter =
  | { readonly kind: "alert"; readonly topic: string; readonly body: string }
  | {
      readonly kind: "query";
      readonly to: LoopId;
      readonly body: string;
      readonly timeoutMs: Millis;
    }
  | { readonly kind: "share" | "stop"; readonly to: LoopId; readonly body: string };

/** By people, and by time. */
export type MailCommand =
  | {
      readonly type: "tell";
      readonly letter: Letter;
      /** Whom an alert is for: the loops of a repository, or of one plan in it. */
      readonly repo: string;
      readonly plan: LoopId | null;
    }
  | { readonly type: "expireMail" }
  | { readonly type: "requeueMail"; readonly message: MessageId }
  | { readonly type: "dropMail"; readonly message: MessageId };

const mailCommands: ReadonlySet<string> = new Set([
  "tell",
  "expireMail",
  "requeueMail",
  "dropMail",
]);

export function isMailCommand(command: { readonly type: string }): command is MailCommand {
  return mailCommands.has(command.type);
}

/** By the attempt that holds the loop's lease. */
export type LoopMailCommand =
  | { readonly type: "send"; readonly letter: Letter }
  | { readonly type: "receive"; readonly messages: readonly MessageId[] }
  /** Received, and the model never saw it. */
  | { readonly type: "handBack"; readonly messages: readonly MessageId[] }
  | { readonly type: "reply"; readonly query: MessageId; readonly answer: string };

export const bodyCharsMax = 10_000;
export const topicCharsMax = 100;
export const aboutCharsMax = 500;
/** Unread, for one loop. */
export const boxMax = 50;
/** Open, from one loop. */
export const queriesMax = 5;
export const personQueriesMax = 50;
/** An alert goes no farther. */
export const alertMax = 500;
/** In state: unread messages, open questions and dead letters. */
export const mailMax = 5_000;
export const deadMax = 1_000;
export const queryTimeoutMsMax = 3_600_000;
const dayMs = 86_400_000;
/** What nobody reads for so long is a dead letter. */
export const keptMs = 7 * dayMs;
/** An answer waits so long for the person who asked. */
export const answerKeptMs = 3_600_000;

export function isMessageEvent(event: { readonly type: string }): event is MessageEvent {
  return event.type.startsWith("message.");
}

export function isUnread({ status }: Message): boolean {
  return status === "waiting" || status === "delivered";
}

/** What a conversation holds is not taken from it; a question dies when nobody answers in time. */
function expires({ status, kind }: Message): boolean {
  return (
    status === "waiting" || status === "answered" || (status === "delivered" && kind === "query")
  );
}

type Mail = { readonly mail: ReadonlyMap<MessageId, Message> };

export function expiredAt({ mail }: Mail, now: Millis): readonly Message[] {
  return [...mail.values()].filter((each) => expires(each) && each.expiresAt <= now);
}

/** When to look for expired mail again; null when there is none that could. */
export function nextExpiryAt({ mail }: Mail): Millis | null {
  let next: Millis | null = null;
  for (const each of mail.values()) {
    if (expires(each) && (next === null || each.expiresAt < next)) next = each.expiresAt;
  }
  return next;
}

/** What waits for a loop, oldest first. */
export function waitingFor({ mail }: Mail, id: LoopId): readonly Message[] {
  if (mail.size === 0) return [];
  return [...mail.values()].filter(({ to, status }) => to === id && status === "waiting");
}

export function deadLetters({ mail }: Mail): readonly Message[] {
  return [...mail.values()].filter(({ status }) => status === "dead");
}

const again = { status: "waiting", reason: null, asking: null } as const;

/** What an event makes of a message; null when state is done with it. */
export function messageAfter(
  event: MessageEvent,
  before: Message | undefined,
  at: Millis,
): Message | null {
  if (event.type === "message.sent") {
    const fresh = { status: "waiting", reason: null, answer: null } as const;
    return { ...event.data, ...fresh, to: event.loop, sentAt: at };
  }
  if (before === undefined) return null;
  switch (event.type) {
    case "message.delivered":
      return { ...before, status: "delivered" };
    case "message.returned":
      return { ...before, status: "waiting" };
    case "message.dead":
      return { ...before, status: "dead", reason: event.data.reason };
    case "message.requeued":
      // Who asked has long gone on: nobody waits for it any more.
      return { ...before, ...again, expiresAt: event.data.expiresAt };
    case "message.answered": {
      const { answer, until } = event.data;
      return until === null ? null : { ...before, status: "answered", answer, expiresAt: until };
    }
    default:
      return null;
  }
}

export function numberOf(id: MessageId): number {
  return Number(id.slice(1));
}
