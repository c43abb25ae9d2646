import fc from "fast-check";
import { expect, test } from "vitest";
import type { Loop, LoopSettings } from "../../src/core/loop.ts";
import { afterTry, batchBehind, nextTry, unsplit } from "../../src/core/merge-batch.ts";
import { loopOf } from "../../src/core/state.ts";
import { answerTo, following, given, id, loop, settings, verdict } from "../given.ts";

/** Work that has passed and waits for main; the first one is at its turn. */
function waiting(text: string, more: Partial<Loop> = {}): Loop {
  const head = `head of ${text.split(" ")[0]}`;
  const proven = { headCommit: head, verdict: verdict({ passed: true, commit: head }) };
  return loop(text, { ...proven, merge: { target: "main", since: 0 }, ...more });
}

function behind(first: Loop, others: readonly Loop[], batchMax = 4): readonly string[] {
  return batchBehind(given(first, ...others), first, 100, batchMax).map(({ id: of }) => of);
}

test("a batch is those who wait for the same branch, in their order, and no more than allowed", () => {
  const first = waiting("1 running");
  const others = [
    waiting("2 pending", { merge: { target: "main", since: 9 } }),
    waiting("3 pending"),
    waiting("4 pending high", { merge: { target: "main", since: 50 } }),
    waiting("5 pending", { merge: { target: "main", since: 99 } }),
  ];
  expect(behind(first, others)).toEqual(["4", "3", "2"]);
  expect(behind(first, others, 2)).toEqual(["4"]);
  expect(behind(first, others, 1)).toEqual([]);
});

test("whom one run of the command cannot speak for is left for a turn of its own", () => {
  const first = waiting("1 running");
  const gate = { ...settings.gate, command: "npm run other" };
  const otherGate: LoopSettings = { ...settings, gate };
  for (const left of [
    waiting("2 pending", { settings: otherGate }),
    waiting("2 pending", { gateAllowed: ["package.json"] }),
    waiting("2 pending", { merge: { target: "next", since: 0 } }),
    waiting("2 pending", { merge: { target: "main", since: 0, as: "pr" } }),
    waiting("2 pending", { merge: { target: "main", since: 0, alone: true } }),
    waiting("2 pending", { repo: "/other" }),
    waiting("2 pending", { headCommit: "newer" }),
    waiting("2 pending at 101"),
    waiting("2 paused"),
  ]) {
    expect(behind(first, [left, waiting("3 pending")])).toEqual(["3"]);
  }
  expect(behind({ ...first, gateAllowed: ["a"] }, [waiting("2 pending")])).toEqual([]);
});

test("who is done with a whole level is judged by itself, where that level has a check", () => {
  const check = { ...settings, gate: { ...settings.gate, also: ["check of the level"] } };
  const parts = ["1.1.2 pending", "1.1.3 pending"].map((text) => waiting(text));
  const of = (level: LoopSettings) =>
    behind(waiting("1.1.1 running"), [
      ...parts,
      loop("1 delegated"),
      loop("1.1 delegated", { settings: level }),
    ]);
  expect(of(settings)).toEqual(["1.1.2", "1.1.3"]);
  expect(of(check)).toEqual(["1.1.2"]);
  // The levels above that are complete by the batch itself count too.
  const plan = loop("1 delegated", { settings: check });
  const specs = [loop("1.1 delegated"), loop("1.2 delegated")];
  const [last, other] = [waiting("1.1.1 running"), waiting("1.2.1 pending")];
  expect(behind(last, [other, plan, ...specs])).toEqual([]);
  expect(behind(last, [other, loop("1 delegated"), ...specs])).toEqual(["1.2.1"]);
});

const laid = (...names: readonly string[]) =>
  names.map((name, n) => ({
    ...{ id: id(name), from: `head of ${name}`, commit: `c${n + 1}` },
    base: n === 0 ? "tip" : `c${n}`,
  }));

test("all of a batch stand on one another by one decision, and say where they were judged", () => {
  const state = given(waiting("1 running"), waiting("2 pending"), waiting("3 pending"));
  following(state, {
    ...{ type: "layBatch", id: id("1"), attempt: 1, laid: laid("1", "2"), suspect: id("3") },
    verdict: verdict({ passed: true, commit: "c2" }),
  });
  expect(loopOf(state, id("1"))).toMatchObject({
    ...{ headCommit: "c1", settings: { baseCommit: "tip" }, merge: { target: "main" } },
    verdict: { passed: true, commit: "c1", judgedAt: "c2" },
  });
  expect(loopOf(state, id("2"))).toMatchObject({
    ...{ status: "pending", headCommit: "c2", settings: { baseCommit: "c1" } },
    verdict: { passed: true, commit: "c2", judgedAt: "c2" },
  });
  expect(loopOf(state, id("3"))).toMatchObject({
    ...{ headCommit: "head of 3", merge: { target: "main", alone: true, since: 0 } },
  });
});

test("a batch is refused whole when one of it was taken out, changed or moved meanwhile", () => {
  for (const moved of [
    waiting("2 paused"),
    waiting("2 pending", { headCommit: "newer" }),
    waiting("2 pending", { merge: null }),
    waiting("2 pending", { merge: { target: "next", since: 0 } }),
  ]) {
    const state = given(waiting("1 running"), moved);
    const answer = answerTo(state, {
      ...{ type: "layBatch", id: id("1"), attempt: 1, laid: laid("1", "2"), suspect: null },
      verdict: verdict({ passed: true, commit: "c2" }),
    });
    expect(answer).toBe("2 has moved on");
    expect(loopOf(state, id("1")).headCommit).toBe("head of 1");
  }
});

test("halves find who breaks a batch in few runs, and what they leave is known to pass", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 64 }).chain((count) =>
        fc.tuple(
          fc.constant(count),
          // Whether the first n pass; one may mend what another breaks.
          fc.array(fc.boolean(), { minLength: count, maxLength: count }),
        ),
      ),
      ([count, passes]) => {
        const runs: number[] = [];
        let split = unsplit(count);
        for (let next = nextTry(split, count); next !== null; next = nextTry(split, count)) {
          runs.push(next);
          split = afterTry(split, next, passes[next - 1] === true);
          expect(runs.length).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(count)));
        }
        expect(new Set(runs).size).toBe(runs.length);
        if (passes[count - 1] === true) expect(runs).toEqual([count]);
        expect(split.red).toBe(split.green + 1);
        expect(split.green === 0 || passes[split.green - 1]).toBe(true);
        expect(split.red > count || passes[split.red - 1] === false).toBe(true);
        for (const known of [split.green, split.red]) {
          expect(known === 0 || known > count || runs.includes(known)).toBe(true);
        }
      },
    ),
  );
});
