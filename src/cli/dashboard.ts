import { exitCodes } from "../protocol/errors.ts";
import { openAny } from "./reach.ts";
import type { Session } from "./session.ts";

/** `td dashboard`: the link on stdout, so that a shell can open it. */
export async function dashboard(
  session: Session,
  { port }: { readonly port?: number | undefined },
): Promise<number> {
  const door = await openAny(session);
  const view = await door.dashboard(port ?? null);
  if (session.json) {
    session.printJson(view);
    return exitCodes.done;
  }
  session.print(view.url);
  session.say("open it in a browser of this machine; the link signs in, so keep it to yourself");
  return exitCodes.done;
}
