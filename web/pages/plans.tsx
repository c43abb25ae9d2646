import { useCallback, useMemo, useState } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import type { DraftView } from "../../src/protocol/plans.ts";
import { api } from "../api.ts";
import { money } from "../format.ts";
import { Actions } from "../parts/actions.tsx";
import { useAsked } from "../parts/asked.ts";
import { Graph } from "../parts/graph.tsx";
import { LoopList } from "../parts/loop-list.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { NoLoop } from "../parts/no-loop.tsx";
import { ReportLink } from "../parts/report-link.tsx";
import { Status } from "../parts/status.tsx";
import { follow } from "../route.ts";
import { useSeen } from "../store.ts";
import { line } from "../words.ts";

/** What begot other loops, or waits to. */
export function PlansPage() {
  const rows = useSeen((now) => now.rows);
  const plans = useMemo(() => {
    const parents = new Set(rows.map(({ parent }) => parent));
    return rows.filter(
      ({ id, status, type }) => parents.has(id) || status === "draft" || type === "plan",
    );
  }, [rows]);
  return (
    <div className="page fills">
      <h1>Plans</h1>
      {plans.length === 0 && (
        <p className="dim">
          A plan begins with <code>td new-plan "what you want"</code>.
        </p>
      )}
      <LoopList rows={plans} isTree />
    </div>
  );
}

/** A plan, or any level of it: its documents, what comes of them, and a person's word. */
export function PlanPage({ id }: { readonly id: string }) {
  const rows = useSeen((now) => now.rows);
  const row = useSeen(({ rowOf }) => rowOf.get(id));
  const below = useMemo(
    () => rows.filter((each) => each.id === id || each.id.startsWith(`${id}.`)),
    [rows, id],
  );
  const asked = useAsked(() => api.draft(id), `${id} ${row?.updatedAt}`);
  const [isPlaced, setPlaced] = useState(false);
  const placed = useCallback(() => setPlaced(true), []);
  if (row === undefined) return <NoLoop id={id} />;
  return (
    <div className="page">
      <header className="head">
        <p className="dim">
          {row.type}{" "}
          <a href={`/loop/${id}`} onClick={follow}>
            {id}
          </a>
        </p>
        <h1>{line(row.title)}</h1>
        <p className="sums">
          <Status of={row.status} />
          <span>
            {money(costOf(below))}
            {below.length > 1 && " with all below"}
          </span>
          <ReportLink id={id} />
        </p>
        <Actions of={row} />
      </header>
      <section className="panel">
        <h2>Graph</h2>
        <Graph rows={below} onPlaced={placed} />
      </section>
      {asked.state === "refused" && <p role="alert">{asked.reason}</p>}
      {isPlaced && asked.state === "there" && <Documents draft={asked.value} />}
    </div>
  );
}

/** One unknown price makes the sum unknown. */
function costOf(rows: readonly BoardRow[]): number | null {
  return rows.reduce<number | null>(
    (sum, { usage: { costUsd } }) => (sum === null || costUsd === null ? null : sum + costUsd),
    0,
  );
}

function Documents({ draft }: { readonly draft: DraftView }) {
  const { documents, estimate, task } = draft;
  return (
    <>
      <section className="panel">
        <h2>Request</h2>
        <Markdown text={task} />
        {estimate.loops !== null && (
          <p className="dim">
            From what was done before: about {estimate.loops} loops, {money(estimate.costUsd)}.
          </p>
        )}
      </section>
      {documents.map(({ path, title, text, becomes, dependsOn, validate }) => (
        <details key={path} className="panel" open={becomes === null || documents.length < 4}>
          <summary>
            {line(path)} · {line(title)}{" "}
            {becomes !== null && <small className="dim">becomes a {becomes}</small>}
          </summary>
          {dependsOn.length > 0 && <p className="dim">after {dependsOn.map(line).join(", ")}</p>}
          {validate !== null && <p className="dim">proven by {line(validate)}</p>}
          <Markdown text={text} />
        </details>
      ))}
    </>
  );
}
