/** What the chat asks for, carried out at the daemon. */
import { setTimeout } from "node:timers/promises";
import type { ChatLive } from "../ports/chat.ts";
import type { Door } from "../protocol/door.ts";
import { UserError } from "../protocol/errors.ts";
import type { ChatDoing, ChatNews } from "./chat-model.ts";

export interface ChatEffectsOptions {
  readonly door: Door;
  readonly tell: (news: ChatNews) => void;
  /** Does something whose failure is told below. */
  readonly ask: (body: () => Promise<void>) => void;
}

const costPauseMs = 250;
const costAsksMax = 20;

export class ChatEffects {
  readonly #options: ChatEffectsOptions;
  #answer: AbortController | null = null;

  constructor(options: ChatEffectsOptions) {
    this.#options = options;
  }

  /** What is being answered goes on only as long as somebody listens. */
  close(): void {
    this.#answer?.abort();
  }

  carryOut(doing: ChatDoing): void {
    const { door, tell, ask } = this.#options;
    switch (doing.type) {
      case "send":
        ask(() => this.#send(doing));
        break;
      case "stop":
        this.#answer?.abort();
        break;
      case "plan":
        ask(async () => {
          const { id } = await door.planOfChat(doing.chat, doing.words);
          tell({ type: "planned", id });
        });
        break;
      case "list":
        ask(async () => tell({ type: "listed", heads: await door.chats(doing.dir) }));
        break;
      case "open":
        ask(async () => tell({ type: "opened", view: await door.conversation(doing.id) }));
        break;
      default:
        doing satisfies never;
    }
  }

  async #send({ run, request }: Extract<ChatDoing, { type: "send" }>): Promise<void> {
    const { door, tell } = this.#options;
    const answer = new AbortController();
    this.#answer?.abort();
    this.#answer = answer;
    let error: string | null = null;
    let { chat } = request;
    const hear = (event: ChatLive) => {
      if (event.type === "began") chat = event.chat;
      tell({ type: "live", run, event });
    };
    try {
      await door.chat(request, hear, answer.signal);
    } catch (failure) {
      if (!(failure instanceof UserError)) throw failure;
      error = failure.message;
    }
    tell({ type: "closed", run, error, isStopped: answer.signal.aborted });
    if (answer.signal.aborted && chat !== null) await this.#askCost(run, chat);
  }

  /** Who leaves an answer hears no more of it: what it cost is asked for, once it is kept. */
  async #askCost(run: number, chat: string): Promise<void> {
    const { door, tell } = this.#options;
    for (let asks = 0; asks < costAsksMax; asks += 1) {
      await setTimeout(costPauseMs, undefined, { ref: false });
      const { entries, usage } = await door.conversation(chat);
      if (entries.at(-1)?.from !== "model") continue;
      tell({ type: "spent", run, usage });
      return;
    }
  }
}
