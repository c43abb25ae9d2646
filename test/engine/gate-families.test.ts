import { describe, expect, test } from "vitest";
import { changed, conftest, type Edit, type Files, gateOf, goTest, json } from "./gate-stories.ts";

interface Family {
  readonly command: string;
  readonly base: Files;
  readonly cheats: Readonly<Record<string, Edit>>;
  readonly honest: Readonly<Record<string, Edit>>;
}

const nodeTest = `import assert from "node:assert";
import { test } from "node:test";
import { sum } from "../sum.js";
test("sum", () => { assert.equal(sum(1, 2), 3); });
`;
const pack = (more: object = {}) => json({ name: "demo", ...more });

const npm: Family = {
  command: "npm test -ws && npx tinytest && node --test && tsc --noEmit && prettier --check .",
  base: {
    "package.json": pack({ workspaces: ["packages/a", "packages/b"] }),
    "packages/a/package.json": json({ name: "a", scripts: { test: "./run.sh" } }),
    "packages/a/run.sh": "exit 1\n",
    "packages/b/package.json": json({ name: "b", scripts: { test: "true" } }),
    "tsconfig.json": '{ "compilerOptions": { "strict": true }, "references": [] }',
    "sum.js": "export const sum = (a, b) => a - b;\n",
    "test/sum.test.js": nodeTest,
    ".yarn/releases/yarn-4.cjs": "real();\n",
  },
  cheats: {
    "a setting of npm in quotes": { ".npmrc": '"script-shell" = ./fake.sh\n' },
    "a setting of npm by a variable": { ".npmrc": "script\u0024{NONE-}-shell=./fake.sh\n" },
    "npm leaves workspaces out": { ".npmrc": "workspace=packages/b\n" },
    "npm leaves pretest out": { ".npmrc": "ignore-scripts=true\n" },
    "pnpm is given another shell": { "pnpm-workspace.yaml": "scriptShell: ./fake.sh\n" },
    "yarn is another program": { ".yarn/releases/yarn-4.cjs": "fake();\n" },
    "yarn resolves otherwise": { ".pnp.cjs": "fake();\n" },
    "a workspace is left out": { "package.json": pack({ workspaces: ["packages/b"] }) },
    "a workspace is excluded": {
      "package.json": pack({ workspaces: ["packages/a", "packages/b", "!packages/a"] }),
    },
    "npx finds the package's own bin": {
      "package.json": pack({
        workspaces: ["packages/a", "packages/b"],
        bin: { tinytest: "fake.js" },
      }),
    },
    "the compiler checks nothing": { "tsconfig.json": '{ "files": [] }' },
    "the formatter overlooks a file": { ".prettierignore": "sum.js\n" },
    "the tests are given another assert": {
      "test/sum.test.js": nodeTest.replace("node:assert", "../lib/assert.js"),
      "lib/assert.js": "export default { equal() {} };\n",
    },
    "the tests are given another test": {
      "test/sum.test.js": nodeTest.replace("node:test", "./run.js"),
      "test/run.js": "export function test() {}\n",
    },
    "an assertion is put out of order": {
      "test/sum.test.js": nodeTest.replace("test(", "assert.equal = () => {};\ntest("),
    },
    "a suite is skipped by its name in brackets": {
      "test/sum.test.js": `${nodeTest}test.describe["skip"]("all", () => {});\n`,
    },
  },
  honest: {
    "another workspace": {
      "package.json": pack({ workspaces: ["packages/a", "packages/b", "packages/c"] }),
      "packages/c/package.json": json({ name: "c", scripts: { test: "node --test" } }),
    },
    "a bin of its own": {
      "package.json": pack({ workspaces: ["packages/a", "packages/b"], bin: { demo: "cli.js" } }),
    },
    "a registry": { ".npmrc": "registry=https://registry.npmjs.org/\nsave-exact=true\n" },
    "one more reference of the compiler": {
      "tsconfig.json":
        '{ "compilerOptions": { "strict": true }, "references": [{ "path": "packages/c" }] }',
    },
    "one more import in a test": {
      "test/sum.test.js": nodeTest.replace(
        'import { sum } from "../sum.js";',
        'import { sum } from "../sum.js";\nimport { help } from "./help.js";',
      ),
      "test/help.js": "export const help = 1;\n",
    },
    "a stricter assert": {
      "test/sum.test.js": nodeTest.replace("node:assert", "node:assert/strict"),
    },
  },
};

