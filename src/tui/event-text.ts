import { oneLine } from "../cli/text.ts";
import type { FeedEvent } from "../protocol/door.ts";

/** What an event says, on one line. */
export function eventText({ type, data }: FeedEvent): string {
  if (typeof data !== "object" || data === null) return "";
  const { from, to, reason } = data as Readonly<Record<string, unknown>>;
  if (type === "loop.status") {
    const why = typeof reason === "string" ? `: ${oneLine(reason)}` : "";
    return `${oneLine(String(from))} → ${oneLine(String(to))}${why}`;
  }
  return Object.entries(data)
    .filter(([, value]) => typeof value !== "object" || value === null)
    .map(([name, value]) => `${oneLine(name)}=${oneLine(String(value))}`)
    .join(" ");
}
