import fc from "fast-check";
import { expect, test } from "vitest";
import { checksDue, isMoreDue } from "../../src/core/checks.ts";
import type { Document } from "../../src/core/documents.ts";
import type { Loop } from "../../src/core/loop.ts";
import { loopOf } from "../../src/core/state.ts";
import { given, id, loop, settings } from "../given.ts";

const newest = "e".repeat(40);

/** A loop whose document has a check of its own, on the newest end of the plan's branch. */
function checked(text: string, more: Partial<Loop> = {}): Loop {
  const [name = ""] = text.split(" ");
  const gate = { ...settings.gate, also: [`check ${name}`] };
  return loop(text, { settings: { ...settings, gate, baseCommit: newest }, ...more });
}

const plan = loop("1 delegated", { tip: newest });
const ownDocument = { becomes: null, validate: "check of the plan" } as Document;

function dueOf(name: string, ...others: readonly Loop[]): readonly string[] {
  const state = given(plan, ...others);
  return checksDue(state, loopOf(state, id(name))).map(({ command }) => command);
}

test("a part is checked by its own document, and the last part for the whole level too", () => {
  const spec = checked("1.1 delegated");
  const [first, second] = [checked("1.1.1 running"), checked("1.1.2 running")];
  expect(dueOf("1.1.1", spec, first, second)).toEqual(["check 1.1.1"]);
  const done = checked("1.1.2 complete");
  expect(dueOf("1.1.1", spec, first, done)).toEqual(["check 1.1.1", "check 1.1"]);
});

test("who was dropped is not waited for, who failed is", () => {
  const [spec, first] = [checked("1.1 delegated"), checked("1.1.1 running")];
  const dropped = checked("1.1.2 stopped", { dropped: true });
  expect(dueOf("1.1.1", spec, first, dropped)).toEqual(["check 1.1.1", "check 1.1"]);
  expect(dueOf("1.1.1", spec, first, checked("1.1.2 failed"))).toEqual(["check 1.1.1"]);
});

test("an only child answers for all above it that it completes, the plan's own document too", () => {
  const old = checked("1.1.1 running", { settings: { ...settings, baseCommit: "a".repeat(40) } });
  const state = given({ ...plan, documents: [ownDocument] }, checked("1.1 delegated"), old);
  expect(checksDue(state, old)).toEqual([
    { of: "1.1", command: "check 1.1", isShared: false },
    { of: "1", command: "check of the plan", isShared: false },
  ]);
});

test("what others did has to be there: in the queue it is, before it may not be", () => {
  const spec = checked("1.1 delegated");
  const done = checked("1.1.2 complete");
  const old = { ...settings, baseCommit: "a".repeat(40) };
  const merge = { target: "taskdaemon/plan-1", since: 0 };
  const behind = loop("1.1.1 running", { settings: old });
  expect(dueOf("1.1.1", spec, done, behind)).toEqual([]);
  expect(dueOf("1.1.1", spec, done, { ...behind, merge })).toEqual(["check 1.1"]);
});

test("what a part and its level both ask for is due on the whole, though it passed on the part", () => {
  const gate = { ...settings.gate, also: ["check both"] };
  const own = { settings: { ...settings, gate, baseCommit: newest } };
  const also = ["check both"];
  const part = loop("1.1.1 running", {
    ...own,
    merge: { target: "taskdaemon/plan-1", since: 0 },
    verdict: { passed: true, also } as unknown as NonNullable<Loop["verdict"]>,
  });
  const spec = loop("1.1 delegated", own);
  const alone = given(plan, spec, part, checked("1.1.2 running"));
  expect(isMoreDue(alone, part)).toBe(false);
  const last = given(plan, spec, part, checked("1.1.2 complete"));
  expect(checksDue(last, part)).toEqual([{ of: "1.1.1", command: "check both", isShared: true }]);
  expect(isMoreDue(last, part)).toBe(true);
});

test("whatever the order in which parts are merged, the check of each level runs with its last", () => {
  const names = ["1.1.1", "1.1.2", "1.2.1", "1.2.2", "1.2.3"];
  const order = fc.shuffledSubarray(names, { minLength: names.length });
  fc.assert(
    fc.property(order, (merged) => {
      const seen: string[] = [];
      const complete = new Set<string>();
      for (const name of merged) {
        const parts = names.map((each) => {
          const status = complete.has(each) ? "complete" : "running";
          return checked(`${each} ${status}`, {
            merge: each === name ? { target: "taskdaemon/plan-1", since: 0 } : null,
          });
        });
        const isOver = (spec: string) =>
          names.filter((each) => each.startsWith(spec)).every((each) => complete.has(each));
        const specs = ["1.1", "1.2"].map((spec) =>
          checked(`${spec} ${isOver(spec) ? "complete" : "delegated"}`),
        );
        const above = { ...plan, documents: [ownDocument] };
        const state = given(above, ...specs, ...parts);
        seen.push(...checksDue(state, loopOf(state, id(name))).map(({ of }) => of));
        complete.add(name);
      }
      expect([...seen].sort()).toEqual(["1", "1.1", "1.2", ...names].sort());
    }),
  );
});
