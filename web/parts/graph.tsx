import { useEffect, useMemo, useState } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import { graphOf } from "../../src/views/graph.ts";
import { type Edge, type Layout, type LayoutRequest, nodeHeight, nodeWidth } from "../layout.ts";
import { follow } from "../route.ts";
import { glyphOf, line } from "../words.ts";

const zooms = [0.4, 0.6, 0.8, 1, 1.25];
const wholeSize = 3;
/** What fits would be too small to read otherwise. */
const scaleMin = 0.7;

/** Who comes of whom, and who waits for whom; colours are live, places change with the shape. */
export function Graph({
  rows,
  onPlaced,
}: {
  readonly rows: readonly BoardRow[];
  /** It has its size: what comes below it moves no more. */
  readonly onPlaced: () => void;
}) {
  const request = useMemo(() => requestOf(rows), [rows]);
  const layout = useLayout(request);
  useEffect(() => {
    if (layout !== null) onPlaced();
  }, [layout, onPlaced]);
  // Null: as large as there is room for.
  const [zoom, setZoom] = useState<number | null>(null);
  const scale = zooms[zoom ?? wholeSize] ?? 1;
  const rowOf = useMemo(() => new Map(rows.map((row) => [row.id, row])), [rows]);
  if (layout === null) return <p className="empty">Placing {rows.length} loops…</p>;
  const { width, height, nodes, paths } = layout;
  return (
    <div className="graph">
      <p className="buttons">
        <button type="button" onClick={() => setZoom(Math.max(0, (zoom ?? wholeSize) - 1))}>
          smaller
        </button>
        <button
          type="button"
          onClick={() => setZoom(Math.min(zooms.length - 1, (zoom ?? wholeSize) + 1))}
        >
          larger
        </button>
        <span className="dim">solid: who comes after whom · dashed: who came of whom</span>
      </p>
      <section className="canvas" aria-label={`Graph of ${nodes.length} loops`}>
        <svg
          {...(zoom === null ? { className: "fits", style: { minWidth: width * scaleMin } } : {})}
          width={width * scale}
          height={height * scale}
          viewBox={`0 0 ${width} ${height}`}
        >
          <title>Who comes after whom</title>
          {paths.map(({ from, to, kind, d }) => (
            <path key={`${kind} ${from} ${to}`} className={kind} d={d} />
          ))}
          {nodes.map(({ id, x, y }) => (
            <Node key={id} row={rowOf.get(id)} x={x} y={y} />
          ))}
        </svg>
      </section>
    </div>
  );
}

const titleCharsMax = 26;

function Node({
  row,
  x,
  y,
}: {
  readonly row: BoardRow | undefined;
  readonly x: number;
  readonly y: number;
}) {
  if (row === undefined) return null;
  const { id, title, status, type } = row;
  const whole = line(title);
  const letters = [...whole];
  const short =
    letters.length > titleCharsMax ? `${letters.slice(0, titleCharsMax).join("")}…` : whole;
  return (
    <a href={`/loop/${id}`} onClick={follow} className={`node ${status}`}>
      <title>{`${id} ${whole}, ${status}`}</title>
      <rect x={x} y={y} width={nodeWidth} height={nodeHeight} rx="6" />
      <text x={x + 10} y={y + 19}>
        {glyphOf(status)} {id} {type}
      </text>
      <text className="name" x={x + 10} y={y + 36}>
        {short}
      </text>
    </a>
  );
}

function requestOf(rows: readonly BoardRow[]): LayoutRequest {
  const { nodes, edges } = graphOf(rows);
  const ids = nodes.map(({ id }) => id);
  const known = new Set(ids);
  const after = edges.map((edge): Edge => ({ ...edge, kind: "after" }));
  // Who comes after a sibling hangs on that one: a line to the parent too would only be in the way.
  const placed = new Set(edges.map(({ to }) => to));
  const child = nodes.flatMap(({ id, parent }): Edge[] =>
    parent !== null && known.has(parent) && !placed.has(id)
      ? [{ from: parent, to: id, kind: "child" }]
      : [],
  );
  const all = [...child, ...after];
  const key = `${ids.join(" ")}|${all.map(({ from, to }) => `${from}>${to}`).join(" ")}`;
  return { key, ids, edges: all };
}

/** Asks the worker whenever the shape changes; the places before stay meanwhile. */
function useLayout(request: LayoutRequest): Layout | null {
  const [layout, setLayout] = useState<Layout | null>(null);
  const { key } = request;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is all that matters of it
  useEffect(() => {
    const worker = new Worker(new URL("../layout.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Layout>) => setLayout(data));
    worker.postMessage(request);
    return () => worker.terminate();
  }, [key]);
  return layout;
}
