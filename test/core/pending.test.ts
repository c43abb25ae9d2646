import fc from "fast-check";
import { expect, test } from "vitest";
import { type DispatchLimits, dispatch, levelOf, whyWaiting } from "../../src/core/dispatch.ts";
import { type LoopId, priorities } from "../../src/core/loop.ts";
import { PendingIndex, type Queued } from "../../src/core/pending.ts";
import { id } from "../given.ts";

const free: DispatchLimits = {
  loops: 3,
  perType: {},
  agingMs: 1_000,
  retryAfterMaxMs: 60,
  parked: new Map(),
  short: new Set(),
  hold: null,
};

/** What the module promises, written as plainly as can be: choose the best of all, again and again. */
function plainly(loops: readonly Queued[], now: number, limits: DispatchLimits, slots: number) {
  const shares = new Map<string, { running: number; startedAt: number }>();
  const of = (key: string) => shares.get(key) ?? { running: 0, startedAt: -1 };
  const note = (key: string, by: number, at: number) => {
    const { running, startedAt } = of(key);
    shares.set(key, { running: running + by, startedAt: Math.max(startedAt, at) });
  };
  const keys = (each: Queued) => [each.repo, `${each.id.split(".")[0]} ${each.repo}`, each.type];
  for (const each of loops) {
    for (const key of keys(each)) {
      note(key, each.status === "running" ? 1 : 0, each.startedAt ?? -1);
    }
  }
  const doneAt = new Map(loops.map((each) => [each.id, each.completedAt]));
  const readyAt = (each: Queued) =>
    Math.max(each.notBeforeAt, ...each.dependsOn.map((on) => doneAt.get(on) ?? Infinity));
  const isShort = (each: Queued) =>
    [...limits.short].some((short) => `${each.id}.`.startsWith(`${short}.`));
  const key = (each: Queued) => {
    const [repo = "", plan = ""] = keys(each);
    const fairness = [of(repo).running, of(repo).startedAt, of(plan).running, of(plan).startedAt];
    const level = levelOf(each.priority, readyAt(each), now, limits.agingMs);
    return [level, ...fairness, readyAt(each), ...each.id.split(".").map(Number)];
  };
  const waiting = loops.filter((each) => {
    const isParked = (limits.parked.get(each.model)?.until ?? 0) > now;
    return each.status === "pending" && readyAt(each) <= now && !isParked && !isShort(each);
  });
  const start: LoopId[] = [];
  while (start.length < slots) {
    const open = waiting.filter(
      (each) =>
        !start.includes(each.id) && of(each.type).running < (limits.perType[each.type] ?? Infinity),
    );
    const [best] = open.sort((a, b) => lexical(key(a), key(b)));
    if (best === undefined) break;
    start.push(best.id);
    for (const each of keys(best)) note(each, 1, now);
  }
  return start;
}

function lexical(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, n) => part !== b[n]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}

const names = ["1", "1.1", "1.2", "1.10", "2", "2.1", "2.2", "3", "4", "5", "6.1", "6.1.1"].map(id);
const repoOf = (name: LoopId) => (Number.parseInt(name, 10) % 2 === 0 ? "/even" : "/odd");
const anyLoop = fc
  .record({
    id: fc.constantFrom(...names),
    type: fc.constantFrom("ralph", "phase"),
    status: fc.constantFrom("pending", "pending", "pending", "running", "complete", "paused"),
    priority: fc.constantFrom(...priorities),
    dependsOn: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
    ),
    notBeforeAt: fc.nat(6),
    reason: fc.constant(null),
    model: fc.constantFrom("sim/small", "sim/big"),
    fallback: fc.constant(null),
    completedAt: fc.nat(6),
  })
  .map((facts): Queued => {
    const { status, completedAt, id: name } = facts;
    const startedAt = status === "running" ? completedAt : null;
    const done = status === "complete" ? completedAt : null;
    return { ...facts, status, repo: repoOf(name), startedAt, completedAt: done } as Queued;
  });

const anyLimits = fc.record({
  now: fc.nat(20),
  slots: fc.nat(8),
  perType: fc.constantFrom({}, { ralph: 1 }, { ralph: 2, phase: 1 }, { phase: 3 }),
  agingMs: fc.constantFrom(2, 5, 100),
  short: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
  bigUntil: fc.nat(20),
});

/** A life of loops: each put changes one; once it has started, it has. */
function lived(changes: readonly Queued[]) {
  const index = new PendingIndex();
  const now = new Map<LoopId, Queued>();
  for (const change of changes) {
    const before = now.get(change.id) ?? null;
    const started = [before?.startedAt, change.startedAt].filter((at) => typeof at === "number");
    const after = { ...change, startedAt: started.length > 0 ? Math.max(...started) : null };
    index.put(before, after);
    now.set(after.id, after);
  }
  return { index, loops: [...now.values()] };
}

test("chooses as the plainest program would, whatever came before", () => {
  fc.assert(
    fc.property(fc.array(anyLoop, { maxLength: 40 }), anyLimits, (changes, given) => {
      const { index, loops } = lived(changes);
      const { now, slots, agingMs: aging, perType, bigUntil } = given;
      const parked = new Map([["sim/big", { until: bigUntil, reason: "429" }]]);
      const limits = { ...free, perType, agingMs: aging, short: new Set(given.short), parked };
      const all = { ...limits, loops: index.running + slots };
      const { start, wakeAt } = dispatch(index, now, all);
      expect(start).toEqual(plainly(loops, now, limits, slots));
      const causes = whyWaiting(index, now, all);
      for (const each of loops) {
        const isWaiting = each.status === "pending" && !start.includes(each.id);
        expect(causes(each.id) !== null).toBe(isWaiting);
      }
      if (wakeAt === null || start.length === slots) return;
      expect(wakeAt).toBeGreaterThan(now);
      const early = dispatch(index, wakeAt - 1, { ...all, agingMs: 1e9 });
      const later = dispatch(index, wakeAt, { ...all, agingMs: 1e9 });
      expect([...early.start].sort()).toEqual([...start].sort());
      expect(later.start.length).toBeGreaterThanOrEqual(start.length);
    }),
    { numRuns: 1_500 },
  );
});

test("an index kept up equals one built anew, in any order", () => {
  fc.assert(
    fc.property(fc.array(anyLoop, { maxLength: 60 }), fc.nat(12), (changes, now) => {
      const { index, loops } = lived(changes);
      const anew = lived([...loops].reverse()).index;
      const facts = (one: PendingIndex) => ({
        running: one.running,
        types: ["ralph", "phase"].map((type) => one.runningOf(type)),
        complete: names.filter((name) => one.isComplete(name)),
        waiters: names.map((name) => one.waiter(name)),
        lanes: [...one.lanes].length,
        why: names.map(whyWaiting(one, now, free)),
        order: dispatch(one, now, { ...free, loops: 99 }),
      });
      expect(facts(index)).toEqual(facts(anew));
    }),
    { numRuns: 500 },
  );
});
