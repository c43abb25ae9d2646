import { exitCodes } from "../protocol/errors.ts";
import { agrees, demandTerminal } from "./ask.ts";
import { age } from "./numbers.ts";
import type { Session } from "./session.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";

/** `td trash list` */
export async function listTrash(session: Session): Promise<number> {
  const items = await session.world.program.trash(session.place);
  if (session.json) {
    session.printJson(items);
    return exitCodes.done;
  }
  if (items.length === 0) session.say("the trash is empty");
  else {
    const now = Date.now();
    const columns = [
      { head: "LOOP", cell: (item: (typeof items)[number]) => oneLine(item.loop) },
      {
        head: "REMOVED",
        cell: (item: (typeof items)[number]) => `${age(Date.parse(item.removedAt), now)} ago`,
      },
      { head: "ID", cell: (item: (typeof items)[number]) => oneLine(item.id) },
    ];
    session.print(table(columns, items, session.look));
  }
  return exitCodes.done;
}

/** `td trash restore ID` */
export async function restoreTrash(session: Session, id: string): Promise<number> {
  const dir = await session.world.program.restoreTrash(session.place, id);
  if (session.json) session.printJson({ id, dir });
  else session.print(`restored to ${oneLine(dir)}`);
  return exitCodes.done;
}

/** `td trash empty`: for good, so it asks. */
export async function emptyTrash(
  session: Session,
  { yes }: { readonly yes?: true | undefined },
): Promise<number> {
  const { program } = session.world;
  if (yes !== true) {
    demandTerminal(session, "td trash empty");
    const items = await program.trash(session.place);
    if (items.length > 0 && !(await agrees(session, `Remove ${items.length} for good?`))) {
      session.say("nothing was removed");
      return exitCodes.done;
    }
  }
  const removed = await program.emptyTrash(session.place);
  if (session.json) session.printJson({ removed });
  else session.print(`removed ${removed} for good`);
  return exitCodes.done;
}
