import { useMemo } from "react";
import type { QueueRow, QueueView } from "../../src/protocol/status.ts";
import { api } from "../api.ts";
import { useAsked } from "../parts/asked.ts";
import { Providers } from "../parts/providers.tsx";
import { follow } from "../route.ts";
import { useSeen } from "../store.ts";
import { line, stepText } from "../words.ts";

const everyMs = 2_000;

/** What runs, what waits in the order in which it starts, and why. */
export function QueuePage() {
  const asked = useAsked(api.queue, "queue", everyMs);
  return (
    <div className="page">
      <h1>Queue</h1>
      {asked.state === "asking" && <p className="empty">Asking…</p>}
      {asked.state === "refused" && <p role="alert">{asked.reason}</p>}
      {asked.state === "there" && <Queue view={asked.value} />}
    </div>
  );
}

function Queue({ view }: { readonly view: QueueView }) {
  const { slots, counts, queueMax, hold, types, running, waiting, providers } = view;
  const order = waiting.map((row) => ({ ...row, place: row.position ?? "–" }));
  return (
    <>
      {hold !== null && (
        <p className="banner bad" role="status">
          Nothing new starts: {hold.reason}
        </p>
      )}
      <dl className="facts wide">
        <div>
          <dt>slots</dt>
          <dd>
            {slots.used} of {slots.max}
          </dd>
        </div>
        <div>
          <dt>waiting</dt>
          <dd>
            {counts.waiting} of at most {queueMax}
          </dd>
        </div>
        {types.map(({ type, used, max }) => (
          <div key={type}>
            <dt>{type}</dt>
            <dd>
              {used} of {max}
            </dd>
          </div>
        ))}
      </dl>
      <Merging />
      <Table title="Running" rows={running.map((row) => ({ ...row, place: "●" }))} />
      <Table title="Waiting" rows={order} />
      <Providers providers={providers} />
    </>
  );
}

/** Loops whose work is about to reach its target. */
function Merging() {
  const steps = useSeen((now) => now.steps);
  const rows = useSeen((now) => now.rows);
  const merging = useMemo(
    () =>
      rows.flatMap(({ id, type, priority, title, repo, status }) => {
        const step = steps.get(id);
        const isHere =
          status === "running" &&
          step?.type === "stage" &&
          (step.stage === "rebasing" || step.stage === "merging");
        return isHere ? [{ id, type, priority, title, repo, why: stepText(step), place: "⇥" }] : [];
      }),
    [rows, steps],
  );
  return <Table title="Merging" rows={merging} />;
}

interface Placed extends QueueRow {
  readonly place: string | number;
}

function Table({ title, rows }: { readonly title: string; readonly rows: readonly Placed[] }) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {rows.length === 0 && <p className="empty">Nothing.</p>}
      {rows.length > 0 && (
        <div className="scroll tall">
          <table>
            <thead>
              <tr>
                <th scope="col">place</th>
                <th scope="col">loop</th>
                <th scope="col">type</th>
                <th scope="col">priority</th>
                <th scope="col">why</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ id, type, priority, title: name, why, place }) => (
                <tr key={id}>
                  <td>{place}</td>
                  <th scope="row">
                    <a href={`/loop/${id}`} onClick={follow}>
                      {id} {line(name)}
                    </a>
                  </th>
                  <td>{type}</td>
                  <td>{priority}</td>
                  <td>{line(why)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
