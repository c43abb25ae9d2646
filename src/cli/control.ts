import type { Door } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { paint, statusColour, statusText } from "./look.ts";
import { openDaemon } from "./reach.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./text.ts";

/** What a person's word changes about a loop that rests: prints what it then is. */
export async function control(
  session: Session,
  id: string,
  change: (door: Door) => Promise<LoopView>,
): Promise<number> {
  const view = await change(await openDaemon(session, id));
  if (session.json) {
    session.printJson(view);
    return exitCodes.done;
  }
  const status = paint(session.look, statusColour(view.status), statusText(view.status));
  session.print(`${status}  ${oneLine(view.id)}  ${oneLine(view.title)}`);
  if (view.status === "delegated") {
    session.say(`td tree ${view.id} shows what comes of it`);
  }
  if (view.status === "pending") {
    session.say(`the daemon goes on with it: td logs ${view.id} -f follows it`);
  }
  return exitCodes.done;
}
