import { afterEach, expect, test, vi } from "vitest";
import {
  bash,
  conversations,
  done,
  edit,
  fileAt,
  loopTimeoutMs,
  read,
  removePlaces,
  runLoop,
  sampleRepository,
  scripted,
  write,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterEach(removePlaces);

const files = {
  "package.json": JSON.stringify({
    name: "sum",
    version: "1.0.0",
    type: "module",
    scripts: { test: "node --test" },
  }),
  "sum.js": "export const sum = (a, b) => a - b;\n",
  "test/sum.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "../sum.js";
test("adds", () => assert.equal(sum(1, 2), 3, "a sum of 1 and 2"));
`,
};
const wrong = edit("sum.js", "a - b", "a * b");
const right = edit("sum.js", "a * b", "a + b");

test("two iterations: the first errs, and the branch holds the fix of the second", async () => {
  const repo = await sampleRepository(files);
  const { view, branches, checkout, events, records } = await runLoop({
    repo,
    model: scripted(
      [[read("sum.js")], ["A product it is.", wrong], [done]],
      [[read("sum.js")], [right, bash("npm test")], [done]],
    ),
  });
  expect(view).toMatchObject({
    status: "complete",
    reason: null,
    iteration: 2,
    baseline: { passed: false, tests: { runner: "node:test", ran: 1, failed: 1 } },
    verdict: { passed: true, command: "npm test", tests: { ran: 1, failed: 0 }, note: null },
    delivered: { to: "taskdaemon/1", commit: view.headCommit },
  });
  expect(branches).toEqual([view.branch]);
  expect(await fileAt(repo, String(view.branch), "sum.js")).toContain("a + b");
  expect(await fileAt(repo, "main", "sum.js")).toContain("a - b");
  expect(checkout.after).toEqual(checkout.before);
  const verdicts = events.filter(({ type }) => type === "verdict");
  expect(verdicts.map((event) => event.type === "verdict" && event.passed)).toEqual([
    false, // on the base commit
    false, // of iteration 1
    true, // of iteration 2, in its worktree
    true, // and in a fresh one
  ]);
  const results = records.get(2)?.entries.flatMap((e) => (e.type === "toolResult" ? [e] : []));
  expect(results?.map(({ isError }) => isError)).toEqual([false, false, false, false]);
  expect(results?.[2]?.text).toContain("pass 1");
});

test("the second conversation has nothing of the first, and the tail of both outputs", async () => {
  const repo = await sampleRepository({
    "sum.js": "module.exports = 1 - 2;\n",
    "check.sh": `#!/bin/sh
for line in $(seq 2000); do echo "noise $line"; done
echo "STDOUT-TAIL of the check"
got=$(node -p "require('./sum.js')")
[ "$got" = 3 ] || { echo "STDERR-TAIL: got $got" >&2; exit 7; }
`,
  });
  const { view, journal } = await runLoop({
    repo,
    validate: "./check.sh",
    model: scripted(
      [
        [read("sum.js"), write("notes.txt", "FIRST-FILE")],
        ["FIRST-WORDS: let me try a product.", edit("sum.js", "1 - 2", "1 * 2")],
        [
          bash("echo FIRST-COMMAND"),
          { name: "todo", input: { items: [{ text: "FIRST-TODO", status: "done" }] } },
        ],
        ["FIRST-CLAIM: all is well.", done],
      ],
      [[read("sum.js")], [edit("sum.js", "1 * 2", "1 + 2")], [done]],
    ),
  });
  expect(view).toMatchObject({ status: "complete", reason: null, iteration: 2 });
  const texts = conversations(journal);
  expect([...texts.keys()]).toEqual([1, 2]);
  expect(texts.get(1)).toContain("FIRST-WORDS");
  const second = texts.get(2) ?? "";
  expect(second).not.toMatch(/FIRST-|a product/);
  expect(second).toContain("STDOUT-TAIL of the check");
  expect(second).toContain("STDERR-TAIL: got 2");
  expect(second).toContain("exit code 7");
  expect(second).toContain("changed notes.txt, sum.js");
});

test("a model that only says it is done never completes", async () => {
  const repo = await sampleRepository(files);
  const claims = [["It is done. All tests pass.", done]];
  const { view, branches, journal } = await runLoop({
    repo,
    config: "validation:\n  stuck-after: 10\n",
    iterationsMax: 4,
    model: scripted(claims, claims, [["All tests pass."]], []),
  });
  expect(view).toMatchObject({
    status: "failed",
    reason: "not valid after 4 iterations",
    iteration: 4,
    delivered: null,
    verdict: { passed: false },
  });
  expect(branches).toEqual([]);
  expect(journal).toHaveLength(4);
});

test("work that is red on a green base is not delivered", async () => {
  const repo = await sampleRepository({
    ...files,
    "sum.js": "export const sum = (a, b) => a + b;\n",
  });
  const { view, branches } = await runLoop({
    repo,
    iterationsMax: 1,
    model: scripted([[read("sum.js")], [edit("sum.js", "a + b", "a * b")], [done]]),
  });
  expect(view).toMatchObject({ status: "failed", delivered: null, baseline: { passed: true } });
  expect(branches).toEqual([]);
});
