import {
  allow,
  dayLevels,
  exceeded,
  type Level,
  leftIn,
  type Today,
  type TokenPrice,
} from "./budget.ts";
import type { ChatEvent } from "./chat-events.ts";
import type { Decision } from "./decide.ts";
import { type Millis, noUsage, type Reservation, type Usage } from "./loop.ts";
import type { State } from "./state.ts";

/*
 * What a person's talk with a model costs. It belongs to no loop: only the day limits it, and only
 * the day's books have it. As with loops, the worst case is reserved before a call, and what is
 * open when the daemon ends is spent in full.
 */

export type ChatCommand =
  | {
      readonly type: "reserveChat";
      readonly turn: string;
      readonly tokens: number;
      readonly usd: number | null;
      /** The day's limit as it is configured now; null is none. */
      readonly dayUsd: number | null;
    }
  | {
      readonly type: "settleChat";
      readonly turn: string;
      readonly usage: Usage;
      /** Whose call it was; older programs did not say. */
      readonly model?: string;
    }
  /** Calls that a crash left open were in flight: all of them are charged. */
  | { readonly type: "chargeChats" };

const commands = ["reserveChat", "settleChat", "chargeChats"] as const;

export function isChatCommand(command: { readonly type: string }): command is ChatCommand {
  return commands.some((type) => type === command.type);
}

/** Open calls of chats; none in what older programs wrote. */
export function openChats({ spending }: Pick<State, "spending">): readonly Reservation[] {
  return spending.chats ?? [];
}

export function decideChat(state: State, command: ChatCommand, now: Millis): Decision {
  const open = openChats(state);
  switch (command.type) {
    case "reserveChat": {
      const { turn, tokens, usd, dayUsd } = command;
      if (open.some((one) => one.turn === turn)) return refuse(`${turn} is reserved already`);
      if (exceeded(dayLevels(state, { now, dayUsd }), { tokens, usd }) !== null) {
        return refuse(
          "the day's budget has no room for this call: raise budget.day-usd, or wait for the next day (UTC)",
        );
      }
      return accept([{ type: "chat.reserved", loop: null, data: { turn, tokens, usd } }]);
    }
    case "settleChat": {
      const { type: _, ...data } = command;
      if (!open.some(({ turn }) => turn === data.turn)) {
        return refuse(`${data.turn} is not reserved`);
      }
      return accept([{ type: "chat.settled", loop: null, data }]);
    }
    case "chargeChats":
      return accept(
        open.map(({ turn, tokens, usd }) => {
          const usage = { ...noUsage, outputTokens: tokens, costUsd: usd };
          return { type: "chat.settled", loop: null, data: { turn, usage } };
        }),
      );
    default:
      return command satisfies never;
  }
}

export interface ChatCall {
  readonly inputTokens: number;
  readonly outputTokensMax: number;
  readonly price: TokenPrice | null;
}

/** What a call may reserve now, or why it may not. */
export function chatAllowance(state: State, today: Today, call: ChatCall) {
  const levels = dayLevels(state, today);
  const { inputTokens, outputTokensMax, price } = call;
  const allowed = allow(leftIn(levels), inputTokens, outputTokensMax, price);
  if (typeof allowed === "object") return allowed;
  return allowed === "price" ? "price" : lackWords(levels);
}

function lackWords([day]: readonly Level[]): string {
  if (day === undefined) return "the call is too large";
  const held = day.held > 0 ? `, and calls under way hold $${day.held.toFixed(2)}` : "";
  return `the day's budget of $${day.limit} has no room for a call: $${day.spent.toFixed(2)} is spent${held}; raise budget.day-usd, or wait for the next day (UTC)`;
}

function accept(events: readonly ChatEvent[]): Decision {
  return { ok: true, id: null, events };
}

function refuse(reason: string): Decision {
  return { ok: false, reason };
}
