import { expect, test } from "vitest";
import { Metrics } from "../../../src/adapters/metrics/metrics.ts";
import type { Command } from "../../../src/core/commands.ts";
import { decide } from "../../../src/core/decide.ts";
import { noUsage } from "../../../src/core/loop.ts";
import { apply, emptyState, type MutableState } from "../../../src/core/state.ts";
import type { LiveEvent } from "../../../src/ports.ts";
import { brief, id, moment, progress, settings, verdict } from "../../given.ts";

const one = id("1");
const usage = { ...noUsage, inputTokens: 100, outputTokens: 20, costUsd: 0.5, requests: 1 };

function metricsOf(state: MutableState): Metrics {
  return new Metrics({ version: "1.2.3", startedAt: 0, toolNames: ["read", "bash"], state });
}

/** Decides, applies and counts, as the daemon does. */
function live(metrics: Metrics, state: MutableState, at: number, ...commands: Command[]): void {
  for (const command of commands) {
    const decision = decide(state, command, { ...moment, now: at });
    if (!decision.ok) throw new Error(decision.reason);
    for (const event of decision.events) apply(state, event, at);
    metrics.count({ seq: 1, at, events: decision.events }, state);
  }
}

async function told(metrics: Metrics, state: MutableState): Promise<string[]> {
  const reading = {
    now: 60_000,
    state,
    storeEvents: 7,
    storeBytes: 900,
    auditRecords: 3,
    eventLoopLagMs: 2,
    residentBytes: 5,
  };
  const { text } = await metrics.text(reading);
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const leased = { id: one, attempt: 1 };
const commit = "c".repeat(40);
const passed = verdict({ commit, passed: true, exitCode: 0, durationMs: 3_000 });
const story: readonly (readonly [at: number, command: Command])[] = [
  [0, { type: "createLoop", loop: brief() }],
  [10_000, { type: "startAttempt", id: one, owner: "me" }],
  [11_000, { ...leased, type: "startIteration", model: "sim/large" }],
  [12_000, { ...leased, type: "reserve", turn: "1", tokens: 500, usd: 2, dayUsd: null }],
  [13_000, { ...leased, type: "settle", turn: "1", usage, dayUsd: null }],
  [
    20_000,
    {
      ...leased,
      type: "finishIteration",
      commit,
      verdict: passed,
      progress: progress(1),
    },
  ],
  [21_000, { ...leased, type: "finishAttempt", outcome: { type: "complete", delivered: null } }],
];

function played(until = story.length): { metrics: Metrics; state: MutableState } {
  const state = emptyState();
  const metrics = metricsOf(state);
  for (const [at, command] of story.slice(0, until)) live(metrics, state, at, command);
  return { metrics, state };
}

test("a loop's life is counted by type and model, in seconds", async () => {
  const { metrics, state } = played();
  const lines = await told(metrics, state);
  expect(lines).toEqual(
    expect.arrayContaining([
      'taskdaemon_loops_created_total{type="ralph"} 1',
      'taskdaemon_loops_ended_total{type="ralph",status="complete"} 1',
      'taskdaemon_success_ratio{type="ralph"} 1',
      'taskdaemon_queue_wait_seconds_sum{type="ralph",priority="normal"} 10',
      'taskdaemon_attempt_seconds_sum{type="ralph",how="done"} 11',
      'taskdaemon_iteration_seconds_sum{type="ralph",model="sim/large"} 9',
      'taskdaemon_validation_seconds_sum{type="ralph",result="passed"} 3',
      'taskdaemon_tokens_total{type="ralph",model="sim/large",kind="input"} 100',
      'taskdaemon_cost_usd_total{type="ralph",model="sim/large"} 0.5',
      'taskdaemon_loops{type="ralph",status="complete"} 1',
      "taskdaemon_store_events 7",
      "taskdaemon_audit_records 3",
    ]),
  );
  expect(lines.filter((line) => !line.startsWith("taskdaemon_"))).toEqual([]);
  expect(lines.join()).not.toContain("/repo");
});

test("what a loop keeps is counted again from the state; times begin anew", async () => {
  const { state } = played();
  const lines = await told(metricsOf(state), state);
  expect(lines).toEqual(
    expect.arrayContaining([
      'taskdaemon_loops_ended_total{type="ralph",status="complete"} 1',
      'taskdaemon_iterations_total{type="ralph",model="sim/small"} 1',
      'taskdaemon_tokens_total{type="ralph",model="sim/small",kind="output"} 20',
      'taskdaemon_cost_usd_total{type="ralph",model="sim/small"} 0.5',
    ]),
  );
  expect(lines.join("\n")).not.toContain("taskdaemon_attempt_seconds_sum");
});

test("a call in flight when its attempt ends is counted in full, as it is charged", async () => {
  const { metrics, state } = played(4);
  live(metrics, state, 14_000, { type: "stop", id: one });
  const lines = await told(metrics, state);
  expect(state.loops.get(one)?.usage.outputTokens).toBe(500);
  expect(lines).toEqual(
    expect.arrayContaining([
      'taskdaemon_tokens_total{type="ralph",model="sim/large",kind="output"} 500',
      'taskdaemon_cost_usd_total{type="ralph",model="sim/large"} 2',
      'taskdaemon_attempts_ended_total{type="ralph",how="interrupted"} 1',
    ]),
  );
});

test("a person's talk is counted beside the loops, by its model", async () => {
  const { metrics, state } = played();
  const call = { turn: "c1.1.1.1", tokens: 500, usd: 2 } as const;
  live(metrics, state, 22_000, { type: "reserveChat", ...call, dayUsd: null });
  live(metrics, state, 23_000, { type: "settleChat", turn: call.turn, usage, model: "sim/large" });
  live(metrics, state, 24_000, { type: "reserveChat", ...call, dayUsd: null });
  live(metrics, state, 25_000, { type: "chargeChats" });
  expect(await told(metrics, state)).toEqual(
    expect.arrayContaining([
      'taskdaemon_tokens_total{type="chat",model="sim/large",kind="input"} 100',
      'taskdaemon_cost_usd_total{type="chat",model="sim/large"} 0.5',
      'taskdaemon_tokens_total{type="chat",model="unknown",kind="output"} 500',
      'taskdaemon_cost_usd_total{type="chat",model="unknown"} 2',
    ]),
  );
});

test("waiting for a known time is no waiting in the queue", async () => {
  const { metrics, state } = played(2);
  const outcome = { type: "interrupted", during: "a call", reason: "limited" } as const;
  live(
    metrics,
    state,
    20_000,
    { ...leased, type: "finishAttempt", outcome: { ...outcome, notBeforeAt: 100_000 } },
    { type: "pause", id: one },
  );
  live(metrics, state, 30_000, { type: "resume", id: one, raise: {} });
  live(metrics, state, 33_000, { type: "startAttempt", id: one, owner: "me" });
  const lines = await told(metrics, state);
  expect(lines).toContain('taskdaemon_queue_wait_seconds_sum{type="ralph",priority="normal"} 13');
  expect(lines).toContain('taskdaemon_attempts_restarted_total{type="ralph"} 1');
});

test("names that a model or a user makes up cannot multiply the series", async () => {
  const state = emptyState();
  const metrics = metricsOf(state);
  for (let n = 0; n < 500; n += 1) {
    const own = { ...settings, model: `p/model-${n}` };
    live(metrics, state, 0, { type: "createLoop", loop: brief({ type: `t${n}`, settings: own }) });
    const seen: LiveEvent = {
      type: "toolDone",
      loop: one,
      iteration: 1,
      name: `tool-${n}"} evil`,
      isError: true,
      durationMs: 5,
    };
    metrics.see(seen);
    const call = { type: "call", outcome: "overloaded", beganMs: null, durationMs: 40 } as const;
    metrics.see({ ...call, loop: one, iteration: 1, model: `p/model-${n}` });
  }
  const lines = await told(metrics, state);
  expect(lines.filter((line) => line.includes("loops_created"))).toHaveLength(21);
  expect(lines).toContain('taskdaemon_loops_created_total{type="other"} 480');
  expect(lines.filter((line) => line.includes("tool_calls"))).toEqual([
    'taskdaemon_tool_calls_total{tool="other",result="error"} 500',
  ]);
  expect(lines).toContain('taskdaemon_api_errors_total{model="other",kind="overloaded"} 450');
});

test("plans are told of by what all their loops came to; of many the newest", async () => {
  const state = emptyState();
  const metrics = metricsOf(state);
  const plan = brief({ type: "plan" });
  const children = [{ type: "ralph", title: "t", brief: "b", after: [] }];
  live(metrics, state, 1_000, { type: "createLoop", loop: plan });
  live(metrics, state, 2_000, { type: "startAttempt", id: one, owner: "me" });
  const outcome = { type: "delegated", children } as const;
  live(metrics, state, 3_000, { ...leased, type: "finishAttempt", outcome });
  const child = { id: id("1.1"), attempt: 1 };
  live(
    ...([metrics, state, 4_000] as const),
    { type: "startAttempt", id: child.id, owner: "me" },
    { ...child, type: "startIteration", model: "sim/large" },
    { ...child, type: "reserve", turn: "1", tokens: 500, usd: 2, dayUsd: null },
    { ...child, type: "settle", turn: "1", usage, dayUsd: null },
    { type: "createLoop", loop: brief() },
  );
  const ofPlans = (await told(metrics, state)).filter((line) => line.includes("taskdaemon_plan_"));
  expect(ofPlans).toEqual([
    'taskdaemon_plan_cost_usd{plan="1"} 0.5',
    'taskdaemon_plan_tokens{plan="1"} 120',
    'taskdaemon_plan_iterations{plan="1"} 0',
    'taskdaemon_plan_attempts{plan="1"} 2',
    'taskdaemon_plan_seconds{plan="1"} 59',
    'taskdaemon_plan_loops{plan="1",status="delegated"} 1',
    'taskdaemon_plan_loops{plan="1",status="running"} 1',
  ]);
  const more = Array.from({ length: 60 }, () => ({ type: "createLoop", loop: plan }) as const);
  live(metrics, state, 5_000, ...more);
  const costs = (await told(metrics, state)).filter((line) => line.includes("plan_cost"));
  expect([costs.length, costs.at(-1)]).toEqual([50, 'taskdaemon_plan_cost_usd{plan="62"} 0']);
});
