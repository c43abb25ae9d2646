import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainStart } from "../../sim/plain-schedule.ts";
import { type DispatchLimits, dispatch, lineUp } from "../../src/core/dispatch.ts";
import { type Loop, type LoopId, loopStatuses, priorities } from "../../src/core/loop.ts";
import { PendingIndex } from "../../src/core/pending.ts";
import { given, id, loop, settings } from "../given.ts";

const agingMs = 1_000;
const free: DispatchLimits = {
  loops: 1,
  perType: {},
  agingMs,
  retryAfterMaxMs: 60,
  parked: new Map(),
  hold: null,
};

const everybody = () => true;

function scene(...lines: readonly (string | Loop)[]) {
  const state = given(...lines);
  return { state, index: new PendingIndex(state, everybody) };
}

/** What starts, given the loops and as many slots as `loops` says. */
function starts(
  lines: readonly (string | Loop)[],
  more: Partial<DispatchLimits> = {},
  now = 0,
): readonly string[] {
  return dispatch(scene(...lines).index, now, { ...free, loops: 99, ...more }).start;
}

function parkedUntil(until: number, name = "sim/small") {
  return new Map([[name, { until, reason: "429" }]]);
}

describe("the order", () => {
  test("is priority, then who waited longest, then the id number by number", () => {
    const lines = ["10 pending", "2 pending", "9 pending at 5", "1 pending low", "4 pending high"];
    const all = [...lines, "3 pending critical"];
    expect(starts(all, {}, 5)).toEqual(["3", "4", "2", "10", "9", "1"]);
  });

  test("shares the slots between plans, whatever they have pending", () => {
    const lines = ["1.1 pending", "1.2 pending", "1.3 pending", "2.1 pending at 5"];
    expect(starts(lines, {}, 5)).toEqual(["1.1", "2.1", "1.2", "1.3"]);
  });

  test("prefers the plan with fewer running, then the one given a slot longest ago", () => {
    const lines = [
      loop("1.1 running", { startedAt: 1 }),
      "1.2 pending",
      loop("2.1 pending", { startedAt: 9 }),
      loop("3.1 complete", { startedAt: 5 }),
      "3.2 pending",
      "4.1 pending at 7",
    ];
    expect(starts(lines, {}, 10)).toEqual(["4.1", "3.2", "2.1", "1.2"]);
  });

  test("shares the slots between repositories before plans; lone loops are the repository's", () => {
    const repo = "/other";
    const others = [loop("5 pending at 3", { repo }), loop("6 pending at 3", { repo })];
    const own = ["1 pending", "2 pending", "3.1 pending", "4 pending"];
    expect(starts([...own, ...others], {}, 3)).toEqual(["5", "1", "6", "3.1", "2", "4"]);
  });

  test("gives every second start to the eldest of those that are overdue, and no more", () => {
    const crowd = [
      "1 pending low",
      "2 pending low",
      "3 pending high at 999",
      "4 pending high at 999",
    ];
    expect(starts(crowd, {}, 999)).toEqual(["3", "4", "1", "2"]);
    expect(starts(crowd, {}, 1_000)).toEqual(["3", "1", "4", "2"]);
    expect(starts([...crowd, "5 pending critical", "6 pending critical"], {}, 1_000)).toEqual([
      "5",
      "6",
      "3",
      "1",
      "4",
      "2",
    ]);
  });
});

