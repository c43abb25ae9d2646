import type { FeedEvent } from "../protocol/door.ts";
import type { EventList } from "./model.ts";

/** The events that the filter lets through: words that must all be there. */
export function eventRows({ events, filter }: EventList): readonly FeedEvent[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return events;
  return events.filter((event) => {
    const text = `${event.type} ${event.loop ?? ""} ${JSON.stringify(event.data)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
