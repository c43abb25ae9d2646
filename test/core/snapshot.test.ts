import fc from "fast-check";
import { expect, test } from "vitest";
import type { Event, Transaction } from "../../src/core/events.ts";
import { loopStatuses } from "../../src/core/loop.ts";
import { isOurs, restore, type Snapshot, snapshotOf } from "../../src/core/snapshot.ts";
import { apply, loopOf, replay } from "../../src/core/state.ts";
import { brief, given, id, loop, progress, settings, verdict } from "../given.ts";

const commits = ["a", "b", "c"].map((letter) => letter.repeat(40));
const anySettings = fc.record({
  model: fc.constantFrom("sim/small", "sim/large"),
  baseCommit: fc.constantFrom(...commits),
  budgetUsd: fc.constantFrom(null, 1, 0),
});
const more = fc.record(
  {
    title: fc.string(),
    reason: fc.option(fc.string(), { nil: null }),
    escalated: fc.boolean(),
    attempt: fc.nat(3),
    failures: fc.nat(3),
    verdict: fc.constantFrom(null, verdict()),
    headCommit: fc.constantFrom(null, ...commits),
    checkpoints: fc.array(fc.constantFrom(...commits), { maxLength: 3 }),
    dependsOn: fc.constantFrom([], [id("1")]),
    gateAllowed: fc.array(fc.string(), { maxLength: 2 }),
    progress: fc.constantFrom([], [progress(1)]),
    answers: fc.constantFrom([], [{ question: "?", answer: "!" }]),
    settings: anySettings.map((changed) => ({ ...settings, ...changed })),
  },
  { requiredKeys: [] },
);
const loops = fc.array(fc.tuple(fc.constantFrom(...loopStatuses), fc.boolean(), more), {
  maxLength: 12,
});
const parked = fc.array(fc.tuple(fc.string(), fc.record({ until: fc.nat(), reason: fc.string() })));

test("a state that went through JSON as a snapshot is the same state", () => {
  fc.assert(
    fc.property(loops, parked, fc.nat(), (drawn, parkings, seq) => {
      const state = given(
        ...drawn.map(([status, isChild, changed], index) =>
          loop(`${isChild && index > 0 ? "1." : ""}${index + 1} ${status}`, changed),
        ),
      );
      for (const [key, value] of parkings) state.parked.set(key, value);
      const snapshot = JSON.parse(JSON.stringify(snapshotOf(state, seq))) as Snapshot;
      const restored = restore(snapshot);
      expect(restored).toEqual({ state, seq });
      expect([...restored.state.loops.keys()]).toEqual([...state.loops.keys()]);
    }),
  );
});

test("a restored state goes on as the one it was taken of", () => {
  const created = (name: string): Event => ({
    type: "loop.created",
    loop: id(name),
    data: brief(),
  });
  const log: Transaction[] = [{ seq: 1, at: 1, events: [created("1"), created("2")] }];
  const [state, twin] = [replay(log), restore(snapshotOf(replay(log), 2)).state];
  for (const one of [state, twin]) {
    apply(one, { type: "loop.raised", loop: id("1"), data: { budgetUsd: 7 } }, 2);
    apply(one, created("3"), 3);
  }
  expect(twin).toEqual(state);
  expect(loopOf(twin, id("2")).settings.budgetUsd).toBe(settings.budgetUsd);
});

test("settled loops are small: usual values are left out and equal settings stand once", () => {
  const settled = Array.from({ length: 100 }, (_, n) => loop(`${n + 1} complete`));
  const { loops: packed } = snapshotOf(given(...settled), 1);
  expect(JSON.stringify(packed.slice(1)).length / 99).toBeLessThan(350);
  expect(packed.slice(1).every((each) => each.settings === 0)).toBe(true);
});

test("a snapshot of another version or of other parts is not ours", () => {
  const snapshot = snapshotOf(given("1 pending"), 1);
  expect(isOurs(snapshot)).toBe(true);
  expect(isOurs({ ...snapshot, v: snapshot.v + 1 })).toBe(false);
  expect(isOurs({ ...snapshot, parts: [...snapshot.parts, "mail"] })).toBe(false);
});
