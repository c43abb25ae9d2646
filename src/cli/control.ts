import type { Door } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { paint, statusColour, statusText } from "./look.ts";
import { type Session, withDoor } from "./session.ts";
import { oneLine } from "./text.ts";

/** What a person's word changes about a loop that rests: prints what it then is. */
export async function control(
  session: Session,
  change: (door: Door) => Promise<LoopView>,
): Promise<number> {
  const view = await withDoor(session, change);
  if (session.json) {
    session.printJson(view);
    return exitCodes.done;
  }
  const status = paint(session.look, statusColour(view.status), statusText(view.status));
  session.print(`${status}  ${oneLine(view.id)}  ${oneLine(view.title)}`);
  if (view.status === "pending") {
    session.say(`td run --resume ${view.id} goes on with it here`);
  }
  return exitCodes.done;
}
