import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { memoryUsage } from "node:process";
import type { Told } from "../adapters/metrics/instruments.ts";
import { Metrics } from "../adapters/metrics/metrics.ts";
import { codeOf } from "../adapters/store/errors.ts";
import { storeDirOf } from "../adapters/store/home.ts";
import type { Desk } from "../protocol/desk.ts";
import type { MetricsView, MetricView, SeriesView } from "../protocol/metrics.ts";
import { toolNames } from "../tools/toolset.ts";
import { systemClock } from "./clock.ts";
import type { Host } from "./host.ts";
import { openLagMeter } from "./lag.ts";

/** What a daemon counts and measures of itself while it runs. */
export interface Numbers extends Pick<Desk, "metrics" | "metricsText"> {
  lagMs(): number;
  storeBytes(): Promise<number>;
  close(): void;
}

export function keepNumbers(host: Host, home: string, version: string): Numbers {
  const lag = openLagMeter();
  const { lagMs } = lag;
  const { states } = host;
  const startedAt = systemClock.now();
  const metrics = new Metrics({ version, startedAt, toolNames, state: states.state });
  const leave = states.subscribe((transaction) => metrics.count(transaction, states.state));
  const unwatch = host.watch(null, (event) => metrics.see(event));
  host.onWritten((ms) => metrics.wrote(ms / 1_000));
  const storeBytes = () => bytesOf(storeDirOf(home));
  const reading = async () => ({
    now: systemClock.now(),
    state: states.state,
    storeEvents: states.durableSeq,
    storeBytes: await storeBytes(),
    auditRecords: host.chronicle.head.count,
    eventLoopLagMs: lagMs(),
    residentBytes: memoryUsage.rss(),
  });
  return {
    lagMs,
    storeBytes,
    metrics: async () => viewOf(await metrics.told(await reading())),
    metricsText: async () => metrics.text(await reading()),
    close: () => {
      leave();
      unwatch();
      lag.close();
    },
  };
}

async function bytesOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += await bytesIn(join(dir, name));
  return bytes;
}

/** Files come and go while we count. */
async function bytesIn(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
}

function viewOf(told: readonly Told[]): MetricsView {
  return { metrics: told.map(metricOf) };
}

function metricOf({ name, help, type, values }: Told): MetricView {
  const kind = String(type) as MetricView["type"];
  if (kind === "histogram") return { name, type: kind, help, series: histogramOf(name, values) };
  const series = values.map(({ labels, value }) => ({ labels: labelsOf(labels), value }));
  return { name, type: kind, help, series };
}

/** Buckets, sum and count come one by one; they belong together by their labels. */
function histogramOf(name: string, values: Told["values"]): readonly SeriesView[] {
  const series = new Map<string, Required<Mutable<SeriesView>>>();
  for (const { labels, value, metricName } of values) {
    const { le, ...rest } = labels;
    const own = labelsOf(rest);
    const key = JSON.stringify(own);
    const one = series.get(key) ?? { labels: own, value: 0, sum: 0, buckets: [] };
    series.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    else if (metricName === `${name}_count`) one.value = value;
    else one.buckets = [...one.buckets, { le: String(le), count: value }];
  }
  return [...series.values()];
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function labelsOf(labels: Told["values"][number]["labels"]): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