describe("the limits", () => {
  test("are slots, taken by what runs", () => {
    const lines = ["1 running", "2 running", "3 pending", "4 pending"];
    const counted = [2, 3, 0, -1].map((loops) => starts(lines, { loops }));
    expect(counted).toEqual([[], ["3"], [], []]);
  });

  test("hold for a type, and let the others by", () => {
    const lines = ["1 running", "2 pending", "3 pending", loop("4 pending", { type: "phase" })];
    expect(starts(lines, { perType: { ralph: 2 } })).toEqual(["2", "4"]);
    expect(starts(lines, { perType: { ralph: 0 } })).toEqual(["4"]);
    expect(starts([loop("1 pending", { type: "constructor" })])).toEqual(["1"]);
  });

  test("hold for a repository, and of a type in it, and let the others by", () => {
    const lines = ["1 running", "2 pending", "3 pending", loop("4 pending", { repo: "/b" })];
    const of = (loops: number, perType = {}) => ({
      loops: 9,
      inRepo: (repo: string) => (repo === "/b" ? null : { loops, perType }),
    });
    expect(starts(lines, of(2))).toEqual(["4", "2"]);
    expect(starts(lines, of(1))).toEqual(["4"]);
    expect(starts(lines, of(9, { ralph: 2 }))).toEqual(["4", "2"]);
  });

  test("wait for dependencies to be complete, and age from then on", () => {
    const done = loop("1 complete", { updatedAt: 7_000 });
    const { state, index } = scene(
      "2 pending low after 1,3",
      "4 pending at 6000",
      done,
      "3 running",
    );
    expect(dispatch(index, 7_000, { ...free, loops: 9 }).start).toEqual(["4"]);
    state.loops.set(id("3"), loop("3 complete", { updatedAt: 8_000 }));
    index.see(id("3"));
    expect(index.waiter(id("2"))?.since).toBe(8_000);
    expect(dispatch(index, 8_000, { ...free, loops: 9 }).start).toEqual(["2"]);
  });

  test("start nothing while something holds all of them", () => {
    const hold = { on: "memory", reason: "too much" } as const;
    expect(starts(["1 pending"], { hold })).toEqual([]);
  });

  test("wake at the nearest time, of a backoff or a parked model", () => {
    const parked = parkedUntil(500, "sim/big");
    const models = { settings: { ...settings, model: "sim/big" } };
    const big = loop("2 pending", models);
    const late = loop("3 pending at 700", models);
    const at = (...lines: (string | Loop)[]) =>
      dispatch(scene(...lines).index, 100, { ...free, loops: 9, parked });
    expect(at("1 pending at 300", big)).toEqual({ start: [], wakeAt: 300 });
    expect(at("1 pending", big, late)).toEqual({ start: ["1"], wakeAt: 500 });
    expect(at(late)).toEqual({ start: [], wakeAt: 700 });
    expect(at("1 pending after 2", "2 paused")).toEqual({ start: [], wakeAt: null });
    expect(dispatch(scene("1 pending", "2 pending at 300").index, 0, free).wakeAt).toBeNull();
  });

  test("let a fallback stand in for a model that is parked for long", () => {
    const lines = [loop("1 pending", { settings: { ...settings, fallback: "sim/other" } })];
    const at = (own: number, other: number) => {
      const parked = new Map([...parkedUntil(own), ...parkedUntil(other, "sim/other")]);
      return dispatch(scene(...lines).index, 0, { ...free, parked });
    };
    expect(at(61, 0)).toEqual({ start: ["1"], wakeAt: null });
    expect(at(60, 0)).toEqual({ start: [], wakeAt: 60 });
    expect(at(100, 30)).toEqual({ start: [], wakeAt: 30 });
    expect(at(100, 50)).toEqual({ start: [], wakeAt: 100 });
  });
});

test("a halted loop keeps its seat until its attempt has ended, and frees who waits for it", () => {
  const { state, index } = scene("1 running", "2 pending", "3 pending after 1");
  state.loops.set(id("1"), loop("1 complete"));
  index.see(id("1"), { keepSeat: true });
  expect(dispatch(index, 0, free).start).toEqual([]);
  expect(index.waiter(id("3"))?.since).toBe(0);
  index.see(id("1"));
  expect(dispatch(index, 0, free).start).toEqual(["2"]);
});