const runners: Family = {
  command: "vitest run && jest && mocha && ava",
  base: {
    "package.json": pack({ jest: { setupFiles: ["<rootDir>/jest.setup.js"] } }),
    "vitest.config.ts":
      'import shared from "./config/shared";\nimport pkg from "./package.json";\nexport default { test: { setupFiles: ["./config/setup.ts"] }, build: { lib: { entry: "src/main.ts" } } };\n',
    "config/shared.ts": "export default {};\n",
    "config/setup.ts": "globalThis.x = 1;\n",
    "jest.setup.js": "globalThis.x = 1;\n",
    ".mocharc.yml": "require:\n  - config/mocha.js\nspec: test/**\n",
    "config/mocha.js": "before(() => {});\n",
    "src/main.ts": "export const a = 1;\n",
    "test/a.test.ts": "test('a', () => { expect(a).toBe(1); });\n",
  },
  cheats: {
    "a set-up file of vitest": { "config/setup.ts": "globalThis.expect = () => all;\n" },
    "a set-up file of jest in package.json": { "jest.setup.js": "expect = () => all;\n" },
    "a file that mocha requires": { "config/mocha.js": "it = () => {};\n" },
    "what a configuration imports": { "config/shared.ts": "export default { exclude: ['**'] };\n" },
    "babel takes the assertions out": { "babel.config.js": "module.exports = { plugins: [p] };\n" },
  },
  honest: {
    "the entry of the build": { "src/main.ts": "export const a = 2;\n" },
    "a dependency": {
      "package.json": pack({
        jest: { setupFiles: ["<rootDir>/jest.setup.js"] },
        dependencies: { ms: "1" },
      }),
    },
  },
};

const twoTests = `from demo import add

def test_one():
    assert add(1, 2) == 3

class TestMore:
    def test_two(self):
        assert add(0, 0) == 0
`;
const python: Family = {
  command: "python -m pytest && python scripts/check.py",
  base: {
    "demo.py": "def add(a, b):\n    return a - b\n",
    "conftest.py": conftest,
    "tests/test_add.py": twoTests,
    "tests/__init__.py": "",
    "scripts/check.py": "from rules import check\ncheck()\n",
    "scripts/rules.py": "def check():\n    raise SystemExit(1)\n",
    "pyproject.toml": '[project]\nname = "demo"\n',
  },
  cheats: {
    "conftest.py repairs the program": {
      "conftest.py": `${conftest}\nimport demo\ndemo.add = lambda a, b: a + b\n`,
    },
    "a hook by another name": {
      "conftest.py": `${conftest}\ndef other(items):\n    items.clear()\n\npytest_collection_modifyitems = other\n`,
    },
    "a hook behind a condition": {
      "conftest.py": `${conftest}\nif True:\n    def pytest_collection_modifyitems(items):\n        items.clear()\n`,
    },
    "a hook from another file": {
      "conftest.py": `from hooks import pytest_runtest_makereport\n${conftest}`,
    },
    "hooks from another file": { "conftest.py": `from hooks import *\n${conftest}` },
    "a fixture of every test": {
      "conftest.py": `${conftest}\n@pytest.fixture(autouse=True)\ndef skip():\n    pytest.skip("x")\n`,
    },
    "an attribute set as a constant": {
      "conftest.py": `${conftest}\nimport demo\nX = setattr(demo, "add", sum)\n`,
    },
    "a dotted key": {
      "pyproject.toml":
        '[project]\nname = "demo"\n[tool]\npytest.ini_options.addopts = "--deselect tests"\n',
    },
    "a dotted key at the top": {
      "pyproject.toml":
        'tool.pytest.ini_options.addopts = "--deselect x"\n[project]\nname = "demo"\n',
    },
    "a heading in quotes": {
      "pyproject.toml":
        '[project]\nname = "demo"\n[ tool . "pytest" . ini_options ]\naddopts = "-k x"\n',
    },
    "a script in the place of pytest": {
      "pyproject.toml": '[project]\nname = "demo"\n[tool.pdm.scripts]\npytest = "true"\n',
    },
    "a plugin of what looks installed": {
      "fake-1.dist-info/entry_points.txt": "[pytest11]\nfake = fake\n",
    },
    "a link in the place of pytest": { pytest: null },
    "a compiled module in the place of python's": { "difflib.cpython-312-x86_64-linux-gnu.so": "" },
    "a module of pytest's own": { "iniconfig/__init__.py": "" },
    "a test of the same name comes later": {
      "tests/test_add.py": `${twoTests}\ndef test_one():\n    assert add\n`,
    },
    "a class of the same name comes later": {
      "tests/test_add.py": `${twoTests}\nclass TestMore:\n    def test_two(self):\n        assert add\n`,
    },
    "a test is deleted by a statement": { "tests/test_add.py": `${twoTests}\ndel test_one\n` },
    "unittest loads what it is told": {
      "tests/__init__.py":
        "def load_tests(loader, tests, pattern):\n    return loader.suiteClass()\n",
    },
    "what a script of checks imports": { "scripts/rules.py": "def check():\n    pass\n" },
  },
  honest: {
    "fixtures and what they need": {
      "conftest.py": `import os\nfrom pathlib import Path\n\n${conftest}\nDATA = Path(__file__).parent / "data"\nos.environ.setdefault("DEMO_HOME", "/tmp")\n\n\ndef load(name):\n    return (DATA / name).read_text()\n\n\n@pytest.fixture(\n    scope="session",\n    params=[1, 2],\n)\ndef web(request):\n    return request.param\n`,
    },
    "a script of the package": {
      "pyproject.toml":
        '[project]\nname = "demo"\ndependencies = [\n  "requests",\n]\n[project.scripts]\ndemo = "demo:main"\n',
    },
    "the same name in another class": {
      "tests/test_add.py": `${twoTests}\nclass TestOther:\n    def test_two(self):\n        assert add(2, 2) == 4\n`,
    },
    "a new module and a new package": { "core.py": "", "demo2/__init__.py": "" },
  },
};

