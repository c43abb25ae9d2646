import { describe, expect, test } from "vitest";
import { SimClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { SimLog, SimStore } from "../../sim/store.ts";
import type { Transaction } from "../../src/core/events.ts";
import { StateManager } from "../../src/engine/state-manager.ts";
import { StoreBroken } from "../../src/ports.ts";
import { brief, id } from "../given.ts";

const create = { type: "createLoop", loop: brief() } as const;

/** A disk whose writes take 10 ms each, and the manager above it. */
async function opened(log = new SimLog()) {
  const clock = new SimClock();
  const store = new SimStore(log, () => clock.sleepUntil(clock.now() + 10));
  const world = { clock, random: new SeededRandom(1), store };
  const states = await StateManager.open(world, 3);
  const pass = (ms: number) => clock.run(() => false, clock.now() + ms);
  return { log, clock, store, states, pass };
}

/** What a promise came to, or "open". */
function watched<T>(promise: Promise<T>): { result: T | "open" | Error } {
  const seen: { result: T | "open" | Error } = { result: "open" };
  promise.then(
    (value) => {
      seen.result = value;
    },
    (error: Error) => {
      seen.result = error;
    },
  );
  return seen;
}

describe("a command", () => {
  test("is acknowledged, seen and published when it is durable, and not before", async () => {
    const { log, states, pass } = await opened();
    const published: Transaction[] = [];
    states.subscribe((transaction) => published.push(transaction));
    const answer = watched(states.submit(create));
    await pass(9);
    expect([answer.result, states.state.loops.size, published, log.transactions]).toEqual([
      "open",
      0,
      [],
      [],
    ]);
    await pass(1);
    const events = [{ type: "loop.created", loop: "1", data: brief() }];
    expect(answer.result).toEqual({ ok: true, id: "1", events });
    expect(states.state.loops.get(id("1"))).toMatchObject({ status: "pending", createdAt: 0 });
    expect(published).toEqual([{ seq: 1, at: 0, events }]);
    expect(log.transactions).toEqual(published);
  });

  test("is decided at once against what was decided before it, and shares its sync", async () => {
    const { log, clock, states, pass } = await opened();
    const answers = [
      states.submit(create),
      states.submit({ type: "startAttempt", id: id("1"), owner: "me" }),
      states.submit({ type: "stop", id: id("1") }),
      states.submit({ type: "stop", id: id("1") }),
    ].map(watched);
    await pass(20);
    expect(answers.map(({ result }) => result)).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: true },
      { ok: false, reason: "1 is already stopped" },
    ]);
    expect(clock.now()).toBe(20);
    expect(log.transactions.map(({ seq, events }) => [seq, events.length])).toEqual([
      [1, 1],
      [2, 2],
      [4, 2],
    ]);
  });

  test("that is refused is answered at once, and changes nothing", async () => {
    const { log, states, pass } = await opened();
    let rings = 0;
    void states.changes.next().then(() => {
      rings += 1;
    });
    const answer = watched(states.submit({ type: "pause", id: id("9") }));
    await pass(0);
    expect(answer.result).toEqual({ ok: false, reason: "there is no loop 9: td list shows all" });
    await pass(100);
    expect([log.transactions, states.state.loops.size, rings]).toEqual([[], 0, 0]);
  });
});

test("transactions are published in order and without a gap, each once", async () => {
  const { log, states, pass } = await opened();
  const published: Transaction[] = [];
  const leave = states.subscribe((transaction) => published.push(transaction));
  for (let n = 0; n < 50; n += 1) {
    void states.submit(create);
    if (n % 7 === 0) await pass(n % 5);
    void states.submit({ type: "stop", id: id(String(n + 1)) });
  }
  await pass(100);
  let next = 1;
  for (const { seq, events } of published) {
    expect(seq).toBe(next);
    next += events.length;
  }
  expect(published).toHaveLength(100);
  expect(published).toEqual(log.transactions);
  leave();
  void states.submit(create);
  await pass(100);
  expect(published).toHaveLength(100);
});

test("rings at every change of what can be seen", async () => {
  const { states, pass } = await opened();
  let seen = -1;
  void states.changes.next().then(() => {
    seen = states.state.loops.size;
  });
  void states.submit(create);
  await pass(10);
  expect(seen).toBe(1);
});

test("a crash loses what was not acknowledged, and nothing else", async () => {
  const { log, store, states, pass } = await opened();
  const first = watched(states.submit(create));
  await pass(10);
  const second = watched(states.submit(create));
  await pass(5);
  store.crash(0);
  expect([first.result, second.result]).toMatchObject([{ ok: true }, "open"]);
  const again = await opened(log);
  expect([...again.states.state.loops.keys()]).toEqual(["1"]);
  void again.states.submit(create);
  await again.pass(10);
  expect([...again.states.state.loops.keys()]).toEqual(["1", "2"]);
  expect(log.transactions.map(({ seq }) => seq)).toEqual([1, 2]);
});

test("a replayed manager stands where the old one stood", async () => {
  const { log, states, pass } = await opened();
  void states.submit(create);
  void states.submit({ type: "startAttempt", id: id("1"), owner: "me" });
  void states.submit({
    type: "park",
    provider: "p",
    model: "m",
    until: 500,
    reason: "429",
  });
  await pass(50);
  const again = await opened(log);
  expect(again.states.state).toEqual(states.state);
});

test("a broken store rejects this and every later command, and shows none of them", async () => {
  const { store, states, pass } = await opened();
  void states.submit(create);
  await pass(10);
  store.breakDisk();
  const answers = [states.submit(create), states.submit(create)].map(watched);
  await pass(10);
  const later = watched(states.submit(create));
  await pass(10);
  for (const { result } of [...answers, later]) expect(result).toBeInstanceOf(StoreBroken);
  expect([...states.state.loops.keys()]).toEqual(["1"]);
});
