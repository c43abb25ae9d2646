/** What `td metrics --json` prints: CLI.md, Metrics. */
export interface MetricsView {
  readonly metrics: readonly MetricView[];
}

export interface MetricView {
  /** Begins with `taskdaemon_`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly series: readonly SeriesView[];
}

export interface SeriesView {
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram, how many were observed. */
  readonly value: number;
  /** Of a histogram only. */
  readonly sum?: number;
  /** Of a histogram only: how many were at most `le`, which rises; the last one is "+Inf". */
  readonly buckets?: readonly { readonly le: string; readonly count: number }[];
}