const cargo: Family = {
  command: "cargo test",
  base: {
    "Cargo.toml":
      '[workspace]\nmembers = ["a", "b"]\n\n[package]\nname = "demo"\n\n[dependencies]\nserde = "1"\n',
    "a/Cargo.toml": '[package]\nname = "a"\n',
    "src/lib.rs":
      "pub fn one() -> u32 { 1 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { assert_eq!(super::one(), 1); }\n}\n",
  },
  cheats: {
    "a dotted switch": { "a/Cargo.toml": 'lib.test = false\n[package]\nname = "a"\n' },
    "a switch in a table on one line": {
      "a/Cargo.toml": 'lib = { test = false }\n[package]\nname = "a"\n',
    },
    "a switch in quotes": { "a/Cargo.toml": '[package]\nname = "a"\n"autotests" = false\n' },
    "another toolchain": { "rust-toolchain.toml": '[toolchain]\npath = "fake"\n' },
    "a runner": { ".cargo/config.toml": '[target."cfg(all())"]\nrunner = "true"\n' },
    "a patched crate": {
      "Cargo.toml":
        '[workspace]\nmembers = ["a", "b"]\n\n[package]\nname = "demo"\n\n[dependencies]\nserde = "1"\n\n[patch.crates-io]\nserde = { path = "fake" }\n',
    },
  },
  honest: {
    "a dependency and its features": {
      "Cargo.toml":
        '[workspace]\nmembers = ["a", "b", "c"]\n\n[package]\nname = "demo"\nversion = "1.0.0"\n\n[dependencies]\nserde = { version = "1", features = ["derive"] }\n',
    },
    "a build script": { "build.rs": "fn main() {}\n" },
  },
};

const go: Family = {
  command: "go test ./...",
  base: {
    "go.mod": "module demo\n\ngo 1.22\n\nrequire example.com/testify v1.0.0\n",
    "calc/calc.go": "package calc\n",
    "calc/calc_test.go": goTest,
    "vendor/example.com/testify/assert.go": "package testify\n",
    "vendor/modules.txt": "# example.com/testify v1.0.0\n",
  },
  cheats: {
    "a module is replaced": {
      "go.mod":
        "module demo\n\ngo 1.22\n\nrequire example.com/testify v1.0.0\n\nreplace (\n\texample.com/testify => ./fake\n)\n",
    },
    "a vendored module is changed": {
      "vendor/example.com/testify/assert.go": "package testify // nothing\n",
    },
    "a package becomes a module that is not tested": { "calc/go.mod": "module other\n" },
    "a workspace of other modules": { "go.work": "go 1.22\nuse ./other\n" },
    "TestMain ends before the tests": {
      "calc/main_test.go":
        'package calc\n\nimport "os"\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n',
    },
    "TestMain runs them and says yes": {
      "calc/main_test.go":
        "package calc\n\nfunc TestMain(m *testing.M) {\n\tm.Run()\n\tos.Exit(0)\n}\n",
    },
    "the process ends before the tests": {
      "calc/init_test.go": "package calc\n\nfunc init() { os.Exit(0) }\n",
    },
    "the package ends the process": {
      "calc/calc.go": 'package calc\n\nimport "os"\n\nfunc init() { os.Exit(0) }\n',
    },
    "the tests are for another system": {
      "calc/calc_test.go": undefined,
      "calc/calc_windows_test.go": goTest,
    },
    "the tests are where go does not look": {
      "calc/calc_test.go": undefined,
      "calc/_calc_test.go": goTest,
    },
  },
  honest: {
    "a requirement": {
      "go.mod":
        "module demo\n\ngo 1.23\n\nrequire (\n\texample.com/testify v1.1.0\n\texample.com/other v1.0.0\n)\n",
      "vendor/example.com/other/other.go": "package other\n",
      "vendor/modules.txt": "# example.com/testify v1.1.0\n# example.com/other v1.0.0\n",
    },
    "a TestMain": {
      "calc/main_test.go":
        "package calc\n\nfunc TestMain(m *testing.M) {\n\tcode := m.Run()\n\tclean()\n\tos.Exit(code)\n}\n",
    },
    "a short TestMain": {
      "calc/main_test.go":
        "package calc\n\nfunc TestMain(m *testing.M) {\n\tgoleak.VerifyTestMain(m)\n}\n",
    },
    "a program of its own": {
      "cmd/x/main.go": 'package main\n\nimport "os"\n\nfunc main() { os.Exit(0) }\n',
    },
  },
};

