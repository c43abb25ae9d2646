import { expect, test } from "vitest";
import { loopView } from "../../src/views/loop-view.ts";
import { base, id, loop, settings, spent, verdict } from "../given.ts";

const head = "c".repeat(40);
const evidence = { runner: "vitest", ran: 12, failed: 0, skipped: 1 };
const passed = verdict({ passed: true, exitCode: 0, commit: head, durationMs: 1_234.4, evidence });

test("has the fields of the contract, and no other value than the loop's", () => {
  const one = loop("7.1.2 complete after 7.1.1 attempt 1", {
    title: "mend",
    iteration: 2,
    branch: "taskdaemon/7.1.2",
    headCommit: head,
    delivered: { to: "taskdaemon/plan-7", commit: head },
    verdict: passed,
    baseline: verdict({ passed: false }),
    usage: spent(10, 0.1 + 0.2),
    updatedAt: Date.UTC(2026, 0, 2),
    typeVersion: "0123456789ab",
  });
  expect(loopView(one, "working")).toEqual({
    id: "7.1.2",
    type: "ralph",
    parent: "7.1",
    title: "mend",
    status: "complete",
    stage: null,
    reason: null,
    blockedOn: null,
    priority: "normal",
    dependsOn: ["7.1.1"],
    attempt: 1,
    iteration: 2,
    maxIterations: 10,
    repo: "/repo",
    branch: "taskdaemon/7.1.2",
    baseCommit: base,
    headCommit: head,
    delivered: { to: "taskdaemon/plan-7", commit: head },
    verdict: {
      passed: true,
      exitCode: 0,
      command: "npm test",
      durationMs: 1_234,
      commit: head,
      tests: { runner: "vitest", ran: 12, failed: 0 },
      note: null,
    },
    baseline: {
      passed: false,
      exitCode: 1,
      command: "npm test",
      durationMs: 5,
      commit: base,
      tests: null,
      note: null,
    },
    pullRequest: null,
    merging: null,
    model: "sim/small",
    typeVersion: "0123456789ab",
    usage: {
      inputTokens: 0,
      outputTokens: 10,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: 0.3,
      requests: 1,
    },
    notBefore: null,
    createdAt: "1970-01-01T00:00:00.000Z",
    updatedAt: "2026-01-02T00:00:00.000Z",
  });
});

test("has a stage only while it runs, and a time to wait for only while it is pending", () => {
  expect(loopView(loop("1 running"), "validating").stage).toBe("validating");
  expect(loopView(loop("1 paused from running"), "validating").stage).toBeNull();
  expect(loopView(loop("1 pending at 1000"), null).notBefore).toBe("1970-01-01T00:00:01.000Z");
  expect(loopView(loop("1 blocked on key"), null)).toMatchObject({
    blockedOn: "key",
    notBefore: null,
  });
});

test("names the model that works now", () => {
  const large = { ...settings, escalation: "sim/large" };
  expect(loopView(loop("1 running", { settings: large }), null).model).toBe("sim/small");
  const escalated = loop("1 running", { settings: large, escalated: true });
  expect(loopView(escalated, null).model).toBe("sim/large");
});

test("keeps an unknown cost unknown", () => {
  expect(loopView(loop("1 running", { usage: spent(5, null) }), null).usage.costUsd).toBeNull();
});

test("is plain JSON", () => {
  const view = loopView(loop("1 running", { dependsOn: [id("2")] }), null);
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
});
