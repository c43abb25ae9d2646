/** What it costs to count what happens, and to keep the audit of it. */
import { performance } from "node:perf_hooks";
import { openAudit } from "../src/adapters/audit/file-audit.ts";
import { Metrics } from "../src/adapters/metrics/metrics.ts";
import type { Event } from "../src/core/events.ts";
import { type LoopId, noUsage } from "../src/core/loop.ts";
import { createRedact } from "../src/core/redact.ts";
import { apply, emptyState, type MutableState } from "../src/core/state.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, row, withPlace } from "./measure.ts";

const loops = 50;
const turns = 2_000;
const rounds = 7;
/** What one event may cost beside all that is done with it. */
const allowedUs = 5;
const records = 20_000;
/** A tool call takes a thousand times as long. */
const recordAllowedUs = 100;

export async function benchNumbers(): Promise<Findings> {
  const state = worked();
  const events = turnEvents();
  const toolNames = ["bash", "read", "edit"];
  const metrics = new Metrics({ version: "0", startedAt: 0, toolNames, state });
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    for (const event of events) metrics.count({ seq: 1, at: 5, events: [event] }, state);
    times.push(((performance.now() - startedAt) * 1_000) / events.length);
  }
  // What else the machine does only adds to it.
  const ours = Math.min(...times);
  const counted = row("numbers, one event", "µs", { ours, baseline: allowedUs }, atMost(1));
  const recorded = { ours: await recordUs(), baseline: recordAllowedUs };
  return { rows: [counted, row("audit, one record", "µs", recorded, atMost(1))], notes: [] };
}

/** Redacted, hashed, written and anchored, as a busy daemon does it. */
function recordUs(): Promise<number> {
  return withPlace(async (home) => {
    const file = await openAudit(home, Date.now);
    const audit = file.for(createRedact(["a-secret-of-some-length"]));
    const command = `npm test -- ${"src/some/file.test.ts ".repeat(20)}`;
    const startedAt = performance.now();
    for (let n = 0; n < records; n += 1) {
      const input = { command, timeout_ms: n };
      await audit.record({ type: "tool", loop: id(1), iteration: 1, name: "bash", input });
    }
    await audit.anchor();
    const us = ((performance.now() - startedAt) * 1_000) / records;
    await file.close();
    return us;
  });
}

/** Loops with an attempt under way. */
function worked(): MutableState {
  const state = emptyState();
  const settings = loopSettings({ base: "b".repeat(40), command: "npm test" });
  for (let n = 1; n <= loops; n += 1) {
    const words = { title: "t", brief: "b", repo: "/repo", priority: "normal" } as const;
    const data = {
      type: "ralph",
      parent: null,
      dependsOn: [],
      status: "pending",
      settings,
    } as const;
    apply(state, { type: "loop.created", loop: id(n), data: { ...words, ...data } }, 0);
  }
  return state;
}

/** The events of turns, of one loop after the other. */
function turnEvents(): Event[] {
  const usage = { ...noUsage, inputTokens: 900, outputTokens: 80, cacheReadTokens: 5_000 };
  return Array.from({ length: turns }, (_, n): Event[] => {
    const loop = id((n % loops) + 1);
    const turn = String(n);
    return [
      { type: "attempt.started", loop, data: { attempt: 1, owner: "pid 1" } },
      { type: "iteration.started", loop, data: { iteration: 1, model: "bench/instant" } },
      { type: "budget.reserved", loop, data: { turn, tokens: 9_000, usd: 0.1 } },
      {
        type: "budget.settled",
        loop,
        data: { turn, usage: { ...usage, costUsd: 0.01, requests: 1 } },
      },
      {
        type: "attempt.ended",
        loop,
        data: { attempt: 1, interruptedAt: "a turn", erred: false },
      },
    ];
  }).flat();
}

function id(n: number): LoopId {
  return String(n) as LoopId;
}
