import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import { decide } from "../../src/core/decide.ts";
import type { Event } from "../../src/core/events.ts";
import { addUsage, noUsage } from "../../src/core/loop.ts";
import { apply, emptyState } from "../../src/core/state.ts";
import { Spending } from "../../src/views/spending.ts";
import { brief, id, moment } from "../given.ts";

const one = id("1");
const usage = { ...noUsage, inputTokens: 100, costUsd: 0.5, requests: 1 };

/** One attempt after the other, each with calls, some of which are open at its end. */
function eventsOf(attempts: readonly (readonly boolean[])[]) {
  const state = emptyState();
  const events: Event[] = [];
  const does = (command: Command) => {
    const decision = decide(state, command, { ...moment, now: 0 });
    if (!decision.ok) throw new Error(decision.reason);
    for (const event of decision.events) apply(state, event, 0);
    events.push(...decision.events);
  };
  does({ type: "createLoop", loop: brief() });
  for (const [index, calls] of attempts.entries()) {
    const leased = { id: one, attempt: index + 1 };
    does({ type: "startAttempt", id: one, owner: "me" });
    does({ ...leased, type: "startIteration", model: "sim/large" });
    for (const [call, isSettled] of calls.entries()) {
      const turn = `${index}.${call}`;
      does({ ...leased, type: "reserve", turn, tokens: 500, usd: 2, dayUsd: null });
      if (isSettled) does({ ...leased, type: "settle", turn, usage, dayUsd: null });
    }
    const outcome = {
      type: "interrupted",
      during: "a call",
      reason: "the daemon died",
      notBeforeAt: 0,
    } as const;
    does({ ...leased, type: "finishAttempt", outcome });
  }
  return { state, events };
}

test("what events say was spent is what the books have, calls cut off included", () => {
  const attempts = fc.array(fc.array(fc.boolean(), { maxLength: 4 }), { maxLength: 4 });
  fc.assert(
    fc.property(attempts, (given) => {
      const { state, events } = eventsOf(given);
      const spending = new Spending();
      const sum = events.map((event) => spending.of(event)).reduce(addUsage, noUsage);
      expect(sum).toEqual(state.loops.get(one)?.usage);
    }),
  );
});
