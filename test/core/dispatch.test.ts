import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  aheadMax,
  cycleAmong,
  type DispatchLimits,
  dispatch,
  type Waiting,
  whyWaiting,
} from "../../src/core/dispatch.ts";
import type { Priority } from "../../src/core/loop.ts";
import { PendingIndex, type Queued, queuedOf } from "../../src/core/pending.ts";
import { id, loop } from "../given.ts";

const agingMs = 1_000;
const free: DispatchLimits = {
  loops: 1,
  perType: {},
  agingMs,
  retryAfterMaxMs: 60,
  parked: new Map(),
  short: new Set(),
  hold: null,
};

/** A line as in given(), with "in repo" and "as type" and whatever else. */
function queued(text: string, more: Partial<Queued> = {}): Queued {
  const facts = queuedOf(loop(text), null);
  const startedAt = facts.status === "running" ? 0 : null;
  return { ...facts, startedAt, ...more };
}

function indexOf(...lines: readonly (string | Queued)[]): PendingIndex {
  const index = new PendingIndex();
  for (const each of lines) index.put(null, typeof each === "string" ? queued(each) : each);
  return index;
}

function starts(index: PendingIndex, loops: number, more: Partial<DispatchLimits> = {}, now = 0) {
  return dispatch(index, now, { ...free, loops, ...more }).start;
}

function why(index: PendingIndex, name: string, more: Partial<DispatchLimits> = {}, now = 0) {
  return whyWaiting(index, now, { ...free, ...more })(id(name));
}

describe("the order", () => {
  test("is priority, then who waited longest, then the id as a path", () => {
    const lines = ["10 pending", "2 pending", "9 pending at 5", "1 pending low", "4 pending high"];
    const index = indexOf(...lines, "3 pending critical", "2.10 pending", "2.9 pending");
    expect(starts(index, 9, {}, 5)).toEqual(["3", "4", "2", "10", "9", "2.9", "2.10", "1"]);
  });

  test("puts a newcomer of high priority into the next slot, before any that aged less", () => {
    const crowd = Array.from({ length: 50 }, (_, n) => `${n + 1} pending`);
    const index = indexOf(...crowd, "90 pending high at 999");
    expect(starts(index, 1, {}, 999)).toEqual(["90"]);
  });

  test("lifts who has waited agingMs by a step, and no sooner; age then decides", () => {
    const index = indexOf("1 pending", "2 pending high at 999");
    expect(starts(index, 1, {}, 999)).toEqual(["2"]);
    expect(starts(index, 1, {}, 1_000)).toEqual(["1"]);
  });

  test("lifts nobody above critical", () => {
    expect(starts(indexOf("1 pending", "2 pending critical at 9000000"), 1, {}, 9e6)).toEqual([
      "2",
    ]);
  });

  test("shares the slots between plans, whatever they have pending", () => {
    const index = indexOf("1.1 pending", "1.2 pending", "1.3 pending", "2.1 pending at 5");
    expect(starts(index, 3, {}, 5)).toEqual(["1.1", "2.1", "1.2"]);
  });

  test("prefers the plan with fewer running, then the one least recently started", () => {
    const index = indexOf(
      queued("1.1 running", { startedAt: 1 }),
      "1.2 pending",
      queued("2.1 pending", { startedAt: 9 }),
      queued("3.1 pending", { startedAt: 5 }),
      "4 pending at 7",
    );
    expect(starts(index, 9, {}, 10)).toEqual(["4", "3.1", "2.1", "1.2"]);
  });

  test("shares the slots between repositories before plans", () => {
    const repo = "/other";
    const own = ["1 pending", "2 pending", "3 pending", "4 pending"];
    const index = indexOf(
      ...own,
      queued("5 pending at 3", { repo }),
      queued("6 pending at 3", { repo }),
    );
    expect(starts(index, 4, {}, 3)).toEqual(["1", "5", "2", "6"]);
  });
});

