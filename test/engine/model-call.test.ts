import { describe, expect, test } from "vitest";
import { type Loop, type LoopId, tokensOf } from "../../src/core/loop.ts";
import { LlmError, type LlmRequest } from "../../src/ports/llm.ts";
import { finished, SmallWorld, writes } from "./small-world.ts";

const fault = (
  kind: ConstructorParameters<typeof LlmError>[0],
  retryAfterMs: number | null = null,
) => new LlmError(kind, `a ${kind}`, { retryAfterMs });

/** Fails as the list says, then does the work. */
function failing(...failures: readonly LlmError[]) {
  return {
    script: (_: unknown, call: number) => {
      const failure = failures[call - 1];
      if (failure !== undefined) return failure;
      return call === failures.length + 1 ? writes("good") : finished;
    },
  };
}

describe("budget", () => {
  test("that is used up blocks the loop, with what to do", async () => {
    const small = await SmallWorld.start({ script: () => writes("bad") });
    const id = await small.create({ budgetTokens: 3_000 });
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "blocked", blockedOn: "budget" });
    expect(loop.reason).toContain(
      "the budget of 3000 tokens is spent but for too little to go on: td resume 1 --budget-tokens N",
    );
    expect(tokensOf(loop.usage)).toBeLessThanOrEqual(3_000);
  });

  test("in money with a model that has no price blocks: unknown is not free", async () => {
    const small = await SmallWorld.start({ price: null });
    const id = await small.create({ budgetUsd: 5 });
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "blocked", blockedOn: "budget" });
    expect(loop.reason).toContain("nobody knows the price of sim/small");
    expect(small.requests).toEqual([]);
  });

  test("without a limit an unknown price is counted as unknown", async () => {
    const small = await SmallWorld.start({ ...failing(), price: null });
    const id = await small.create();
    const loop = await small.rest(id);
    expect([loop.status, loop.usage.costUsd, loop.usage.requests]).toEqual(["complete", null, 2]);
  });

  test("shows in the record of each reply as what that cost", async () => {
    const small = await SmallWorld.start(failing());
    const loop = await small.rest(await small.create());
    const costs = small.transcripts.flatMap((entry) =>
      entry.type === "reply" ? [entry.usage.costUsd ?? Number.NaN] : [],
    );
    expect(costs).toHaveLength(2);
    const sum = costs.reduce((all, cost) => all + cost, 0);
    expect(sum).toBeCloseTo(loop.usage.costUsd ?? Number.NaN, 9);
    expect(sum).toBeGreaterThan(0);
  });

  test("raised by a person lets it go on", async () => {
    const small = await SmallWorld.start(failing());
    const id = await small.create({ budgetUsd: 0.001 });
    expect(await small.rest(id)).toMatchObject({ status: "blocked", blockedOn: "budget" });
    await small.ask({ type: "resume", id, raise: { budgetUsd: 1 } });
    expect(await small.rest(id)).toMatchObject({ status: "complete" });
  });

  test("is reserved durably before each call, and settled after it", async () => {
    const small = await SmallWorld.start(failing(fault("server")));
    const id = await small.create();
    await small.rest(id);
    const turns = (type: "budget.reserved" | "budget.settled") =>
      small.events(type).map((event) => (event.type === type ? event.data.turn : ""));
    expect(turns("budget.reserved")).toEqual(["1.1.1.1", "1.1.1.2", "1.1.2.1"]);
    expect(turns("budget.settled")).toEqual(turns("budget.reserved"));
  });

  test("counts what was reported of a reply that was cut", async () => {
    const usage = {
      inputTokens: 700,
      outputTokens: 7,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: null,
      requests: 1,
    };
    const small = await SmallWorld.start(failing(new LlmError("cut", "cut", { usage })));
    const id = await small.create();
    const loop = await small.rest(id);
    expect(loop.usage).toMatchObject({ inputTokens: 720, outputTokens: 17, requests: 3 });
  });
});

describe("a refused key", () => {
  test("is tried once more, then a person is asked for a valid one", async () => {
    const small = await SmallWorld.start({ script: () => fault("auth") });
    const id = await small.create();
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "blocked", blockedOn: "key", failures: 0 });
    expect(loop.reason).toMatch(/^sim refuses the key \(a auth\): set a valid one/);
    expect(small.requests).toHaveLength(2);
  });
});

