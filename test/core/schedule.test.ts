import fc from "fast-check";
import { expect, test } from "vitest";
import { schedule } from "../../src/core/schedule.ts";
import type { State } from "../../src/core/state.ts";
import { given } from "../given.ts";

function planned(state: State, now: number, slots: number) {
  return schedule(state, state.loops.values(), now, slots);
}

test("starts the ready, most urgent first, and no more than there are slots", () => {
  const state = given("1 pending low", "2 pending", "3 pending critical", "4 pending high");
  expect(planned(state, 0, 3)).toEqual({ start: ["3", "4", "2"], wakeAt: null });
});

test("prefers who waited longest, then the smaller id", () => {
  const state = given("4 pending at 5", "3 pending at 9", "2 pending at 9", "1 pending at 7");
  expect(planned(state, 10, 9).start).toEqual(["4", "1", "2", "3"]);
});

test("leaves a loop whose dependency is not complete", () => {
  const state = given(
    "1 running",
    "2 pending after 1",
    "3 complete",
    "4 pending after 3",
    "5 failed",
    "6 pending after 3,5",
  );
  expect(planned(state, 0, 9)).toEqual({ start: ["4"], wakeAt: null });
});

test("starts nothing that is not pending", () => {
  const state = given("1 draft", "2 running", "3 paused", "4 blocked", "5 delegated", "6 failed");
  expect(planned(state, 0, 9)).toEqual({ start: [], wakeAt: null });
});

test("wakes when the nearest backoff ends, and not for who waits for another", () => {
  const state = given("1 pending at 300", "2 pending at 200", "3 pending after 1 at 150");
  expect(planned(state, 100, 9)).toEqual({ start: [], wakeAt: 200 });
});

test("starts nothing without slots, nor when there are fewer than none", () => {
  expect(planned(given("1 pending"), 0, 0).start).toEqual([]);
  expect(planned(given("1 pending"), 0, -2).start).toEqual([]);
});

test("looks only at the candidates it is given", () => {
  const state = given("1 pending", "2 pending");
  const mine = [...state.loops.values()].filter((loop) => loop.id === "2");
  expect(schedule(state, mine, 0, 9).start).toEqual(["2"]);
});

const statuses = fc.constantFrom("pending", "pending", "pending", "running", "complete", "failed");
const lines = fc
  .array(
    fc.record({
      status: statuses,
      priority: fc.constantFrom("critical", "high", "normal", "low"),
      at: fc.nat(20),
      after: fc.option(fc.nat(20)),
    }),
    { maxLength: 20 },
  )
  .map((specs) =>
    specs.map(({ status, priority, at, after }, index) => {
      const waits = after === null || index === 0 ? "" : ` after ${(after % index) + 1}`;
      return `${index + 1} ${status} ${priority}${waits} at ${at}`;
    }),
  );

test("never more than the slots, never before its time or its dependencies, never idle", () => {
  fc.assert(
    fc.property(lines, fc.nat(20), fc.integer({ min: -1, max: 8 }), (texts, now, slots) => {
      const state = given(...texts);
      const { start, wakeAt } = planned(state, now, slots);
      const ready = [...state.loops.values()].filter(
        (loop) =>
          loop.status === "pending" &&
          loop.notBeforeAt <= now &&
          loop.dependsOn.every((each) => state.loops.get(each)?.status === "complete"),
      );
      expect(new Set(start).size).toBe(start.length);
      expect(start.length).toBe(Math.min(Math.max(slots, 0), ready.length));
      expect(ready.map((loop) => loop.id)).toEqual(expect.arrayContaining([...start]));
      if (wakeAt !== null) expect(wakeAt).toBeGreaterThan(now);
    }),
  );
});

test("is a function of state: the order of loops does not matter, and nothing is changed", () => {
  fc.assert(
    fc.property(lines, fc.nat(20), fc.nat(8), (texts, now, slots) => {
      const state = given(...texts);
      const before = structuredClone(state);
      const plan = planned(state, now, slots);
      const backwards = schedule(state, [...state.loops.values()].reverse(), now, slots);
      expect(backwards).toEqual(plan);
      expect(state).toEqual(before);
    }),
  );
});
