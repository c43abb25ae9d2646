import { describe, expect, test } from "vitest";
import { blockers, type Loop, loopStatuses } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import type { Waiting } from "../../src/core/waiting.ts";
import { type LiveWait, why } from "../../src/views/why.ts";
import { following, given, id, loop, moment, settings, spent, verdict } from "../given.ts";

const now = 60_000;
const silent = { now, waitingOf: null, liveWaitOf: () => null };

function told(...lines: readonly (string | Loop)[]) {
  const state = given(...lines);
  return why({ ...silent, state }, loopOf(state, id("1")));
}

describe("one sentence for every status", () => {
  const proof = {
    verdict: verdict({ passed: true, exitCode: 0, commit: "c".repeat(40) }),
    delivered: { to: "taskdaemon/1", commit: "c".repeat(40) },
  };
  test.each([
    [loop("1 draft"), "It is a draft and waits for approval.", "td approve 1"],
    [loop("1 pending"), "It is ready, and nobody runs it.", "td run --resume 1"],
    [
      loop("1 pending", { interruptedAt: "iteration 2, turn 3" }),
      "It is ready, and nobody runs it. It was interrupted in iteration 2, turn 3.",
      "td run --resume 1",
    ],
    [
      loop("1 pending at 90000", { reason: "sim/small is limited (429)" }),
      "It starts again at 1970-01-01T00:01:30.000Z (in 30 s): sim/small is limited (429).",
      null,
    ],
    [
      loop("1 pending at 3660000"),
      "It starts again at 1970-01-01T01:01:00.000Z (in 60 min): it backs off.",
      null,
    ],
    [
      loop("1 running attempt 2", { iteration: 3 }),
      "Attempt 2 is at work on iteration 4 of 10.",
      null,
    ],
    [loop("1 paused from running"), "A person paused it.", "td resume 1"],
    [loop("1 delegated"), "Its own work is done; it waits for its children.", null],
    [
      loop("1 complete", proof),
      "It is complete. `npm test` passed on cccccccccc. The work is on taskdaemon/1.",
      null,
    ],
    [loop("1 complete"), "It is complete. Nothing was delivered, as asked.", null],
    [
      loop("1 failed", { reason: "not valid after 10 iterations" }),
      "It failed: not valid after 10 iterations.",
      "td run --resume 1 tries again; td logs 1 shows what happened",
    ],
    [loop("1 stopped"), "A person stopped it.", null],
  ])("%#: $status", (one, sentence, remedy) => {
    expect(told(one)).toMatchObject({ id: "1", status: one.status, sentence, remedy });
  });
});

describe("one sentence and a remedy for everything that blocks", () => {
  test.each([
    ["question", "Tabs?", "It asks: Tabs?", 'td answer 1 "…"'],
    [
      "gate",
      "check.sh was changed",
      "What defines its validation was changed: check.sh was changed.",
      "td diff 1, then td answer 1 allow | deny",
    ],
    ["conflict", "a.txt", "It is in conflict: a.txt.", "td shell 1, then td resume 1"],
    ["budget", "all gone.", "Its budget is exhausted: all gone.", "td resume 1 --budget USD"],
    ["stuck", "the same", "It is stuck: the same.", 'td answer 1 "a hint"'],
    ["key", "401", "It is blocked: 401.", "td run --resume 1"],
    ["setup", "no git.", "It is blocked: no git.", "td run --resume 1"],
    ["child", "its child 1.1 failed", "It is held up: its child 1.1 failed.", "td retry 1.1"],
  ] as const)("%s", (blockedOn, reason, sentence, remedy) => {
    const one = loop("1 blocked", { blockedOn, reason });
    expect(told(one, "1.1 failed")).toMatchObject({ status: "blocked", sentence, remedy });
  });

  test("nothing is left out", () => {
    for (const on of blockers) expect(told(`1 blocked on ${on}`).sentence).toMatch(/^It|^What/);
    for (const status of loopStatuses) expect(told(`1 ${status}`).sentence).toMatch(/\.$/);
  });
});

