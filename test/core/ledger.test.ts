import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import { dayMs, sliceMs, slicesMax } from "../../src/core/ledger.ts";
import type { Loop } from "../../src/core/loop.ts";
import { apply, loopOf, type MutableState, type State } from "../../src/core/state.ts";
import { answerTo, following, given, id, loop, moment, settings, spent } from "../given.ts";

const own = { attempt: 1, tokens: 10, dayUsd: null } as const;

function reserve(name: string, usd: number, more: { dayUsd?: number } = {}): Command {
  return { type: "reserve", id: id(name), ...own, turn: `t${name}`, usd, ...more };
}

function settle(name: string, usd: number, more: { dayUsd?: number } = {}): Command {
  const usage = spent(10, usd);
  return { type: "settle", id: id(name), ...own, turn: `t${name}`, usage, ...more };
}

function limited(text: string, more: Partial<Loop["settings"]>): Loop {
  return loop(text, { settings: { ...settings, ...more } });
}

function plan(planBudgetUsd: number): MutableState {
  return given(limited("1 delegated", { planBudgetUsd }), "1.1 running", "1.2 running");
}

function warnings(state: State, command: Command): unknown[] {
  const before = following(state as MutableState, command);
  return [...before.loops.values()].flatMap((each) => each.warned.map((of) => [each.id, of]));
}

describe("a plan", () => {
  test("is spent and held by all that is below it", () => {
    const state = following(plan(1), reserve("1.1", 0.6));
    expect(answerTo(state, reserve("1.2", 0.5))).toBe(
      "1.2 is out of money: the budget of its plan",
    );
    following(state, settle("1.1", 0.1), reserve("1.2", 0.9));
    expect(state.plans.get(id("1"))).toEqual({
      usd: 0.1,
      tokens: 10,
      held: { usd: 0.9, tokens: 10, calls: 1 },
    });
    expect(answerTo(state, reserve("1.1", 0.01))).toContain("the budget of its plan");
  });

  test("is charged in full for what was under way when an attempt ended", () => {
    const state = following(plan(1), reserve("1.1", 0.6), { type: "pause", id: id("1.1") });
    expect(state.plans.get(id("1"))).toMatchObject({ usd: 0.6, held: { usd: 0, calls: 0 } });
    expect(state.spending.days).toEqual([{ day: 0, usd: 0.6, tokens: 10, warnedUsd: null }]);
    expect(state.spending.held).toEqual({ usd: 0, tokens: 0, calls: 0 });
  });

  test("is raised at its root, and then all that waited for it goes on", () => {
    const state = following(plan(1), reserve("1.1", 1), settle("1.1", 1));
    const outcome = { type: "blocked", on: "budget", reason: "spent", asked: [] } as const;
    following(state, { type: "finishAttempt", id: id("1.1"), attempt: 1, outcome });
    const resume = { type: "resume", id: id("1.1"), raise: {} } as const;
    expect(answerTo(state, resume)).toBe(
      "the budget of plan 1 is spent: td resume 1 with a higher --budget",
    );
    expect(answerTo(state, { ...resume, id: id("1") })).toContain("1 is delegated: ");
    following(state, { ...resume, id: id("1"), raise: { budgetUsd: 3 } });
    expect(loopOf(state, id("1.1")).status).toBe("pending");
    expect(loopOf(state, id("1")).settings.planBudgetUsd).toBe(3);
  });

  test("keeps its limit when its root is granted less than that", () => {
    const state = given(limited("1 running", { planBudgetUsd: 5, budgetUsd: 1 }));
    following(state, { type: "resume", id: id("1"), raise: { budgetUsd: 2 } });
    expect(loopOf(state, id("1")).settings).toMatchObject({ budgetUsd: 2, planBudgetUsd: 5 });
  });
});

describe("a day", () => {
  const day = { dayUsd: 1 };

  test("is spent and held by all loops", () => {
    const state = following(given("1 running", "2 running"), reserve("1", 0.7, day));
    expect(answerTo(state, reserve("2", 0.4, day))).toBe("2 is out of money: the day's budget");
    expect(answerTo(state, reserve("2", 0.3, day))).toBe("running");
  });

  test("begins with nothing spent, but with what is still held", () => {
    const state = following(given("1 running", "2 running", "3 running"), reserve("1", 0.5, day));
    following(state, settle("1", 0.5, day), reserve("2", 0.4, day));
    const tomorrow = { ...moment, now: moment.now + dayMs };
    expect(answerTo(state, reserve("3", 0.6, day), tomorrow)).toBe("running");
    expect(answerTo(state, reserve("1", 0.1, day), tomorrow)).toContain("the day's budget");
  });

  test("that is over does not count for a clock that comes back to another", () => {
    const state = given("1 running");
    for (const at of [10 * dayMs, 2 * dayMs, 10 * dayMs + 1]) {
      const usage = spent(10, 1);
      apply(state, { type: "budget.settled", loop: id("1"), data: { turn: "t", usage } }, at);
    }
    expect(state.spending.days.map(({ day: number, usd }) => [number, usd])).toEqual([
      [2, 1],
      [10, 2],
    ]);
  });
});

describe("a warning is given once", () => {
  test("at 80 % of each limit, and again when that was raised", () => {
    const state = given(limited("1 running", { budgetUsd: 1 }));
    following(state, reserve("1", 0.79));
    expect(warnings(state, settle("1", 0.79))).toEqual([]);
    following(state, reserve("1", 0.1));
    expect(warnings(state, settle("1", 0.01))).toEqual([["1", "loop"]]);
    following(state, reserve("1", 0.1));
    expect(warnings(state, settle("1", 0.01))).toEqual([["1", "loop"]]);
    following(state, { type: "resume", id: id("1"), raise: { budgetUsd: 1.01 } });
    following(state, reserve("1", 0.1));
    expect(warnings(state, settle("1", 0.01))).toEqual([["1", "loop"]]);
  });

  test("of a plan at its root", () => {
    const state = following(plan(1), reserve("1.1", 0.9));
    expect(warnings(state, settle("1.1", 0.9))).toEqual([["1", "plan"]]);
  });

  test("of a day for its limit, and for a higher one again", () => {
    const state = given("1 running");
    const warnedFor = (dayUsd: number) => {
      following(state, reserve("1", 0.1), settle("1", 0.1, { dayUsd }));
      return state.spending.days[0]?.warnedUsd;
    };
    expect([1, 0.2, 0.15, 5, 0.5].map(warnedFor)).toEqual([null, 0.2, 0.2, 0.2, 0.5]);
  });
});

test("what is kept of days and slices is bounded, whatever the clock does", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { maxLength: 200 }), (steps) => {
      const state = given("1 running");
      const data = { turn: "t", usage: spent(1, 1) };
      for (const step of steps) {
        const event = { type: "budget.settled", loop: id("1"), data } as const;
        apply(state, event, step * dayMs);
        const { days, recent } = state.spending;
        expect(days.length).toBeLessThanOrEqual(31);
        expect(recent.length).toBeLessThanOrEqual(slicesMax);
        expect(days.find(({ day }) => day === step)?.usd).toBeGreaterThan(0);
        expect(recent.every(({ at }) => at % sliceMs === 0)).toBe(true);
      }
    }),
  );
});
