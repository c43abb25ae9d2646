import type { AlertView, NotifyTestView } from "../protocol/alerts.ts";
import { exitCodes } from "../protocol/errors.ts";
import { type Colour, paint } from "./look.ts";
import { openAny } from "./reach.ts";
import type { Session } from "./session.ts";
import { oneLine, pad } from "./text.ts";

/** `td notify test`: 1 when one did not get through, or there was none to try. */
export async function testNotify(session: Session): Promise<number> {
  const door = await openAny(session);
  const results = await door.testNotify();
  const isSent = results.some(({ state }) => state === "sent");
  const ok = isSent && results.every(({ state }) => state !== "failed");
  if (session.json) session.printJson({ ok, channels: results });
  else {
    for (const result of results) session.print(lineOf(session, result));
    if (results.every(({ state }) => state === "off"))
      session.say("nobody was told: `notify:` in the user-level taskdaemon.yml says how");
  }
  return ok ? exitCodes.done : exitCodes.failed;
}

const looks: Readonly<Record<NotifyTestView["state"], readonly [glyph: string, colour: Colour]>> = {
  sent: ["✓", "green"],
  failed: ["✗", "red"],
  off: ["-", "dim"],
};
const columns = 8;

function lineOf({ look }: Session, { channel, state, message }: NotifyTestView): string {
  const [glyph, colour] = looks[state];
  return `${paint(look, colour, glyph)} ${pad(channel, columns)} ${pad(state, columns)} ${oneLine(message)}`;
}

/** One line: what is the matter, and what to do. */
export function alertText({ text, remedy }: AlertView): string {
  return `${oneLine(text)} → ${oneLine(remedy)}`;
}
