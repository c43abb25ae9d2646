import { exitCodes } from "../protocol/errors.ts";
import type { MetricView, SeriesView } from "../protocol/metrics.ts";
import { reach } from "./daemon.ts";
import { duration } from "./numbers.ts";
import type { Session } from "./session.ts";
import { type Column, table } from "./table.ts";
import { oneLine } from "./text.ts";

/** `td metrics` */
export async function metrics(session: Session): Promise<number> {
  const view = await (await reach(session)).metrics();
  if (session.json) session.printJson(view);
  else session.print(table(columns, view.metrics.flatMap(rowsOf), session.look));
  return exitCodes.done;
}

interface Row {
  readonly metric: string;
  readonly of: string;
  readonly value: string;
  readonly typical: string;
}

const columns: readonly Column<Row>[] = [
  { head: "METRIC", cell: ({ metric }) => metric },
  { head: "OF", cell: ({ of }) => of, columnsMin: 12 },
  { head: "VALUE", cell: ({ value }) => value, align: "right" },
  { head: "MEAN, MOST WITHIN", cell: ({ typical }) => typical, align: "right", rank: 1 },
];

const mostPart = 0.95;

function rowsOf({ name, series }: MetricView): readonly Row[] {
  return series.map((one) => ({
    metric: oneLine(name),
    of: Object.values(one.labels).map(oneLine).join(" "),
    value: valueText(name, one.value),
    typical: typicalText(one),
  }));
}

function valueText(name: string, value: number): string {
  if (name.includes("_usd")) return `$${value.toFixed(4)}`;
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

/** `1.2 s, 5.0 s`: on average, and what 95 of 100 did not exceed as far as the buckets tell. */
function typicalText({ value, sum, buckets }: SeriesView): string {
  if (sum === undefined || buckets === undefined || value === 0) return "";
  const within = buckets.find(({ count }) => count >= value * mostPart)?.le ?? "+Inf";
  const mean = duration((sum / value) * 1_000);
  if (within !== "+Inf") return `${mean}, ${duration(Number(within) * 1_000)}`;
  return `${mean}, longer than ${duration(Number(buckets.at(-2)?.le ?? 0) * 1_000)}`;
}
