import { exitCodes } from "../protocol/errors.ts";
import { type Colour, type Look, paint } from "./look.ts";
import { openReader, type Session } from "./session.ts";
import { strip } from "./text.ts";

/** `td diff ID`: as it is where another program reads it, coloured and harmless on a terminal. */
export async function diff(session: Session, id: string): Promise<number> {
  const text = await (await openReader(session)).diff(id);
  if (session.json) session.printJson({ id, diff: text });
  else if (session.look.width === null) session.printRaw(text);
  else if (text !== "") session.print(diffText(text, session.look));
  if (text === "") session.say(`loop ${id} has changed nothing yet`);
  return exitCodes.done;
}

export function diffText(text: string, look: Look): string {
  return strip(text)
    .trimEnd()
    .split("\n")
    .map((line) => {
      const colour = colourOf(line);
      return colour === null ? line : paint(look, colour, line);
    })
    .join("\n");
}

function colourOf(line: string): Colour | null {
  if (/^(diff |index |--- |\+\+\+ |rename |similarity |new file|deleted file)/.test(line)) {
    return "bold";
  }
  if (line.startsWith("@@")) return "cyan";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : null;
}
