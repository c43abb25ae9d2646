import { expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import type { Document } from "../../src/core/documents.ts";
import type { Loop } from "../../src/core/loop.ts";
import { isDelivery } from "../../src/core/merge.ts";
import { loopOf, type MutableState } from "../../src/core/state.ts";
import { answerTo, following, given, id, loop, settings, verdict } from "../given.ts";

const check = "npm run whole";
const tip = "e".repeat(40);
const planDocument = { becomes: null, validate: "npm run plan" } as Document;

/** A level whose document asks for more than the command. */
function checked(text: string, more: Partial<Loop> = {}): Loop {
  const gate = { ...settings.gate, also: [check] };
  return loop(text, { settings: { ...settings, gate }, ...more });
}

const plan = loop("1 delegated", { tip, branch: "taskdaemon/plan-1" });
const drop = (name: string): Command => ({ type: "drop", id: id(name) });
const ended = (name: string, problem: string | null): Command => ({
  type: "finishDelivery",
  id: id(name),
  result: { type: "checked", problem },
});

function standing(state: MutableState): string {
  return [...state.loops.values()]
    .map(({ id: name, status, merge }) => `${name} ${status}${merge?.as ? ` (${merge.as})` : ""}`)
    .join(", ");
}

const halfDone = () => given(plan, checked("1.1 delegated"), "1.1.1 complete", "1.1.2 running");

test("a level that a drop makes whole is checked first, and completion climbs from there", () => {
  const state = following(halfDone(), drop("1.1.2"));
  expect(standing(state)).toBe("1 delegated, 1.1 delegated (check), 1.1.1 complete, 1.1.2 stopped");
  expect(isDelivery(state, loopOf(state, id("1.1")))).toBe(true);
  following(state, ended("1.1", null));
  expect(standing(state)).toBe("1 complete, 1.1 complete, 1.1.1 complete, 1.1.2 stopped");
  expect(loopOf(state, id("1")).delivered).toEqual({ to: "taskdaemon/plan-1", commit: tip });
});

test("a rollback of its own documents does not take the check away", () => {
  const state = following(halfDone(), drop("1.1.2"));
  following(state, { type: "rollback", id: id("1.1"), to: 0 });
  expect(standing(state)).toContain("1.1 delegated (check)");
  following(state, ended("1.1", null));
  expect(standing(state)).toContain("1 complete, 1.1 complete");
});

test("each level above is checked by what its own document says", () => {
  const above = { ...plan, documents: [planDocument] };
  const state = given(above, checked("1.1 delegated"), "1.1.1 complete", "1.1.2 running");
  following(state, drop("1.1.2"), ended("1.1", null));
  expect(standing(state)).toContain("1 delegated (check), 1.1 complete");
  following(state, ended("1", null));
  expect(loopOf(state, id("1"))).toMatchObject({ status: "complete", merge: null });
});

test("red, it is held up and says what can be done; each of these goes on", () => {
  const red = () => following(halfDone(), drop("1.1.2"), ended("1.1", "it is red"));
  const state = red();
  expect(standing(state)).toContain("1 blocked, 1.1 blocked, ");
  expect(loopOf(state, id("1.1")).reason).toBe(
    'all below it is complete, but it is red: td add 1.1 "…" for what is missing, td reject 1.1 --feedback "…" to plan it anew, or td retry 1.1 to check it once more',
  );
  following(state, { type: "retry", id: id("1.1"), raise: {} });
  expect(standing(state)).toContain("1 delegated, 1.1 delegated (check), ");
  const document: Document = {
    ...{ path: "a.md", name: "a", title: "a", text: "a", becomes: "ralph", dependsOn: [] },
    ...{ priority: null, touches: [], acceptance: [], validate: null, allowGateChange: [] },
  };
  const more = following(red(), { type: "addChild", id: id("1.1"), document });
  expect(standing(more)).toContain("1 delegated, 1.1 delegated, ");
  expect(standing(more)).toContain("1.1.3 pending");
});

test("nothing is checked twice: what passed with the last part counts", () => {
  const part = (also: readonly string[]) =>
    loop("1.1.1 running", {
      headCommit: tip,
      verdict: verdict({ passed: true, commit: tip, also }),
    });
  const done: Command = {
    ...{ type: "finishAttempt", id: id("1.1.1"), attempt: 1 },
    outcome: { type: "complete", delivered: { to: "taskdaemon/plan-1", commit: tip } },
  };
  const whole = following(given(plan, checked("1.1 delegated"), part([check])), done);
  expect(standing(whole)).toBe("1 complete, 1.1 complete, 1.1.1 complete");
  // Its verdict is older than the drop of the other part.
  const without = following(given(plan, checked("1.1 delegated"), part([])), done);
  expect(standing(without)).toBe("1 delegated, 1.1 delegated (check), 1.1.1 complete");
});

test("who is paused, planned anew or given more meanwhile is not complete by that check", () => {
  const waiting = () => following(halfDone(), drop("1.1.2"));
  const paused = following(waiting(), { type: "pause", id: id("1.1") });
  expect(answerTo(paused, ended("1.1", null))).toContain("has moved on");
  following(paused, { type: "resume", id: id("1.1"), raise: {} });
  expect(standing(paused)).toContain("1.1 delegated (check)");
  const documents = [planDocument];
  const state = waiting();
  state.loops.set(id("1.1"), { ...loopOf(state, id("1.1")), documents });
  following(state, { type: "reject", id: id("1.1"), feedback: "smaller" });
  expect(loopOf(state, id("1.1"))).toMatchObject({ status: "pending", merge: null });
});

test("a plan that a drop frees from what held it up is delivered like any other", () => {
  const held = { ...plan, status: "blocked", blockedOn: "child" } as const;
  const state = following(given(held, "1.1 complete", "1.2 failed"), drop("1.2"));
  expect(loopOf(state, id("1"))).toMatchObject({
    status: "complete",
    delivered: { to: "taskdaemon/plan-1", commit: tip },
  });
});
