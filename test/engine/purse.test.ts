import { expect, test } from "vitest";
import { loopOf } from "../../src/core/state.ts";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import { finished, SmallWorld, writes } from "./small-world.ts";

const hourMs = 3_600_000;

/** A reply of so many tokens, at $15 a million. */
function costing(reply: LlmReply, outputTokens: number): LlmReply {
  return { ...reply, usage: { ...reply.usage, outputTokens } };
}

function works({ messages }: LlmRequest): LlmReply {
  return messages.length === 1 ? writes("good") : finished;
}

test("a day that is spent blocks, says until when, and the next one goes on by itself", async () => {
  const small = await SmallWorld.start({
    script: (request, call) => (call === 1 ? costing(writes("bad"), 2_000) : works(request)),
  });
  small.dayUsd = 0.04;
  const id = await small.create();
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "blocked", blockedOn: "budget", blockedUntil: 24 * hourMs });
  expect(loop.reason).toBe(
    "the day's budget of $0.04 is spent but for too little to go on: it goes on at 1970-01-02T00:00:00.000Z; for sooner, raise budget.day-usd, then td resume 1",
  );
  const later = await small.until(id, ({ status }) => status === "complete", 25 * hourMs);
  expect(later.status).toBe("complete");
  expect(small.clock.now()).toBeGreaterThanOrEqual(24 * hourMs);
  expect(small.states.state.spending.days.map(({ day }) => day)).toEqual([0, 1]);
});

test("a day that could not pay one call waits for a person, not for midnight", async () => {
  const small = await SmallWorld.start({ script: works });
  small.dayUsd = 0.01;
  const id = await small.create();
  expect(await small.rest(id)).toMatchObject({ status: "blocked", blockedUntil: null });
  expect(loopOf(small.states.state, id).reason).toContain("is less than one call: raise");
  small.dayUsd = 1;
  await small.ask({ type: "resume", id, raise: {} });
  expect(await small.rest(id)).toMatchObject({ status: "complete" });
});

test("what another holds is waited for: the slot is given back, and nothing is blocked", async () => {
  const small = await SmallWorld.start({
    script: (request, call) => (call === 1 ? "hang" : works(request)),
  });
  small.dayUsd = 0.05;
  const first = await small.create();
  await small.until(first, ({ reservations }) => reservations.length > 0);
  const second = await small.create();
  const waiting = await small.until(second, ({ reason }) => reason !== null);
  expect(waiting).toMatchObject({ status: "pending", attempt: 1, blockedOn: null });
  expect(waiting.reason).toBe("the day's budget of $0.05 is reserved by calls under way");
  expect(waiting.notBeforeAt).toBeGreaterThan(small.clock.now());
  expect(await small.rest(second)).toMatchObject({ status: "complete" });
  expect(await small.rest(first)).toMatchObject({ status: "complete", failures: 0 });
});

test("who waits for money stands before the provider's gate, where nobody else waits for it", async () => {
  const small = await SmallWorld.start({
    script: (request, call) => (call === 1 ? "hang" : works(request)),
  });
  small.dayUsd = 0.05;
  const first = await small.create();
  await small.until(first, ({ reservations }) => reservations.length > 0);
  const second = await small.create();
  const waits = () => small.seen.some((event) => event.type === "waiting" && event.loop === second);
  await small.clock.run(waits, small.clock.now() + 60_000);
  expect(waits()).toBe(true);
  expect(small.gates.all().map(([, { inFlight }]) => inFlight)).toEqual([1]);
  small.dayUsd = 5;
  const more = await small.create();
  expect(await small.rest(more)).toMatchObject({ status: "complete" });
  expect(await small.rest(second)).toMatchObject({ status: "complete", failures: 0 });
});

test("whoever watches hears once that most of a budget is spent", async () => {
  const small = await SmallWorld.start({
    script: (request, call) => (call === 1 ? costing(writes("bad"), 5_500) : works(request)),
  });
  const id = await small.create({ budgetUsd: 0.1, planBudgetUsd: 0.1 });
  await small.rest(id);
  const notes = small.seen.flatMap((event) => (event.type === "note" ? [event.text] : []));
  expect(notes.filter((text) => text.includes("spent"))).toEqual([
    "82 % of the budget of $0.10 is spent",
  ]);
  expect(small.events("budget.warned")).toMatchObject([
    { loop: id, data: { level: "loop", unit: "usd", limit: 0.1 } },
  ]);
});
