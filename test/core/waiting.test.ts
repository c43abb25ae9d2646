import { expect, test } from "vitest";
import type { DispatchLimits } from "../../src/core/dispatch.ts";
import type { Loop } from "../../src/core/loop.ts";
import { PendingIndex } from "../../src/core/pending.ts";
import { lineOf, type Waiting } from "../../src/core/waiting.ts";
import { given, id, loop } from "../given.ts";

const free: DispatchLimits = {
  loops: 2,
  perType: {},
  agingMs: 1_000,
  retryAfterMaxMs: 60,
  parked: new Map(),
  hold: null,
};

function line(lines: readonly (string | Loop)[], more: Partial<DispatchLimits> = {}, max = 99) {
  const index = new PendingIndex(given(...lines), () => true);
  return lineOf(index, 10, { ...free, ...more }, max);
}

const parked = new Map([["sim/small", { until: 50, reason: "429" }]]);
const hold = { on: "disk", reason: "full" } as const;
const cases: [string, Partial<DispatchLimits>, Waiting | null][] = [
  ["1 pending", {}, { on: "nothing" }],
  ["1 pending", { loops: 0 }, { on: "slots", place: 1, running: 0, max: 0 }],
  ["1 pending", { perType: { ralph: 0 } }, { on: "type", type: "ralph", running: 0, max: 0 }],
  [
    "1 pending",
    { inRepo: () => ({ loops: 0, perType: {} }) },
    { on: "repo", type: null, running: 0, max: 0 },
  ],
  [
    "1 pending",
    { inRepo: () => ({ loops: 1, perType: { ralph: 0 } }) },
    { on: "repo", type: "ralph", running: 0, max: 0 },
  ],
  ["1 pending", { parked }, { on: "parked", model: "sim/small", until: 50, reason: "429" }],
  ["1 pending", { hold }, { on: "hold", hold }],
  ["1 pending at 11", {}, null],
  ["1 pending after 2", {}, null],
  ["1 running", {}, null],
];

test.each(cases)("%s, %j", (text, limits, expected) => {
  expect(line([text], limits).waitingOf(id("1"))).toEqual(expected);
});

test("places count from the first that does not start at once", () => {
  const all = line(["1 running", "2 pending", "3 pending", "4 pending low"]);
  const causes = ["2", "3", "4"].map((name) => all.waitingOf(id(name)));
  const slots = { running: 1, max: 2 };
  expect(causes).toEqual([
    { on: "nothing" },
    { on: "slots", place: 1, ...slots },
    { on: "slots", place: 2, ...slots },
  ]);
  const cut = line(["1 running", "2 running", "3 pending", "4 pending"], {}, 1);
  expect(cut.waitingOf(id("4"))).toEqual({ on: "slots", place: null, running: 2, max: 2 });
});

test("the line is in the order of starting, then of time, then who waits for others", () => {
  const phase = loop("7 pending critical", { type: "phase" });
  const lines = ["2 pending low", "3 pending at 30", "4 pending at 20", "10 pending after 9"];
  const all = line([...lines, "9 pending after 2", "5 pending", phase], { perType: { phase: 0 } });
  expect(all.ids).toEqual(["5", "2", "7", "4", "3", "9", "10"]);
  expect(all.ids.map((each) => all.placeOf(each))).toEqual([1, 2, 3, null, null, null, null]);
  expect(line([...lines, "5 pending"], {}, 3).ids).toEqual(["5", "2", "4"]);
});
