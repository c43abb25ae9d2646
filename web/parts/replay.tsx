import { useState } from "react";
import type { TranscriptEntry } from "../../src/ports.ts";
import type { BoardRow } from "../../src/protocol/board.ts";
import type { IterationRecord } from "../../src/protocol/door.ts";
import { plain } from "../../src/views/plain.ts";
import { replyWords } from "../../src/views/reply-words.ts";
import { api } from "../api.ts";
import { count, duration, money } from "../format.ts";
import { line } from "../words.ts";
import { useAsked } from "./asked.ts";
import { Diff } from "./diff.tsx";

/** Any iteration from start to end: prompt, replies, tools, diff, verdict, cost. */
export function Replay({ row }: { readonly row: BoardRow }) {
  const { id, iteration, updatedAt } = row;
  const [wanted, setWanted] = useState<number | null>(null);
  const asked = useAsked(() => api.iterations(id), `${id} ${updatedAt}`);
  if (asked.state !== "there") return <p className="empty">…</p>;
  const numbers = asked.value;
  const chosen = wanted ?? numbers.at(-1);
  if (chosen === undefined) return <p className="empty">It has not begun yet.</p>;
  return (
    <section className="panel">
      <form className="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          Iteration
          <select value={chosen} onChange={({ target }) => setWanted(Number(target.value))}>
            {numbers.map((number) => (
              <option key={number} value={number}>
                {number === 0 ? "0, before anything" : number}
              </option>
            ))}
          </select>
        </label>
        <Step name="← before" to={before(numbers, chosen)} set={setWanted} />
        <Step name="next →" to={after(numbers, chosen)} set={setWanted} />
      </form>
      <Record id={id} number={chosen} version={chosen > iteration ? updatedAt : ""} />
    </section>
  );
}

function before(numbers: readonly number[], at: number): number | undefined {
  return numbers.findLast((number) => number < at);
}

function after(numbers: readonly number[], at: number): number | undefined {
  return numbers.find((number) => number > at);
}

function Step({
  name,
  to,
  set,
}: {
  readonly name: string;
  readonly to: number | undefined;
  readonly set: (number: number) => void;
}) {
  return (
    <button type="button" disabled={to === undefined} onClick={() => to !== undefined && set(to)}>
      {name}
    </button>
  );
}

function Record({
  id,
  number,
  version,
}: {
  readonly id: string;
  readonly number: number;
  readonly version: string;
}) {
  const asked = useAsked(() => api.record(id, number), `${id} ${number} ${version}`);
  if (asked.state === "asking") return <p className="empty">…</p>;
  if (asked.state === "refused") return <p role="alert">{asked.reason}</p>;
  return <Entries record={asked.value} />;
}

function Entries({ record }: { readonly record: IterationRecord }) {
  const { entries, diff, iteration } = record;
  const replies = entries.filter((entry) => entry.type === "reply");
  const cost = replies.reduce<number | null>(
    (sum, { usage }) => (sum === null || usage.costUsd === null ? null : sum + usage.costUsd),
    0,
  );
  const tokens = replies.reduce(
    (sum, { usage }) => sum + usage.inputTokens + usage.outputTokens,
    0,
  );
  return (
    <>
      <p className="sums">
        <span>{replies.length} replies</span>
        <span>{entries.filter(({ type }) => type === "toolCall").length} tool calls</span>
        <span>{count(tokens)} tokens</span>
        <span>{money(cost)}</span>
      </p>
      <div className="entries">
        {entries.map((entry, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a record only grows
          <Entry key={index} entry={entry} />
        ))}
      </div>
      <h2>What iteration {iteration} changed</h2>
      <Diff text={diff} comment={null} />
    </>
  );
}

function Entry({ entry }: { readonly entry: TranscriptEntry }) {
  switch (entry.type) {
    case "prompt":
      return (
        <>
          <Fold title="system prompt" text={entry.system} isOpen={false} style="" />
          <Fold title="prompt" text={entry.text} isOpen={false} style="" />
        </>
      );
    case "reply":
      return (
        <article className="reply">
          <h2>
            turn {entry.turn} <small>{line(replyWords(entry.stopReason))}</small>
          </h2>
          <p className="text">{plain(entry.text)}</p>
        </article>
      );
    case "toolCall":
      return <Fold title={entry.name} text={inputText(entry.input)} isOpen style="tool" />;
    case "toolResult": {
      const title = `${entry.isError ? "✗ error" : "result"} · ${duration(entry.durationMs)}`;
      return (
        <Fold title={title} text={entry.text} isOpen={false} style={entry.isError ? "bad" : ""} />
      );
    }
    case "validation": {
      const title = `${entry.where}: ${entry.command} → ${entry.exitCode ?? "killed"} · ${duration(entry.durationMs)}`;
      return (
        <Fold
          title={title}
          text={entry.output}
          isOpen
          style={entry.exitCode === 0 ? "good" : "bad"}
        />
      );
    }
    case "note":
      return <p className="dim">{plain(entry.text)}</p>;
    default:
      return entry satisfies never;
  }
}

function inputText(input: unknown): string {
  if (typeof input !== "object" || input === null) return JSON.stringify(input);
  return Object.entries(input)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}

function Fold({
  title,
  text,
  isOpen,
  style,
}: {
  readonly title: string;
  readonly text: string;
  readonly isOpen: boolean;
  readonly style: string;
}) {
  return (
    <details open={isOpen} className={style}>
      <summary>{line(title)}</summary>
      <pre>{plain(text)}</pre>
    </details>
  );
}
