import { useState } from "react";
import type { BucketView } from "../../src/protocol/history.ts";
import { api } from "../api.ts";
import { count, duration, moment, money, percent } from "../format.ts";
import { useAsked } from "./asked.ts";

const everyMs = 15_000;

interface Series {
  readonly name: string;
  readonly style: string;
  readonly of: (bucket: BucketView) => number | null;
}

interface ChartKind {
  readonly title: string;
  readonly series: readonly Series[];
  readonly text: (value: number) => string;
  /** Of all values shown, what stands beside the title. */
  readonly sum: (buckets: readonly BucketView[]) => string;
}

const sumOf = (buckets: readonly BucketView[], of: (bucket: BucketView) => number) =>
  buckets.reduce((sum, bucket) => sum + of(bucket), 0);

const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);

const kinds: readonly ChartKind[] = [
  {
    title: "Cost",
    series: [{ name: "cost", style: "a", of: ({ costUsd }) => costUsd }],
    text: money,
    sum: (buckets) => money(sumOf(buckets, ({ costUsd }) => costUsd)),
  },
  {
    title: "Tokens",
    series: [
      { name: "input", style: "a", of: ({ inputTokens }) => inputTokens },
      { name: "cached", style: "b", of: ({ cachedTokens }) => cachedTokens },
      { name: "output", style: "c", of: ({ outputTokens }) => outputTokens },
    ],
    text: count,
    sum: (buckets) =>
      count(sumOf(buckets, (each) => each.inputTokens + each.cachedTokens + each.outputTokens)),
  },
  {
    title: "Loops finished",
    series: [
      { name: "complete", style: "good", of: ({ completed }) => completed },
      { name: "failed", style: "bad", of: ({ failed }) => failed },
    ],
    text: count,
    sum: (buckets) => count(sumOf(buckets, ({ completed, failed }) => completed + failed)),
  },
  {
    title: "Iterations that passed",
    series: [
      { name: "passed", style: "good", of: ({ passed, iterations }) => share(passed, iterations) },
    ],
    text: percent,
    sum: (buckets) => {
      const rate = share(
        sumOf(buckets, ({ passed }) => passed),
        sumOf(buckets, ({ iterations }) => iterations),
      );
      return rate === null ? "none yet" : percent(rate);
    },
  },
  {
    title: "Latency of calls",
    series: [{ name: "mean", style: "a", of: ({ latencyMs }) => latencyMs }],
    text: duration,
    sum: (buckets) => {
      const last = buckets.findLast(({ latencyMs }) => latencyMs !== null)?.latencyMs;
      return last === null || last === undefined ? "none yet" : duration(last);
    },
  },
];

/** The last day, a bar for each quarter of an hour. */
export function Charts() {
  const asked = useAsked(api.history, "history", everyMs);
  return (
    <section className="panel">
      <h2>Last 24 hours</h2>
      {asked.state === "asking" && <p className="empty">Counting…</p>}
      {asked.state === "refused" && <p role="alert">{asked.reason}</p>}
      {asked.state === "there" && (
        <div className="charts">
          {kinds.map((kind) => (
            <Chart key={kind.title} kind={kind} buckets={asked.value.buckets} />
          ))}
        </div>
      )}
    </section>
  );
}

const width = 480;
const height = 96;

function Chart({
  kind,
  buckets,
}: {
  readonly kind: ChartKind;
  readonly buckets: readonly BucketView[];
}) {
  const [at, setAt] = useState<number | null>(null);
  const { title, series, text, sum } = kind;
  const heights = buckets.map((bucket) => sumOf([bucket], (each) => stacked(series, each)));
  const top = Math.max(...heights, 0);
  const pointed = at === null ? undefined : buckets[at];
  const step = width / Math.max(1, buckets.length);
  return (
    <figure className="chart">
      <figcaption>
        {title} <strong>{sum(buckets)}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}, last 24 hours: ${sum(buckets)}`}
        onPointerMove={({ nativeEvent, currentTarget }) =>
          setAt(Math.floor((nativeEvent.offsetX / currentTarget.clientWidth) * buckets.length))
        }
        onPointerLeave={() => setAt(null)}
      >
        <line className="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {top > 0 &&
          buckets.map((bucket, index) => (
            <Bar
              key={bucket.at}
              series={series}
              bucket={bucket}
              x={index * step}
              step={step}
              top={top}
            />
          ))}
      </svg>
      <p className="legend">
        {pointed === undefined
          ? series.map(({ name, style }) => (
              <span key={name} className={`key ${style}`}>
                {name}
              </span>
            ))
          : `${moment(pointed.at)} · ${series.map(({ name, of }) => `${name} ${told(of(pointed), text)}`).join(", ")}`}
      </p>
    </figure>
  );
}

function told(value: number | null, text: (value: number) => string): string {
  return value === null ? "–" : text(value);
}

function stacked(series: readonly Series[], bucket: BucketView): number {
  return series.reduce((sum, { of }) => sum + (of(bucket) ?? 0), 0);
}

function Bar({
  series,
  bucket,
  x,
  step,
  top,
}: {
  readonly series: readonly Series[];
  readonly bucket: BucketView;
  readonly x: number;
  readonly step: number;
  readonly top: number;
}) {
  let y = height;
  return series.map(({ name, style, of }) => {
    const tall = ((of(bucket) ?? 0) / top) * (height - 4);
    y -= tall;
    if (tall === 0) return null;
    return <rect key={name} className={style} x={x} y={y} width={step * 0.82} height={tall} />;
  });
}
