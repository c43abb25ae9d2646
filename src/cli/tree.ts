import { exitCodes, UserError } from "../protocol/errors.ts";
import { graphOf, mermaidOf, type TreeView, treeOf } from "../views/graph.ts";
import type { LoopView } from "../views/loop-view.ts";
import { type Look, paint, statusColour, statusText } from "./look.ts";
import { openReader, type Session } from "./session.ts";
import { oneLine } from "./text.ts";

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
    throw new UserError(exitCodes.usage, `--json and --format ${format} exclude each other`);
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

function treeText(trees: readonly TreeView[], look: Look): string {
  return trees.flatMap((each) => [lineOf(each, look), ...branches(each, "", look)]).join("\n");
}

function branches({ children }: TreeView, indent: string, look: Look): string[] {
  return children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    const line = `${indent}${isLast ? "└─ " : "├─ "}${lineOf(child, look)}`;
    return [line, ...branches(child, `${indent}${isLast ? "   " : "│  "}`, look)];
  });
}

function lineOf({ id, type, status, title, dependsOn, blockedOn }: TreeView, look: Look): string {
  const state = paint(look, statusColour(status), statusText(status));
  const on = blockedOn === null ? "" : ` (${blockedOn})`;
  const after = dependsOn.length === 0 ? "" : paint(look, "dim", `  after ${dependsOn.join(", ")}`);
  return `${oneLine(id)} ${oneLine(type)}  ${state}${on}  ${oneLine(title)}${after}`;
}
