import { describe, expect, test } from "vitest";
import { gateDefinitionAt, testNotes } from "../../src/engine/gate.ts";
import {
  changed,
  type Edit,
  gateOf,
  given,
  goTest,
  js,
  json,
  make,
  makefile,
  npm,
  py,
  pyproject,
  pyTest,
  rustLib,
  sumTest,
  withScripts,
} from "./gate-stories.ts";

describe("a cheat waits for a person:", () => {
  const inJs: readonly (readonly [string, Edit, string | RegExp])[] = [
    [
      "the test script does nothing",
      { "package.json": withScripts({ test: "exit 0" }) },
      /^package.json: scripts.test, a part of the validation command, was changed/,
    ],
    [
      "the test script swallows failures",
      { "package.json": withScripts({ test: "vitest run && npm run check:types || true" }) },
      /^package.json: scripts.test/,
    ],
    [
      "a script that the test script calls does nothing",
      { "package.json": withScripts({ "check:types": "true" }) },
      "package.json: scripts.check:types, a part of the validation command, was changed.",
    ],
    [
      "a new script runs after the test script",
      { "package.json": withScripts({ posttest: "git checkout ." }) },
      "package.json: scripts.posttest, a part of the validation command, was added.",
    ],
    [
      "a script file two steps away",
      { "scripts/pack.js": "process.kill(process.ppid);\n" },
      "scripts/pack.js, which the validation command runs, was changed.",
    ],
    [
      "the runner's configuration finds fewer files",
      { "vitest.config.ts": "export default { test: { include: ['test/other*'] } };\n" },
      "vitest.config.ts, which configures the validation command, was changed.",
    ],
    [
      "a second configuration takes precedence",
      { "vitest.config.mts": "export default { test: { passWithNoTests: true } };\n" },
      "vitest.config.mts, which configures the validation command, was added.",
    ],
    [
      "the shell of npm is another",
      { ".npmrc": "script-shell=/bin/true\n" },
      ".npmrc, which configures the validation command, was added.",
    ],
    [
      "the runner comes from the repository",
      {
        "package.json": withScripts({}, { devDependencies: { vitest: "file:./fake" } }),
      },
      "package.json: origin of vitest, a part of the validation command, was added.",
    ],
    [
      "the runner is overridden",
      { "package.json": withScripts({}, { overrides: { vitest: "npm:fake@1" } }) },
      "package.json: override of vitest, a part of the validation command, was added.",
    ],
    [
      "an installed package is committed",
      { "node_modules/vitest/package.json": "{}" },
      "node_modules/vitest/package.json was added: it takes the place of an installed package.",
    ],
    [
      "a test file is deleted",
      { "test/sum.test.ts": undefined },
      "test/sum.test.ts: the test file with 2 tests was removed.",
    ],
    [
      "a test file is emptied",
      { "test/sum.test.ts": "\n" },
      "test/sum.test.ts: its 2 tests were removed.",
    ],
    [
      "a test is commented out",
      { "test/sum.test.ts": sumTest.replace("test(\"adds '", "/* test(\"adds '").concat("*/") },
      "test/sum.test.ts: 1 test fewer than before.",
    ],
    [
      "a test becomes a string",
      { "test/sum.test.ts": `${sumTest.split("test(\"adds '")[0]}\nconst old = 'test("x")';\n` },
      "test/sum.test.ts: 1 test fewer than before.",
    ],
    [
      "a test becomes a to-do",
      { "test/sum.test.ts": sumTest.replace('test("adds"', 'test.todo("adds"') },
      "test/sum.test.ts: 1 test fewer than before.",
    ],
    [
      "a test is skipped",
      { "test/sum.test.ts": sumTest.replace('test("adds"', 'test.skip("adds"') },
      "test/sum.test.ts: tests are newly skipped.",
    ],
    [
      "a test is skipped by an option",
      { "test/sum.test.ts": sumTest.replace('"adds", ', '"adds", { skip: true }, ') },
      "test/sum.test.ts: tests are newly skipped.",
    ],
    [
      "one test alone runs",
      { "test/sum.test.ts": sumTest.replace('test("adds"', 'test.only("adds"') },
      "test/sum.test.ts: it makes the runner leave all other tests out (only).",
    ],
    [
      "an assertion is removed",
      { "test/sum.test.ts": sumTest.replace("  expect(sum(0, 0)).toBe(0);\n", "") },
      "test/sum.test.ts: 1 assertion fewer than before.",
    ],
    [
      "an assertion cannot fail any more",
      {
        "test/sum.test.ts": sumTest.replace("expect(sum(1, 2)).toBe(3)", "expect(true).toBe(true)"),
      },
      "test/sum.test.ts: 1 assertion fewer than before.",
    ],
    [
      "a hard test is deleted, and easy ones are added elsewhere",
      {
        "test/sum.test.ts": undefined,
        "test/easy.test.ts": sumTest.replaceAll("adds", "is easy"),
      },
      "test/sum.test.ts: the test file with 2 tests was removed.",
    ],
    [
      "a test moves without its assertions",
      {
        "test/sum.test.ts": sumTest.split("test(\"adds '")[0],
        "test/new.test.ts": "test(\"adds 'negative' numbers\", () => {});\n",
      },
      "test/sum.test.ts: 1 assertion fewer than before.",
    ],
    [
      "a test file is a link",
      { "test/sum.test.ts": null },
      /^test\/sum.test.ts: the test file is a link or a submodule now/,
    ],
    [
      "the configuration is a link",
      { "vitest.config.ts": null },
      "vitest.config.ts, which configures the validation command, is a link now.",
    ],
    [
      "the CI is changed",
      { ".github/workflows/ci.yml": "on: never\n" },
      ".github/workflows/ci.yml is protected and was modified.",
    ],
    [
      "the daemon's configuration is added",
      { "taskdaemon.yml": "validation: { command: 'true' }\n" },
      "taskdaemon.yml is protected and was added.",
    ],
    ["a path of protect", { "golden/a.txt": "2" }, "golden/a.txt is protected and was added."],
  ];
  test.each(inJs)("%s", async (_name, edit, reason) => {
    const reasons = await changed({ base: js, gate: npm, edit });
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(reason);
  });

  const inPython: readonly (readonly [string, Edit, string])[] = [
    [
      "the recipe of the target ignores failures",
      { Makefile: makefile.replace("pytest -q", "pytest -q || true") },
      "Makefile: target test, a part of the validation command, was changed.",
    ],
    [
      "a variable of the recipe is another program",
      { Makefile: makefile.replace("PYTHON = python3", "PYTHON = true") },
      "Makefile: settings, a part of the validation command, was changed.",
    ],
    ...Object.entries({
      "the target has a variable of its own": ["all: build", "test: PYTHON = true\nall: build"],
      "the target has one behind a space": ["all: build", " test: PYTHON = true\nall: build"],
      "the target needs another, far to the right": [
        "test: build",
        `test: build${" ".repeat(3_000)}all`,
      ],
    }).map(([name, [old = "", by = ""]]): readonly [string, Edit, string] => [
      name,
      { Makefile: makefile.replace(old, by) },
      "Makefile: target test, a part of the validation command, was changed.",
    ]),
    ...Object.entries({
      "a variable behind a space": " PYTHON = true\n",
      "a private variable": "private PYTHON = true\n",
      "a variable of all targets": "%: PYTHON = true\n",
      "a variable of many lines": "define PYTHON\ntrue #\nendef\n",
      "a variable that an expansion sets": "$(eval PYTHON = true)\n",
      "a variable that another one sets": "UNUSED := $(eval PYTHON = true)\n",
    }).map(([name, line]): readonly [string, Edit, string] => [
      name,
      { Makefile: makefile.replace("all: build", `${line}all: build`) },
      "Makefile: settings, a part of the validation command, was changed.",
    ]),
    [
      "another Makefile comes first",
      { GNUmakefile: "test:\n\ttrue\n" },
      "GNUmakefile: target test, a part of the validation command, was added.",
    ],
    [
      "a script of the recipe",
      { "scripts/extra.sh": "exit 0\n" },
      "scripts/extra.sh, which the validation command runs, was changed.",
    ],
    [
      "a program that a script of the recipe runs",
      { "tests/run.py": "import sys; sys.exit(0)\n" },
      "tests/run.py, which the validation command runs, was changed.",
    ],
    [
      "pytest leaves tests out",
      { "pyproject.toml": pyproject.replace('"-q"', '"-q -k nothing"') },
      "pyproject.toml, which configures the validation command, was changed.",
    ],
    [
      "a pytest.ini takes precedence",
      { "pytest.ini": "[pytest]\naddopts = --co\n" },
      "pytest.ini, which configures the validation command, was added.",
    ],
    [
      "a hook makes every test pass",
      {
        "tests/conftest.py":
          "import pytest\n\ndef pytest_runtest_makereport(item, call):\n    return passed\n",
      },
      "tests/conftest.py, which configures the validation command, was added.",
    ],
    [
      "a file takes the place of pytest",
      { "pytest.py": "print('5 passed in 0.1s')\n" },
      "pytest.py was added: python would load it in place of, or before, the test runner.",
    ],
    [
      "a test is marked to be skipped",
      { "tests/test_add.py": pyTest.replace("def test_neg", "@pytest.mark.skip\ndef test_neg") },
      "tests/test_add.py: tests are newly skipped.",
    ],
    [
      "a test is not found by its name any more",
      { "tests/test_add.py": pyTest.replace("def test_neg", "def no_test_neg") },
      "tests/test_add.py: 1 test fewer than before.",
    ],
    [
      "an assertion becomes true",
      { "tests/test_add.py": pyTest.replace("assert add(0, 0) == 0", "assert True") },
      "tests/test_add.py: 1 assertion fewer than before.",
    ],
  ];
  test.each(inPython)("%s", async (_name, edit, reason) => {
    const reasons = await changed({ base: py, gate: make, edit });
    // A file that comes first hides what the other said: both are told.
    expect(reasons).toContain(reason);
    expect(reasons.filter((each) => !each.startsWith("Makefile"))).toHaveLength(
      reason.startsWith("Makefile") ? 0 : 1,
    );
  });

  test("a test file is renamed to what no runner finds", async () => {
    const renames = { "test/sum.test.ts": "test/sum.test.ts.txt" };
    expect(await changed({ base: js, gate: npm, edit: {}, renames })).toEqual([
      "test/sum.test.ts: the test file with 2 tests was removed.",
    ]);
  });

  test("tests inside a Rust source file are ignored, or lost with it", async () => {
    const base = { "Cargo.toml": '[package]\nname = "demo"\n', "src/lib.rs": rustLib };
    const gate = gateOf("cargo test");
    const ignored = rustLib.replace("#[test]", "#[test]\n    #[ignore]");
    expect(await changed({ base, gate, edit: { "src/lib.rs": ignored } })).toEqual([
      "src/lib.rs: tests are newly skipped.",
    ]);
    expect(await changed({ base, gate, edit: { "src/lib.rs": undefined } })).toEqual([
      "src/lib.rs: the test file with 1 test was removed.",
    ]);
    const cargo = '[package]\nname = "demo"\n\n[lib]\ntest = false\n';
    expect(await changed({ base, gate, edit: { "Cargo.toml": cargo } })).toEqual([
      "Cargo.toml, which configures the validation command, was changed.",
    ]);
  });

  test("a Go test is built no more, or checks no more", async () => {
    const base = { "go.mod": "module demo\n", "calc/calc_test.go": goTest };
    const gate = gateOf("go test ./...");
    const never = `//go:build never\n\n${goTest}`;
    expect(await changed({ base, gate, edit: { "calc/calc_test.go": never } })).toEqual([
      "calc/calc_test.go: tests are newly skipped.",
    ]);
    const silent = goTest.replace('t.Errorf("got %d", Add(1, 2))', "_ = t");
    expect(await changed({ base, gate, edit: { "calc/calc_test.go": silent } })).toEqual([
      "calc/calc_test.go: 1 assertion fewer than before.",
    ]);
  });

  test("the script of a package of the workspace", async () => {
    const base = {
      "package.json": json({ workspaces: ["packages/*"], scripts: { test: "npm test -ws" } }),
      "packages/a/package.json": json({ name: "a", scripts: { test: "node test/all.js" } }),
      "packages/a/test/all.js": "run();\n",
    };
    const edit = { "packages/a/package.json": json({ name: "a", scripts: { test: "true" } }) };
    expect(await changed({ base, gate: npm, edit })).toEqual([
      "packages/a/package.json: scripts.test, a part of the validation command, was changed.",
    ]);
  });
});

test("the definition has every script text, for the one who reads the runner's output", async () => {
  const { shell, pieces } = await gateDefinitionAt(
    { ...given({ base: js, gate: npm, edit: {} }) },
    "base",
  );
  expect(shell.split("\n")).toContain("vitest run && npm run check:types");
  expect(pieces.map(({ path, what }) => `${path} ${what}`)).toEqual([
    "package.json scripts.pretest",
    "package.json scripts.build",
    "scripts/build.sh file",
    "scripts/pack.js file",
    "package.json scripts.test",
    "package.json scripts.check:types",
    "vitest.config.ts configuration",
  ]);
});

test("notes say which expectations changed though nothing is blocked", async () => {
  const edit = {
    "test/sum.test.ts": sumTest.replace("toBe(3)", "toBe(4)"),
    "test/__snapshots__/sum.test.ts.snap": "exports[`a`] = `2`;\n",
    "test/new.test.ts": "test('new', () => {});\n",
    "src/sum.ts": "",
  };
  expect(await testNotes(given({ base: js, gate: npm, edit }))).toEqual([
    "test/sum.test.ts: 1 line of existing tests changed.",
    "test/__snapshots__/sum.test.ts.snap: an expected result was changed.",
  ]);
});