describe("the limits", () => {
  test("are slots, taken by what runs", () => {
    const index = indexOf("1 running", "2 running", "3 pending", "4 pending");
    expect([2, 3, 0, -1].map((loops) => starts(index, loops))).toEqual([[], ["3"], [], []]);
  });

  test("hold for a type, and let the others by", () => {
    const phase = { type: "phase" };
    const index = indexOf("1 running", "2 pending", "3 pending", queued("4 pending", phase));
    expect(starts(index, 9, { perType: { ralph: 2 } })).toEqual(["2", "4"]);
    expect(starts(index, 9, { perType: { ralph: 0 } })).toEqual(["4"]);
  });

  test("wait for dependencies to be complete, and age from then on", () => {
    const done = queued("1 complete", { completedAt: 7_000 });
    const index = indexOf("2 pending low after 1,3", "4 pending at 6000", done, "3 running");
    expect(starts(index, 9, {}, 7_000)).toEqual(["4"]);
    index.put(queued("3 running"), queued("3 complete", { completedAt: 8_000 }));
    expect(starts(index, 1, {}, 9_500)).toEqual(["4"]);
    expect(starts(index, 2, {}, 9_500)).toEqual(["4", "2"]);
  });

  test("start nothing while drained or short of memory", () => {
    expect(starts(indexOf("1 pending"), 9, { hold: "memory" })).toEqual([]);
  });

  test("pass over what is short of budget, itself or above it, and take the next", () => {
    const index = indexOf("1.1 pending", "1.2 pending", "2.1 pending", "3 pending");
    expect(starts(index, 9, { short: new Set([id("1"), id("3")]) })).toEqual(["2.1"]);
    expect(starts(index, 9, { short: new Set([id("1.1")]) })).toEqual(["1.2", "2.1", "3"]);
  });

  test("wake at the nearest time, of a backoff or a parked model", () => {
    const until = 500;
    const parked = new Map([["sim/big", { until, reason: "429" }]]);
    const big = queued("2 pending", { model: "sim/big" });
    const late = queued("3 pending at 700", { model: "sim/big" });
    const wakeAt = (...lines: (string | Queued)[]) =>
      dispatch(indexOf(...lines), 100, { ...free, loops: 9, parked });
    expect(wakeAt("1 pending at 300", big)).toEqual({ start: [], wakeAt: 300 });
    expect(wakeAt("1 pending", big, late)).toEqual({ start: ["1"], wakeAt: 500 });
    expect(wakeAt(late)).toEqual({ start: [], wakeAt: 700 });
    expect(wakeAt("1 pending after 2")).toEqual({ start: [], wakeAt: null });
  });

  test("wake for nothing while all slots are taken: only an event can help", () => {
    const index = indexOf("1 pending", "2 pending at 300");
    expect(dispatch(index, 0, free)).toEqual({ start: ["1"], wakeAt: null });
  });

  test("let a fallback stand in for a model that is parked for long", () => {
    const index = indexOf(queued("1 pending", { fallback: "sim/other" }));
    const parked = (own: number, other: number) =>
      new Map([
        ["sim/small", { until: own, reason: "429" }],
        ["sim/other", { until: other, reason: "429" }],
      ]);
    const at = (own: number, other: number) =>
      dispatch(index, 0, { ...free, parked: parked(own, other) });
    expect(at(61, 0)).toEqual({ start: ["1"], wakeAt: null });
    expect(at(60, 0)).toEqual({ start: [], wakeAt: 60 });
    expect(at(100, 30)).toEqual({ start: [], wakeAt: 30 });
    expect(at(100, 50)).toEqual({ start: [], wakeAt: 100 });
  });
});

describe("why a loop waits", () => {
  const parked = new Map([["sim/small", { until: 50, reason: "429" }]]);
  const cases: [string, Partial<DispatchLimits>, Waiting | null][] = [
    ["1 pending after 2,3", {}, { on: "dependency", ids: [id("2"), id("3")] }],
    ["1 pending at 9", {}, { on: "notBefore", until: 9, reason: null }],
    ["1 pending", { parked }, { on: "parked", model: "sim/small", until: 50, reason: "429" }],
    ["1 pending", { short: new Set([id("1")]) }, { on: "budget", of: id("1") }],
    ["1 pending", { hold: "draining" }, { on: "draining" }],
    ["1 pending", { hold: "memory" }, { on: "memory" }],
    ["1 pending", { loops: 0 }, { on: "slots", running: 0, max: 0 }],
    ["1 pending", { perType: { ralph: 0 } }, { on: "perType", type: "ralph", running: 0, max: 0 }],
    ["1 pending", {}, null],
    ["1 running", {}, null],
  ];
  test.each(cases)("%s, %o", (line, limits, expected) => {
    expect(why(indexOf(line), "1", limits)).toEqual(expected);
  });

  test("counts who is ahead, beyond those that start now", () => {
    const index = indexOf("1 running", "2 pending", "3 pending", "4 pending", "5 pending low");
    const answers = ["2", "3", "4", "5"].map((name) => why(index, name, { loops: 2 }));
    expect(answers).toEqual([
      null,
      { on: "slots", running: 1, max: 2 },
      { on: "behind", ahead: 1 },
      { on: "behind", ahead: 2 },
    ]);
  });

  test("stops counting at a bound, and knows a full type even there", () => {
    const crowd = Array.from({ length: aheadMax + 5 }, (_, n) => `${n + 1} pending`);
    const index = indexOf(...crowd, queued("9999 pending low", { type: "phase" }));
    expect(why(index, "9999")).toEqual({ on: "behind", ahead: aheadMax });
    const full = why(index, "9999", { perType: { phase: 0 } });
    expect(full).toEqual({ on: "perType", type: "phase", running: 0, max: 0 });
  });
});