test("a request that the provider calls invalid fails the loop at once", async () => {
  const small = await SmallWorld.start({ script: () => fault("invalid") });
  const id = await small.create();
  expect(await small.rest(id)).toMatchObject({
    status: "failed",
    reason: "sim/small refuses the request: a invalid",
  });
  expect(small.requests).toHaveLength(1);
});

test.each([
  "rateLimited",
  "overloaded",
  "server",
  "network",
  "cut",
  "stalled",
  "malformed",
] as const)("%s is waited for within the turn, and counts no failure", async (kind) => {
  const small = await SmallWorld.start(failing(fault(kind, 5_000), fault(kind)));
  const id = await small.create();
  expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 1, failures: 0 });
});

describe("a limit that is longer than patience", () => {
  async function parked() {
    const small = await SmallWorld.start(failing(fault("rateLimited", 3_600_000)));
    const id = await small.create();
    const loop = await small.until(
      id,
      ({ status, attempt }) => status === "pending" && attempt > 0,
    );
    return { small, id, loop };
  }

  test("parks the model for all, and the loop gives its slot back until then", async () => {
    const { small, loop } = await parked();
    const until = small.states.state.parked.get("sim/small")?.until ?? 0;
    expect(until).toBeGreaterThanOrEqual(3_600_000);
    expect(loop).toMatchObject({ notBeforeAt: until, failures: 0 });
    expect(loop.reason).toBe("sim/small is limited (a rateLimited)");
    const other = await small.create();
    const waiting = await small.until(other, ({ attempt }) => attempt > 0, 1_800_000);
    expect(waiting.attempt).toBe(0);
    expect(small.requests).toHaveLength(1);
  });

  test("ends when its time has come", async () => {
    const { small, id, loop } = await parked();
    expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 2 });
    expect(small.clock.now()).toBeGreaterThan(loop.notBeforeAt);
  });

  test("survives a restart", async () => {
    const { small, id, loop } = await parked();
    await small.stop();
    await small.restart();
    await small.pass(loop.notBeforeAt - small.clock.now() - 1_000);
    expect(small.requests).toHaveLength(1);
    expect(await small.rest(id)).toMatchObject({ status: "complete" });
  });

  test("does not hold up a stop", async () => {
    const { small, id } = await parked();
    await small.ask({ type: "stop", id });
    expect(small.states.state.loops.get(id)?.status).toBe("stopped");
  });

  test("is stood in for by a fallback model", async () => {
    const small = await SmallWorld.start(failing(fault("rateLimited", 3_600_000)));
    const id = await small.create({ fallback: "sim/other" });
    expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 2 });
    expect(small.requests.map(({ model }) => model)).toEqual(["small", "other", "other"]);
    expect(small.clock.now()).toBeLessThan(60_000);
  });
});

test("a wait within the turn ends at once when the loop is stopped", async () => {
  const small = await SmallWorld.start(failing(fault("rateLimited", 50_000)));
  const id = await small.create();
  await small.until(id, () => small.seen.some(({ type }) => type === "waiting"));
  const before = small.clock.now();
  await small.ask({ type: "stop", id });
  await small.pass(1_000);
  expect(small.requests).toHaveLength(1);
  expect(small.states.state.loops.get(id)).toMatchObject({ status: "stopped", reservations: [] });
  expect(small.clock.now() - before).toBeLessThan(2_000);
});

