import { expect, test } from "vitest";
import type { Loop, LoopSettings } from "../../src/core/loop.ts";
import { MergeLanes } from "../../src/core/merge-lanes.ts";
import { loopOf } from "../../src/core/state.ts";
import { answerTo, given, id, loop, settings, verdict } from "../given.ts";

/** A plan whose branch is known, and whose last child has just passed. */
function finished(more: Partial<LoopSettings>) {
  return finishedState(more).plan;
}

function finishedState(more: Partial<LoopSettings>) {
  const plan = loop("1 delegated", {
    settings: { ...settings, ...more },
    branch: "taskdaemon/plan-1",
    tip: "t",
  });
  const proven = { headCommit: "c", verdict: verdict({ passed: true, commit: "c" }) };
  const state = given(plan, loop("1.1 running", proven));
  const delivered = { to: "taskdaemon/plan-1", commit: "c" };
  const outcome = { type: "complete", delivered } as const;
  answerTo(state, { type: "finishAttempt", id: id("1.1"), attempt: 1, outcome });
  return { state, plan: loopOf(state, id("1")) };
}

test("a plan is delivered as its branch when all below it is complete", () => {
  const plan = finished({ deliver: "branch" });
  expect(plan).toMatchObject({
    status: "complete",
    delivered: { to: "taskdaemon/plan-1", commit: "c" },
  });
});

test("a plan that is to be merged is complete once it is merged, and not before", () => {
  const plan = finished({ deliver: "merge", target: "main" });
  expect(plan).toMatchObject({ status: "delegated", delivered: null, merge: { target: "main" } });
});

test("a plan that delivers nothing is complete without", () => {
  expect(finished({ deliver: "none" })).toMatchObject({ status: "complete", delivered: null });
});

test("a plan that is to be proposed is complete with the address, or with why there is none", () => {
  for (const [url, reason] of [
    ["https://example.org/pull/1", null],
    [null, "there is no pull request: gh is missing"],
  ] as const) {
    const { state, plan } = finishedState({ deliver: "pr", target: "main" });
    expect(plan).toMatchObject({ status: "delegated", merge: { target: "main", as: "pr" } });
    const to = "taskdaemon/plan-1";
    const result = { type: "proposed", to, commit: "c", url, reason } as const;
    answerTo(state, { type: "finishDelivery", id: id("1"), result });
    expect(loopOf(state, id("1"))).toMatchObject({
      ...{ status: "complete", merge: null, pullRequest: url, reason },
      delivered: { to, commit: "c" },
    });
  }
});

test("complete work is proposed once, on its own branch, and not beside a merge", () => {
  const own = { to: "taskdaemon/1", commit: "c" };
  const asked = (more: Partial<Loop>) => {
    const state = given(loop("1 complete", { delivered: own, ...more }));
    const command = { type: "queueMerge", id: id("1"), target: "main", as: "pr" } as const;
    return { answer: answerTo(state, command), state };
  };
  const { answer, state } = asked({ reason: "there is no pull request: gh is missing" });
  expect(answer).toBe("complete");
  const result = { ...own, type: "proposed", url: "https://example.org/1", reason: null } as const;
  answerTo(state, { type: "finishDelivery", id: id("1"), result });
  expect(loopOf(state, id("1"))).toMatchObject({
    ...{ status: "complete", merge: null, reason: null, delivered: own },
    pullRequest: "https://example.org/1",
  });
  const refused = (more: Partial<Loop>) => asked(more).answer;
  expect(refused({ pullRequest: "https://x" })).toContain("already: https://x");
  expect(refused({ delivered: { to: "main", commit: "c" } })).toBe("1 is on main already");
  expect(refused({ merge: { target: "main", since: 0 } })).toContain("in the queue of main");
  expect(refused({ status: "blocked" })).toContain("only complete work");
});

test("who asked in the same moment is merged in the order of the ids, number by number", () => {
  const waits = { merge: { target: "main", since: 0 } };
  const state = given(...["10", "9", "2.10", "2.9"].map((name) => loop(`${name} pending`, waits)));
  const [lane] = new MergeLanes(state, () => true).lanes(10, 1_000);
  expect(lane?.waiting).toEqual(["2.9", "2.10", "9", "10"]);
});
