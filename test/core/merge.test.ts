import { expect, test } from "vitest";
import type { LoopSettings } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import { answerTo, given, id, loop, settings, verdict } from "../given.ts";

/** A plan whose branch is known, and whose last child has just passed. */
function finished(more: Partial<LoopSettings>) {
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
  return loopOf(state, id("1"));
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
