import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import {
  afterCrash,
  beatMs,
  crashesMax,
  silenceAfter,
  silenceMsMax,
} from "../../src/core/health.ts";
import { loopOf, type MutableState } from "../../src/core/state.ts";
import { base, following, given, id, moment, progress, settings, verdict } from "../given.ts";

const one = id("1");

function crash(state: MutableState): void {
  following(state, { type: "startAttempt", id: one, owner: "me" });
  const { attempt } = loopOf(state, one);
  const during = { during: "iteration 1", reason: "the daemon ended", notBeforeAt: moment.now };
  const outcome = { type: "interrupted", ...during, crashed: true } as const;
  following(state, { type: "finishAttempt", id: one, attempt, outcome });
}

describe("a loop that daemons end with", () => {
  test("comes back at once, then later and later, and then waits for a person", () => {
    const state = given("1 pending");
    const waits: number[] = [];
    for (let crashes = 1; crashes < crashesMax; crashes += 1) {
      crash(state);
      waits.push(loopOf(state, one).notBeforeAt - moment.now);
    }
    expect(waits).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
    crash(state);
    expect(loopOf(state, one)).toMatchObject({ status: "blocked", blockedOn: "setup" });
    expect(loopOf(state, one).reason).toContain(`ended ${crashesMax} times in a row`);
    following(state, { type: "resume", id: one, raise: {} });
    expect(loopOf(state, one)).toMatchObject({ status: "pending", crashes: 0 });
  });

  test("counts from the start again once it has finished an iteration", () => {
    const state = given("1 pending");
    crash(state);
    crash(state);
    following(state, { type: "startAttempt", id: one, owner: "me" });
    const { attempt } = loopOf(state, one);
    const given1 = { commit: base, verdict: verdict(), progress: progress(1) };
    const finish: Command = { type: "finishIteration", id: one, attempt, ...given1 };
    expect(loopOf(following(state, finish), one).crashes).toBe(0);
  });

  test("is not counted for an interruption that the daemon survives", () => {
    const state = given("1 running");
    const outcome = {
      type: "interrupted",
      during: "x",
      reason: "limited",
      notBeforeAt: 9,
    } as const;
    following(state, { type: "finishAttempt", id: one, attempt: 1, outcome });
    expect(loopOf(state, one)).toMatchObject({ crashes: 0, notBeforeAt: 9 });
  });
});

test("the first two ends of a daemon delay nothing", () => {
  const at = { now: 5, jitter: 0.5 };
  expect([1, 2].map((crashes) => afterCrash(crashes, at))).toEqual([
    { backoffUntil: null },
    { backoffUntil: null },
  ]);
  expect(afterCrash(3, at)).toEqual({ backoffUntil: 5 + 1_250 });
});

test("an attempt may be silent for longer than all its own time-outs together", () => {
  const { iterationTimeoutMs, gate } = settings;
  expect(silenceMsMax(settings)).toBeGreaterThan(iterationTimeoutMs + 3 * gate.timeoutMs);
});

test("silence is counted by beats: a sign ends it, a clock that jumps adds little", () => {
  expect(silenceAfter(500, { heard: true, elapsedMs: beatMs })).toBe(0);
  expect(silenceAfter(500, { heard: false, elapsedMs: beatMs })).toBe(beatMs + 500);
  expect(silenceAfter(500, { heard: false, elapsedMs: 9 * 3_600_000 })).toBe(2 * beatMs + 500);
  expect(silenceAfter(500, { heard: false, elapsedMs: -3_600_000 })).toBe(500);
});
