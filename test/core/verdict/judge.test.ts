import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Evidence, Gate, Verdict } from "../../../src/core/loop.ts";
import {
  allowsFewerTests,
  fewerTestsPath,
  judge,
  judgeFlaky,
  type Trial,
} from "../../../src/core/verdict/judge.ts";

const fixture = (name: string) =>
  readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), "utf8");

const gate: Gate = {
  command: "npm test",
  successExitCode: 0,
  timeoutMs: 60_000,
  protect: [],
  detectedFrom: null,
};

const commit = "a".repeat(40);
const green: Verdict = {
  passed: true,
  exitCode: 0,
  command: "npm test",
  durationMs: 10,
  commit,
  evidence: { runner: "vitest", ran: 2, failed: 0, skipped: 0 },
  note: null,
};

function trial(output: string, more: Partial<Trial> = {}, exitCode: number | null = 0): Trial {
  return {
    gate,
    ending: { exitCode, ended: "exited", output, durationMs: 5 },
    commit,
    baseline: null,
    shell: "npm test\nvitest run",
    fewerTestsAllowed: false,
    ...more,
  };
}

const said = (one: Trial) => {
  const { verdict, gateChange } = judge(one);
  return { passed: verdict.passed, note: verdict.note, gateChange };
};

describe("judge", () => {
  test("passes what exits well and whose runner says the same", () => {
    expect(judge(trial(fixture("vitest-ok"), { baseline: green }))).toEqual({
      verdict: {
        passed: true,
        exitCode: 0,
        command: "npm test",
        durationMs: 5,
        commit,
        evidence: { runner: "vitest", ran: 2, failed: 0, skipped: 2 } satisfies Evidence,
        note: null,
      },
      gateChange: null,
    });
  });

  test("fails on any other exit code, whatever the runner says", () => {
    expect(said(trial(fixture("vitest-ok"), {}, 1))).toEqual({
      passed: false,
      note: null,
      gateChange: null,
    });
  });

  test("takes the success exit code of the gate", () => {
    const odd = { gate: { ...gate, successExitCode: 3 } };
    expect(judge(trial(fixture("vitest-ok"), odd, 3)).verdict.passed).toBe(true);
    expect(judge(trial(fixture("vitest-ok"), odd, 0)).verdict.passed).toBe(false);
  });

  test.each([
    ["timedOut", "It did not end within 60 s and was killed."],
    ["memory", "It was killed because it used more memory than it may."],
    ["processes", "It was killed because it started more processes than it may."],
    ["aborted", "It was interrupted before it ended."],
  ] as const)("fails what ended otherwise: %s", (ended, note) => {
    const ending = { exitCode: null, ended, output: fixture("vitest-ok"), durationMs: 5 };
    expect(said(trial("", { ending }))).toEqual({ passed: false, note, gateChange: null });
  });

  test("does not believe a command that hides failures", () => {
    expect(said(trial(fixture("vitest-bad")))).toEqual({
      passed: false,
      note: "vitest reports 1 failed, but the exit code says success: the command hides failures.",
      gateChange: null,
    });
  });

  test.each([
    ["vitest-nonepass", "vitest run", "vitest ran no tests."],
    ["node-none", "node --test", "node:test ran no tests."],
    ["jest-none", "jest", "jest ran no tests."],
    ["mocha-none", "mocha", "mocha ran no tests."],
    ["go-none", "go test ./...", "go test ran no tests."],
    ["cargo-none", "cargo test x", "cargo test ran no tests."],
    ["unittest-none", "python -m unittest", "unittest ran no tests."],
    ["vitest-filter", "vitest run", "vitest ran no tests."],
  ])("does not pass zero tests: %s", (name, shell, note) => {
    expect(said(trial(fixture(name), { shell }))).toEqual({
      passed: false,
      note,
      gateChange: null,
    });
  });

  test.each([
    ["node-exit", "node --test"],
    ["jest-exit", "jest"],
    ["mocha-exit", "mocha"],
    ["pytest-exit", "pytest"],
  ])("does not pass a runner that the code under test ended with success: %s", (name, shell) => {
    const { passed, note } = said(trial(fixture(name), { shell }));
    expect(passed).toBe(false);
    expect(note).toMatch(/^The command runs .+, which printed no summary/);
  });

  test("does not pass silence where the base commit reported", () => {
    expect(said(trial("done", { shell: "./run", baseline: green }))).toEqual({
      passed: false,
      note: "vitest reported on the base commit and printed no summary now: it may have been ended early.",
      gateChange: null,
    });
  });

  test("does not pass files that end before their tests, where there were tests", () => {
    const baseline = { ...green, evidence: { runner: "node:test", ran: 1, failed: 1, skipped: 0 } };
    const one = trial(fixture("node-exit-runner"), { shell: "node --test", baseline });
    expect(said(one).passed).toBe(false);
    expect(said({ ...one, baseline: null })).toEqual({
      passed: true,
      note: "node:test saw whole files and no tests in them: they may have been ended early, or are plain scripts.",
      gateChange: null,
    });
  });

  test("asks a person when fewer tests ran than on the base commit", () => {
    const baseline = { ...green, evidence: { runner: "vitest", ran: 3, failed: 0, skipped: 0 } };
    const sentence = "2 tests ran; on the base commit there were 3.";
    const one = trial(fixture("vitest-ok"), { baseline });
    expect(said(one)).toEqual({ passed: false, note: sentence, gateChange: sentence });
    expect(said({ ...one, fewerTestsAllowed: true }).passed).toBe(true);
  });

  test("compares no counts with a base commit that was red without a summary", () => {
    const baseline = { ...green, passed: false, exitCode: 1, evidence: null };
    expect(said(trial(fixture("vitest-ok"), { baseline })).passed).toBe(true);
    expect(said(trial("", { baseline })).passed).toBe(false);
  });

  test("leaves a runner in peace that was silent on the base commit too", () => {
    const baseline = { ...green, passed: false, evidence: null };
    expect(said(trial("", { baseline }))).toEqual({
      passed: true,
      note: "No known test runner reported: the exit code is all there is.",
      gateChange: null,
    });
  });

  test("says so when the exit code is all there is", () => {
    expect(said(trial("fine", { shell: "make check" }))).toEqual({
      passed: true,
      note: "No known test runner reported: the exit code is all there is.",
      gateChange: null,
    });
  });
});

describe("judgeFlaky", () => {
  const red = { ...green, passed: false, exitCode: 1 };

  test("passes, and marks, what is green when run again", () => {
    expect(judgeFlaky(red, green)).toEqual({
      ...green,
      note: "Flaky: it failed once (exit code 1) and passed when run again.",
    });
  });

  test("keeps the second red", () => {
    expect(judgeFlaky(red, { ...red, exitCode: 2 })).toEqual({ ...red, exitCode: 2 });
  });

  test("is a bug with another commit", () => {
    expect(() => judgeFlaky(red, { ...green, commit: "b" })).toThrow("only a red is run again");
  });
});

test("a person who let a test file go expects fewer tests", () => {
  const isTest = (path: string) => path.endsWith(".test.ts");
  expect(allowsFewerTests(["a.test.ts"], isTest)).toBe(true);
  expect(allowsFewerTests([fewerTestsPath], isTest)).toBe(true);
  expect(allowsFewerTests(["package.json"], isTest)).toBe(false);
});
