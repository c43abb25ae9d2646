import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import type { State } from "../../src/core/state.ts";
import { answerTo, following, given, id, loop } from "../given.ts";

function statuses(state: State): string {
  return [...state.loops.values()]
    .map((each) => `${each.id} ${each.status}${each.blockedOn ? ` on ${each.blockedOn}` : ""}`)
    .join(", ");
}

const pause = (name: string): Command => ({ type: "pause", id: id(name) });
const resume = (name: string): Command => ({ type: "resume", id: id(name), raise: {} });
const retry = (name: string): Command => ({ type: "retry", id: id(name), raise: {} });

function family() {
  return given(
    "1 delegated",
    "1.1 delegated",
    "1.1.1 running",
    "1.1.2 blocked on question",
    "1.1.3 complete",
    "1.2 paused from pending",
    "1.3 pending after 1.1",
  );
}

describe("a pause", () => {
  test("is for all that is open below a loop, and ends their attempts", () => {
    const state = following(family(), pause("1"));
    expect(statuses(state)).toBe(
      "1 paused, 1.1 paused, 1.1.1 paused, 1.1.2 paused on question, 1.1.3 complete, 1.2 paused, 1.3 paused",
    );
    expect(state.loops.get(id("1.1.1"))).toMatchObject({ pausedFrom: "running", pausedBy: "1" });
    expect(state.loops.get(id("1"))).toMatchObject({ pausedBy: null });
    expect(state.loops.get(id("1.1.1"))?.interruptedAt).toBe("paused by a person");
  });

  test("is undone with its loop, but for what was paused before", () => {
    const state = following(family(), pause("1"), resume("1"));
    expect(statuses(state)).toBe(
      "1 delegated, 1.1 delegated, 1.1.1 pending, 1.1.2 blocked on question, 1.1.3 complete, 1.2 paused, 1.3 pending",
    );
  });

  test("is undone for a part alone", () => {
    const state = following(family(), pause("1"), resume("1.1"));
    expect(statuses(state)).toBe(
      "1 paused, 1.1 delegated, 1.1.1 pending, 1.1.2 blocked on question, 1.1.3 complete, 1.2 paused, 1.3 paused",
    );
    following(state, resume("1"));
    expect(statuses(state)).toContain("1 delegated, 1.1 delegated, 1.1.1 pending");
    expect(statuses(state)).toContain("1.3 pending");
  });

  test("of a parent whose children are done meanwhile ends in its completion", () => {
    const state = given(
      "1 paused from delegated",
      loop("1.1 paused from delegated", { pausedBy: id("1") }),
      "1.1.1 complete",
    );
    following(state, resume("1"));
    expect(statuses(state)).toBe("1 complete, 1.1 complete, 1.1.1 complete");
  });

  test("of a parent whose child was lost meanwhile ends in saying so, all the way up", () => {
    const state = given(
      "1 paused from delegated",
      loop("1.1 paused from delegated", { pausedBy: id("1") }),
      "1.1.1 stopped",
    );
    following(state, resume("1"));
    expect(statuses(state)).toBe("1 blocked on child, 1.1 blocked on child, 1.1.1 stopped");
  });
});

describe("to retry", () => {
  test("what is held up is to retry all that failed below it", () => {
    const state = given(
      "1 blocked on child",
      "1.1 blocked on child",
      "1.1.1 failed",
      "1.1.2 failed",
      "1.2 failed",
      "1.3 complete",
    );
    following(state, retry("1"));
    expect(statuses(state)).toBe(
      "1 delegated, 1.1 delegated, 1.1.1 pending, 1.1.2 pending, 1.2 pending, 1.3 complete",
    );
  });

  test("a part of it frees what is above only when nothing else holds that up", () => {
    const lines = ["1 blocked on child", "1.1 blocked on child", "1.1.1 failed"] as const;
    const state = following(given(...lines, "1.2 failed"), retry("1.1"));
    expect(statuses(state)).toBe("1 blocked on child, 1.1 delegated, 1.1.1 pending, 1.2 failed");
    following(state, retry("1.2"));
    expect(statuses(state)).toBe("1 delegated, 1.1 delegated, 1.1.1 pending, 1.2 pending");
  });

  test("what was stopped is not to be had: it is refused, or stays held up by that", () => {
    expect(answerTo(given("1 blocked on child", "1.1 stopped"), retry("1"))).toBe(
      "1 is held up, and nothing below it failed: td why 1",
    );
    const state = following(given("1 blocked on child", "1.1 stopped", "1.2 failed"), retry("1"));
    expect(statuses(state)).toBe("1 blocked on child, 1.1 stopped, 1.2 pending");
  });

  test("what failed below a stopped one stays as it is: its plan takes nothing up any more", () => {
    const lines = ["1 stopped", "1.1 stopped", "1.1.1 failed"] as const;
    expect(answerTo(given(...lines), retry("1.1.1"))).toBe(
      "1.1 is stopped: nothing below it goes on",
    );
  });

  test("what failed below a stopped one is not woken by whoever is above that either", () => {
    const lines = ["1 blocked on child", "1.1 failed", "1.2 stopped", "1.2.1 failed"] as const;
    expect(statuses(following(given(...lines), retry("1")))).toBe(
      "1 blocked on child, 1.1 pending, 1.2 stopped, 1.2.1 failed",
    );
  });
});
