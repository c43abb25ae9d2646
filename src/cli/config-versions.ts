import { exitCodes } from "../protocol/errors.ts";
import type { ConfigVersionView, RewriteView } from "../protocol/program.ts";
import { agrees, demandTerminal } from "./ask.ts";
import { type Session, shown } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine } from "./text.ts";

const columns: readonly Column<ConfigVersionView>[] = [
  { head: "VERSION", cell: ({ id }) => oneLine(id) },
  { head: "AT", cell: ({ at }) => oneLine(at) },
  {
    head: "CHANGED",
    cell: ({ changed, good }) => `${oneLine(changed.join("  "))}${good ? "" : "  (put aside)"}`,
    columnsMin: 20,
  },
];

/** `td config history`: the newest last. */
export async function configHistory(session: Session): Promise<number> {
  const versions = await session.world.program.configHistory(session.place);
  if (session.json) session.printJson(versions);
  else if (versions.length === 0)
    session.print("no version yet: the daemon keeps one at each change");
  else session.print(table(columns, versions, session.look));
  return exitCodes.done;
}

export interface RewriteOptions {
  readonly yes?: true | undefined;
  readonly dryRun?: true | undefined;
}

/** `td config rollback V`: the files as they were then. */
export async function configRollback(
  session: Session,
  id: string,
  options: RewriteOptions,
): Promise<number> {
  const view = await session.world.program.configRollback(session.place, id);
  return rewrite(session, view, { ...options, nothing: `everything is as in ${id} already` });
}

/** `td config migrate`: the files in the newest format, with their comments. */
export async function configMigrate(session: Session, options: RewriteOptions): Promise<number> {
  const view = await session.world.program.configMigration(session.place);
  return rewrite(session, view, {
    ...options,
    nothing: "everything is in the newest format already",
  });
}

async function rewrite(
  session: Session,
  view: RewriteView,
  { yes, dryRun, nothing }: RewriteOptions & { readonly nothing: string },
): Promise<number> {
  const { edits } = view;
  const lines = edits.map(
    ({ file, text }) => `${text === null ? "removes" : "writes"} ${shown(file)}`,
  );
  const isAsked = edits.length > 0 && dryRun !== true && yes !== true;
  if (isAsked) {
    demandTerminal(session, "this");
    for (const line of lines) session.say(line);
    if (!(await agrees(session, "Do that?"))) return exitCodes.failed;
  }
  if (edits.length > 0 && dryRun !== true) await session.world.program.rewriteConfig(view);
  if (session.json) session.printJson(edits);
  else if (edits.length === 0) session.print(nothing);
  else session.print(lines.join("\n"));
  return exitCodes.done;
}