describe("in a plan", () => {
  test("a loop waits for work that overlaps with its own", () => {
    const one = loop("1.1 pending", { touches: ["src/**"] });
    const other = loop("1.2 running", { touches: ["src/a.ts"] });
    const view = why({ ...silent, state: given("1 delegated", one, other) }, one);
    expect(view.sentence).toBe("It waits until 1.2 rests: both mean to change the same files.");
  });

  test("a parent far above leads to where it is held up", () => {
    const one = loop("1 blocked on child", { reason: "its child 1.1.1 failed" });
    expect(told(one, "1.1 blocked on child", "1.1.1 failed").remedy).toBe("td why 1.1");
  });

  test("who was dropped holds nobody up", () => {
    expect(told(loop("1 stopped", { dropped: true })).sentence).toContain("A person dropped it");
  });
});

describe("causes", () => {
  test("follow the chain of dependencies, nearest first", () => {
    const view = told(
      "1 pending after 2",
      "2 pending after 3",
      loop("3 failed", { reason: "red" }),
    );
    expect(view).toEqual({
      id: "1",
      status: "pending",
      sentence: "It waits for 2.",
      causes: ["2 is pending: It waits for 3, which failed.", "3 is failed: It failed: red."],
      remedy: null,
    });
  });

  test("are at most twenty, however long the chain", () => {
    const lines = Array.from({ length: 50 }, (_, n) => `${n + 1} pending after ${n + 2}`);
    expect(told(...lines, "51 pending").causes).toHaveLength(20);
  });

  test("are the children that hold a parent up, and a stopped one cannot be retried", () => {
    const one = loop("1 blocked on child", { reason: "its child 1.1 was stopped" });
    expect(told(one, "1.1 stopped", "1.2 running")).toMatchObject({
      causes: ["1.1 is stopped: A person stopped it."],
      remedy: "td stop 1",
    });
  });

  test("tell of the last verdict, and of what is left of the budget", () => {
    const red = verdict({ note: "It was killed because it used more memory than it may." });
    expect(told(loop("1 blocked on stuck", { verdict: red, iteration: 2 })).causes).toEqual([
      "Iteration 2: `npm test` did not pass: exit code 1 (It was killed because it used more memory than it may).",
    ]);
    const limits = { ...settings, budgetUsd: 1, budgetTokens: 1_000 };
    const poor = loop("1 blocked on budget", { settings: limits, usage: spent(990, 0.995) });
    expect(told(poor).causes).toEqual(["$0.0050 of $1.00 left, 10 of 1000 tokens left"]);
    const alone = { ...settings, budgetUsd: 1, planBudgetUsd: 1 };
    const root = loop("1 blocked on budget", { settings: alone, usage: spent(990, 0.995) });
    expect(told(root).causes).toEqual(["$0.0050 of $1.00 left"]);
  });
});

test("a running loop that waits within a turn says until when, and why", () => {
  const state = given("1 running");
  const of = (waits: LiveWait | null) =>
    why({ ...silent, state, liveWaitOf: () => waits }, loopOf(state, id("1"))).sentence;
  const reason = "p/small is rate limited (requests per minute)";
  expect(of({ until: 90_000, reason })).toBe(
    `Attempt 1 waits in iteration 1 until 1970-01-01T00:01:30.000Z (30 s): ${reason}.`,
  );
  expect(of({ until: null, reason })).toBe(`Attempt 1 waits in iteration 1: ${reason}.`);
  expect(of(null)).toContain("is at work");
});

