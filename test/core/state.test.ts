import { expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import type { Event } from "../../src/core/events.ts";
import { type LoopStatus, loopStatuses } from "../../src/core/loop.ts";
import { apply, loopOf, replay } from "../../src/core/state.ts";
import { brief, given, id, loop, progress, spent, verdict } from "../given.ts";

/** CLI.md's table. "The status it was paused from" is one of three: running goes to pending. */
const table: Readonly<Record<LoopStatus, readonly LoopStatus[]>> = {
  draft: ["pending", "delegated", "stopped"],
  pending: ["running", "paused", "blocked", "stopped"],
  running: ["pending", "draft", "delegated", "complete", "blocked", "failed", "paused", "stopped"],
  delegated: ["complete", "blocked", "paused", "stopped"],
  blocked: ["pending", "delegated", "complete", "failed", "paused", "stopped"],
  paused: ["pending", "delegated", "blocked", "stopped"],
  failed: ["pending", "stopped"],
  complete: [],
  stopped: [],
};

const pairs = loopStatuses.flatMap((from) => loopStatuses.map((to) => [from, to] as const));

function moves(from: LoopStatus, to: LoopStatus): Event {
  return { type: "loop.status", loop: id("1"), data: { from, to, reason: null } };
}

test.each(pairs.filter(([from, to]) => table[from].includes(to)))(
  "%s may become %s",
  (from, to) => {
    const state = given(`1 ${from}`);
    apply(state, moves(from, to), 100);
    expect(loopOf(state, id("1")).status).toBe(to);
  },
);

test.each(pairs.filter(([from, to]) => !table[from].includes(to)))(
  "%s may not become %s, and the error names both",
  (from, to) => {
    const state = given(`1 ${from}`);
    expect(() => apply(state, moves(from, to), 100)).toThrow(new Bug(`1: ${from} -> ${to}`));
    expect(state).toEqual(given(`1 ${from}`));
  },
);

test("an event that speaks of another status than the loop has is a bug", () => {
  expect(() => apply(given("1 pending"), moves("running", "paused"), 1)).toThrow(
    "1 is pending, the event says running",
  );
});

test("a new loop has done nothing yet, and may start at once", () => {
  const data = brief({ title: "t", priority: "high" });
  const state = replay([
    { seq: 1, at: 7, events: [{ type: "loop.created", loop: id("1"), data }] },
  ]);
  expect(state).toEqual({
    ...given(loop("1 pending high at 7", { title: "t", createdAt: 7, updatedAt: 7 })),
    rootsCreated: 1,
  });
});

test("an iteration out of turn is a bug", () => {
  const data = { attempt: 1, iteration: 2, commit: "c", verdict: verdict(), progress: progress(2) };
  const event: Event = { type: "iteration.finished", loop: id("1"), data };
  expect(() => apply(given("1 running"), event, 1)).toThrow("1: iteration 2 out of turn");
});

test("progress is kept for the newest twenty iterations", () => {
  const state = given("1 running");
  for (let iteration = 1; iteration <= 25; iteration += 1) {
    const more = { commit: `c${iteration}`, verdict: verdict(), progress: progress(iteration) };
    const data = { attempt: 1, iteration, ...more };
    apply(state, { type: "iteration.finished", loop: id("1"), data }, 1);
  }
  const { progress: kept, checkpoints, iteration } = loopOf(state, id("1"));
  expect(kept.map((entry) => entry.iteration)).toEqual(Array.from({ length: 20 }, (_, n) => n + 6));
  expect([checkpoints.length, checkpoints[0], iteration]).toEqual([25, "c1", 25]);
});

test("a reservation still open when its attempt ends is charged in full", () => {
  const reservations = [
    { turn: "a", tokens: 700, usd: 0.5, at: 1 },
    { turn: "b", tokens: 50, usd: 0.25, at: 2 },
  ];
  const state = given(loop("1 running", { usage: spent(10, 1), reservations }));
  const data = { attempt: 1, interruptedAt: "its delivery", erred: false };
  apply(state, { type: "attempt.ended", loop: id("1"), data }, 9);
  expect(loopOf(state, id("1"))).toMatchObject({
    reservations: [],
    usage: { ...spent(760, 1.75), requests: 1 },
    interruptedAt: "its delivery",
    failures: 0,
  });
});

test("a rollback forgets the verdict and what later iterations taught", () => {
  const state = given(
    loop("1 paused from pending", {
      iteration: 2,
      headCommit: "c2",
      checkpoints: ["c1", "c2"],
      verdict: verdict({ commit: "c2" }),
      progress: [progress(1), progress(2)],
      rejudge: true,
    }),
  );
  apply(state, { type: "loop.rolledBack", loop: id("1"), data: { to: 1, commit: "c1" } }, 9);
  expect(loopOf(state, id("1"))).toMatchObject({
    iteration: 2,
    headCommit: "c1",
    checkpoints: ["c1", "c2"],
    verdict: null,
    progress: [progress(1)],
    rejudge: false,
  });
});

test("who helped is owed fresh patience: neither old failures nor old repetitions count", () => {
  const state = given(loop("1 failed", { failures: 3, iteration: 4 }));
  apply(state, moves("failed", "pending"), 9);
  expect(loopOf(state, id("1"))).toMatchObject({ failures: 0, stuckFrom: 4 });
});
