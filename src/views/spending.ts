import type { Event } from "../core/events.ts";
import { addUsage, noUsage, type Reservation, type Usage } from "../core/loop.ts";

type Call = Pick<Reservation, "tokens" | "usd">;

/**
 * What events say was spent, as the books have it: calls that were settled, and in full those that
 * were open when their attempt ended. Takes the events of a time in their order.
 */
export class Spending {
  readonly #open = new Map<string, Map<string, Call>>();

  /** What this event adds. */
  of(event: Event): Usage {
    if (event.type === "chat.settled") return event.data.usage;
    if (event.loop === null) return noUsage;
    const open = this.#open.get(event.loop) ?? new Map<string, Call>();
    switch (event.type) {
      case "budget.reserved":
        this.#open.set(event.loop, open.set(event.data.turn, event.data));
        return noUsage;
      case "budget.settled":
        open.delete(event.data.turn);
        return event.data.usage;
      case "attempt.ended":
        this.#open.delete(event.loop);
        return [...open.values()].map(inFull).reduce(addUsage, noUsage);
      default:
        return noUsage;
    }
  }
}

function inFull({ tokens, usd }: Call): Usage {
  return { ...noUsage, outputTokens: tokens, costUsd: usd };
}
