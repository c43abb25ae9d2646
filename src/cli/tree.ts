import { exitCodes, UserError } from "../protocol/errors.ts";
import { graphOf, mermaidOf, type TreeView, treeOf } from "../views/graph.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type Look, paint, statusColour, statusText } from "./look.ts";
import { openReader, type Session } from "./session.ts";
import { cut, oneLine, width } from "./text.ts";

/** `td tree [ID]` */
export async function tree(session: Session, id: string | undefined): Promise<number> {
  const trees = treeOf(await loopsBelow(session, id), id ?? null);
  if (session.json) session.printJson(trees);
  else if (trees.length > 0) session.print(treeText(trees, session.look));
  else session.say('there are no loops yet: td new-plan "what is to be done"');
  return exitCodes.done;
}

export type GraphFormat = "text" | "mermaid" | "json";

/** `td graph [ID]` */
export async function graph(
  session: Session,
  id: string | undefined,
  { format }: { readonly format?: GraphFormat | undefined },
): Promise<number> {
  if (session.json && format !== undefined && format !== "json") {
    throw new UserError(
      exitCodes.usage,
      `--json and --format ${format} exclude each other: leave one out`,
    );
  }
  const loops = await loopsBelow(session, id);
  if (session.json || format === "json") session.printJson(graphOf(loops));
  else if (format === "mermaid") session.print(mermaidOf(graphOf(loops)));
  else if (loops.length > 0) session.print(treeText(treeOf(loops, id ?? null), session.look));
  else session.say('there are no loops yet: td new-plan "what is to be done"');
  return exitCodes.done;
}

/** All, or a loop that must be there and what is under it. */
async function loopsBelow(session: Session, id: string | undefined): Promise<readonly LoopView[]> {
  const reader = await openReader(session);
  if (id !== undefined) await reader.loop(id);
  return reader.loops({ status: null, type: null, plan: id ?? null });
}

/** A line for each, with whom it waits for. */
export function treeText(trees: readonly TreeView[], look: Look): string {
  return trees.flatMap((each) => [lineOf(each, "", look), ...branches(each, "", look)]).join("\n");
}

function branches({ children }: TreeView, indent: string, look: Look): string[] {
  return children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    const line = lineOf(child, `${indent}${isLast ? "└─ " : "├─ "}`, look);
    return [line, ...branches(child, `${indent}${isLast ? "   " : "│  "}`, look)];
  });
}

/** Fits the terminal: the title gives way, and whom it waits for goes first. */
function lineOf(view: TreeView, indent: string, look: Look): string {
  const { id, type, status, title, dependsOn, blockedOn } = view;
  const state = statusText(status);
  const on = blockedOn === null ? "" : ` (${blockedOn})`;
  const head = `${indent}${oneLine(id)} ${oneLine(type)}  `;
  const room = look.width === null ? null : look.width - width(`${head}${state}${on}  `);
  const whole = oneLine(title);
  const after = dependsOn.length === 0 ? "" : `  after ${dependsOn.join(", ")}`;
  const shown = room === null || width(whole + after) <= room ? after : "";
  const words = room === null ? whole : cut(whole, Math.max(1, room));
  const colour = statusColour(status);
  return `${head}${paint(look, colour, state)}${on}  ${words}${paint(look, "dim", shown)}`;
}
