import { exitCodes } from "../protocol/errors.ts";
import type { PurgeReport, PurgeView } from "../protocol/purge.ts";
import { agrees, demandTerminal } from "./ask.ts";
import type { Session } from "./session.ts";
import { oneLine } from "./text.ts";

export interface PurgeFlags {
  readonly yes?: true | undefined;
  readonly branches?: true | undefined;
}

/** `td purge`: says what goes, asks, and removes it for good. */
export async function purge(session: Session, { yes, branches }: PurgeFlags): Promise<number> {
  const { world, place } = session;
  const options = { branches: branches === true };
  if (yes !== true) demandTerminal(session, "td purge");
  const view = await world.program.purgeView(place, options);
  for (const line of linesOf(view, options)) session.say(line);
  if (yes !== true && !(await agrees(session, "Remove all of this for good?"))) {
    if (session.json) session.printJson({ removed: false, ...view });
    session.say("nothing was removed");
    return exitCodes.done;
  }
  const report = await world.program.purge(place, options);
  tell(session, report);
  return report.failed.length === 0 ? exitCodes.done : exitCodes.failed;
}

function linesOf(view: PurgeView, { branches }: { readonly branches: boolean }): string[] {
  const { home, isRunning, entries, unit, repositories, kept } = view;
  const lines = [
    ...(isRunning ? ["stops the daemon, at once"] : []),
    `removes ${oneLine(home)}: ${entries.map((path) => oneLine(path.slice(home.length + 1))).join(", ")}`,
    ...(unit === null ? [] : [`removes ${oneLine(unit)}`]),
  ];
  for (const { gitDir, pins, branches: names } of repositories) {
    if (pins > 0) lines.push(`removes ${pins} refs/taskdaemon/… of ${oneLine(gitDir)}`);
    if (names.length > 0) {
      lines.push(`removes of ${oneLine(gitDir)}: ${names.map(oneLine).join(", ")}`);
    }
  }
  if (!branches) lines.push("leaves the branches that loops delivered (--branches removes them)");
  return [...lines, ...kept.map(oneLine)];
}

function tell(session: Session, report: PurgeReport): void {
  const isWhole = report.failed.length === 0;
  if (session.json) session.printJson({ removed: isWhole, ...report });
  else if (isWhole) session.print(`removed ${oneLine(report.home)}`);
  for (const line of report.failed) session.say(`could not be removed: ${oneLine(line)}`);
  if (!isWhole) {
    const remedy = "as the user these belong to, or as root: the same command once more";
    session.say(`what is left is in ${oneLine(report.home)}; ${remedy}`);
  }
}
