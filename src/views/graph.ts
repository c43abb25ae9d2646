import { byId } from "../core/loop.ts";
import type { LoopView } from "./loop-view.ts";

export { byId };

/** A loop with what came of it. */
export interface TreeView extends LoopView {
  readonly children: readonly TreeView[];
}

type Node = Pick<LoopView, "id" | "type" | "title" | "status" | "parent">;

export interface GraphView {
  readonly nodes: readonly Node[];
  /** `to` waits until `from` is complete. */
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** The loops below `root`, or all, each under its parent; in the order of their ids. */
export function treeOf(loops: readonly LoopView[], root: string | null): readonly TreeView[] {
  const below = new Map<string | null, LoopView[]>();
  for (const loop of [...loops].sort(byId)) {
    below.set(loop.parent, [...(below.get(loop.parent) ?? []), loop]);
  }
  const grown = (loop: LoopView): TreeView => ({
    ...loop,
    children: (below.get(loop.id) ?? []).map(grown),
  });
  if (root === null) return (below.get(null) ?? []).map(grown);
  return loops.filter(({ id }) => id === root).map(grown);
}

/** Who waits for whom, among the loops that are there. */
export function graphOf(loops: readonly (Node & Pick<LoopView, "dependsOn">)[]): GraphView {
  const sorted = [...loops].sort(byId);
  const ids = new Set(sorted.map(({ id }) => id));
  const nodes = sorted.map(({ id, type, title, status, parent }) => ({
    id,
    type,
    title,
    status,
    parent,
  }));
  const edges = sorted.flatMap(({ id: to, dependsOn }) =>
    dependsOn.filter((from) => ids.has(from)).map((from) => ({ from, to })),
  );
  return { nodes, edges };
}

/** For whatever draws Mermaid: parents hold their children, arrows say who comes first. */
export function mermaidOf({ nodes, edges }: GraphView): string {
  const lines = nodes.map(({ id, type, title, status }) => {
    const label = `${id} ${type} · ${status}<br/>${plain(title)}`;
    return `  ${nameOf(id)}["${label}"]:::${status}`;
  });
  const ids = new Set(nodes.map(({ id }) => id));
  const family = nodes.flatMap(({ id, parent }) =>
    parent !== null && ids.has(parent) ? [`  ${nameOf(parent)} -.-> ${nameOf(id)}`] : [],
  );
  const waits = edges.map(({ from, to }) => `  ${nameOf(from)} --> ${nameOf(to)}`);
  return ["graph TD", ...lines, ...family, ...waits, ...classes].join("\n");
}

const classes = [
  "  classDef complete fill:#d5f5d5",
  "  classDef running fill:#d5e5ff",
  "  classDef blocked fill:#ffe0b0",
  "  classDef failed fill:#ffd0d0",
];

const titleCharsMax = 60;

/** Nothing in a title may end its label or begin a tag. */
function plain(title: string): string {
  const short = [...title].slice(0, titleCharsMax).join("");
  const clean = short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
  return clean.replace(/[&"<>#;[\]{}()|`\\]/g, (sign) => `#${sign.charCodeAt(0)};`);
}

function nameOf(id: string): string {
  return `l${id.replaceAll(".", "_")}`;
}