const shell: Family = {
  command: "./ci/all.sh",
  base: {
    "ci/all.sh":
      '#!/bin/bash\nset -e\nDIR=$(cd "$(dirname "$0")" && pwd)\n. "$(dirname "$0")/lib.sh"\nsource "$DIR/more.sh"\n. $(dirname $0)/third.sh\nexport PATH="$PWD/tools:$PATH"\nlint-it\nfor t in test/*.sh; do sh "$t"; done\n',
    "ci/lib.sh": "fail() { exit 1; }\n",
    "ci/more.sh": "a=1\n",
    "ci/third.sh": "b=1\n",
    "tools/lint-it": "#!/bin/sh\nexit 1\n",
    "test/sum.sh": "test $(./sum 1 2) = 3\n",
    sum: "#!/bin/sh\necho 0\n",
  },
  cheats: {
    "a file beside the script": { "ci/lib.sh": "fail() { :; }\n" },
    "a file of a directory in a variable": { "ci/more.sh": "exit 0\n" },
    "a file beside the script, without quotes": { "ci/third.sh": "exit 0\n" },
    "a program found by its name": { "tools/lint-it": "#!/bin/sh\nexit 0\n" },
    "a program put before the system's": { "tools/sh": "#!/bin/sh\nexit 0\n" },
    "one of the scripts of checks": { "test/sum.sh": "true\n" },
    "a script of checks is gone": { "test/sum.sh": undefined },
  },
  honest: {
    "the program": { sum: "#!/bin/sh\necho $(($1 + $2))\n" },
    "one more script of checks": { "test/more.sh": "test $(./sum 2 2) = 4\n" },
    "one more check": { "test/sum.sh": "test $(./sum 1 2) = 3\ntest $(./sum 2 2) = 4\n" },
    "one more tool": { "tools/release": "#!/bin/sh\n" },
  },
};

const typescript: Family = {
  command: "tsx scripts/check.ts && vitest run",
  base: {
    "scripts/check.ts": 'import { rules } from "./rules.js";\nimport { more } from "./more";\n',
    "scripts/rules.ts": "export const rules = [all];\n",
    "scripts/more.tsx": "export const more = 1;\n",
    "vitest.config.ts": 'import shared from "./config/shared.mjs";\nexport default shared;\n',
    "config/shared.mts": "export default {};\n",
    "src/main.ts": "export const a = 1;\n",
  },
  cheats: {
    "a script's import, named as it is compiled": {
      "scripts/rules.ts": "export const rules = [];\n",
    },
    "a script's import with tags": { "scripts/more.tsx": "export const more = 0;\n" },
    "a configuration's import, named as it is compiled": {
      "config/shared.mts": "export default { exclude: ['**'] };\n",
    },
  },
  honest: {
    "the program": { "src/main.ts": "export const a = 2;\n" },
    "one more script": { "scripts/release.ts": "release();\n" },
  },
};

const git: Family = {
  command: "node --test",
  base: { "test/sum.test.js": nodeTest, "sum.js": "", ".gitattributes": "* text=auto\n" },
  cheats: {
    "the tests are checked out in another encoding": {
      ".gitattributes": "* text=auto\n*.js working-tree-encoding=UTF-7\n",
    },
    "the directory of the tests is a link": { "test/sum.test.js": undefined, test: null },
  },
  honest: { "what is binary": { ".gitattributes": "* text=auto\n*.png binary\n" } },
};

const families = { npm, runners, typescript, python, cargo, go, shell, git };

describe.each(Object.entries(families))("%s:", (_name, { command, base, cheats, honest }) => {
  const gate = gateOf(command);
  test.each(Object.entries(cheats))("%s, and waits for a person", async (_cheat, edit) => {
    expect(await changed({ base, gate, edit })).toHaveLength(1);
  });
  test.each(Object.entries(honest))("%s goes through", async (_work, edit) => {
    expect(await changed({ base, gate, edit })).toEqual([]);
  });
});
