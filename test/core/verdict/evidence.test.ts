import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readEvidence, runnersNamed } from "../../../src/core/verdict/evidence.ts";
import { cpuMs } from "../../cpu-time.ts";

const fixture = (name: string) =>
  readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), "utf8");

function told(command: string, output: string): string | null {
  const evidence = readEvidence(command, output);
  if (evidence === null) return null;
  const { runner, ran, failed, skipped } = evidence;
  return `${runner}: ${ran} ran, ${failed} failed, ${skipped} skipped`;
}

describe("reads what real runners print:", () => {
  test.each([
    ["ava-fail", "ava: 0 ran, 0 failed, 1 skipped"],
    ["ava-none", null],
    ["ava-pass", "ava: 2 ran, 0 failed, 1 skipped"],
    ["ava-tap", "TAP: 2 ran, 0 failed, 1 skipped"],
    ["cargo-fail", "cargo test: 4 ran, 1 failed, 1 skipped"],
    ["cargo-none", "cargo test: 0 ran, 0 failed, 0 skipped"],
    ["cargo-pass", "cargo test: 4 ran, 0 failed, 1 skipped"],
    ["dotnet", "dotnet test: 8 ran, 1 failed, 1 skipped"],
    ["exunit", "exunit: 6 ran, 0 failed, 1 skipped"],
    ["go-build-failed", "go test: 1 ran, 1 failed, 0 skipped"],
    ["go-fail", "go test: 2 ran, 1 failed, 0 skipped"],
    ["go-none", "go test: 0 ran, 0 failed, 0 skipped"],
    ["go-plain", "go test: 2 ran, 0 failed, 0 skipped"],
    ["go-verbose", "go test: 4 ran, 0 failed, 1 skipped"],
    ["gradle-fail", "gradle: 4 ran, 1 failed, 1 skipped"],
    ["gradle", "gradle: 2 ran, 0 failed, 1 skipped"],
    ["jest-broken", "jest: 2 ran, 1 failed, 2 skipped"],
    ["jest-exit", null],
    ["jest-fail", "jest: 5 ran, 1 failed, 4 skipped"],
    ["jest-none", "jest: 0 ran, 0 failed, 0 skipped"],
    ["jest-pass", "jest: 2 ran, 0 failed, 2 skipped"],
    ["maven-fail", "maven: 3 ran, 2 failed, 0 skipped"],
    ["maven", "maven: 8 ran, 0 failed, 1 skipped"],
    ["minitest", "minitest: 3 ran, 0 failed, 1 skipped"],
    ["mocha-dot", "mocha: 2 ran, 0 failed, 1 skipped"],
    ["mocha-exit", null],
    ["mocha-fail", "mocha: 3 ran, 1 failed, 1 skipped"],
    ["mocha-none", "mocha: 0 ran, 0 failed, 0 skipped"],
    ["mocha-pass", "mocha: 2 ran, 0 failed, 1 skipped"],
    ["mocha-tap", "TAP: 2 ran, 0 failed, 1 skipped"],
    ["node-dot", null],
    ["node-exit-runner", "node:test (whole files): 1 ran, 0 failed, 0 skipped"],
    ["node-exit", null],
    ["node-none", "node:test: 0 ran, 0 failed, 0 skipped"],
    ["node-spec", "node:test: 3 ran, 1 failed, 2 skipped"],
    ["node-tap", "node:test: 3 ran, 1 failed, 2 skipped"],
    ["npm-workspaces", "jest: 7 ran, 0 failed, 1 skipped"],
    ["phpunit-fail", "phpunit: 4 ran, 1 failed, 1 skipped"],
    ["phpunit-none", "phpunit: 0 ran, 0 failed, 0 skipped"],
    ["phpunit", "phpunit: 5 ran, 0 failed, 0 skipped"],
    ["pnpm-workspaces", "vitest: 7 ran, 0 failed, 1 skipped"],
    ["pytest-empty", "pytest: 0 ran, 0 failed, 0 skipped"],
    ["pytest-exit", null],
    ["pytest-fail-q", "pytest: 4 ran, 1 failed, 2 skipped"],
    ["pytest-fail", "pytest: 4 ran, 1 failed, 2 skipped"],
    ["pytest-none", "pytest: 0 ran, 0 failed, 0 skipped"],
    ["pytest-pass", "pytest: 3 ran, 0 failed, 2 skipped"],
    ["pytest-q", "pytest: 3 ran, 0 failed, 2 skipped"],
    ["rspec-none", "rspec: 0 ran, 0 failed, 0 skipped"],
    ["rspec", "rspec: 3 ran, 1 failed, 1 skipped"],
    ["unittest-fail", "unittest: 2 ran, 2 failed, 0 skipped"],
    ["unittest-none", "unittest: 0 ran, 0 failed, 0 skipped"],
    ["unittest", "unittest: 1 ran, 0 failed, 1 skipped"],
    ["vitest-bad", "vitest: 4 ran, 1 failed, 2 skipped"],
    ["vitest-dot", "vitest: 2 ran, 0 failed, 2 skipped"],
    ["vitest-exit", "vitest: 1 ran, 1 failed, 0 skipped"],
    ["vitest-filter", "vitest: 0 ran, 0 failed, 4 skipped"],
    ["vitest-none", "vitest: 0 ran, 0 failed, 0 skipped"],
    ["vitest-nonepass", "vitest: 0 ran, 0 failed, 0 skipped"],
    ["vitest-ok", "vitest: 2 ran, 0 failed, 2 skipped"],
    ["vitest-tap", "TAP: 2 ran, 0 failed, 2 skipped"],
  ])("%s", (name, expected) => {
    expect(told("", fixture(name))).toBe(expected);
  });
});