describe("what holds up a loop that could run", () => {
  const slots = { running: 50, max: 50 };
  const hold = (on: "draining" | "memory" | "disk") => ({ on, reason: "there is a reason" });
  const cases: [Waiting, string, string | null][] = [
    [{ on: "nothing" }, "It starts now.", null],
    [
      { on: "slots", place: 1, ...slots },
      "It is the next to start: 50 of 50 slots are taken.",
      "raise concurrency.loops; a loop with a higher --priority goes first",
    ],
    [
      { on: "slots", place: 4, ...slots },
      "It is number 4 in the queue: 50 of 50 slots are taken.",
      "raise concurrency.loops; a loop with a higher --priority goes first",
    ],
    [
      { on: "slots", place: null, ...slots },
      "It is far back in the queue: 50 of 50 slots are taken.",
      "raise concurrency.loops; a loop with a higher --priority goes first",
    ],
    [
      { on: "type", type: "ralph", running: 40, max: 40 },
      "40 of at most 40 loops of type ralph run already.",
      "raise concurrency.per-type.ralph",
    ],
    [
      { on: "repo", type: null, running: 2, max: 2 },
      "2 of at most 2 loops of this repository run already.",
      "raise concurrency.loops in the taskdaemon.yml of the repository",
    ],
    [
      { on: "repo", type: "ralph", running: 1, max: 1 },
      "1 of at most 1 loops of type ralph of this repository run already.",
      "raise concurrency.per-type.ralph in the taskdaemon.yml of the repository",
    ],
    [
      { on: "parked", model: "sim/small", until: now + 30_000, reason: "429." },
      "sim/small is limited until 1970-01-01T00:01:30.000Z (in 30 s): 429.",
      "wait, or name a model in llm.fallback that stands in for it",
    ],
    [
      { on: "hold", hold: hold("draining") },
      "Nothing new starts: there is a reason.",
      "td start, once it has stopped",
    ],
    [
      { on: "hold", hold: hold("memory") },
      "Nothing new starts: there is a reason.",
      "td restart, or raise daemon.memory",
    ],
    [
      { on: "hold", hold: hold("disk") },
      "Nothing new starts: there is a reason.",
      "td trash empty, or free some space; daemon.disk-free is the floor",
    ],
  ];
  test.each(cases)("%j", (waiting, sentence, remedy) => {
    const state = given("1 pending");
    const view = why({ ...silent, state, waitingOf: () => waiting }, loopOf(state, id("1")));
    expect(view).toMatchObject({ sentence, remedy });
  });

  test("is told of those that others wait for, too", () => {
    const state = given("1 pending after 2", "2 pending");
    const waitingOf = (name: string) =>
      name === "2" ? ({ on: "slots", place: 1, ...slots } as const) : null;
    expect(why({ ...silent, state, waitingOf }, loopOf(state, id("1"))).causes).toEqual([
      "2 is pending: It is the next to start: 50 of 50 slots are taken.",
    ]);
  });
});

test("says so when a dependency has failed, or was stopped", () => {
  expect(told("1 pending after 2,3", "2 running", "3 failed")).toMatchObject({
    sentence: "It waits for 2, 3, which failed.",
    remedy: "td retry 3",
  });
  expect(told("1 pending after 2,3", "2 failed", "3 stopped")).toMatchObject({
    sentence: "It waits for 3, which was stopped and will never complete.",
    remedy: "td stop 1",
  });
});

test("a loop that asked another says whom it waits for", () => {
  const state = given("1 running", "2 running");
  const letter = { kind: "query", to: id("2"), body: "why?", timeoutMs: 90_000 } as const;
  following(state, { type: "send", id: id("1"), attempt: 1, letter });
  const sight = { ...silent, state, now: moment.now };
  expect(why(sight, loopOf(state, id("1"))).causes).toEqual([
    "It asked 2 (m1) and waits for the answer, 90 s at most.",
  ]);
});

test("a loop that another stopped says so", () => {
  const state = given("1 running", "2 running");
  const letter = { kind: "stop", to: id("2"), body: "not needed" } as const;
  following(state, { type: "send", id: id("1"), attempt: 1, letter });
  expect(why({ ...silent, state }, loopOf(state, id("2"))).sentence).toBe(
    "It was stopped by loop 1: not needed.",
  );
});
