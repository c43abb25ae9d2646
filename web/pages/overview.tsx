import { useMemo } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import type { StatusView } from "../../src/protocol/status.ts";
import { bytes, duration, money, percent } from "../format.ts";
import { Actions } from "../parts/actions.tsx";
import { Charts } from "../parts/charts.tsx";
import { LoopList } from "../parts/loop-list.tsx";
import { Providers } from "../parts/providers.tsx";
import { Status } from "../parts/status.tsx";
import { follow } from "../route.ts";
import { useSeen } from "../store.ts";
import { line } from "../words.ts";

/** What needs me, what is running and why not more, what did it cost. */
export function Overview() {
  const status = useSeen((now) => now.status);
  const rows = useSeen((now) => now.rows);
  const running = useMemo(() => rows.filter((row) => row.status === "running"), [rows]);
  return (
    <div className="page">
      <h1>Overview</h1>
      {status !== null && <Alerts status={status} />}
      <div className="columns">
        <NeedsYou rows={rows} />
        {status !== null && <Spend status={status} />}
      </div>
      <section className="panel">
        <h2>
          Running{" "}
          <a href="/queue" onClick={follow}>
            why not more?
          </a>
        </h2>
        <div className="short">
          <LoopList rows={running} isTree={false} none="Nothing runs just now." />
        </div>
      </section>
      <Charts />
      {status !== null && <Providers providers={status.providers} />}
    </div>
  );
}

function Alerts({ status }: { readonly status: StatusView }) {
  const { alerts } = status;
  if (alerts.length === 0) return null;
  return (
    <ul className="alerts" aria-label="Alerts">
      {alerts.map(({ id, level, since, text, remedy }) => (
        <li key={id} className={level} title={`since ${new Date(since).toLocaleString()}`}>
          <span aria-hidden="true">▲</span> <b>{level}</b> {line(text)}{" "}
          <small>→ {line(remedy)}</small>
        </li>
      ))}
    </ul>
  );
}

const neededMax = 50;

function NeedsYou({ rows }: { readonly rows: readonly BoardRow[] }) {
  const waiting = rows.filter(
    ({ status, blockedOn }) =>
      status === "draft" || (status === "blocked" && blockedOn !== "child"),
  );
  return (
    <section className="panel needs">
      <h2>Needs you</h2>
      {waiting.length === 0 && <p className="empty">Nothing: all goes on without you.</p>}
      <ul>
        {waiting.slice(0, neededMax).map((row) => (
          <li key={row.id}>
            <p>
              <Status of={row.status} />{" "}
              <a
                href={row.status === "draft" ? `/plan/${row.id}` : `/loop/${row.id}`}
                onClick={follow}
              >
                {row.id} {line(row.title)}
              </a>
            </p>
            {row.reason !== null && <p className="said">{line(row.reason)}</p>}
            <Actions of={row} />
          </li>
        ))}
      </ul>
      {waiting.length > neededMax && <p>… and {waiting.length - neededMax} more</p>}
    </section>
  );
}

function Spend({ status }: { readonly status: StatusView }) {
  const { budget, uptimeSeconds, rssBytes, eventLoopLagMs, sandbox, version } = status;
  const { daySpentUsd, dayUsd, projectedDayUsd, daySpentTokens } = budget;
  const share = dayUsd === null || dayUsd === 0 ? null : daySpentUsd / dayUsd;
  return (
    <section className="panel">
      <h2>Today</h2>
      <p className="big">
        {money(daySpentUsd)} <small>{dayUsd === null ? "no limit" : `of ${money(dayUsd)}`}</small>
      </p>
      {share !== null && (
        <meter min={0} max={1} high={0.8} value={share} aria-label="Spent of the day's limit">
          {percent(share)}
        </meter>
      )}
      <dl className="facts">
        <Fact name="projected">{money(projectedDayUsd)}</Fact>
        <Fact name="tokens">{daySpentTokens.toLocaleString("en")}</Fact>
        <Fact name="daemon">
          {version}, up {duration(uptimeSeconds * 1_000)}
        </Fact>
        <Fact name="memory">{bytes(rssBytes)}</Fact>
        <Fact name="lag">{eventLoopLagMs} ms</Fact>
        <Fact name="sandbox">{sandbox}</Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
