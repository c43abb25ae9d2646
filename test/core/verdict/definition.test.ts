import { describe, expect, test } from "vitest";
import { commandsIn, joinPath } from "../../../src/core/verdict/commands.ts";
import { matchesGlob } from "../../../src/core/verdict/glob.ts";
import { includesOf, targetsOf } from "../../../src/core/verdict/makefile.ts";
import {
  configurationText,
  listedParts,
  withoutComments,
} from "../../../src/core/verdict/manifests.ts";
import { scriptCall, scriptsCalled } from "../../../src/core/verdict/script-calls.ts";
import { cpuMs } from "../../cpu-time.ts";

const words = (shell: string) =>
  commandsIn(shell).map(({ words: each, dir }) => (dir === "" ? "" : `${dir}$ `) + each.join(" "));

describe("commandsIn", () => {
  test.each([
    ["a b && c || d; e | f & g", ["a b", "c", "d", "e", "f", "g"]],
    ["A=1 B='x y' run \"a b\" 'c d' e\\ f", ["run a b c d e f"]],
    ["run >out 2>&1 <in x # comment && no", ["run x"]],
    ["if test -f x; then ./a.sh; else npm t; fi", ["test -f x", "./a.sh", "npm t", "fi"]],
    ["cd a && x; cd ../b/c && y", ["a$ x", "b/c$ y"]],
    ["npx --yes -p foo vitest run", ["vitest run"]],
    ["env -i A=1 timeout -k 5 60 nice -n 5 make test", ["make test"]],
    [
      "poetry run pytest; uv run --with x pytest -q; bundle exec rspec",
      ["pytest", "pytest -q", "rspec"],
    ],
    ["pnpm exec jest; yarn dlx jest; npm exec -- jest", ["jest", "jest", "jest"]],
    ["cross-env CI=1 c8 --all mocha", ["mocha"]],
    ["node --no-warnings ./node_modules/.bin/jest -i", ["jest -i"]],
    ["node_modules/vitest/vitest.mjs run", ["vitest run"]],
    ["bash -ec 'a && b'", ["bash -ec a && b", "a", "b"]],
    ["echo $(cat x) `whoami`", ["echo", "cat x", "whoami"]],
    [
      "concurrently 'npm:lint' 'npm run test'",
      ["concurrently npm:lint npm run test", "npm run lint", "npm run test"],
    ],
    ["a \\\n  b", ["a b"]],
    ["coverage run -m pytest", ["python -m pytest"]],
    ["", []],
    ["'unclosed", ["unclosed"]],
  ])("%s", (shell, expected) => {
    expect(words(shell)).toEqual(expected);
  });

  test("takes linear time, whatever the text", () => {
    const startedAt = cpuMs();
    for (const unit of ["${", '"', "$(", "a=", "npx ", "bash -c '", "\\", "< "]) {
      commandsIn(unit.repeat(500_000 / unit.length));
    }
    expect(cpuMs() - startedAt).toBeLessThan(5_000);
  });
});

test("joinPath stays relative", () => {
  expect(joinPath("a/b", "../c/./d")).toBe("a/c/d");
  expect(joinPath("", "../x")).toBe("../x");
  expect(joinPath("a", "/x")).toBe("/x");
});

describe("matchesGlob", () => {
  test.each([
    ["a.ts", "a.ts", true],
    ["a.ts", "b/a.ts", false],
    ["**/a.ts", "a.ts", true],
    ["**/a.ts", "x/y/a.ts", true],
    ["src/**", "src/a/b.ts", true],
    ["src/", "src/a/b.ts", true],
    ["src/**", "src", false],
    ["src/**/*.ts", "src/b.ts", true],
    ["*.ts", "a/b.ts", false],
    ["a?.[jt]s", "ab.js", true],
    ["a.[!j]s", "a.js", false],
    ["{a,b/c}.ts", "b/c.ts", true],
    ["{a,b", "b", true],
    ["a+(b).ts", "a+(b).ts", true],
    ["./a,b", "a,b", true],
  ])("%s against %s is %s", (pattern, path, expected) => {
    expect(matchesGlob(pattern, path)).toBe(expected);
  });

  test.each([
    ["**/".repeat(60), "a/".repeat(500)],
    ["*a".repeat(60), "a".repeat(500)],
    ["{a,a}".repeat(60), "a".repeat(500)],
  ])("%s is answered at once, whatever the path", (pattern, path) => {
    expect(matchesGlob(`${pattern}x`, `${path}y`)).toBe(false);
  });

  test("no letter of a name hides a path, and an odd class is no error", () => {
    expect(matchesGlob("tests/**", "tests/a\nb.py")).toBe(true);
    expect(matchesGlob("[z-a]", "b")).toBe(false);
  });
});

describe("targetsOf a hostile file", () => {
  test("reads a file of many targets at once", () => {
    const chain = Array.from({ length: 50_000 }, (_, n) => `t${n}: t${n + 1}\n`).join("");
    expect(targetsOf(`${chain}t50000:\n\ttrue\n`, ["t0"])).toHaveLength(50_001);
  });

  test("looks at a line of any length, and fills in no more than there is room for", () => {
    const spaces = `a${" b".repeat(990)} :=\n`.repeat(2_000);
    const value = `X = ${"y".repeat(10_000)}\n`;
    const [found] = targetsOf(`${spaces}${value}all:\n\t${"$(X)".repeat(20_000)}\n`, ["all"]);
    expect(found?.shell.length).toBeLessThan(1_100_000);
    expect(found?.shell).toContain("yyy$(X)");
  });
});

