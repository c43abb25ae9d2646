import { describe, expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import type { AttemptOutcome, Command } from "../../src/core/commands.ts";
import { decide, holdsLease } from "../../src/core/decide.ts";
import { type Loop, loopStatuses } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import {
  answerTo,
  base,
  following,
  given,
  id,
  loop,
  moment,
  progress,
  settings,
  spent,
  verdict,
} from "../given.ts";

const one = id("1");
const leased = { id: one, attempt: 1 } as const;

function finish(outcome: AttemptOutcome): Command {
  return { type: "finishAttempt", ...leased, outcome };
}

function ended(more: object = {}) {
  const data = { attempt: 1, interruptedAt: null, erred: false, ...more };
  return { type: "attempt.ended", loop: "1", data };
}

function turned(from: string, to: string, reason: string | null, more: object = {}) {
  return { type: "loop.status", loop: "1", data: { from, to, reason, ...more } };
}

function accepted(...events: readonly object[]) {
  return { ok: true, id: "1", events };
}

describe("the lease", () => {
  const commit = "c".repeat(40);
  const commands: readonly Command[] = [
    { type: "recordBaseline", ...leased, baseline: verdict() },
    { type: "startIteration", ...leased, model: "sim/small" },
    { type: "reserve", ...leased, turn: "1.1.1.1", tokens: 1, usd: 0, dayUsd: null },
    { type: "settle", ...leased, turn: "1.1.1.1", usage: spent(1), dayUsd: null },
    { type: "finishIteration", ...leased, commit, verdict: verdict(), progress: progress(1) },
    { type: "escalate", ...leased, model: "sim/large" },
    finish({ type: "failed", reason: "late" }),
    { type: "saveWork", ...leased, onto: base, commit },
  ];

  test.each(commands)("is asked of $type", (command) => {
    expect(answerTo(given("1 running attempt 2"), command)).toBe("1 has moved on");
    const others = loopStatuses.filter((status) => status !== "running");
    for (const status of command.type === "saveWork" ? [] : others) {
      expect(answerTo(given(`1 ${status} attempt 1`), command)).toBe("1 has moved on");
    }
  });

  test("is held by the newest attempt of a running loop", () => {
    expect(holdsLease(loop("1 running attempt 2"), 2)).toBe(true);
    expect(holdsLease(loop("1 running attempt 2"), 1)).toBe(false);
    expect(holdsLease(loop("1 paused from running attempt 2"), 2)).toBe(false);
  });

  test("taken by a person ends the attempt in the same decision", () => {
    expect(decide(given("1 running"), { type: "pause", id: one }, moment)).toEqual(
      accepted(ended({ interruptedAt: "paused by a person" }), turned("running", "paused", null)),
    );
    expect(decide(given("1 running"), { type: "stop", id: one }, moment)).toEqual(
      accepted(
        ended({ interruptedAt: "stopped by a person" }),
        turned("running", "stopped", "stopped"),
      ),
    );
  });
});

describe("unfinished work", () => {
  const commit = "c".repeat(40);
  const save: Command = { type: "saveWork", ...leased, onto: base, commit };

  test.each(["1 running", "1 paused from running", "1 pending attempt 1", "1 failed"])(
    "of the newest attempt is kept: %s",
    (text) => {
      expect(decide(given(text), save, moment)).toEqual(
        accepted({ type: "attempt.saved", loop: "1", data: { attempt: 1, commit } }),
      );
    },
  );

  test.each(["1 complete", "1 stopped", "1 running attempt 2"])("comes too late: %s", (text) => {
    expect(answerTo(given(text), save)).toBe("1 has moved on");
  });

  test("does not undo a rollback", () => {
    const onto = "a".repeat(40);
    const state = given(
      loop("1 paused from running", { headCommit: onto, checkpoints: [onto], iteration: 1 }),
    );
    following(state, { type: "rollback", id: one, to: 0 });
    expect(answerTo(state, { ...save, onto })).toBe("1 has moved on");
    expect(loopOf(state, one).headCommit).toBe(base);
  });
});

describe("the end of an attempt", () => {
  const head = "c".repeat(40);
  const proven: Partial<Loop> = {
    headCommit: head,
    verdict: verdict({ passed: true, exitCode: 0, commit: head }),
  };
  const done: AttemptOutcome = { type: "complete", delivered: { to: "b", commit: head } };

  test("complete: delivered, ended and complete at once", () => {
    expect(decide(given(loop("1 running", proven)), finish(done), moment)).toEqual(
      accepted(
        { type: "loop.delivered", loop: "1", data: { to: "b", commit: head } },
        ended(),
        turned("running", "complete", null),
      ),
    );
  });

  test("complete without a verdict, or with another commit's, is a bug", () => {
    expect(() => decide(given("1 running"), finish(done), moment)).toThrow(Bug);
    const moved = loop("1 running", { ...proven, headCommit: base });
    expect(() => decide(given(moved), finish(done), moment)).toThrow(
      "1: the verdict is of another commit",
    );
  });

  test("interrupted: back to the queue, and no failure", () => {
    const outcome = {
      type: "interrupted",
      during: "iteration 2",
      reason: "limited",
      notBeforeAt: 900,
    } as const;
    expect(decide(given("1 running"), finish(outcome), moment)).toEqual(
      accepted(
        ended({ interruptedAt: "iteration 2" }),
        turned("running", "pending", "limited", { notBeforeAt: 900 }),
      ),
    );
  });

  test("erred: again after a backoff, and failed when it happens too often", () => {
    const outcome = { type: "erred", reason: "git is gone" } as const;
    const end = ended({ interruptedAt: "an error: git is gone", erred: true });
    expect(decide(given("1 running"), finish(outcome), moment)).toEqual(
      accepted(end, turned("running", "pending", "git is gone", { notBeforeAt: 1_100 })),
    );
    expect(decide(given(loop("1 running", { failures: 2 })), finish(outcome), moment)).toEqual(
      accepted(end, turned("running", "failed", "git is gone")),
    );
  });

  test("blocked: with what it asks", () => {
    const outcome = { type: "blocked", on: "gate", reason: "why", asked: ["a"] } as const;
    expect(decide(given("1 running"), finish(outcome), moment)).toEqual(
      accepted(ended(), turned("running", "blocked", "why", { blockedOn: "gate", asked: ["a"] })),
    );
  });

  test("failed: with its reason", () => {
    const outcome = { type: "failed", reason: "not valid after 10 iterations" } as const;
    expect(decide(given("1 running"), finish(outcome), moment)).toEqual(
      accepted(ended(), turned("running", "failed", "not valid after 10 iterations")),
    );
  });
});

describe("budget", () => {
  const poor = loop("1 running", {
    settings: { ...settings, budgetTokens: 100, budgetUsd: 1 },
  });
  const call = { ...leased, turn: "t", dayUsd: null } as const;
  const reserve = { type: "reserve", ...call, tokens: 100, usd: 1 } as const;

  test("no more is reserved than is left, and an unknown price is not free", () => {
    expect(answerTo(given(poor), reserve)).toBe("running");
    expect(answerTo(given(poor), { ...reserve, tokens: 101 })).toBe("1 is out of tokens");
    expect(answerTo(given(poor), { ...reserve, usd: 1.01 })).toBe("1 is out of money");
    expect(answerTo(given(poor), { ...reserve, usd: null })).toBe("1 is out of money");
  });

  test("a turn is reserved once and settled once", () => {
    const state = given(loop("1 running"));
    const settle = { type: "settle", ...call, usage: spent(60, 0.5) } as const;
    expect(answerTo(state, settle)).toBe("1 has no reservation t");
    following(state, reserve);
    expect(answerTo(state, reserve)).toBe("1 has reserved t already");
    following(state, settle);
    expect(answerTo(state, settle)).toBe("1 has no reservation t");
    expect(loopOf(state, one)).toMatchObject({ usage: spent(60, 0.5), reservations: [] });
  });
});

describe("parking", () => {
  const park = { type: "park", provider: "sim", model: "small", reason: "429" } as const;

  test("is recorded for all loops", () => {
    const { type: _, ...data } = { ...park, until: 900 };
    expect(decide(given(), { ...park, until: 900 }, moment)).toEqual({
      ok: true,
      id: null,
      events: [{ type: "provider.parked", loop: null, data }],
    });
  });

  test("is never lifted by a shorter one", () => {
    const state = following(given(), { ...park, until: 900 }, { ...park, until: 500 });
    expect(state.parked).toEqual(new Map([["sim/small", { until: 900, reason: "429" }]]));
  });
});

test("escalates once", () => {
  const state = given(loop("1 running", { iteration: 3 }));
  following(state, { type: "escalate", ...leased, model: "sim/large" });
  expect(loopOf(state, one)).toMatchObject({ escalated: true, stuckFrom: 3 });
  expect(answerTo(state, { type: "escalate", ...leased, model: "sim/large" })).toBe(
    "1 is escalated already",
  );
});

test("progress of another iteration is a bug", () => {
  const command: Command = {
    type: "finishIteration",
    ...leased,
    commit: base,
    verdict: verdict(),
    progress: progress(2),
  };
  expect(() => decide(given("1 running"), command, moment)).toThrow(
    "1: progress of another iteration",
  );
});
