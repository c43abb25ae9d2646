import type { FeedEvent } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import { nextLook } from "./follow.ts";
import { interruptible } from "./interrupt.ts";
import { endOf } from "./logs.ts";
import { type Look, paint } from "./look.ts";
import { jsonText, openReader, type Session } from "./session.ts";
import { cut, oneLine } from "./text.ts";

export interface EventsOptions {
  readonly from?: number | undefined;
  readonly follow?: true | undefined;
}

/** `td events`: the feed, one line an event. */
export async function events(session: Session, options: EventsOptions): Promise<number> {
  const reader = await openReader(session);
  let next = options.from ?? 1;
  const tell = async () => {
    for (const event of await reader.events(next)) {
      next = event.seq + 1;
      session.print(session.json ? jsonText(event, false) : eventLine(event, session.look));
    }
  };
  await tell();
  if (options.follow !== true) return exitCodes.done;
  return interruptible(session, async (signal) => {
    while (await nextLook(signal)) await tell();
    return endOf(session);
  });
}

const columnsMax = 200;

function eventLine({ seq, at, type, loop, data }: FeedEvent, look: Look): string {
  const head = `${String(seq).padStart(5)}  ${oneLine(at)}  ${oneLine(type).padEnd(18)} ${oneLine(loop ?? "-").padEnd(6)}`;
  const room = (look.width ?? columnsMax) - head.length - 2;
  return `${head} ${paint(look, "dim", cut(dataText(type, data), room))}`.trimEnd();
}

function dataText(type: string, data: unknown): string {
  if (typeof data !== "object" || data === null) return "";
  const { from, to, reason } = data as Readonly<Record<string, unknown>>;
  if (type === "loop.status") {
    const why = typeof reason === "string" ? `: ${oneLine(reason)}` : "";
    return `${String(from)} → ${String(to)}${why}`;
  }
  return Object.entries(data)
    .filter(([, value]) => typeof value !== "object" || value === null)
    .map(([name, value]) => `${oneLine(name)}=${oneLine(String(value))}`)
    .join(" ");
}