describe("scriptCall", () => {
  const call = (shell: string) => {
    const found = scriptCall(commandsIn(shell)[0]?.words ?? [], "");
    if (found === null) return null;
    return [
      ...found.scripts,
      ...(found.dir === "" ? [] : [`in ${found.dir}`]),
      ...(found.workspaces ? ["all"] : []),
    ].join(" ");
  };
  test.each([
    ["npm test", "test"],
    ["npm t -- --watch", "test"],
    ["npm run -s test:unit", "test:unit"],
    ["npm --prefix web run check", "check in web"],
    ["npm test --workspaces", "test all"],
    ["npm run test -w a", "test all"],
    ["npm ci", null],
    ["npm install vitest", null],
    ["pnpm -r test", "test all"],
    ["pnpm lint", "lint"],
    ["pnpm --filter a test", "test all"],
    ["pnpm install", null],
    ["yarn check", "check"],
    ["yarn workspace a test", "test all"],
    ["yarn workspaces foreach -A run test", "test all"],
    ["bun test", null],
    ["bun run unit", "unit"],
    ["node --run test", "test"],
    ["npm-run-all lint 'test:*'", "lint test:*"],
    ["turbo run test lint", "test lint all"],
    ["make test", null],
  ])("%s", (shell, expected) => {
    expect(call(shell)).toBe(expected);
  });

  test("a pattern calls all scripts that begin so, each with what is before and after it", () => {
    const scripts = new Map([
      ["test:a", "1"],
      ["posttest:a", "2"],
      ["test:b", "3"],
      ["tests", "4"],
    ]);
    expect(scriptsCalled(scripts, "test:*")).toEqual([
      ["test:a", "1"],
      ["posttest:a", "2"],
      ["test:b", "3"],
    ]);
    expect(scriptsCalled(scripts, "none")).toEqual([]);
  });
});

describe("targetsOf", () => {
  const make = `include mk/all.mk
CC ?= cc
RUN := $(CC) -o x
test: build lint ; @echo inline
\t-@$(RUN) \\
\t  more

\t# not this
build:
\tcargo build
lint: FLAGS = 1
other::
\ttrue
`;

  test("has the targets that a goal needs, their commands, and the variables these use", () => {
    const found = targetsOf(make, ["test"]);
    expect(found.map(({ name, needs, shell }) => ({ name, needs, shell }))).toEqual([
      { name: "test", needs: ["build", "lint"], shell: "echo inline\ncc -o x  \t  more" },
      { name: "build", needs: [], shell: "cargo build" },
      { name: "lint", needs: ["FLAGS", "=", "1"], shell: "" },
      { name: "", needs: [], shell: "" },
    ]);
    expect(found.at(-1)?.text).toBe("include mk/all.mk\nCC ?= cc\nRUN := $(CC) -o x");
  });

  test("begins with the first target when no goal is given", () => {
    expect(targetsOf("a: b\n\tx\nb:\n\ty\nc:\n\tz\n", []).map(({ name }) => name)).toEqual([
      "a",
      "b",
    ]);
  });

  test("reads a justfile", () => {
    const just =
      "runner := 'pytest'\n\ntest *args: build\n    {{runner}} -q {{args}}\n\nbuild:\n    ./b.sh\n";
    expect(targetsOf(just, ["test"]).map(({ name, shell }) => `${name}: ${shell}`)).toEqual([
      "test: pytest -q {{args}}",
      "build: ./b.sh",
      ": ",
    ]);
  });

  test("ends on targets that need each other, and in linear time", () => {
    expect(targetsOf("a: b\nb: a\n", ["a"])).toHaveLength(2);
    const startedAt = cpuMs();
    targetsOf(`a${" ".repeat(1_000_000)}b`, ["a"]);
    expect(cpuMs() - startedAt).toBeLessThan(2_000);
  });

  test("names the files that are included", () => {
    expect(includesOf("include a.mk b.mk\n-include c.mk\ninclude $(X)\n")).toEqual([
      "a.mk",
      "b.mk",
      "c.mk",
    ]);
  });
});

describe("configurationText", () => {
  test("has the hooks of a conftest.py, not its fixtures", () => {
    const text =
      "x = 1\n\n@fixture\ndef db():\n    pass\n\ndef pytest_configure(c):\n    c.x = 1\n\ndef f():\n    pass\n";
    expect(configurationText("tests/conftest.py", text)).toBe(
      "def pytest_configure(c):\n    c.x = 1",
    );
  });

  test("has what makes npm run something else", () => {
    expect(configurationText(".npmrc", "save-exact=true\nnode-options = --import ./x.js\n")).toBe(
      "node-options = --import ./x.js",
    );
  });

  test.each([
    ["go.mod", "require (\n"],
    ["Cargo.toml", "members = [\n"],
    ["pnpm-workspace.yaml", "\n"],
  ])("takes a moment only for a long %s", (path, line) => {
    const text = line.repeat(Math.ceil(300_000 / line.length));
    const startedAt = cpuMs();
    configurationText(path, text);
    listedParts(path, text);
    expect(cpuMs() - startedAt).toBeLessThan(5_000);
  });

  test("leaves comments out that end nothing", () => {
    expect(withoutComments("a.sh", "#!/bin/sh\n# a\n\nb # c\n")).toBe("#!/bin/sh\nb # c");
    expect(withoutComments("a.ts", "// a\nb();\n// */\n")).toBe("b();\n// */");
    expect(withoutComments("a.py", '# """\nb\n')).toBe('# """\nb');
    expect(withoutComments("a.sh", "cat <<X\n# a\nX\n")).toBe("cat <<X\n# a\nX\n");
  });
});
