import { describe, expect, test } from "vitest";
import { SimClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { type RateLimits, unlimited } from "../../src/core/admission.ts";
import type { CallEnd } from "../../src/core/breaker.ts";
import type { LoopId, Priority } from "../../src/core/loop.ts";
import type { CallReport, Entry, Left, Ticket, Wait } from "../../src/engine/admission-gate.ts";
import { Gates } from "../../src/engine/gates.ts";

const never = new AbortController().signal;

function entry(loop: string, more: Partial<Entry> = {}): Entry {
  const priority: Priority = "normal";
  const usual = { priority, since: 0, model: "small", bytes: 400, outputTokensMax: 100 };
  return { loop: loop as LoopId, ...usual, ...more };
}

function report(health: CallEnd = "success", inputTokens = 100): CallReport {
  return { health, real: { inputTokens, outputTokens: 10 }, told: null };
}

function open(limits: Partial<RateLimits> = {}) {
  const clock = new SimClock();
  const gates = new Gates({ clock, random: new SeededRandom(1) }, () => ({
    ...unlimited,
    ...limits,
  }));
  const gate = gates.shared("p");
  const told = new Map<string, Wait>();
  const answers = new Map<string, Ticket | Left>();
  const ask = (loop: string, more: Partial<Entry> = {}, patienceMs = 60_000, signal = never) => {
    const onWait = (wait: Wait) => told.set(loop, wait);
    void gate
      .enter(entry(loop, more), patienceMs, onWait, signal)
      .then((answer) => answers.set(loop, answer));
  };
  const pass = (ms: number) => clock.run(() => false, clock.now() + ms);
  const ticket = (loop: string): Ticket => {
    const answer = answers.get(loop);
    if (answer?.ok !== true) throw new Error(`${loop} has no ticket`);
    return answer;
  };
  return { clock, gates, gate, told, answers, ask, pass, ticket };
}

describe("a gate", () => {
  test("lets in as many as may be under way, and the next when one ends", async () => {
    const { gate, ask, pass, ticket, told, answers } = open({ concurrency: 2 });
    for (const loop of ["a", "b", "c"]) ask(loop);
    await pass(1_000);
    expect([...answers.keys()]).toEqual(["a", "b"]);
    expect([gate.inFlight, gate.waiting]).toEqual([2, 1]);
    expect([...told]).toEqual([["c", { because: "concurrency", until: null }]]);
    ticket("a").end(report());
    await pass(0);
    expect(answers.get("c")?.ok).toBe(true);
    expect([gate.inFlight, gate.waiting]).toEqual([2, 0]);
  });

  test("gives back all that a call took which never began", async () => {
    const limits = { requests: 1, inputTokens: null, outputTokens: null };
    const { ask, pass, ticket, answers } = open({ perPeriod: limits });
    ask("a");
    ask("b");
    await pass(0);
    expect(answers.size).toBe(1);
    ticket("a").end({ health: "neutral", real: null, told: null });
    await pass(0);
    expect(answers.get("b")?.ok).toBe(true);
  });

  test("forgets at once who is aborted, and tells who has no patience left", async () => {
    const { gate, ask, pass, answers } = open({ concurrency: 1 });
    const halt = new AbortController();
    ask("a");
    ask("b", {}, 60_000, halt.signal);
    ask("c", {}, 5_000);
    await pass(1_000);
    halt.abort();
    await pass(0);
    expect(answers.get("b")).toEqual({ ok: false, aborted: true });
    await pass(4_000);
    const wait = { because: "concurrency", until: null };
    expect(answers.get("c")).toEqual({ ok: false, aborted: false, wait });
    expect(gate.waiting).toBe(0);
  });

  test("prefers the conversation that began first", async () => {
    const { ask, pass, ticket, answers } = open({ concurrency: 1 });
    ask("a");
    ask("late", { since: 20 });
    ask("early", { since: 10 });
    await pass(0);
    ticket("a").end(report());
    await pass(0);
    expect(answers.has("early")).toBe(true);
    expect(answers.has("late")).toBe(false);
  });

  test("keeps a pause that the provider asked for, for that model alone", async () => {
    const { clock, gate, ask, pass, answers, told } = open();
    gate.hold("small", 30_000);
    ask("a");
    ask("b", { model: "big" });
    await pass(0);
    expect([...answers.keys()]).toEqual(["b"]);
    expect(told.get("a")).toEqual({ because: "told", until: 30_000 });
    await pass(30_000);
    expect(answers.get("a")?.ok).toBe(true);
    expect(clock.now()).toBe(30_000);
  });

  test("says what a loop waits for, in words", async () => {
    const { gates, gate, ask, pass } = open();
    gate.hold("small", 30_000);
    ask("a");
    await pass(0);
    expect(gates.waitOf("a" as LoopId)).toEqual({
      until: 30_000,
      reason: "p/small is rate limited: p asked for a pause",
    });
    expect(gates.waitOf("b" as LoopId)).toBe(null);
  });
});

test("other limits hold at once, and nothing that was known is forgotten", async () => {
  const { gate, gates, ask, pass, ticket, answers, clock } = open({ concurrency: 1 });
  for (const loop of ["a", "b", "c"]) ask(loop);
  await pass(0);
  gates.allow(() => ({ ...unlimited, concurrency: 2 }));
  await pass(0);
  expect([...answers.keys()]).toEqual(["a", "b"]);
  gates.allow(() => ({ ...unlimited, concurrency: 1 }));
  ticket("a").end(report());
  await pass(0);
  expect([gate.inFlight, gate.waiting, gate.limits.concurrency]).toEqual([1, 1, 1]);
  gate.hold("small", clock.now() + 5_000);
  ticket("b").end(report());
  gates.allow(() => unlimited);
  await pass(4_000);
  expect([...answers.keys()]).toEqual(["a", "b"]);
  await pass(2_000);
  expect([...answers.keys()]).toEqual(["a", "b", "c"]);
  expect(gates.shared("new").limits).toEqual(unlimited);
});

describe("an outage", () => {
  test("closes the gate but for one probe at a time, until one succeeds", async () => {
    const { gate, ask, pass, ticket, answers } = open();
    const names = Array.from({ length: 50 }, (_, n) => `${n}`);
    for (const name of names.slice(0, 10)) ask(name);
    await pass(0);
    for (const name of names.slice(0, 10)) ticket(name).end(report("failure"));
    expect(gate.breaker.state).toBe("open");
    for (const name of names.slice(10)) ask(name);
    await pass(1_500);
    expect(answers.size).toBe(11);
    ticket("10").end(report("failure"));
    await pass(1_000);
    expect(answers.size).toBe(11);
    await pass(2_000);
    expect(answers.size).toBe(12);
    ticket("11").end(report());
    await pass(0);
    expect(answers.size).toBe(50);
    expect(gate.breaker.state).toBe("closed");
  });
});

test("a repository's own limit holds for its calls alone", () => {
  const { gates, gate } = open({ concurrency: 5 });
  const own = { ...unlimited, concurrency: 1 };
  const users = { ...unlimited, concurrency: 5 };
  const narrow = gates.path("p", "/repo", { own, users });
  expect(narrow).toHaveLength(2);
  expect(narrow[1]).toBe(gate);
  expect(gates.path("p", "/repo", { own, users })[0]).toBe(narrow[0]);
  expect(gates.path("p", "/other", { own, users })[0]).not.toBe(narrow[0]);
  expect(gates.path("p", "/other", { own: users, users })).toEqual([gate]);
});

/** The most that any half-open window of a period saw. */
function worst(sent: readonly { at: number; amount: number }[], periodMs: number): number {
  let [most, sum, from] = [0, 0, 0];
  for (const { at, amount } of sent) {
    sum += amount;
    while ((sent[from]?.at ?? 0) <= at - periodMs) sum -= sent[from++]?.amount ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}

/** 50 loops that call without a pause; a second stands for a minute. */
async function busy(
  perPeriod: RateLimits["perPeriod"],
  tokensOf: (random: SeededRandom) => number,
) {
  const { clock, gate } = open({ perPeriod, periodMs: 1_000 });
  const random = new SeededRandom(7);
  const sent: { at: number; amount: number }[] = [];
  const loop = async (name: string) => {
    for (;;) {
      const since = clock.now();
      const answer = await gate.enter(entry(name, { since }), 1e9, () => undefined, never);
      if (!answer.ok) throw new Error("no patience");
      const inputTokens = tokensOf(random);
      sent.push({ at: clock.now(), amount: inputTokens });
      await clock.sleepUntil(clock.now() + random.between(20, 250));
      answer.end(report("success", inputTokens));
    }
  };
  for (let n = 0; n < 50; n += 1) void loop(`${n}`);
  await clock.run(() => false, 20_000);
  return sent;
}

describe("50 loops under 60 requests and 60,000 tokens a period", () => {
  const none = { requests: null, inputTokens: null, outputTokens: null };

  test("send at most 5 % more requests in any window, and 95 % of what they may", async () => {
    const sent = await busy({ ...none, requests: 60, inputTokens: 60_000 }, () => 900);
    const requests = sent.map(({ at }) => ({ at, amount: 1 }));
    expect(worst(requests, 1_000)).toBeLessThanOrEqual(63);
    expect(sent.length / 20).toBeGreaterThanOrEqual(57);
  });

  test("send at most 5 % more tokens in any window once they know, and 95 %", async () => {
    const sent = await busy({ ...none, requests: 600, inputTokens: 60_000 }, (random) =>
      random.between(800, 1_200),
    );
    const known = sent.filter(({ at }) => at >= 1_000);
    expect(worst(known, 1_000)).toBeLessThanOrEqual(63_000);
    const total = known.reduce((sum, { amount }) => sum + amount, 0);
    expect(total / 19).toBeGreaterThanOrEqual(57_000);
  });
});
