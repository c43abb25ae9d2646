/** Where the nodes of a graph stand. In a worker: it takes a while, and nobody waits. */
import dagre from "@dagrejs/dagre";
import { type Layout, type LayoutRequest, nodeHeight, nodeWidth } from "./layout.ts";

addEventListener("message", ({ data }: MessageEvent<LayoutRequest>) => {
  postMessage(layoutOf(data));
});

function layoutOf({ key, ids, edges }: LayoutRequest): Layout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 48, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of ids) graph.setNode(id, { width: nodeWidth, height: nodeHeight });
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const nodes = ids.map((id) => {
    const { x, y } = graph.node(id) as { x: number; y: number };
    return { id, x: x - nodeWidth / 2, y: y - nodeHeight / 2 };
  });
  const paths = edges.map(({ from, to, kind }) => {
    const { points } = graph.edge(from, to) as { points: readonly Point[] };
    return { from, to, kind, d: lineOf(graph.node(from), points.slice(1, -1), graph.node(to)) };
  });
  return { key, width, height, nodes, paths };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** From the right side of a node to the left one of another: dagre's own ends may be behind a third. */
function lineOf(from: Point, between: readonly Point[], to: Point): string {
  const start = { x: from.x + nodeWidth / 2, y: from.y };
  const end = { x: to.x - nodeWidth / 2, y: to.y };
  // Between neighbours nothing is in the way.
  const turns = between.length > 1 ? between : [];
  return [start, ...turns, end].map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${x} ${y}`).join("");
}
