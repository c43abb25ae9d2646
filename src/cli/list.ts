import { exitCodes } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { statusColour, statusText } from "./look.ts";
import { age, cost } from "./numbers.ts";
import { openReader, type Session } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine } from "./text.ts";

export interface ListOptions {
  readonly status?: string | undefined;
  readonly type?: string | undefined;
  readonly plan?: string | undefined;
}

/** `td list` */
export async function list(session: Session, options: ListOptions): Promise<number> {
  const { status = null, type = null, plan = null } = options;
  const reader = await openReader(session);
  const loops = await reader.loops({ status, type, plan });
  // Nothing in a plan that there is, and a plan that there is not, are two answers.
  if (plan !== null && loops.length === 0) await reader.loop(plan);
  if (session.json) session.printJson(loops);
  else if (loops.length > 0) session.print(table(loopColumns(Date.now()), loops, session.look));
  else session.say(emptyText(options));
  return exitCodes.done;
}

function emptyText({ status, type, plan }: ListOptions): string {
  if (status === undefined && type === undefined && plan === undefined) {
    return 'there are no loops yet: td run ralph "what is to be done"';
  }
  return "no loop matches; td list shows all";
}

export function loopColumns(now: number): readonly Column<LoopView>[] {
  return [
    { head: "ID", cell: ({ id }) => oneLine(id) },
    {
      head: "STATUS",
      cell: ({ status }) => statusText(status),
      colour: ({ status }) => statusColour(status),
    },
    { head: "TYPE", cell: ({ type }) => oneLine(type), rank: 3 },
    {
      head: "ITER",
      align: "right",
      cell: ({ iteration, maxIterations }) => `${iteration}/${maxIterations}`,
      rank: 1,
    },
    {
      head: "COST",
      align: "right",
      cell: ({ usage }) => (usage.costUsd === null ? "?" : cost(usage.costUsd)),
      rank: 2,
    },
    {
      head: "AGE",
      align: "right",
      cell: ({ updatedAt }) => age(Date.parse(updatedAt), now),
      rank: 4,
    },
    { head: "TITLE", cell: titleCell, columnsMin: 20 },
  ];
}

/** What a loop waits for is worth more than the rest of its title. */
function titleCell({ title, blockedOn, reason, status }: LoopView): string {
  const blocked = status === "blocked" && blockedOn !== null ? `[${blockedOn}] ` : "";
  const failed = status === "failed" && reason !== null ? `[${oneLine(reason)}] ` : "";
  return `${blocked}${failed}${oneLine(title)}`;
}
