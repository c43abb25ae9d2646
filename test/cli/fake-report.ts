import { noUsage, type Verdict } from "../../src/core/loop.ts";
import { type DigestView, digestOf } from "../../src/views/digest.ts";
import { type ReportView, reportOf } from "../../src/views/report.ts";
import type { Happened } from "../../src/views/report-history.ts";
import { given, id, loop, settings } from "../given.ts";

const why = {
  ...{ id: "7", status: "complete", sentence: "It is complete." },
  ...{ causes: [], remedy: null },
};

export const hostile = "</pre><script>alert(1)</script> ``` | @everyone \u001b[2J\u202e \"'&";

export const diff = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,2 +1,2 @@
--- old
-two
+++ new
+diff --git a/x b/x
diff --git a/package.json b/package.json
new file mode 100644
--- /dev/null
+++ b/package.json
@@ -0,0 +1 @@
+${hostile}
`;

export function verdict(passed: boolean): Verdict {
  return {
    ...{ passed, exitCode: passed ? 0 : 1, command: "npm test", durationMs: 5 },
    ...{ commit: "c".repeat(40), evidence: { runner: "vitest", ran: 3, failed: 0, skipped: 0 } },
    note: null,
  };
}

const progress = {
  ...{ iteration: 1, passed: true, exitCode: 0, filesChanged: ["src/a.ts"] },
  ...{ durationMs: 5, feedback: "", fingerprint: "f" },
};

const created = {
  ...{ type: "ralph", parent: null, title: hostile, brief: hostile, priority: "normal" },
  ...{ dependsOn: [], repo: "/repo", status: "pending", settings },
} as const;

/** A loop that erred, asked, was allowed, and passed. */
export const events: readonly Happened[] = [
  { type: "loop.created", loop: id("7"), data: created },
  {
    type: "iteration.finished",
    loop: id("7"),
    data: {
      ...{ attempt: 1, iteration: 1, commit: "c".repeat(40) },
      ...{ verdict: verdict(true), progress },
    },
  },
  {
    type: "loop.status",
    loop: id("7"),
    data: {
      ...{ from: "running", to: "blocked", reason: `may I change ${hostile}?` },
      ...{ blockedOn: "gate", asked: ["package.json"] },
    },
  },
  { type: "loop.allowed", loop: id("7"), data: { paths: ["package.json"] } },
  { type: "loop.answered", loop: id("7"), data: { question: "may I?", answer: "allow" } },
  {
    type: "loop.status",
    loop: id("7"),
    data: { from: "running", to: "blocked", reason: "src/a.ts", blockedOn: "conflict" },
  },
  { type: "loop.rejected", loop: id("7.1"), data: { feedback: hostile } },
].map((event, index) => ({ ...event, at: index * 1_000 }) as Happened);

export const reported = loop("7 complete", {
  ...{ title: hostile, brief: hostile, baseline: verdict(false), verdict: verdict(true) },
  ...{ headCommit: "c".repeat(40), iteration: 1, gateAllowed: ["package.json"] },
});

export const sampleReport: ReportView = reportOf({
  state: given(reported, "7.1 failed", "7.10 pending", "7.2 pending"),
  ...{ loop: reported, why, events },
  diffs: new Map([[id("7"), { text: diff, isCut: false }]]),
});

/** What there is has all happened within the span that is asked for. */
export function digestSince(since: number): DigestView {
  const done = { from: "running", to: "complete", reason: null } as const;
  const passed: readonly Happened[] = [
    ...events.filter(({ type }) => type === "iteration.finished"),
    { type: "loop.status", loop: id("7"), data: done, at: 0 },
    {
      ...{ type: "loop.delivered", loop: id("7"), at: 0 },
      data: { to: "main", commit: "c".repeat(40) },
    },
  ];
  const usage = { ...noUsage, inputTokens: 1_000, costUsd: 0.5, requests: 2 };
  const settled = { type: "budget.settled", loop: id("7"), data: { turn: "1", usage }, at: 0 };
  const state = given(reported, "8 blocked on question", "9 draft", "10 running");
  const all = [...passed, settled as Happened].map((event) => ({ ...event, at: since }));
  return digestOf(state, all, { since, until: since });
}