describe("readEvidence", () => {
  test("sums two runs of one output, each with its own start", () => {
    expect(told("", fixture("vitest-ok") + fixture("vitest-bad"))).toBe(
      "vitest: 6 ran, 1 failed, 4 skipped",
    );
    expect(told("", fixture("vitest-ok") + fixture("pytest-pass"))).toBe(
      "vitest + pytest: 5 ran, 0 failed, 4 skipped",
    );
  });

  test("does not take a file that ended before its tests for a test", () => {
    const mixed = fixture("node-spec").replace("✔ adds", "✔ test/a.test.mjs (57.01ms)\n✔ adds");
    expect(told("node --test", mixed)).toBe("node:test: 2 ran, 1 failed, 2 skipped");
  });

  test("reads through colours", () => {
    const coloured = fixture("vitest-ok").replace(
      "2 passed",
      "\u001b[1m\u001b[32m2 passed\u001b[39m",
    );
    expect(told("", coloured)).toBe("vitest: 2 ran, 0 failed, 2 skipped");
  });

  test("believes the last summary of a run, not one that the code under test printed", () => {
    const forged = "ℹ tests 99\nℹ suites 0\nℹ pass 99\nℹ fail 0\nℹ duration_ms 1\n";
    expect(told("node --test", forged + fixture("node-spec"))).toBe(
      "node:test: 3 ran, 1 failed, 2 skipped",
    );
  });

  test("finds nothing in a run that ended before its summary", () => {
    const early = fixture("vitest-ok").split(" Test Files")[0] ?? "";
    expect(told("vitest run", early)).toBeNull();
    const cargo = fixture("cargo-pass").replace(/test result: ok\. 2 passed.*/, "");
    expect(told("cargo test", cargo)).toBeNull();
  });

  test("finds nothing when a binary speaks of another number of tests than it announced", () => {
    expect(told("cargo test", fixture("cargo-pass").replace("2 passed", "9 passed"))).toBeNull();
  });

  test("hears the runner that the command names over others", () => {
    const output = `# tests 4\n# pass 4\n1..1\nok 1 - x\n${fixture("mocha-pass")}`;
    expect(told("mocha", output)).toBe("mocha: 2 ran, 0 failed, 1 skipped");
  });

  test("knows nothing of other programs", () => {
    expect(told("make check", "all good\n3 files checked\n")).toBeNull();
  });

  test("takes linear time for 10 MB", () => {
    const startedAt = cpuMs();
    readEvidence("", "5 passed, 1 failed | ok 1 - x\n".repeat(350_000));
    readEvidence("", "1 a, ".repeat(2_000_000));
    expect(cpuMs() - startedAt).toBeLessThan(15_000);
  });
});

describe("runnersNamed", () => {
  test.each([
    ["npx vitest run", ["vitest"]],
    ["node --test", ["node:test"]],
    ["node --experimental-vm-modules node_modules/jest/bin/jest.js --ci", ["jest"]],
    ["FOO=1 timeout 60 python -m pytest -q", ["pytest"]],
    ["cd a && go test ./... | tee log", ["go test"]],
    ["npm run lint; cargo test --workspace", ["cargo test"]],
    ["bundle exec rspec", ["rspec"]],
    ["bash -c 'pytest x'", ["pytest"]],
    ["yarn jest", ["jest"]],
    ["coverage run -m pytest", ["pytest"]],
    ["npx -y cross-env CI=1 ava", ["ava"]],
    ["vitest run --reporter=verbose", ["vitest"]],
    ["vitest run && pytest", ["vitest", "pytest"]],
    ["vitest run --reporter=json", []],
    ["node --test --test-reporter=dot", []],
    ["eslint --config jest.config.js", []],
    ["echo vitest # jest", []],
    ["npm test", []],
  ])("%s", (command, expected) => {
    expect(runnersNamed(command)).toEqual(expected);
  });
});
