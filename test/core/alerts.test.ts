import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AlertFacts, alertLevels, alertsOf } from "../../src/core/alerts.ts";
import type { MutableState } from "../../src/core/state.ts";
import { given, loop, settings } from "../given.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Late on a day, so that times before it are times too. */
const now = 20 * hourMs;

const well: AlertFacts = {
  hold: null,
  freeBytes: 50e9,
  freeBytesMin: 1e9,
  lagMs: 12,
  undurable: 3,
  snapshotProblem: null,
  configProblem: null,
  dayUsd: null,
  pending: 0,
  queueMax: 100,
  eldestReadyAt: null,
  providers: [{ name: "anthropic", breaker: "closed", reason: null }],
  unsent: [],
  seen: new Map(),
};

function told(state: MutableState, facts: Partial<AlertFacts> = {}, at = now): string[] {
  return alertsOf(state, { ...well, ...facts }, at).map(
    ({ level, text, remedy }) => `${level}: ${text} → ${remedy}`,
  );
}

function spentToday(usd: number): MutableState {
  return {
    ...given(),
    spending: { ...given().spending, days: [{ day: 0, usd, tokens: 1, warnedUsd: null }] },
  };
}

const working = given(
  loop("1 running", { startedAt: now - minuteMs, updatedAt: now - minuteMs }),
  loop("2 pending"),
  loop("3 complete"),
  loop("4 blocked on question", { updatedAt: now - minuteMs }),
);

test("nothing is told while all is well", () => {
  expect(told(given())).toEqual([]);
  expect(told(working)).toEqual([]);
});

describe("the machine", () => {
  test.each([
    [
      { hold: { on: "memory", reason: "the daemon takes 5 GB" } },
      "critical: nothing new starts: the daemon takes 5 GB → td restart, or raise daemon.memory",
    ],
    [
      { hold: { on: "disk", reason: "1 GB is free" }, freeBytes: 1e9 },
      "critical: nothing new starts: 1 GB is free → td trash empty",
    ],
    [
      { hold: { on: "draining", reason: "the daemon is stopping" } },
      "info: nothing new starts: the daemon is stopping → td start, once it has stopped",
    ],
    [
      { freeBytes: 1.9e9 },
      "warn: the disk of the home is nearly full: 1.9 GB are free, below 1.0 GB nothing starts → td trash empty",
    ],
    [
      { lagMs: 300 },
      "warn: the daemon is late: its event loop by 300 ms → lower concurrency.loops",
    ],
    [
      { lagMs: 2_500 },
      "critical: the daemon is late: its event loop by 2500 ms → lower concurrency.loops",
    ],
    [
      { undurable: 1_200 },
      "warn: the log is behind by 1200 events: the disk of the home is slow → td status",
    ],
    [
      { snapshotProblem: "EACCES" },
      "warn: the log could not be summed up: EACCES → td store snapshot",
    ],
    [
      { configProblem: "1:1: no such key" },
      "warn: the configuration is broken: 1:1: no such key → td config check",
    ],
    [
      { unsent: [{ channel: "webhook", reason: "example.org answered 500" }] },
      "warn: notifications do not get through by webhook: example.org answered 500 → td notify test",
    ],
  ] as const)("%j", (facts, line) => {
    expect(told(given(), facts)).toEqual([line]);
  });
});

describe("providers", () => {
  const providers = [{ name: "openai", breaker: "half-open", reason: "HTTP 500" }] as const;

  test("an outage is grave once it has lasted", () => {
    expect(told(given(), { providers })).toEqual([
      "warn: openai does not answer: HTTP 500 → td queue",
    ]);
    const seen = new Map([["provider:openai", now - 5 * minuteMs]]);
    expect(told(given(), { providers, seen })).toEqual([
      "critical: openai does not answer: HTTP 500 → td queue",
    ]);
  });

  test("a parked model is told with its time, until that has come", () => {
    const state = {
      ...given(),
      parked: new Map([["a/b", { until: now + 20 * minuteMs, reason: "429" }]]),
    };
    const remedy = "set llm.fallback, or wait: td queue";
    expect(told(state)).toEqual([`warn: a/b is parked for 20 min more: 429 → ${remedy}`]);
    expect(told(state, {}, now + 19 * minuteMs)).toEqual([
      `info: a/b is parked for 60 s more: 429 → ${remedy}`,
    ]);
    expect(told(state, {}, now + 20 * minuteMs)).toEqual([]);
  });
});

describe("money", () => {
  test.each([
    [7.9, []],
    [8, ["warn: the day's budget is nearly spent: $8.00 of $10.00, and 4 h of it are left"]],
    [10, ["critical: the budget of the day is spent: $10.00 of $10.00, and 4 h of it are left"]],
  ])("%d dollars of a day's ten", (usd, lines) => {
    const remedy = " → raise budget.day-usd, or wait: td status";
    expect(told(spentToday(usd), { dayUsd: 10 })).toEqual(lines.map((line) => `${line}${remedy}`));
    expect(told(spentToday(usd))).toEqual([]);
  });

  test("loops that have spent theirs, and those that soon will", () => {
    const state = given(
      loop("1 blocked on budget", { updatedAt: 7 }),
      loop("2 blocked on budget", { blockedUntil: now + 1 }),
      loop("3 running", { updatedAt: now, warned: ["loop"] }),
      loop("4 complete", { warned: ["loop"] }),
    );
    expect(told(state)).toEqual([
      "warn: 1 loop waits for a higher budget: 1 → td resume 1 --budget USD",
      "info: 1 loop has nearly spent what is allowed: 3 → td show 3",
    ]);
    expect(alertsOf(state, well, now)[0]?.since).toBe(7);
  });
});

