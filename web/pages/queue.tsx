import type { QueueRow, QueueView } from "../../src/protocol/status.ts";
import { api } from "../api.ts";
import { useAsked } from "../parts/asked.ts";
import { Providers } from "../parts/providers.tsx";
import { follow } from "../route.ts";
import { line } from "../words.ts";

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
  const { merges, slots, counts, queueMax, hold, types, running, waiting, providers } = view;
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
      <Merges queues={merges} />
      <Table title="Running" rows={running.map((row) => ({ ...row, place: "●" }))} />
      <Table title="Waiting" rows={order} />
      <Providers providers={providers} />
    </>
  );
}

/** Finished work on its way to its target, in the order in which it gets there. */
function Merges({ queues }: { readonly queues: QueueView["merges"] }) {
  return (
    <section className="panel">
      <h2>Merge queue</h2>
      {queues.length === 0 && <p className="empty">Nothing.</p>}
      {queues.map(({ repo, target, merging, waiting, as }) => (
        <p key={`${repo} ${target} ${as ?? ""}`} className="said">
          {line(`${target} of ${repo}`)}: {merging === null ? "nobody" : <LoopLink id={merging} />}{" "}
          is merged, {waiting.length} wait{" "}
          {waiting.slice(0, namedMax).map((id) => (
            <span key={id}>
              <LoopLink id={id} />{" "}
            </span>
          ))}
        </p>
      ))}
    </section>
  );
}

/** Of those who wait for one target. */
const namedMax = 20;

function LoopLink({ id }: { readonly id: string }) {
  return (
    <a href={`/loop/${id}`} onClick={follow}>
      {id}
    </a>
  );
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
          <table className="stacked">
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
