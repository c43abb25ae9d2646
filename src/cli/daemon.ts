import type { Door } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { QueueView, StatusView, WaitingRow } from "../protocol/status.ts";
import { dayText } from "./budget-text.ts";
import { control } from "./control.ts";
import { alertText } from "./notify.ts";
import { providerText } from "./provider-text.ts";
import type { Session } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine, pad } from "./text.ts";

/** `td start` */
export async function start(
  session: Session,
  { foreground }: { readonly foreground?: true | undefined },
): Promise<number> {
  if (foreground === true) return serve(session, {});
  const door = await session.world.program.startDaemon(session.place);
  const { pid } = await door.status();
  if (session.json) session.printJson({ running: true, pid });
  else session.print(`the daemon runs (pid ${pid}); td status, td stop`);
  return exitCodes.done;
}

export function serve(
  { world, place }: Session,
  { guardian }: { readonly guardian?: true | undefined },
): Promise<number> {
  const { program, onSignal } = world;
  const request = { ...place, onSignal };
  return guardian === true ? program.guardDaemon(request) : program.runDaemon(request);
}

/** `td stop [ID]` */
export async function stop(
  session: Session,
  id: string | undefined,
  { now }: { readonly now?: true | undefined },
): Promise<number> {
  if (id !== undefined) return control(session, id, (door) => door.stop(id));
  await session.world.program.stopDaemon(session.place, { now: now === true });
  if (session.json) session.printJson({ running: false });
  else session.print("the daemon has stopped; its loops go on when it starts again");
  return exitCodes.done;
}

export async function restart(
  session: Session,
  { now }: { readonly now?: true | undefined },
): Promise<number> {
  const { program } = session.world;
  if ((await program.daemon(session.place)) !== null) {
    await program.stopDaemon(session.place, { now: now === true });
  }
  return start(session, {});
}

/** `td status`: without a daemon exit code 4 and `{"running":false}`. */
export async function status(session: Session): Promise<number> {
  const door = await session.world.program.daemon(session.place);
  if (door === null) {
    if (session.json) session.printJson({ running: false });
    else session.print("no daemon runs: td start");
    return exitCodes.daemon;
  }
  const view = await door.status();
  if (session.json) session.printJson(view);
  else session.print(statusText(view));
  return exitCodes.done;
}

export async function ping(session: Session): Promise<number> {
  const version = await (await reach(session)).version();
  if (session.json) session.printJson({ version });
  else session.print(`pong ${version}`);
  return exitCodes.done;
}

/** `td queue` */
export async function queue(session: Session): Promise<number> {
  const view = await (await reach(session)).queue();
  if (session.json) {
    session.printJson(view);
    return exitCodes.done;
  }
  for (const line of queueLines(view)) session.print(line);
  const rows = [...view.running.map((row) => ({ ...row, position: null })), ...view.waiting];
  if (rows.length > 0) session.print(table(queueColumns, rows, session.look));
  return exitCodes.done;
}

function queueLines({
  slots,
  counts,
  queueMax,
  types,
  merges,
  hold,
  providers,
}: QueueView): string[] {
  const head = `${slots.used} of ${slots.max} slots · ${counts.waiting} of ${queueMax} waiting`;
  const full = types.map(({ type, used, max }) => ` · ${oneLine(type)} ${used} of ${max}`);
  return [
    `${head}${full.join("")}`,
    ...(hold === null ? [] : [`nothing new starts: ${oneLine(hold.reason)}`]),
    ...merges.map(mergesText),
    ...providers.map(providerText),
  ];
}

const idsShownMax = 10;

/** "merging into main: 7, then 8, 9 and 3 more (7 and 8 in one batch)" */
function mergesText({ target, merging, waiting, as, batch }: MergesView): string {
  const shown = waiting.slice(0, idsShownMax).map(oneLine).join(", ");
  const more = waiting.length - idsShownMax;
  const rest = more > 0 ? `${shown} and ${more} more` : shown;
  const now = merging === null ? "nothing yet" : oneLine(merging);
  const shared = (batch ?? []).slice(0, idsShownMax).map(oneLine).join(", ");
  const together = shared === "" ? "" : ` (in one batch: ${shared})`;
  return `${deedOf(as)} ${oneLine(target)}: ${now}${rest === "" ? "" : `, then ${rest}`}${together}`;
}

type MergesView = QueueView["merges"][number];

function deedOf(as: MergesView["as"]): string {
  if (as === "pr") return "pull requests to";
  return as === "check" ? "checking levels on" : "merging into";
}

const queueColumns: readonly Column<WaitingRow>[] = [
  { head: "#", cell: ({ position }) => String(position ?? ""), align: "right" },
  { head: "ID", cell: ({ id }) => oneLine(id) },
  { head: "TYPE", cell: ({ type }) => oneLine(type) },
  { head: "PRIORITY", cell: ({ priority }) => oneLine(priority) },
  { head: "WHY", cell: ({ why }) => oneLine(why) },
];

/** The daemon of the home; exit code 4 when there is none. */
export async function reach({ world, place }: Session): Promise<Door> {
  const door = await world.program.daemon(place);
  if (door === null) throw new UserError(exitCodes.daemon, "no daemon runs: td start");
  return door;
}

function statusText(view: StatusView): string {
  const counts = Object.entries(view.loops)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`);
  const megabytes = Math.round(view.rssBytes / 1e6);
  return [
    `running     pid ${view.pid}, version ${view.version}, since ${view.startedAt}${view.draining ? ", draining" : ""}`,
    ...(view.config.problem === null
      ? []
      : [`config      as of ${view.config.loadedAt}: ${oneLine(view.config.problem)}`]),
    `loops       ${counts.join(", ") || "none"}`,
    ...(view.hold === null ? [] : [`holding     nothing new starts: ${oneLine(view.hold.reason)}`]),
    `sandbox     ${view.sandbox}`,
    `memory      ${megabytes} MB, event loop p99 ${view.eventLoopLagMs} ms`,
    `budget      ${dayText(view.budget)}`,
    `log         ${view.store.seq} events, ${view.store.bytes} bytes`,
    ...view.providers.map((provider) => `provider    ${providerText(provider)}`),
    ...view.alerts.map((alert) => `${pad(alert.level, 12)}${alertText(alert)}`),
  ].join("\n");
}
