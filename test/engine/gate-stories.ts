/** Two small repositories, and what a loop does to them. */
import type { Gate } from "../../src/core/loop.ts";
import { gateChanges } from "../../src/engine/gate.ts";
import type { FileChange, Worktrees } from "../../src/ports.ts";

/** Path to text; null is a link. */
export type Files = Readonly<Record<string, string | null>>;
/** What a commit does to the files; undefined deletes. */
export type Edit = Readonly<Record<string, string | null | undefined>>;

export const gateOf = (command: string, protect: readonly string[] = []): Gate => ({
  command,
  successExitCode: 0,
  timeoutMs: 60_000,
  protect,
  detectedFrom: null,
});

/** A repository of two commits, in memory. `renames` are old path to new path. */
function worktrees(base: Files, head: Files, renames: Readonly<Record<string, string>>): Worktrees {
  const tree = (commit: string) => (commit === "base" ? base : head);
  const renamed = Object.entries(renames);
  const changes: FileChange[] = renamed.map(([oldPath, path]) => ({
    path,
    status: "renamed",
    oldPath,
  }));
  for (const path of new Set([...Object.keys(base), ...Object.keys(head)])) {
    if (renamed.flat().includes(path) || base[path] === head[path]) continue;
    const status = !(path in base) ? "added" : path in head ? "modified" : "deleted";
    changes.push({ path, status, oldPath: null });
  }
  const never = () => Promise.reject(new Error("not asked for"));
  return {
    changes: async () => changes,
    file: async (_repo, commit, path) => tree(commit)[path] ?? null,
    paths: async (_repo, commit) => Object.keys(tree(commit)),
    open: never,
    fresh: never,
    diff: never,
    deliver: never,
    remove: never,
    rest: never,
  };
}

export interface Story {
  readonly base: Files;
  readonly gate: Gate;
  readonly edit: Edit;
  readonly renames?: Readonly<Record<string, string>>;
  readonly allowed?: readonly string[];
}

export function given({ base, gate, edit, renames = {}, allowed = [] }: Story) {
  const head: Record<string, string | null> = { ...base };
  for (const [oldPath, path] of Object.entries(renames)) {
    head[path] = head[oldPath] ?? null;
    delete head[oldPath];
  }
  for (const [path, text] of Object.entries(edit)) {
    if (text === undefined) delete head[path];
    else head[path] = text;
  }
  const world = worktrees(base, head, renames);
  return { worktrees: world, repo: "/repo", gate, base: "base", head: "head", allowed };
}

export const changed = async (story: Story) =>
  (await gateChanges(given(story))).map(({ reason }) => reason);

export const sumTest = `// what sums are
test("adds", () => {
  expect(sum(1, 2)).toBe(3);
  expect(sum(0, 0)).toBe(0);
});
test("adds 'negative' numbers", () => {
  expect(sum(-1, 1)).toBe(0);
});
`;
export const manifest = {
  name: "demo",
  version: "1.0.0",
  scripts: {
    pretest: "npm run build",
    test: "vitest run && npm run check:types",
    build: "bash scripts/build.sh",
    "check:types": "tsc --noEmit",
    lint: "eslint .",
    start: "node server.js",
  },
  devDependencies: { vitest: "^3.0.0" },
};
export const json = (value: unknown) => JSON.stringify(value, null, 2);
export const js: Files = {
  "package.json": json(manifest),
  "vitest.config.ts": "export default { test: { include: ['test/**'] } };\n",
  "scripts/build.sh": "#!/bin/sh\n# builds\nnode scripts/pack.js\n",
  "scripts/pack.js": "pack();\n",
  "src/sum.ts": "export const sum = (a: number, b: number) => a + b;\n",
  "test/sum.test.ts": sumTest,
  "test/other.test.ts": "test('other', () => { expect(1 + 1).toBe(2); });\n",
  "test/__snapshots__/sum.test.ts.snap": "exports[`a`] = `1`;\n",
  ".github/workflows/ci.yml": "on: push\n",
  "README.md": "# demo\n",
};
export const npm = gateOf("npm test", ["golden/**"]);

export const pyTest = `import pytest

def test_adds():
    assert add(1, 2) == 3
    assert add(0, 0) == 0

def test_negative():
    """Negative numbers # too."""
    assert add(-1, 1) == 0
`;
export const makefile = `PYTHON = python3

all: build

build:
\techo build

test: build
\t$(PYTHON) -m pytest -q
\t./scripts/extra.sh

clean:
\trm -rf out
`;
export const pyproject = `[project]
name = "demo"

[tool.pytest.ini_options]
addopts = "-q"
`;
export const conftest = `import pytest

@pytest.fixture
def db():
    return {}
`;
export const py: Files = {
  "pyproject.toml": pyproject,
  "conftest.py": conftest,
  "tests/test_add.py": pyTest,
  "tests/run.py": "import sys\n",
  "demo/add.py": "def add(a, b):\n    return a + b\n",
  Makefile: makefile,
  "scripts/extra.sh": "set -e\npython tests/run.py\n",
};
export const make = gateOf("make test");

export const rustLib = `pub fn double(n: u32) -> u32 { assert!(n < 9); n * 2 }
#[cfg(test)]
mod tests {
    #[test]
    fn doubles() { assert_eq!(super::double(2), 4); }
}
`;
export const goTest = `package calc

func TestAdd(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Errorf("got %d", Add(1, 2))
	}
}

func TestSub(t *testing.T) { require.Equal(t, 1, Sub(3, 2)) }
`;

export const withScripts = (scripts: object, more: object = {}) =>
  json({ ...manifest, ...more, scripts: { ...manifest.scripts, ...scripts } });
