import { describe, expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import type { AttemptOutcome, ChildBrief, Command } from "../../src/core/commands.ts";
import { decide } from "../../src/core/decide.ts";
import type { Loop } from "../../src/core/loop.ts";
import type { State } from "../../src/core/state.ts";
import { brief, following, given, id, loop, moment, verdict } from "../given.ts";

function finish(name: string, outcome: AttemptOutcome): Command {
  return { type: "finishAttempt", id: id(name), attempt: 1, outcome };
}

const complete: AttemptOutcome = { type: "complete", delivered: null };
const failed: AttemptOutcome = { type: "failed", reason: "red" };

function proven(text: string): Loop {
  return loop(text, { headCommit: "c", verdict: verdict({ passed: true, commit: "c" }) });
}

/** "1 delegated, 1.1 complete" */
function statuses(state: State): string {
  return [...state.loops.values()]
    .map((each) => `${each.id} ${each.status}${each.blockedOn ? ` on ${each.blockedOn}` : ""}`)
    .join(", ");
}

const spec = (title: string, ...positions: number[]): ChildBrief => ({
  type: "spec",
  title,
  brief: `write ${title}`,
  after: positions,
});

test("a loop begets its children and is delegated in one decision", () => {
  const children = [spec("a"), spec("b", 0)];
  const state = given("1 running high");
  const decision = decide(state, finish("1", { type: "delegated", children }), moment);
  const shared = { type: "spec", parent: id("1"), priority: "high" } as const;
  const words = (title: string) => ({ title, brief: `write ${title}` });
  expect(decision).toEqual({
    ok: true,
    id: "1",
    events: [
      {
        type: "attempt.ended",
        loop: "1",
        data: { attempt: 1, interruptedAt: null, erred: false },
      },
      { type: "loop.created", loop: "1.1", data: brief({ ...shared, ...words("a") }) },
      {
        type: "loop.created",
        loop: "1.2",
        data: brief({ ...shared, ...words("b"), dependsOn: [id("1.1")] }),
      },
      { type: "loop.status", loop: "1", data: { from: "running", to: "delegated", reason: null } },
    ],
  });
});

test("children wait for earlier siblings only, and there is at least one", () => {
  const begets = (...children: ChildBrief[]) => {
    decide(given("1 running"), finish("1", { type: "delegated", children }), moment);
  };
  expect(() => begets(spec("a", 0))).toThrow("1: child 0 waits for a later one");
  expect(() => begets()).toThrow(Bug);
});

describe("completion climbs", () => {
  test("to the top with the last child, in one decision", () => {
    const state = given("1 delegated", "1.1 complete", "1.2 delegated", proven("1.2.1 running"));
    following(state, finish("1.2.1", complete));
    expect(statuses(state)).toBe("1 complete, 1.1 complete, 1.2 complete, 1.2.1 complete");
  });

  test("no further than to a parent with other children at work", () => {
    const state = given("1 delegated", "1.1 paused from running", proven("1.2 running"));
    following(state, finish("1.2", complete));
    expect(statuses(state)).toBe("1 delegated, 1.1 paused, 1.2 complete");
  });

  test("past a paused parent only when it is resumed", () => {
    const state = given("1 delegated", "1.1 paused from delegated", proven("1.1.1 running"));
    following(state, finish("1.1.1", complete));
    expect(statuses(state)).toBe("1 delegated, 1.1 paused, 1.1.1 complete");
    following(state, { type: "resume", id: id("1.1"), raise: {} });
    expect(statuses(state)).toBe("1 complete, 1.1 complete, 1.1.1 complete");
  });
});

describe("a child that will not complete", () => {
  const rest = `td drop 1.1 to go on without it, or td reject 1 --feedback "…" to plan it anew`;
  test.each([
    ["fails", finish("1.1", failed), "failed", `its child 1.1 failed: td retry 1.1, ${rest}`],
    [
      "is stopped",
      { type: "stop", id: id("1.1") },
      "stopped",
      `its child 1.1 was stopped: ${rest}`,
    ],
  ] as const)("and %s holds up its parent, which says so", (_, command, status, reason) => {
    const state = following(given("1 delegated", "1.1 running", "1.2 pending"), command);
    expect(statuses(state)).toBe(`1 blocked on child, 1.1 ${status}, 1.2 pending`);
    expect(state.loops.get(id("1"))?.reason).toBe(reason);
  });

  test("holds up all that are above it, and all of them name it", () => {
    const state = given("1 delegated", "1.1 delegated", "1.1.1 running", "1.2 pending");
    following(state, finish("1.1.1", failed));
    expect(statuses(state)).toBe(
      "1 blocked on child, 1.1 blocked on child, 1.1.1 failed, 1.2 pending",
    );
    expect(state.loops.get(id("1"))?.reason).toBe(
      `its child 1.1.1 (in 1.1) failed: td retry 1.1.1, td drop 1.1.1 to go on without it, or td reject 1 --feedback "…" to plan it anew`,
    );
    following(state, { type: "retry", id: id("1.1.1"), raise: {} });
    expect(statuses(state)).toBe("1 delegated, 1.1 delegated, 1.1.1 pending, 1.2 pending");
  });

  test("lets it go on when it is tried again, unless another holds it up", () => {
    const retry = { type: "retry", id: id("1.1"), raise: {} } as const;
    const both = given("1 blocked on child", "1.1 failed", "1.2 failed");
    following(both, retry);
    expect(statuses(both)).toBe("1 blocked on child, 1.1 pending, 1.2 failed");
    following(both, { ...retry, id: id("1.2") });
    expect(statuses(both)).toBe("1 delegated, 1.1 pending, 1.2 pending");
  });

  test("is seen when a paused parent is resumed", () => {
    const state = given("1 paused from delegated", "1.1 running");
    following(state, finish("1.1", failed), { type: "resume", id: id("1"), raise: {} });
    expect(statuses(state)).toBe("1 blocked on child, 1.1 failed");
  });

  test("and is tried again while its parent is paused no longer holds it up", () => {
    const state = given("1 blocked on child", "1.1 failed");
    following(
      state,
      { type: "pause", id: id("1") },
      { type: "retry", id: id("1.1"), raise: {} },
      { type: "resume", id: id("1"), raise: {} },
    );
    expect(statuses(state)).toBe("1 delegated, 1.1 pending");
  });
});

test("stopping a loop stops all that is open under it, leaves first", () => {
  const state = given(
    "1 delegated",
    "1.1 delegated",
    "1.1.1 running",
    "1.1.2 complete",
    "1.2 pending after 1.1",
    "1.3 failed",
  );
  const decision = decide(state, { type: "stop", id: id("1") }, moment);
  if (!decision.ok) throw new Error(decision.reason);
  const order = decision.events.flatMap((event) =>
    event.type === "loop.status" ? [event.loop] : [],
  );
  expect(order).toEqual(["1.1.1", "1.1", "1.2", "1"]);
  following(state, { type: "stop", id: id("1") });
  expect(statuses(state)).toBe(
    "1 stopped, 1.1 stopped, 1.1.1 stopped, 1.1.2 complete, 1.2 stopped, 1.3 failed",
  );
});
