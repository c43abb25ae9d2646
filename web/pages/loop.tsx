import { useEffect } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import type { WhyView } from "../../src/views/why.ts";
import { api } from "../api.ts";
import { count, duration, moment, money } from "../format.ts";
import { Actions } from "../parts/actions.tsx";
import { type Asked, useAsked } from "../parts/asked.ts";
import { LoopDiff } from "../parts/loop-diff.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { NoLoop } from "../parts/no-loop.tsx";
import { Output } from "../parts/output.tsx";
import { Replay } from "../parts/replay.tsx";
import { ReportLink } from "../parts/report-link.tsx";
import { Status } from "../parts/status.tsx";
import { follow, useRoute } from "../route.ts";
import { look, useSeen } from "../store.ts";
import { line } from "../words.ts";

const tabs = ["output", "iterations", "diff", "verdict", "cost", "task"] as const;
type Tab = (typeof tabs)[number];

/** One loop: what it does now, each of its iterations, and what came of it. */
export function LoopPage({ id }: { readonly id: string }) {
  const row = useSeen(({ rowOf }) => rowOf.get(id));
  useEffect(() => {
    look(id);
    return () => look(null);
  }, [id]);
  if (row === undefined) return <NoLoop id={id} />;
  return <Loop row={row} />;
}

