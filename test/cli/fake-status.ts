import type { QueueView, StatusView } from "../../src/protocol/status.ts";

export const statusView: StatusView = {
  running: true,
  pid: 77,
  version: "1.2.3",
  startedAt: "2026-01-01T00:00:00.000Z",
  uptimeSeconds: 60,
  rssBytes: 120e6,
  eventLoopLagMs: 21.5,
  draining: false,
  sandbox: "bubblewrap",
  store: { seq: 42, bytes: 9_000 },
  loops: { running: 2, pending: 1, complete: 0 },
  providers: [],
  budget: {
    day: "2026-01-01",
    dayUsd: 20,
    daySpentUsd: 17,
    daySpentTokens: 1_000_000,
    dayReservedUsd: 0.4,
    projectedDayUsd: 28,
    dayEndsAt: "2026-01-02T00:00:00.000Z",
  },
};

export const queueView: QueueView = {
  running: [
    { id: "1", type: "ralph", priority: "normal", title: "a", why: "Attempt 1 is at work." },
  ],
  waiting: [{ id: "2", type: "ralph", priority: "low", title: "b", why: "It waits for 1." }],
  slots: { used: 1, max: 50 },
  queueMax: 10_000,
  providers: [],
};