describe("loops", () => {
  test("a key that is refused is grave, a stuck loop is told at once", () => {
    const state = given("1 blocked on key", "2 blocked on key", "3 blocked on stuck");
    expect(told(state)).toEqual([
      "critical: 2 loops wait for a key that works: 1, 2 → td doctor",
      "warn: 1 loop is stuck: 3 → td questions",
    ]);
  });

  test("who waits for a person is told after an hour, with the first of them", () => {
    const at = (ms: number) =>
      given(
        loop("1 draft", { updatedAt: now - ms }),
        loop("2 blocked on gate", { updatedAt: now }),
      );
    expect(told(at(hourMs - 1))).toEqual([]);
    expect(told(at(3 * hourMs))).toEqual([
      "warn: 2 loops wait for you, the first for 3 h: 1, 2 → td questions",
    ]);
    expect(told(given(loop("1 blocked on child", { updatedAt: 0 })))).toEqual([]);
  });

  test("a running loop that nothing is heard of", () => {
    const silent = (ms: number) => given(loop("7.2 running", { updatedAt: now - ms }));
    expect(told(silent(20 * minuteMs))).toEqual([]);
    expect(told(silent(30 * minuteMs))).toEqual([
      "warn: 1 loop gives no sign of life: 7.2 → td logs 7.2",
    ]);
  });

  test("no more than five are named", () => {
    const state = given(...[1, 2, 3, 4, 5, 6, 7].map((n) => `${n} blocked on stuck`));
    expect(told(state)).toEqual([
      "warn: 7 loops are stuck: 1, 2, 3, 4, 5 and 2 more → td questions",
    ]);
  });
});

describe("the queue", () => {
  const ready = { eldestReadyAt: now - 11 * minuteMs, pending: 4 };
  const started = (ms: number) => given(loop("1 running", { startedAt: now - ms, updatedAt: now }));

  test("it starves when somebody could start, and nobody has for ten minutes", () => {
    expect(told(started(11 * minuteMs), ready)).toEqual([
      "warn: the queue starves: nothing has started for 11 min, and 4 wait → raise concurrency.loops: td queue",
    ]);
    expect(told(started(9 * minuteMs), ready)).toEqual([]);
  });

  test("a hold is the cause then, and is told alone", () => {
    const hold = { on: "memory", reason: "much" } as const;
    expect(told(started(hourMs), { ...ready, hold })).toHaveLength(1);
  });

  test("a wait of hours is told though others start", () => {
    expect(told(started(0), { pending: 90, eldestReadyAt: now - 3 * hourMs })).toEqual([
      "warn: the queue is nearly full: 90 of 100 wait, and more are refused → td queue",
      "info: the queue is long: the first of 90 waits for 3 h → raise concurrency.loops: td queue",
    ]);
  });
});

test("an alert stands since it was first seen, where the state does not know better", () => {
  const facts = { ...well, lagMs: 300, freeBytes: 1.5e9, seen: new Map([["lag", 5]]) };
  const since = alertsOf(given(), facts, now).map((alert) => [alert.id, alert.since]);
  expect(since).toEqual([
    ["disk-low", now],
    ["lag", 5],
  ]);
});

test("whatever the state: the gravest first, each id once, none from the future", () => {
  const statuses = [
    "pending",
    "running",
    "complete",
    "draft",
    "blocked on key",
    "blocked on stuck",
    "blocked on budget",
    "blocked on question",
  ];
  const loops = fc.array(fc.record({ status: fc.constantFrom(...statuses), at: fc.nat(now) }), {
    maxLength: 30,
  });
  const facts = fc.record({
    lagMs: fc.nat(5_000),
    undurable: fc.nat(20_000),
    freeBytes: fc.nat(3e9),
    dayUsd: fc.option(fc.integer({ min: 1, max: 20 })),
    pending: fc.nat(100),
    eldestReadyAt: fc.option(fc.nat(now)),
  });
  fc.assert(
    fc.property(loops, facts, (rows, more) => {
      const state = given(
        ...rows.map(({ status, at }, n) => loop(`${n + 1} ${status}`, { updatedAt: at, settings })),
      );
      const alerts = alertsOf(state, { ...well, ...more }, now);
      const ids = alerts.map((alert) => alert.id);
      expect(new Set(ids).size).toBe(ids.length);
      const ranks = alerts.map(({ level }) => alertLevels.indexOf(level));
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
      expect(
        alerts.every(({ since, text, remedy }) => since <= now && text !== "" && remedy !== ""),
      ).toBe(true);
    }),
  );
});

test("ids name one condition each", () => {
  const state = {
    ...given(),
    parked: new Map([
      ["a/b", { until: now + 1, reason: "x" }],
      ["a/c", { until: now + 1, reason: "x" }],
    ]),
  };
  expect(alertsOf(state, well, now).map((alert) => alert.id)).toEqual(["parked:a/b", "parked:a/c"]);
});