/** Drawn once it is known why it is where it is: that stands above all else. */
function Loop({ row }: { readonly row: BoardRow }) {
  const { id, updatedAt, status } = row;
  const { searchParams } = useRoute();
  const why = useAsked(() => api.why(id), `${id} ${updatedAt} ${status}`);
  if (why.state === "asking") return null;
  const tab = tabs.find((name) => name === searchParams.get("tab")) ?? "output";
  return (
    <div className="page">
      <Head row={row} why={why} />
      <nav className="tabs" aria-label={`Parts of loop ${id}`}>
        {tabs.map((name) => (
          <a
            key={name}
            href={`/loop/${id}?tab=${name}`}
            onClick={follow}
            aria-current={name === tab ? "page" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      <Part tab={tab} row={row} />
    </div>
  );
}

function Part({ tab, row }: { readonly tab: Tab; readonly row: BoardRow }) {
  switch (tab) {
    case "output":
      return <Output row={row} />;
    case "iterations":
      return <Replay row={row} />;
    case "diff":
      return <LoopDiff row={row} />;
    case "verdict":
      return <Verdicts row={row} />;
    case "cost":
      return <Cost row={row} />;
    case "task":
      return <Task row={row} />;
    default:
      return tab satisfies never;
  }
}

function Head({ row, why }: { readonly row: BoardRow; readonly why: Asked<WhyView> }) {
  const { id, title, status, type, parent, iteration, maxIterations, usage, model } = row;
  return (
    <header className="head">
      <p className="dim">
        {parent !== null && (
          <a href={`/loop/${parent}`} onClick={follow}>
            ↑ {parent}
          </a>
        )}{" "}
        {type} {id}
      </p>
      <h1>{line(title)}</h1>
      <p className="sums">
        <Status of={status} />
        <span>
          iteration {iteration} of {maxIterations}
        </span>
        <span>{money(usage.costUsd)}</span>
        <span>{model}</span>
        <ReportLink id={id} />
      </p>
      <Why asked={why} />
      <Actions of={row} />
      <Children id={id} />
    </header>
  );
}

function Why({ asked }: { readonly asked: Asked<WhyView> }) {
  if (asked.state === "refused") return <p role="alert">{asked.reason}</p>;
  if (asked.state !== "there") return null;
  const { sentence, causes, remedy } = asked.value;
  return (
    <div className="why">
      <p>{line(sentence)}</p>
      {causes.length > 0 && (
        <ul>
          {causes.map((cause) => (
            <li key={cause}>{line(cause)}</li>
          ))}
        </ul>
      )}
      {remedy !== null && <p className="dim">{line(remedy)}</p>}
    </div>
  );
}

function Children({ id }: { readonly id: string }) {
  const rows = useSeen((now) => now.rows);
  const below = rows.filter(({ parent }) => parent === id);
  if (below.length === 0) return null;
  return (
    <p className="children">
      <a href={`/plan/${id}`} onClick={follow}>
        graph of {below.length} below
      </a>
      {below.map((child) => (
        <a key={child.id} href={`/loop/${child.id}`} onClick={follow} title={line(child.title)}>
          <Status of={child.status} /> {child.id}
        </a>
      ))}
    </p>
  );
}

function Verdicts({ row }: { readonly row: BoardRow }) {
  const { id, updatedAt } = row;
  const asked = useAsked(() => api.loop(id), `${id} ${updatedAt}`);
  if (asked.state !== "there") return <p className="empty">…</p>;
  return (
    <div className="columns">
      <Verdict title="Now" verdict={asked.value.verdict} />
      <Verdict title="Before, on the base commit" verdict={asked.value.baseline} />
    </div>
  );
}

function Verdict({
  title,
  verdict,
}: {
  readonly title: string;
  readonly verdict: LoopView["verdict"];
}) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {verdict === null && <p className="empty">None yet.</p>}
      {verdict !== null && (
        <>
          <p className={`big ${verdict.passed ? "good" : "bad"}`}>
            {verdict.passed ? "✓ passed" : "✗ not passed"}
          </p>
          <dl className="facts">
            <Fact name="command" text={verdict.command} />
            <Fact
              name="exit code"
              text={verdict.exitCode === null ? "killed" : String(verdict.exitCode)}
            />
            <Fact name="took" text={duration(verdict.durationMs)} />
            <Fact name="commit" text={verdict.commit.slice(0, 10)} />
            {verdict.tests !== null && (
              <Fact
                name={verdict.tests.runner}
                text={`${verdict.tests.ran} ran, ${verdict.tests.failed} failed`}
              />
            )}
          </dl>
          {verdict.note !== null && <p className="said">{line(verdict.note)}</p>}
        </>
      )}
    </section>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{line(text)}</dd>
    </div>
  );
}

function Cost({ row }: { readonly row: BoardRow }) {
  const { id, updatedAt, usage } = row;
  const asked = useAsked(() => api.loop(id), `${id} ${updatedAt}`);
  const budget = asked.state === "there" ? asked.value.budget : undefined;
  const limits = [
    { name: "limit of the loop", limit: budget?.usd ?? null },
    { name: "limit of its plan", limit: budget?.plan ?? null },
  ];
  return (
    <section className="panel">
      <h2>Cost</h2>
      <p className="big">{money(usage.costUsd)}</p>
      <dl className="facts">
        {limits.map(({ name, limit }) => (
          <Fact
            key={name}
            name={name}
            text={limit === null ? "none" : `${money(limit.spent)} of ${money(limit.limit)}`}
          />
        ))}
        <Fact name="requests" text={count(usage.requests)} />
        <Fact name="tokens in" text={count(usage.inputTokens)} />
        <Fact name="from the cache" text={count(usage.cacheReadTokens)} />
        <Fact name="into the cache" text={count(usage.cacheWriteTokens)} />
        <Fact name="tokens out" text={count(usage.outputTokens)} />
      </dl>
    </section>
  );
}

function Task({ row }: { readonly row: BoardRow }) {
  const { id, repo, branch, dependsOn, priority, createdAt, delivered } = row;
  const asked = useAsked(() => api.draft(id), id);
  if (asked.state === "asking") return null;
  return (
    <section className="panel">
      <h2>Task</h2>
      {asked.state === "there" && <Markdown text={asked.value.task} />}
      <dl className="facts">
        <Fact name="repository" text={repo} />
        <Fact name="branch" text={branch ?? "none yet"} />
        <Fact name="delivered to" text={delivered?.to ?? "not yet"} />
        <Fact name="after" text={dependsOn.join(", ") || "nothing"} />
        <Fact name="priority" text={priority} />
        <Fact name="created" text={moment(createdAt)} />
      </dl>
    </section>
  );
}
