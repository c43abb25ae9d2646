import { expect, test } from "vitest";
import { budgetText, dayText } from "../../src/cli/budget-text.ts";
import { call } from "./call.ts";
import { FakeProgram, loop } from "./fake-program.ts";

const day = {
  day: "2026-01-01",
  dayUsd: null,
  daySpentUsd: 3.1,
  daySpentTokens: 10,
  dayReservedUsd: 0,
  projectedDayUsd: 3.1,
  dayEndsAt: "2026-01-02T00:00:00.000Z",
};

test("the day in a line: what is spent, of what, and where that leads", () => {
  expect(dayText(day)).toBe("$3.10 today");
  expect(dayText({ ...day, dayUsd: 20, dayReservedUsd: 0.4, projectedDayUsd: 8 })).toBe(
    "$3.10 of $20.00 today, $0.40 reserved, $8.00 by midnight UTC at this pace",
  );
  expect(dayText({ ...day, dayUsd: 3.5 })).toBe("$3.10 of $3.50 today (over 80 %)");
});

test("a loop's limits in a line, and none where there is none", () => {
  const limit = { limit: 5, spent: 1.2, reserved: 0 };
  expect(budgetText({ usd: null, tokens: null, plan: null })).toBeNull();
  expect(
    budgetText({
      usd: limit,
      tokens: { limit: 1_000_000, spent: 12_300, reserved: 940 },
      plan: { id: "7", limit: 20, spent: 3.1, reserved: 0.4 },
    }),
  ).toBe(
    "$1.20 of $5.00 · 12.3k of 1.00M, 940 reserved tokens · plan 7: $3.10 of $20.00, $0.40 reserved",
  );
});

test("resuming raises the limits it is given, and no others", async () => {
  const program = new FakeProgram(loop("7", { status: "blocked", blockedOn: "budget" }));
  await call(program, ["resume", "7", "--budget", "20", "--budget-tokens", "5000"]);
  await call(program, ["resume", "7"]);
  expect(program.asked).toEqual([
    { resume: "7", budgetUsd: 20, budgetTokens: 5_000 },
    { resume: "7" },
  ]);
  const refused = await call(program, ["resume", "7", "--budget-tokens", "many"]);
  expect(refused.code).toBe(2);
});
