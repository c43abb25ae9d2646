/** Which loops a view shows, in which order. */
import type { BoardRow } from "../protocol/board.ts";
import type { ListName, ListRow, LoopList, Model, SortName } from "./model.ts";

const documentTypes = ["plan", "spec", "phase"];
const ended = ["complete", "failed", "stopped"];
const partDigits = 10;
const statusOrder = [
  ...["blocked", "failed", "draft", "running", "paused", "pending", "delegated"],
  ...["complete", "stopped"],
];

/** Every id after its parent, 7.2 before 7.10. */
export function ordered(ids: Iterable<string>): readonly string[] {
  const keyed = [...ids].map((id) => ({ id, key: orderKey(id) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return keyed.map(({ id }) => id);
}

function orderKey(id: string): string {
  return id
    .split(".")
    .map((part) => part.padStart(partDigits, "0"))
    .join(".");
}

/** The rows of a view as they now are; the selection stays on its loop, or where that was. */
export function refreshed(model: Model, name: ListName): LoopList {
  const list = model.lists[name];
  const rows = rowsOf(model, name, list);
  const { selected } = list;
  const kept = selected !== null && rows.some(({ id }) => id === selected);
  if (kept) return { ...list, rows };
  const was = list.rows.findIndex(({ id }) => id === selected);
  const next = rows[Math.min(Math.max(0, was), rows.length - 1)];
  return { ...list, rows, selected: next?.id ?? null };
}

/** Whether the list has the same rows in the same order once these loops have changed. */
export function keepsRows(model: Model, name: ListName, changed: readonly BoardRow[]): boolean {
  const { sort, filter } = model.lists[name];
  if (sort !== "tree" || name === "records") return false;
  const wanted = matcher(filter);
  const isShown = (loop: BoardRow) => members[name](loop) && wanted(loop);
  return changed.every((loop) => {
    const before = model.loops.get(loop.id);
    return before !== undefined && isShown(before) === isShown(loop);
  });
}

function rowsOf(model: Model, name: ListName, list: LoopList): readonly ListRow[] {
  const wanted = matcher(list.filter);
  const loops = model.order.flatMap((id) => model.loops.get(id) ?? []);
  const here = loops.filter(members[name]);
  const isFlat = list.sort !== "tree" || name === "records";
  if (isFlat) {
    return here
      .filter(wanted)
      .sort(compare[list.sort])
      .map(({ id }) => ({ id, depth: 0, fold: "leaf" }));
  }
  return treeRows(here, wanted, list.folded);
}

/** Documents and what came of them are plans; what has ended is a record. */
const members: Readonly<Record<ListName, (loop: BoardRow) => boolean>> = {
  executions: () => true,
  records: ({ status }) => ended.includes(status),
  plan: ({ parent, type, status }) =>
    status === "draft" || parent !== null || documentTypes.includes(type),
};

/** A loop is shown with those above it, and hidden with a folded one above it. */
function treeRows(
  loops: readonly BoardRow[],
  wanted: (loop: BoardRow) => boolean,
  folded: ReadonlySet<string>,
): readonly ListRow[] {
  const shown = new Set<string>();
  for (const loop of loops) if (wanted(loop)) addWithParents(shown, loop.id);
  const parents = new Set(loops.flatMap(({ parent }) => parent ?? []));
  const rows: ListRow[] = [];
  let hiddenBelow: string | null = null;
  for (const { id } of loops) {
    const isHidden = hiddenBelow !== null && id.startsWith(hiddenBelow);
    if (isHidden || !shown.has(id)) continue;
    const fold = foldOf(id, parents, folded);
    hiddenBelow = fold === "folded" ? `${id}.` : null;
    rows.push({ id, depth: id.split(".").length - 1, fold });
  }
  return rows;
}

function foldOf(
  id: string,
  parents: ReadonlySet<string>,
  folded: ReadonlySet<string>,
): ListRow["fold"] {
  if (!parents.has(id)) return "leaf";
  return folded.has(id) ? "folded" : "open";
}

function addWithParents(shown: Set<string>, id: string): void {
  for (let at: string = id; at !== "" && !shown.has(at); at = parentOf(at)) shown.add(at);
}

export function parentOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(".")));
}

const compare: Readonly<Record<SortName, (a: BoardRow, b: BoardRow) => number>> = {
  tree: () => 0,
  updated: (a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0),
  cost: (a, b) => costOf(b) - costOf(a),
  status: (a, b) => statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status),
};

/** What is unknown may be most. */
function costOf({ usage }: BoardRow): number {
  return usage.costUsd ?? Number.MAX_VALUE;
}

/** Words must all be there; `status:` `type:` `plan:` `on:` name a field. */
export function matcher(filter: string): (loop: BoardRow) => boolean {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return () => true;
  const tests = words.map(wordTest);
  return (loop) => tests.every((test) => test(loop));
}

function wordTest(word: string): (loop: BoardRow) => boolean {
  const [, field, value = ""] = /^(status|type|plan|on):(.*)$/.exec(word) ?? [];
  switch (field) {
    case "status":
      return ({ status }) => status.startsWith(value);
    case "type":
      return ({ type }) => type.toLowerCase().startsWith(value);
    case "plan":
      return ({ id }) => id === value || id.startsWith(`${value}.`);
    case "on":
      return ({ blockedOn }) => (blockedOn ?? "").startsWith(value);
    default: {
      const wanted = word.replace(/^\//, "");
      return (loop) => textOf(loop).includes(wanted);
    }
  }
}

/** Everything of a loop that its row knows, for full-text search. */
function textOf({
  id,
  title,
  type,
  status,
  reason,
  repo,
  branch,
  model,
  verdict,
}: BoardRow): string {
  const words = [id, title, type, status, reason, repo, branch, model, verdict?.command];
  return words.join(" ").toLowerCase();
}
