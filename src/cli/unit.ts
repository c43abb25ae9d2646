import { exitCodes } from "../protocol/errors.ts";
import type { UnitReport } from "../protocol/unit.ts";
import type { Session } from "./session.ts";
import { strip } from "./text.ts";

/** `td service print`: the unit and nothing else, so that it can be piped into a file. */
export async function printUnit(session: Session): Promise<number> {
  const view = await session.world.program.unit(session.place);
  if (session.json) session.printJson(view);
  else {
    session.printRaw(strip(view.text));
    session.say(`goes to ${strip(view.file)}; then: ${strip(view.enable)}`);
  }
  return exitCodes.done;
}

/** `td service install` */
export async function installUnit(session: Session): Promise<number> {
  return report(session, await session.world.program.installUnit(session.place));
}

/** `td service uninstall` */
export async function uninstallUnit(session: Session): Promise<number> {
  return report(session, await session.world.program.uninstallUnit(session.place));
}

function report(session: Session, made: UnitReport): number {
  if (session.json) session.printJson(made);
  else for (const line of made.lines) session.print(strip(line));
  return exitCodes.done;
}