describe("work that overlaps", () => {
  const touching = (text: string, ...touches: string[]) => loop(text, { touches });

  test("does not run at the same time, siblings and what is below them", () => {
    const { state, index } = scene(
      "1 delegated",
      touching("1.1 delegated", "src/**"),
      "1.1.1 pending",
      touching("1.2 pending", "src/a.ts"),
      touching("1.3 pending", "docs/**"),
    );
    expect(dispatch(index, 0, { ...free, loops: 9 }).start).toEqual(["1.1.1", "1.3"]);
    state.loops.set(id("1.1.1"), loop("1.1.1 complete"));
    index.see(id("1.1.1"));
    expect(dispatch(index, 0, { ...free, loops: 9 }).start).toEqual(["1.2"]);
  });

  test("is not merged yet: then the other one begins when it is, and on what it has brought", () => {
    const merge = { target: "taskdaemon/plan-1", since: 0 };
    const { state, index } = scene(
      "1 delegated",
      { ...touching("1.1 pending", "src/**"), merge },
      touching("1.2 pending", "src/a.ts"),
    );
    expect(dispatch(index, 0, free).start).toEqual([]);
    state.loops.set(id("1.1"), { ...touching("1.1 running", "src/**"), merge });
    index.see(id("1.1"));
    expect(dispatch(index, 0, free).start).toEqual([]);
    state.loops.set(id("1.1"), touching("1.1 complete", "src/**"));
    index.see(id("1.1"));
    expect(dispatch(index, 0, free).start).toEqual(["1.2"]);
  });

  test("of two plans is nobody's concern", () => {
    const { index } = scene(
      ...["1 delegated", "2 delegated"],
      touching("1.1 pending", "src/**"),
      touching("2.1 pending", "src/**"),
    );
    expect(dispatch(index, 0, { ...free, loops: 9 }).start).toHaveLength(2);
  });
});

// ── against the plain program ────────────────────────────────────────────────────────────────

const models = ["sim/small", "sim/big", "sim/other"] as const;

/** Ids "1" to "6" and their children, in two repositories, of two types and three models. */
const someLoop = fc
  .record({
    root: fc.integer({ min: 1, max: 6 }),
    child: fc.nat(4),
    status: fc.constantFrom("pending", "pending", "pending", ...loopStatuses),
    priority: fc.constantFrom(...priorities),
    repo: fc.constantFrom("/a", "/b"),
    type: fc.constantFrom("ralph", "phase"),
    model: fc.constantFrom(...models),
    fallback: fc.constantFrom(null, ...models),
    after: fc.option(fc.integer({ min: 1, max: 6 })),
    notBeforeAt: fc.nat(3_000),
    updatedAt: fc.nat(3_000),
    merge: fc.constantFrom(null, null, null, { target: "main", since: 0 }),
    startedAt: fc.option(fc.nat(2_000)),
  })
  .map(({ root, child, status, model, fallback, after, startedAt, ...rest }) => {
    const name = child === 0 ? `${root}` : `${root}.${child}`;
    return loop(`${name} ${status}`, {
      ...rest,
      // It never changes: the first two children overlap, and both with the fourth.
      touches: [[], ["a/**"], ["a/x"], ["b/*"], ["**/x"]][child] ?? [],
      dependsOn: after === null ? [] : [id(`${after}`)],
      settings: { ...settings, model, fallback },
      startedAt: status === "running" ? (startedAt ?? 0) : startedAt,
    });
  });

const someLimits = fc
  .record({
    loops: fc.nat(12),
    perType: fc.constantFrom({}, { ralph: 1 }, { ralph: 3, phase: 0 }, { phase: 2 }),
    ofFirst: fc.option(
      fc.record({
        loops: fc.nat(3),
        perType: fc.constantFrom<Record<string, number>>({}, { ralph: 1 }, { phase: 0 }),
      }),
    ),
    until: fc.nat(4_000),
    other: fc.nat(4_000),
    retryAfterMaxMs: fc.nat(1_000),
  })
  .map(({ until, other, ofFirst, ...rest }): DispatchLimits => {
    const inRepo = (repo: string) => (repo === "/a" ? ofFirst : null);
    const parked = new Map([...parkedUntil(until, "sim/big"), ...parkedUntil(other, "sim/other")]);
    return { ...free, ...rest, inRepo, parked };
  });

const someLoops = fc.array(someLoop, { maxLength: 30 });
const someStarts = fc.nat(3);

