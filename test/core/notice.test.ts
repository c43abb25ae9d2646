import { expect, test } from "vitest";
import type { Alert } from "../../src/core/alerts.ts";
import type { Event } from "../../src/core/events.ts";
import type { BlockedOn, LoopStatus } from "../../src/core/loop.ts";
import { type Notice, newestOf, noticeOf, stillHolds, untold } from "../../src/core/notice.ts";
import { given, id } from "../given.ts";

const state = given("7 complete", "7.2 blocked on question", "8 failed");

function moved(
  to: LoopStatus,
  of = "7.2",
  more: { blockedOn?: BlockedOn; reason?: string } = {},
): Event {
  return {
    type: "loop.status",
    loop: id(of),
    data: { from: "running", to, reason: null, ...more },
  };
}

function heard(event: Event): string | null {
  const notice = noticeOf(state, event, 9, 100);
  return notice && `${notice.event} ${notice.loop}: ${notice.reason} → ${notice.remedy}`;
}

test.each([
  [
    moved("blocked", "7.2", { blockedOn: "question", reason: "Which port?" }),
    "question 7.2: Which port? → td answer 7.2 TEXT",
  ],
  [
    moved("blocked", "7.2", { blockedOn: "gate" }),
    "question 7.2: it is blocked on gate → td answer 7.2 TEXT",
  ],
  [
    moved("blocked", "7.2", { blockedOn: "stuck" }),
    "question 7.2: it is blocked on stuck → td answer 7.2 TEXT",
  ],
  [
    moved("blocked", "7.2", { blockedOn: "conflict" }),
    "blocked 7.2: it is blocked on conflict → td why 7.2",
  ],
  [moved("blocked", "7.2", { blockedOn: "key" }), "blocked 7.2: it is blocked on key → td why 7.2"],
  [
    moved("blocked", "7.2", { blockedOn: "budget" }),
    "budget 7.2: it is blocked on budget → td resume 7.2 --budget USD",
  ],
  [moved("failed", "8", { reason: "too often" }), "failed 8: too often → td why 8"],
  [moved("complete", "7"), "finished 7: it is complete → td report 7"],
  [moved("draft", "7"), "approval 7: it waits for approval → td approve 7"],
])("a person is told: %j", (event, line) => {
  expect(heard(event)).toBe(line);
});

test.each([
  moved("blocked", "7", { blockedOn: "child" }),
  moved("complete", "7.2"),
  moved("pending"),
  moved("paused"),
  moved("stopped"),
  moved("failed", "99"),
])("a person is told nothing: %j", (event) => {
  expect(heard(event)).toBeNull();
});

test("80 % of a budget is told with its numbers", () => {
  const warned = (level: "loop" | "day", unit: "usd" | "tokens"): Event => ({
    type: "budget.warned",
    loop: id("8"),
    data: { level, unit, spent: 8, limit: 10 },
  });
  expect(heard(warned("loop", "usd"))).toBe(
    "budget 8: the budget of the loop is nearly spent: $8.00 of $10.00 → td show 8",
  );
  expect(heard(warned("day", "tokens"))).toBe(
    "budget 8: the budget of the day is nearly spent: 8 of 10 tokens → td status",
  );
});

test("what was answered meanwhile need not be told", () => {
  const asks = noticeOf(state, moved("blocked", "7.2", { blockedOn: "question" }), 1, 1) as Notice;
  expect(stillHolds(state, asks)).toBe(true);
  expect(stillHolds(given("7.2 running"), asks)).toBe(false);
  expect(stillHolds(given(), { ...asks, status: null })).toBe(true);
});

test("of one loop and one thing the newest is told", () => {
  const notice = (loop: string, event: Notice["event"], seq: number) =>
    ({ loop: id(loop), event, seq }) as Notice;
  const all = [
    notice("1", "question", 1),
    notice("2", "question", 2),
    notice("1", "question", 3),
    notice("1", "failed", 4),
  ];
  expect(newestOf(all).map(({ seq }) => seq)).toEqual([2, 3, 4]);
});

test("a critical alert is told once, and again when it was gone for an hour", () => {
  const disk: Alert = { id: "disk", level: "critical", since: 0, text: "", remedy: "" };
  const lag: Alert = { ...disk, id: "lag", level: "warn" };
  const told = (at: number, alerts: readonly Alert[], before: ReadonlyMap<string, number>) => {
    const { tell, told: after } = untold(before, alerts, at);
    return [tell.map((alert) => alert.id), [...after]];
  };
  expect(told(5, [disk, lag], new Map())).toEqual([["disk"], [["disk", 5]]]);
  const once = new Map([["disk", 5]]);
  expect(told(9e9, [disk], once)).toEqual([[], [["disk", 5]]]);
  expect(told(6, [], once)).toEqual([[], [["disk", 5]]]);
  expect(told(3_600_005, [], once)).toEqual([[], []]);
});