const ranks: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 };

test("starts none that came after the bound of aging before one that can start", () => {
  const arrival = fc.record({
    at: fc.nat(12_000),
    plan: fc.integer({ min: 1, max: 4 }),
    priority: fc.constantFrom("high", "high", "normal", "low"),
  });
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 60 }), fc.nat(400), (arrivals, gapMs) => {
      const waiting = arrivals.map(({ at, plan, priority }, n) =>
        queued(`${plan}.${n + 1} pending ${priority} at ${at}`),
      );
      const index = indexOf(...waiting);
      for (let now = 0; waiting.length > 0 && now < 200_000; now += gapMs + 50) {
        const [next] = starts(index, 1, {}, now);
        const started = waiting.find((each) => each.id === next);
        if (started === undefined) continue;
        waiting.splice(waiting.indexOf(started), 1);
        index.put(started, { ...started, status: "paused", startedAt: now });
        for (const each of waiting.filter(({ notBeforeAt }) => notBeforeAt <= now)) {
          const steps = ranks[each.priority] - ranks[started.priority] + 1;
          expect(started.notBeforeAt).toBeLessThan(each.notBeforeAt + steps * agingMs);
        }
      }
    }),
  );
});

test("a low one behind a steady stream of high ones waits three times agingMs and a slot", () => {
  const index = indexOf("1 pending low");
  for (let n = 0; n < 100; n += 1) {
    const now = n * 100;
    const high = queued(`${n + 2} pending high at ${now}`);
    index.put(null, high);
    const [next] = starts(index, 1, {}, now);
    if (next === "1") {
      expect(now).toBeLessThanOrEqual(3 * agingMs + 100);
      return;
    }
    index.put(high, { ...high, status: "complete", startedAt: now, completedAt: now });
  }
  expect.unreachable("it starved");
});

describe("a cycle", () => {
  const graph: Readonly<Record<string, readonly string[]>> = {
    a: ["b"],
    b: ["c"],
    c: [],
    d: ["b"],
  };
  const of = (name: string) => graph[name] ?? [];

  test("is named node by node", () => {
    expect(cycleAmong(of, new Map([["c", ["a"]]]))).toEqual(["c", "a", "b", "c"]);
    expect(cycleAmong(of, new Map([["x", ["x"]]]))).toEqual(["x", "x"]);
    const two = new Map([
      ["x", ["d"]],
      ["b", ["y"]],
      ["y", ["x"]],
    ]);
    expect(cycleAmong(of, two)).toEqual(["x", "d", "b", "y", "x"]);
  });

  test("is none where there is none", () => {
    expect(
      cycleAmong(
        of,
        new Map([
          ["d", ["a"]],
          ["e", ["a", "d", "c"]],
        ]),
      ),
    ).toBeNull();
  });

  test("is found in a chain of 100,000", () => {
    const next = (name: string) => (name === "99999" ? [] : [`${Number(name) + 1}`]);
    expect(cycleAmong(next, new Map([["99999", ["0"]]]))).toHaveLength(100_001);
  });

  test("is found exactly when there is one, and is one", () => {
    const edge = fc.tuple(fc.nat(9), fc.nat(9));
    fc.assert(
      fc.property(
        fc.array(edge, { maxLength: 20 }),
        fc.array(edge, { maxLength: 8 }),
        (old, add) => {
          const downhill = old.filter(([from, to]) => from > to);
          const edges = [...downhill, ...add].map(([from, to]) => [`${from}`, `${to}`] as const);
          const added = Map.groupBy(add, ([from]) => `${from}`);
          const known = (name: string) =>
            downhill.filter(([from]) => `${from}` === name).map(([, to]) => `${to}`);
          const plain = new Map(
            [...added].map(([from, all]) => [from, all.map(([, to]) => `${to}`)]),
          );
          const cycle = cycleAmong(known, plain);
          expect(cycle !== null).toBe(isCyclic(edges));
          for (const [n, name] of cycle?.slice(1).entries() ?? []) {
            expect(edges).toContainEqual([cycle?.[n], name]);
          }
          if (cycle !== null) expect(cycle.at(-1)).toBe(cycle[0]);
        },
      ),
    );
  });
});

/** Takes away who depends on nobody, until nobody is left or nobody can be taken. */
function isCyclic(edges: readonly (readonly [string, string])[]): boolean {
  let left = [...edges];
  for (;;) {
    const from = new Set(left.map(([each]) => each));
    const still = left.filter(([, to]) => from.has(to));
    if (still.length === left.length) return left.length > 0;
    left = still;
  }
}
