import { useMemo } from "react";
import type { BoardRow } from "../../src/protocol/board.ts";
import { count, duration, moment, money } from "../format.ts";
import { Filter, useFilter } from "../parts/filter.tsx";
import { LoopList } from "../parts/loop-list.tsx";
import { useSeen } from "../store.ts";

const over = new Set(["complete", "failed", "stopped"]);

/** Everything that has ended, the newest first. */
export function RecordsPage() {
  const all = useSeen((now) => now.rows);
  const { wanted, set } = useFilter();
  const ended = useMemo(
    () =>
      all
        .filter(({ status }) => over.has(status))
        .sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1)),
    [all],
  );
  const rows = useMemo(() => matching(ended, wanted.status, wanted.text), [ended, wanted]);
  return (
    <div className="page fills">
      <h1>Records</h1>
      <Filter wanted={wanted} set={set} choices={["all"]} shown={rows.length} of={ended.length} />
      <Sums rows={rows} />
      <LoopList rows={rows} isTree={false} />
    </div>
  );
}

function matching(rows: readonly BoardRow[], status: string, text: string): readonly BoardRow[] {
  const words = text.toLowerCase();
  return rows.filter(
    (row) =>
      (status === "all" || row.status === status) &&
      `${row.id} ${row.title} ${row.type} ${row.reason ?? ""}`.toLowerCase().includes(words),
  );
}

function Sums({ rows }: { readonly rows: readonly BoardRow[] }) {
  const cost = rows.reduce((sum, { usage }) => sum + (usage.costUsd ?? 0), 0);
  const tokens = rows.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
  const complete = rows.filter(({ status }) => status === "complete").length;
  const timeMs = rows.reduce((sum, row) => sum + spanMs(row), 0);
  return (
    <p className="sums">
      <span>✓ {complete} complete</span>
      <span>{money(cost)}</span>
      <span>{count(tokens)} tokens</span>
      {rows.length > 0 && <span>{duration(timeMs / rows.length)} on average</span>}
      <button type="button" onClick={() => save("json", JSON.stringify(rows, null, 2))}>
        export json
      </button>
      <button type="button" onClick={() => save("csv", csvOf(rows))}>
        export csv
      </button>
    </p>
  );
}

function spanMs({ createdAt, updatedAt }: BoardRow): number {
  return Date.parse(updatedAt) - Date.parse(createdAt);
}

const columns = ["id", "type", "title", "status", "reason", "iteration", "costUsd", "updatedAt"];

function csvOf(rows: readonly BoardRow[]): string {
  const lines = rows.map(({ id, type, title, status, reason, iteration, usage, updatedAt }) =>
    [id, type, title, status, reason ?? "", iteration, usage.costUsd ?? "", moment(updatedAt)]
      .map(cell)
      .join(","),
  );
  return `${[columns.join(","), ...lines].join("\n")}\n`;
}

/** A text that a spreadsheet would carry out stays a text. */
function cell(value: string | number): string {
  const text =
    typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(extension: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = `taskdaemon-records.${extension}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
