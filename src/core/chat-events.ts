import { hold, type MutableBooks, release, spend } from "./ledger.ts";
import { type LoopId, type Millis, type Reservation, tokensOf, type Usage } from "./loop.ts";

/** What a person's talk with a model costs: of no loop. `turn` names one call for all time. */
export type ChatEvent =
  | {
      readonly type: "chat.reserved";
      readonly loop: null;
      readonly data: Pick<Reservation, "turn" | "tokens" | "usd">;
    }
  | {
      readonly type: "chat.settled";
      readonly loop: null;
      /** `model` is `provider/model`; of a call that a crash left open nobody knows it. */
      readonly data: { readonly turn: string; readonly usage: Usage; readonly model?: string };
    };

export function isChatEvent(event: { readonly type: string }): event is ChatEvent {
  return event.type === "chat.reserved" || event.type === "chat.settled";
}

/** Who pays is nobody's child: only the day's books move. */
const nobody = { id: "chat" as LoopId, parent: null };

export function bookChat(books: MutableBooks, event: ChatEvent, at: Millis): void {
  const open = books.spending.chats ?? [];
  if (event.type === "chat.reserved") {
    hold(books, nobody, event.data);
    books.spending = { ...books.spending, chats: [...open, { ...event.data, at }] };
    return;
  }
  const { turn, usage } = event.data;
  for (const one of open) if (one.turn === turn) release(books, nobody, one);
  spend(books, nobody, { tokens: tokensOf(usage), usd: usage.costUsd }, at);
  books.spending = { ...books.spending, chats: open.filter((one) => one.turn !== turn) };
}
