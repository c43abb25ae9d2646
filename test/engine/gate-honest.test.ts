import { describe, expect, test } from "vitest";
import {
  changed,
  conftest,
  type Edit,
  gateOf,
  js,
  json,
  make,
  makefile,
  manifest,
  npm,
  py,
  pyproject,
  pyTest,
  rustLib,
  sumTest,
  withScripts,
} from "./gate-stories.ts";

describe("honest work goes through:", () => {
  const inJs: readonly (readonly [string, Edit])[] = [
    ["a change of the program", { "src/sum.ts": "export function sum() {}\n", "src/new.ts": "1" }],
    ["a new test file", { "test/new.test.ts": "test('new', () => { expect(f()).toBe(1); });\n" }],
    [
      "another test in an existing file",
      { "test/sum.test.ts": `${sumTest}test("big", () => { expect(sum(9, 9)).toBe(18); });\n` },
    ],
    [
      "another assertion",
      {
        "test/sum.test.ts": sumTest.replace("});\ntest", "  expect(sum(2, 2)).toBe(4);\n});\ntest"),
      },
    ],
    ["another expectation", { "test/sum.test.ts": sumTest.replace("toBe(3)", "toBe(4)") }],
    ["another name for a test", { "test/sum.test.ts": sumTest.replace('"adds"', '"adds up"') }],
    [
      "another comment in a test",
      { "test/sum.test.ts": sumTest.replace("what sums are", "test(") },
    ],
    [
      "a new dependency and version",
      {
        "package.json": json({
          ...manifest,
          version: "1.1.0",
          dependencies: { zod: "^4" },
          devDependencies: { vitest: "^3.1.0" },
        }),
      },
    ],
    [
      "an unrelated script",
      { "package.json": withScripts({ lint: "eslint src", docs: "typedoc" }) },
    ],
    ["another layout of package.json", { "package.json": JSON.stringify(manifest) }],
    [
      "a comment in a script and in the configuration",
      {
        "scripts/build.sh": String(js["scripts/build.sh"]).replace("# builds", "# builds it\n"),
        "vitest.config.ts": `// finds the tests\n${js["vitest.config.ts"]}`,
      },
    ],
    ["a setting of npm that changes no command", { ".npmrc": "save-exact=true\n" }],
    ["a snapshot", { "test/__snapshots__/sum.test.ts.snap": "exports[`a`] = `2`;\n" }],
    ["a helper for tests", { "test/helper.ts": "export const one = 1;\n" }],
    ["documents", { "README.md": "# more\n", "docs/a.md": "a" }],
    [
      "tests moved to another file with all they have",
      {
        "test/sum.test.ts": sumTest.split("test(\"adds '")[0],
        "test/negative.test.ts": `test("adds 'negative' numbers", () => {\n  expect(sum(-1, 1)).toBe(0);\n});\n`,
      },
    ],
    [
      "a package of its own with its configuration",
      {
        "packages/b/package.json": json({ name: "b", scripts: { test: "vitest run" } }),
        "packages/b/vitest.config.ts": "export default {};\n",
        "packages/b/b.test.ts": "test('b', () => { expect(b()).toBe(1); });\n",
      },
    ],
    ["a configuration for a tool that the gate does not run", { "eslint.config.js": "[]" }],
  ];
  test.each(inJs)("%s", async (_name, edit) => {
    expect(await changed({ base: js, gate: npm, edit })).toEqual([]);
  });

  test.each<readonly [string, Edit]>([
    [
      "a new test",
      { "tests/test_add.py": `${pyTest}\ndef test_more():\n    assert add(2, 2) == 4\n` },
    ],
    ["a new fixture", { "conftest.py": `${conftest}\n@pytest.fixture\ndef web():\n    pass\n` }],
    ["a new dependency", { "pyproject.toml": `${pyproject}\n[project.urls]\na = "b"\n` }],
    ["an unrelated target", { Makefile: makefile.replace("rm -rf out", "rm -rf out dist") }],
    ["another docstring", { "tests/test_add.py": pyTest.replace("# too.", "# as well.") }],
    ["a refactoring", { "demo/add.py": "from .core import add\n", "demo/core.py": "add = sum\n" }],
  ])("in Python: %s", async (_name, edit) => {
    expect(await changed({ base: py, gate: make, edit })).toEqual([]);
  });

  const check = (text: string) => ({ "check.sh": `#!/bin/sh\n${text}\n`, "old.txt": "a\n" });
  const looks = [
    ...["test -f new.txt", "test -r new.txt && cat new.txt", "if [ -f new.txt ]; then :; fi"],
    ...["[[ -f new.txt ]]", "/usr/bin/test -f new.txt", "grep -c b new.txt", "wc -c new.txt"],
    ...["cp -p new.txt /tmp/new.txt", "sh -c 'test -f new.txt'", "diff -r old.txt new.txt"],
  ];

  test.each(looks)("a new file that `%s` looks at", async (command) => {
    const edit = { "new.txt": "b\n", "old.txt": "b\n" };
    expect(await changed({ base: check(""), gate: gateOf(command), edit })).toEqual([]);
    expect(await changed({ base: check(command), gate: gateOf("./check.sh"), edit })).toEqual([]);
  });

  test("but not what it looks for", async () => {
    const base = { "wanted.txt": "all of it\n" };
    const gate = gateOf("grep -f wanted.txt new.txt");
    const edit = { "wanted.txt": "a\n", "new.txt": "a\n" };
    const reason = "wanted.txt, which the validation command runs, was changed.";
    expect(await changed({ base, gate, edit })).toEqual([reason]);
  });

  test("a test file renamed with its tests", async () => {
    const renames = { "test/sum.test.ts": "test/math/sum.test.ts" };
    const edit = { "test/math/sum.test.ts": sumTest.replace("sums", "sums here") };
    expect(await changed({ base: js, gate: npm, edit, renames })).toEqual([]);
  });

  test("more assertions in the program of a Rust file with tests", async () => {
    const base = { "Cargo.toml": "[package]\n", "src/lib.rs": rustLib };
    const edit = { "src/lib.rs": rustLib.replace("assert!(n < 9); ", "") };
    expect(await changed({ base, gate: gateOf("cargo test"), edit })).toEqual([]);
  });

  test("a new crate of the workspace", async () => {
    const base = { "Cargo.toml": '[workspace]\nmembers = ["a"]\n', "a/src/lib.rs": rustLib };
    const edit = {
      "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n',
      "b/Cargo.toml": '[package]\nname = "b"\n[lib]\ndoctest = false\n',
      "b/src/lib.rs": rustLib,
    };
    expect(await changed({ base, gate: gateOf("cargo test"), edit })).toEqual([]);
  });

  test("no change at all", async () => {
    expect(await changed({ base: js, gate: npm, edit: {} })).toEqual([]);
  });

  test("what a person allowed, by path or pattern", async () => {
    const edit = { "test/sum.test.ts": undefined, ".github/workflows/ci.yml": "on: tag\n" };
    const allowed = ["test/sum.test.ts", ".github/**"];
    expect(await changed({ base: js, gate: npm, edit, allowed })).toEqual([]);
    expect(await changed({ base: js, gate: npm, edit, allowed: ["test/**"] })).toEqual([
      ".github/workflows/ci.yml is protected and was modified.",
    ]);
  });
});
