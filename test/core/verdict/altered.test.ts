import { expect, test } from "vitest";
import { doubtOfAltered } from "../../../src/core/verdict/altered.ts";

test("a run that leaves the commit as it is raises no doubt", () => {
  expect(doubtOfAltered([], [])).toBeNull();
});

test("a run that changes the program proves nothing of the commit, and the files are named", () => {
  expect(doubtOfAltered(["src/sum.js", "src/b.js"], [])).toBe(
    "While it ran, the command changed tracked files (src/sum.js, src/b.js): what passed is not what the commit holds.",
  );
});

test("what the command changes on the base commit too is its habit", () => {
  expect(doubtOfAltered(["dist/bundle.js"], ["dist/bundle.js"])).toBeNull();
});

test("recorded expectations, reports and lock files are rewritten in honesty", () => {
  const honest = ["test/__snapshots__/a.snap", "coverage/lcov.info", "package-lock.json"];
  expect(doubtOfAltered(honest, [])).toBeNull();
});

test("tests that rewrite each other, and a build that rewrites its sources, prove nothing", () => {
  expect(doubtOfAltered(["test/a.test.js"], [])).toContain("test/a.test.js");
  expect(doubtOfAltered(["src/lib.rs"], [])).toContain("src/lib.rs");
});
