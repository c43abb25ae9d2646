import { resolveRepository } from "../adapters/git/repository.ts";
import type { Command } from "../core/commands.ts";
import type { LoopId } from "../core/loop.ts";
import { isUnread, type Message, type MessageId, messageAfter } from "../core/message.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { type MailDoor, messageWaitMsMax, type SendRequest } from "../protocol/mail.ts";
import { type MessageView, messageView } from "../views/message-view.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";

/** The coordinator as people reach it, over a host. */
export function openMail(host: Host): MailDoor {
  return {
    send: (request) => send(host, request),
    message: (id, waitMs) => settled(host, id, Math.min(waitMs, messageWaitMsMax)),
    requeue: async (id) => {
      await host.decided({ type: "requeueMail", message: id as MessageId });
      return messageView(find(host, id));
    },
    drop: async (id) => {
      await host.decided({ type: "dropMail", message: id as MessageId });
    },
  };
}

async function send(host: Host, request: SendRequest): Promise<readonly MessageView[]> {
  const { events } = await host.decided(await commandOf(host, request));
  const at = systemClock.now();
  return events.flatMap((event) => {
    if (event.type !== "message.sent") return [];
    const message = host.states.state.mail.get(event.data.id);
    if (message !== undefined) return [messageView(message)];
    const sent = messageAfter(event, undefined, at);
    return sent === null ? [] : [{ ...messageView(sent), status: "read" }];
  });
}

async function commandOf(host: Host, request: SendRequest): Promise<Command> {
  if (request.kind === "alert") {
    const { kind, topic, body, dir, plan } = request;
    const { root: repo } = await resolveRepository(dir, null);
    const within = plan === null ? null : host.id(plan);
    return { type: "tell", letter: { kind, topic, body }, repo, plan: within };
  }
  const to: LoopId = host.id(request.to);
  return { type: "tell", letter: { ...request, to }, repo: "", plan: null };
}

async function settled(host: Host, id: string, waitMs: number): Promise<MessageView> {
  const over = new AbortController();
  const timeUp = systemClock.sleepUntil(systemClock.now() + waitMs, over.signal);
  let isOver = false;
  const end = timeUp.then(() => {
    isOver = true;
  });
  try {
    for (;;) {
      const change = host.states.changes.next();
      const message = find(host, id);
      if (!isUnread(message) || isOver) return messageView(message);
      await Promise.race([change, end]);
    }
  } finally {
    over.abort();
  }
}

function find(host: Host, id: string): Message {
  const message = host.states.state.mail.get(id as MessageId);
  if (message !== undefined) return message;
  throw new UserError(
    exitCodes.notFound,
    `there is no message ${id} any more: it was read or dropped; td events has its history`,
  );
}
