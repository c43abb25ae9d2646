import { exitCodes } from "../protocol/errors.ts";
import type { DigestRow, DigestView } from "../views/digest.ts";
import { sinceOf } from "./audit.ts";
import { type Look, paint, statusColour, statusText } from "./look.ts";
import { cost, short } from "./numbers.ts";
import { openReader, type Session } from "./session.ts";
import { usageText } from "./summary.ts";
import { type Column, table } from "./table.ts";
import { oneLine } from "./text.ts";

/** A night and what went before it. */
const sinceDefault = "24h";

/** `td summary [--since T]`: what happened, and who needs a person. */
export async function digest(
  session: Session,
  { since = sinceDefault }: { readonly since?: string | undefined },
): Promise<number> {
  const at = sinceOf(since, Date.now());
  const view = await (await openReader(session)).digest(at);
  if (session.json) session.printJson(view);
  else session.print(digestText(view, session.look));
  return exitCodes.done;
}

function digestText(view: DigestView, look: Look): string {
  const { since, finished, failed, needsYou, merges, iterations, running, pending } = view;
  const counts = [
    `${finished.length} finished`,
    `${failed.length} failed`,
    `${needsYou.length} need you`,
    `${running} running`,
    `${pending} waiting`,
  ];
  const all = iterations.passed + iterations.others;
  return [
    paint(look, "bold", `since ${since}`),
    counts.join(", "),
    `${iterations.passed} of ${all} iterations passed`,
    usageText(view.usage),
    ...section("needs you", needsYou, look),
    ...section("failed", failed, look),
    ...section("finished", finished, look),
    ...(merges.length === 0 ? [] : ["", paint(look, "bold", "delivered")]),
    ...merges.map(({ id, to, commit }) => `${oneLine(id)} → ${oneLine(to)} (${short(commit)})`),
  ].join("\n");
}

function section(title: string, rows: readonly DigestRow[], look: Look): string[] {
  return rows.length === 0 ? [] : ["", paint(look, "bold", title), table(columns, rows, look)];
}

const columns: readonly Column<DigestRow>[] = [
  { head: "ID", cell: ({ id }) => oneLine(id) },
  {
    head: "STATUS",
    cell: ({ status }) => statusText(status),
    colour: ({ status }) => statusColour(status),
  },
  { head: "TYPE", cell: ({ type }) => oneLine(type), rank: 2 },
  {
    head: "COST",
    align: "right",
    cell: ({ costUsd }) => (costUsd === null ? "?" : cost(costUsd)),
    rank: 1,
  },
  {
    head: "TITLE",
    cell: ({ title, reason }) => oneLine(reason === null ? title : `${title}: ${reason}`),
    columnsMin: 20,
  },
];
