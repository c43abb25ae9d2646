import type { AlertView } from "../../src/protocol/alerts.ts";
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
  config: { loadedAt: "2026-01-01T00:00:00.000Z", problem: null },
  sandbox: "bubblewrap",
  store: { seq: 42, bytes: 9_000 },
  loops: { running: 2, pending: 1, complete: 0 },
  hold: null,
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
  alerts: [],
};

export const diskAlert: AlertView = {
  id: "disk",
  level: "critical",
  since: "2026-01-01T00:00:00.000Z",
  text: "nothing new starts: only 1 GB \u001b[2Jis free",
  remedy: "td trash empty",
};

const queued = { type: "ralph", priority: "normal", title: "a", repo: "/repo" };

export const queueView: QueueView = {
  running: [{ id: "1", ...queued, why: "Attempt 1 is at work." }],
  waiting: [{ id: "2", ...queued, priority: "low", why: "It waits for 1.", position: null }],
  counts: { running: 1, waiting: 1 },
  slots: { used: 1, max: 50 },
  merges: [{ repo: "/repo", target: "main", merging: "7", waiting: ["8", "9"] }],
  types: [{ type: "ralph", used: 1, max: 40 }],
  hold: { on: "disk", reason: "900 MB are free" },
  queueMax: 10_000,
  providers: [],
};