test("starts just what the plain program starts", () => {
  fc.assert(
    fc.property(someLoops, someLimits, fc.nat(4_000), someStarts, (loops, limits, now, count) => {
      const state = { ...given(...loops), starts: count };
      const index = new PendingIndex(state, everybody);
      const expected = plainStart(state, now, limits);
      expect(dispatch(index, now, limits).start).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("kept up from change to change, it starts what one built anew starts; a look changes nothing", () => {
  fc.assert(
    fc.property(someLoops, someLoops, someLimits, fc.nat(4_000), (before, changes, limits, now) => {
      // A share remembers its newest start, which in a real life only grows.
      const state = given(...before.map((each) => ({ ...each, startedAt: null })));
      const fixed = { startedAt: 0, dependsOn: [] as LoopId[] };
      const index = new PendingIndex(state, everybody);
      for (const [n, each] of changes.entries()) {
        const known = state.loops.get(each.id);
        const { repo, type, dependsOn } = known ?? { ...each, ...fixed };
        const startedAt = each.status === "running" ? n : (known?.startedAt ?? null);
        state.loops.set(each.id, { ...each, repo, type, dependsOn, startedAt });
        index.see(each.id);
        lineUp(index, now, limits, 5);
      }
      const anew = new PendingIndex(state, everybody);
      expect(index.pending).toBe(anew.pending);
      expect(dispatch(index, now, limits)).toEqual(dispatch(anew, now, limits));
    }),
    { numRuns: 1_000 },
  );
});

test("the line begins with what would start, and goes on with whose type is full", () => {
  fc.assert(
    fc.property(someLoops, someLimits, fc.nat(4_000), (loops, limits, now) => {
      const { index } = scene(...loops);
      const line = lineUp(index, now, limits, 100).map((waiter) => waiter.id);
      const { start } = dispatch(index, now, { ...limits, loops: 100 });
      expect(line.slice(0, start.length)).toEqual(start);
      const ready = [
        ...start,
        ...dispatch(index, now, { ...limits, loops: 100, perType: {}, inRepo: () => null }).start,
      ];
      expect(line).toEqual(ready);
    }),
  );
});

// ── waiting comes to an end ──────────────────────────────────────────────────────────────────

/** One slot, a loop a step, and always another high one: when does each low one start? */
function behindHighOnes(lows: readonly number[], stepMs: number, untilMs: number) {
  const state = given(...lows.map((at, n) => `${n + 1} pending low at ${at}`));
  const index = new PendingIndex(state, everybody);
  const startedAt = new Map<string, number>();
  for (let now = 0, next = lows.length + 1; now <= untilMs; now += stepMs) {
    for (let more = 0; more < 2; more += 1, next += 1) {
      state.loops.set(id(`${next}`), loop(`${next} pending high at ${now}`));
      index.see(id(`${next}`));
    }
    const [started] = dispatch(index, now, free).start;
    if (started === undefined) throw new Error("an idle slot");
    startedAt.set(started, now);
    state.starts += 1;
    state.loops.set(started, { ...loop(`${started} complete`), startedAt: now, updatedAt: now });
    index.see(started);
  }
  return startedAt;
}

test("a low one behind a steady stream of high ones waits its aging bound and two slots", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 400 }), fc.nat(500), (stepMs, at) => {
      const started = behindHighOnes([at], stepMs, 3 * agingMs + 2 * stepMs);
      const waited = (started.get("1") ?? Number.POSITIVE_INFINITY) - at;
      expect(waited).toBeLessThanOrEqual(agingMs + 3 * stepMs);
      expect(waited).toBeGreaterThanOrEqual(agingMs);
    }),
    { numRuns: 50 },
  );
});

test("several low ones get every second slot once they are overdue", () => {
  const started = behindHighOnes([0, 0, 0, 0, 0], 100, 3_000);
  const lows = ["1", "2", "3", "4", "5"].map((each) => started.get(each));
  expect(lows).toEqual([1_100, 1_300, 1_500, 1_700, 1_900]);
});

test("a high one overtakes within one slot, however old the queue is", () => {
  const crowd = Array.from({ length: 50 }, (_, n) => `${n + 1} pending low`);
  for (const startsBefore of [0, 1]) {
    const state = given(...crowd, "90 pending high at 99000");
    state.starts = startsBefore;
    const index = new PendingIndex(state, everybody);
    expect(dispatch(index, 99_000, { ...free, loops: 2 }).start).toContain("90");
  }
});
