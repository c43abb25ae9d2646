import { resolve } from "node:path";
import { exitCodes } from "../protocol/errors.ts";
import type { StoreCheck } from "../protocol/program.ts";
import { loopColumns } from "./list.ts";
import type { Session } from "./session.ts";
import { table } from "./table.ts";
import { strip } from "./text.ts";

/** `td store verify` and `td store repair`: 1 when the log is not whole. */
export async function store(session: Session, what: "verify" | "repair"): Promise<number> {
  const { program } = session.world;
  const check = await (what === "verify"
    ? program.verifyStore(session.place)
    : program.repairStore(session.place));
  return told(session, check);
}

export async function snapshot(session: Session): Promise<number> {
  return told(session, await session.world.program.snapshotStore(session.place));
}

/** Without an age nothing is deleted. */
export async function compact(
  session: Session,
  { deleteAfter }: { readonly deleteAfter?: number | undefined },
): Promise<number> {
  const { program } = session.world;
  const options = { archivedDaysMax: deleteAfter ?? null };
  return told(session, await program.compactStore(session.place, options));
}

export async function backup(session: Session, file: string): Promise<number> {
  const path = resolve(session.world.cwd, file);
  return told(session, await session.world.program.backupStore(session.place, path));
}

export async function restore(
  session: Session,
  file: string,
  { force }: { readonly force?: true | undefined },
): Promise<number> {
  const path = resolve(session.world.cwd, file);
  const options = { force: force === true };
  return told(session, await session.world.program.restoreStore(session.place, path, options));
}

/** `td store at SEQ` */
export async function at(session: Session, seq: number): Promise<number> {
  const loops = await session.world.program.storeAt(session.place, seq);
  if (session.json) session.printJson(loops);
  else session.print(table(loopColumns(Date.now()), loops, session.look));
  return exitCodes.done;
}

/** The lines, or the JSON; 1 when not all is well. */
export function told(session: Session, check: StoreCheck): number {
  report(session, check);
  return check.ok ? exitCodes.done : exitCodes.failed;
}

function report(session: Session, { json, lines }: StoreCheck): void {
  if (session.json) session.printJson(json);
  else for (const line of lines) session.print(strip(line));
}
