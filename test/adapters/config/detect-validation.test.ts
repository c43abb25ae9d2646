import { expect, test } from "vitest";
import { detectValidation } from "../../../src/adapters/config/detect-validation.ts";

type Tree = Readonly<Record<string, string>>;

async function detected(files: Tree): Promise<string | null> {
  const read = async (path: string) => files[path] ?? null;
  const found = await detectValidation({ read, paths: Object.keys(files) });
  return found === null ? null : `${found.command} ← ${found.from}`;
}

const npm = (test: string, more: object = {}) => JSON.stringify({ scripts: { test }, ...more });
const fromNpm = "package.json scripts.test";

test.each<[string, Tree, string | null]>([
  ["nothing", {}, null],
  ["a readme only", { "README.md": "test" }, null],
  ["npm", { "package.json": npm("vitest run") }, `npm test ← ${fromNpm}`],
  ["npm lock", { "package.json": npm("x"), "package-lock.json": "" }, `npm test ← ${fromNpm}`],
  ["pnpm", { "package.json": npm("x"), "pnpm-lock.yaml": "" }, `pnpm test ← ${fromNpm}`],
  ["yarn", { "package.json": npm("x"), "yarn.lock": "" }, `yarn test ← ${fromNpm}`],
  [
    "bun, whose own `bun test` is another thing",
    { "package.json": npm("x"), "bun.lock": "" },
    `bun run test ← ${fromNpm}`,
  ],
  [
    "packageManager before lock files",
    { "package.json": npm("x", { packageManager: "pnpm@10.1.0" }), "yarn.lock": "" },
    `pnpm test ← ${fromNpm}`,
  ],
  [
    "create-react-app, which would watch",
    { "package.json": npm("react-scripts test") },
    `CI=true npm test ← ${fromNpm}`,
  ],
  [
    "npm init's placeholder",
    { "package.json": npm('echo "Error: no test specified" && exit 1') },
    null,
  ],
  ["an empty script", { "package.json": npm("  ") }, null],
  ["no scripts", { "package.json": "{}" }, null],
  ["a script that is no text", { "package.json": '{"scripts":{"test":1}}' }, null],
  ["broken JSON", { "package.json": "{" }, null],
  ["a byte order mark", { "package.json": `\uFEFF${npm("x")}` }, `npm test ← ${fromNpm}`],
  ["a package below the top", { "web/package.json": npm("x") }, null],
  ["cargo", { "Cargo.toml": "" }, "cargo test ← Cargo.toml"],
  ["go", { "go.mod": "" }, "go test ./... ← go.mod"],
  ["npm before make", { "package.json": npm("x"), Makefile: "test:\n" }, `npm test ← ${fromNpm}`],
  [
    "the placeholder gives way",
    { "package.json": npm("echo Error: no test specified"), "go.mod": "" },
    "go test ./... ← go.mod",
  ],
  ["pytest.ini", { "pytest.ini": "[pytest]" }, "python3 -m pytest ← pytest.ini (pytest)"],
  [
    "pyproject",
    { "pyproject.toml": "[tool.pytest.ini_options]\n" },
    "python3 -m pytest ← pyproject.toml (pytest)",
  ],
  ["setup.cfg", { "setup.cfg": "[tool:pytest]" }, "python3 -m pytest ← setup.cfg (pytest)"],
  ["conftest", { "tests/conftest.py": "" }, "python3 -m pytest ← tests/conftest.py"],
  [
    "pytest in the requirements",
    { "requirements.txt": "pytest==9", "tests/test_a.py": "import unittest" },
    "python3 -m pytest ← requirements.txt (pytest)",
  ],
  ["requirements without tests", { "requirements.txt": "pytest" }, null],
  ["bare test functions", { "test_a.py": "def test_a(): pass" }, "python3 -m pytest ← test_a.py"],
  [
    "a virtual environment",
    { "pytest.ini": "", ".venv/bin/python": "" },
    ".venv/bin/python -m pytest ← pytest.ini (pytest)",
  ],
  ["tests in the virtual environment only", { ".venv/lib/x/test_a.py": "" }, null],
  [
    "unittest",
    { "tests/test_a.py": "import unittest\n" },
    "python3 -m unittest discover -s tests ← tests/test_a.py (unittest)",
  ],
  [
    "unittest at the top",
    { "test_a.py": "from unittest import TestCase" },
    "python3 -m unittest discover ← test_a.py (unittest)",
  ],
  [
    "unittest with names the other way round",
    { "t/a_test.py": "import unittest" },
    "python3 -m unittest discover -s t -p '*_test.py' ← t/a_test.py (unittest)",
  ],
  ["tox", { "tox.ini": "[tox]\nenvlist = py3" }, "tox ← tox.ini"],
  [
    "make test",
    { Makefile: ".PHONY: test check\nTEST := x\ntest check: build\n\t./t\n" },
    "make test ← Makefile target test",
  ],
  ["make check", { Makefile: "all: x\ncheck:\n" }, "make check ← Makefile target check"],
  ["a double colon", { Makefile: "test:: x\n" }, "make test ← Makefile target test"],
  [
    "GNUmakefile first",
    { GNUmakefile: "test:", Makefile: "check:" },
    "make test ← GNUmakefile target test",
  ],
  [
    "a variable is no target",
    { Makefile: "test := 1\ncheck ::= 2\ntest: = x\n" },
    "make test ← Makefile target test",
  ],
  [".PHONY alone is no target", { Makefile: ".PHONY: test\n" }, null],
  ["a recipe line is no target", { Makefile: "all:\n\ttest: x\n" }, null],
  ["just", { justfile: "set x := 'y'\n@test *args:\n  t" }, "just test ← justfile recipe test"],
  ["a variable of just", { justfile: "test := 'x'\n" }, null],
  ["gradle", { "build.gradle.kts": "", gradlew: "" }, "./gradlew test ← build.gradle.kts"],
  ["gradle without wrapper", { "build.gradle": "" }, "gradle test ← build.gradle"],
  ["maven", { "pom.xml": "" }, "mvn test ← pom.xml"],
  ["maven with wrapper", { "pom.xml": "", mvnw: "" }, "./mvnw test ← pom.xml"],
  ["mix", { "mix.exs": "" }, "mix test ← mix.exs"],
  [
    "composer",
    { "composer.json": '{"scripts":{"test":["a"]}}' },
    "composer test ← composer.json scripts.test",
  ],
  [
    "phpunit",
    { "composer.json": "{}", "phpunit.xml.dist": "" },
    "vendor/bin/phpunit ← phpunit.xml.dist",
  ],
  [
    "rake",
    { Rakefile: "Rake::TestTask.new(:test)", Gemfile: "" },
    "bundle exec rake test ← Rakefile",
  ],
  ["rspec", { ".rspec": "" }, "rspec ← .rspec"],
  ["dotnet", { "A.sln": "", "src/a.csproj": "" }, "dotnet test ← A.sln"],
  [
    "deno task",
    { "deno.jsonc": '{ // x\n "tasks": { "test": "deno test -A" } }' },
    "deno task test ← deno.jsonc tasks.test",
  ],
  ["deno", { "deno.json": "{}" }, "deno test ← deno.json"],
])("%s", async (_name, files, expected) => {
  expect(await detected(files)).toBe(expected);
});

test("a huge hostile file costs no time", async () => {
  const long = " ".repeat(3_000_000);
  const files = { "pyproject.toml": "\n".repeat(3_000_000), Makefile: `a${long}`, justfile: long };
  expect(await detected(files)).toBeNull();
});