describe("a shared limit", () => {
  const perPeriod = { requests: 1, inputTokens: null, outputTokens: null };
  const limits = { concurrency: null, perPeriod, periodMs: 200_000 };

  /** Two loops, and the second comes too late for the first request. */
  async function limited() {
    const small = await SmallWorld.start({ script: talk, limits });
    const first = await small.create();
    await small.until(first, () => small.requests.length > 0);
    const id = await small.create();
    const isBack = ({ status, attempt }: Loop) => status === "pending" && attempt > 0;
    const loop = await small.until(id, isBack);
    return { small, first, id, loop };
  }

  const talk = ({ messages }: LlmRequest) => (messages.length === 1 ? writes("good") : finished);

  test("is waited for no longer than patience: then the slot goes to others", async () => {
    const { small, loop } = await limited();
    expect(small.clock.now()).toBeLessThan(70_000);
    expect(loop).toMatchObject({ status: "pending", iteration: 0, failures: 0 });
    expect(loop.reason).toBe("sim/small is rate limited (requests per minute)");
    expect(loop.notBeforeAt).toBeGreaterThan(200_000);
    const waiting = small.seen.filter((event) => event.type === "waiting");
    expect(waiting.map(({ reason }) => reason)).toContain(loop.reason);
    for (const { until } of waiting) expect(Math.round(until / 10_000)).toBe(20);
  });

  test("in the middle of a conversation is waited for: it would be lost", async () => {
    const { small, first } = await limited();
    expect(await small.rest(first)).toMatchObject({ status: "complete", attempt: 1 });
    expect(small.clock.now()).toBeGreaterThan(200_000);
  });

  test("delays a loop and counts nothing", async () => {
    const { small, first, id } = await limited();
    const ends = [await small.rest(first), await small.rest(id)];
    for (const loop of ends) {
      expect(loop).toMatchObject({ status: "complete", iteration: 1, failures: 0 });
    }
    expect(small.requests).toHaveLength(4);
  });

  test("ends with the iteration's time: what was done by then is judged", async () => {
    const small = await SmallWorld.start({ script: talk, limits });
    const id = await small.create({ iterationTimeoutMs: 10_000 });
    const loop = await small.until(id, ({ iteration }) => iteration > 0, 15_000);
    expect(small.requests).toHaveLength(1);
    expect(loop.verdict).toMatchObject({ passed: true });
  });

  test("uses up no iteration when its time ends before the first reply", async () => {
    const small = await SmallWorld.start({ script: talk, limits });
    const first = await small.create();
    await small.until(first, () => small.requests.length > 0);
    const id = await small.create({ iterationTimeoutMs: 10_000 });
    const isBack = ({ status, attempt }: Loop) => status === "pending" && attempt > 0;
    const loop = await small.until(id, isBack, 15_000);
    expect(loop).toMatchObject({ iteration: 0, failures: 0, reason: "the iteration's time is up" });
    expect(small.requests).toHaveLength(1);
  });

  test("does not hold up a stop", async () => {
    const small = await SmallWorld.start({ ...failing(), limits });
    const id = await small.create();
    await small.until(id, () => small.seen.some(({ type }) => type === "waiting"));
    const before = small.clock.now();
    await small.ask({ type: "stop", id });
    await small.stop();
    expect(small.clock.now() - before).toBeLessThan(2_000);
    expect(small.requests).toHaveLength(1);
  });
});

test("a pause that a provider asks for is kept by all loops", async () => {
  const small = await SmallWorld.start(failing(fault("rateLimited", 50_000)));
  const id = await small.create();
  await small.until(id, () => small.seen.some(({ type }) => type === "waiting"));
  await small.create();
  await small.pass(45_000);
  expect(small.requests).toHaveLength(1);
  await small.pass(15_000);
  expect(small.requests.length).toBeGreaterThan(2);
});

test("three seconds of 529 in the middle of 50 calls: at most 60 fail, and nothing else does", async () => {
  let refused = 0;
  let endsAt: number | null = null;
  const small: SmallWorld = await SmallWorld.start({
    runningMax: 50,
    script: ({ messages }) => {
      const now = small.clock.now();
      endsAt ??= now + 3_000;
      if (now < endsAt) {
        refused += 1;
        return fault("overloaded");
      }
      return messages.length === 1 ? writes("good") : finished;
    },
  });
  const ids: LoopId[] = [];
  for (let n = 0; n < 50; n += 1) ids.push(await small.create());
  for (const id of ids) {
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "complete", attempt: 1, iteration: 1, failures: 0 });
  }
  expect(small.events("provider.parked")).toEqual([]);
  expect(refused).toBeGreaterThanOrEqual(10);
  expect(refused).toBeLessThanOrEqual(60);
});
