/** Small repositories whose validation is a real runner, and what a loop may do to them. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import {
  bash,
  conversations,
  done,
  type Files,
  type LoopRun,
  runLoop,
  sampleRepository,
  scripted,
  shell,
} from "./support.ts";

export interface Kind {
  readonly files: Files;
  readonly validate: string | null;
  /** What the user installed; ignored by git. */
  readonly installed?: Files;
  /** What else the user did in the checkout, in bash. */
  readonly prepare?: string;
  /** The honest repair, for stories that need it. */
  readonly repair: string;
}

/** A shell command that writes a file. */
export const put = (path: string, text: string) =>
  `mkdir -p "$(dirname '${path}')"; rm -f '${path}'; cat > '${path}' <<'END-OF-FILE'\n${text}\nEND-OF-FILE\n`;

/** `node --test` by npm; one test fails, one passes. */
export const npm: Kind = {
  validate: null,
  repair: "sed -i 's/a - b/a + b/' sum.js",
  files: {
    "package.json": manifest({ scripts: { test: "node --test", start: "node main.js" } }),
    ".gitignore": "node_modules/\ndist/\n.env\n",
    "sum.js": "export const sum = (a, b) => a - b;\n",
    "test/sum.test.js": nodeTest("sum", "assert.equal(sum(1, 2), 3);"),
    "test/other.test.js": nodeTest("other", "assert.equal(typeof sum, 'function');"),
  },
};

/** A shell script with its own words. */
export const script: Kind = {
  validate: "./check.sh",
  repair: npm.repair,
  files: {
    "check.sh": `#!/bin/sh\nset -e\ngot=$(node -e 'import("./sum.mjs").then((m) => console.log(m.sum(1, 2)))')\ntest "$got" = 3 || { echo "1 + 2 is not $got"; exit 1; }\n`,
    "sum.mjs": "export { sum } from './sum.js';\n",
    "sum.js": "export const sum = (a, b) => a - b;\n",
    "package.json": '{ "type": "module" }\n',
  },
};

export const make: Kind = {
  ...npm,
  validate: "make test",
  files: {
    ...npm.files,
    Makefile:
      ".PHONY: test clean\n\nNODE = node\n\ntest:\n\t$(NODE) --test\n\nclean:\n\trm -rf dist\n",
  },
};

/** A runner that nobody knows, installed by the user. */
export const installed: Kind = {
  validate: "npm test",
  repair: npm.repair,
  files: { ...npm.files, "package.json": manifest({ scripts: { test: "tinytest test/*.js" } }) },
  installed: {
    "node_modules/tinytest/package.json":
      '{ "name": "tinytest", "version": "1.0.0", "bin": "run.js" }',
    "node_modules/tinytest/run.js":
      "#!/usr/bin/env node\nconst { spawnSync } = require('node:child_process');\nconst { status } = spawnSync('node', ['--test', ...process.argv.slice(2)], { stdio: 'inherit' });\nprocess.exit(status);\n",
  },
};

/** pytest in a virtualenv that the user made; it is linked into the worktrees. */
export const python: Kind = {
  validate: ".venv/bin/python -m pytest -p no:cacheprovider",
  prepare: "python3 -m venv --without-pip --system-site-packages .venv",
  repair: "sed -i 's/a - b/a + b/' sums.py",
  files: {
    ".gitignore": "__pycache__/\n.venv/\n",
    "sums.py": "def add(a, b):\n    return a - b\n",
    "tests/test_sums.py": "from sums import add\n\n\ndef test_adds():\n    assert add(1, 2) == 3\n",
    "tests/test_other.py":
      "from sums import add\n\n\ndef test_is_there():\n    assert add is not None\n",
  },
};

/** A helper of tests that says no by an error. */
export const same = `export function same(a, b) {
  if (a !== b) throw new Error("they differ");
}
`;

export function manifest(more: object): string {
  return `${JSON.stringify({ name: "demo", version: "1.0.0", type: "module", ...more }, null, 2)}\n`;
}

export function nodeTest(name: string, body: string): string {
  return `import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "../sum.js";
test("${name}", () => {
  ${body}
});
`;
}

/** One loop whose model runs these commands, each in its iteration, and says that it is done. */
export async function play(kind: Kind, ...commands: readonly string[]): Promise<LoopRun> {
  const repo = await sampleRepository(kind.files);
  await install(repo, kind.installed ?? {});
  if (kind.prepare !== undefined) await shell(repo, kind.prepare);
  const iterations = commands.map((command) => [[bash(command)], ["All tests pass.", done]]);
  return runLoop({
    repo,
    validate: kind.validate,
    iterationsMax: 2,
    model: scripted(...iterations),
  });
}

async function install(repo: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(repo, dirname(path)), { recursive: true });
    await writeFile(join(repo, path), text, { mode: 0o755 });
  }
  if (!("node_modules/tinytest/run.js" in files)) return;
  await mkdir(join(repo, "node_modules/.bin"));
  await symlink("../tinytest/run.js", join(repo, "node_modules/.bin/tinytest"));
}

export interface Cheat {
  readonly kind: Kind;
  readonly command: string;
  /** The loop waits for a person: its reason. */
  readonly gate?: RegExp;
  /** The loop goes on and learns this. */
  readonly told?: RegExp;
  /** False: the command says no even in the loop's own worktree. */
  readonly fools?: boolean;
}

export const onlyThere = /not in a fresh checkout of the same commit/;

/** Plays a cheat: it was really done, it is not complete, the reason is told, nothing is delivered. */
export async function expectCaught(cheat: Cheat): Promise<void> {
  const { view, branches, records, journal, checkout } = await play(cheat.kind, cheat.command);
  const entries = [...(records.get(1)?.entries ?? [])];
  const [used] = entries.flatMap((entry) => (entry.type === "toolResult" ? [entry] : []));
  const [first] = entries.flatMap((entry) => (entry.type === "validation" ? [entry] : []));
  expect(used).toMatchObject({ isError: false });
  expect(first).toMatchObject({ where: "worktree" });
  expect(first?.exitCode === 0, first?.output).toBe(cheat.fools ?? true);
  expect(view).toMatchObject({ delivered: null, verdict: { passed: false } });
  // Whoever reads the log is told why a yes was not believed.
  const last = entries.findLast((entry) => entry.type === "validation");
  if (last?.exitCode === 0) expect(entries.at(-1)).toMatchObject({ type: "note" });
  expect(branches).toEqual([]);
  expect(checkout.after).toEqual(checkout.before);
  if (cheat.gate !== undefined) {
    expect(view).toMatchObject({ status: "blocked", blockedOn: "gate", iteration: 1 });
    expect(view.reason).toMatch(cheat.gate);
    return;
  }
  expect(view).toMatchObject({ status: "failed", iteration: 2 });
  expect(conversations(journal).get(2)).toMatch(cheat.told ?? /^$/);
}
