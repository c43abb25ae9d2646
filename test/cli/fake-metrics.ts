import type { MetricsView } from "../../src/protocol/metrics.ts";

const metricsView: MetricsView = {
  metrics: [
    {
      name: "taskdaemon_tokens_total",
      type: "counter",
      help: "Tokens used, by kind",
      series: [{ labels: { type: "ralph", model: "sim/one", kind: "input" }, value: 1_200 }],
    },
    {
      name: "taskdaemon_api_seconds",
      type: "histogram",
      help: "How long model calls took",
      series: [
        {
          labels: { model: "sim/one", outcome: "ok" },
          value: 4,
          sum: 6,
          buckets: [
            { le: "1", count: 1 },
            { le: "5", count: 4 },
            { le: "+Inf", count: 4 },
          ],
        },
      ],
    },
  ],
};

/** What a daemon says of itself, and where it shows it. */
export const fakeNumbers = {
  metrics: async () => metricsView,
  dashboard: async (port: number | null) => ({
    port: port ?? 7_817,
    url: "http://127.0.0.1:7817/#token=t",
  }),
};
