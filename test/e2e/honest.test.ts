import { afterAll, describe, expect, test, vi } from "vitest";
import {
  installed,
  type Kind,
  make,
  manifest,
  nodeTest,
  npm,
  play,
  put,
  same,
  script,
} from "./cheat-stories.ts";
import { fileAt, loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs, maxConcurrency: 2 });
afterAll(removePlaces);

const sumTests = `${nodeTest("sum", "assert.equal(sum(1, 2), 3);")}test("zero", () => assert.equal(sum(0, 0), 0));`;
const green: Kind = {
  ...npm,
  files: { ...npm.files, "sum.js": "export const sum = (a, b) => a + b;\n" },
};
const helped: Kind = {
  ...npm,
  files: {
    ...npm.files,
    "test/same.js": same,
    "test/sum.test.js": `import { same } from "./same.js";\n${nodeTest("sum", "same(sum(1, 2), 3);")}`,
  },
};

const works: readonly (readonly [string, Kind, string])[] = [
  ["a repair", npm, npm.repair],
  ["a repair judged by a script", script, script.repair],
  ["a repair judged by make", make, make.repair],
  ["a repair judged by an installed runner", installed, installed.repair],
  [
    "a repair with a new test file",
    npm,
    `${npm.repair}; ${put("test/more.test.js", nodeTest("more", "assert.equal(sum(2, 2), 4);"))}`,
  ],
  ["a repair with its test extended", npm, `${npm.repair}; ${put("test/sum.test.js", sumTests)}`],
  [
    "a repair with a new script and a dependency in package.json",
    npm,
    `${npm.repair}; ${put("package.json", manifest({ scripts: { test: "node --test", start: "node main.js", lint: "eslint ." }, dependencies: { ms: "^2.1.3" } }))}`,
  ],
  [
    "a refactoring into a new file, on a green base",
    green,
    `${put("lib/add.js", "export const add = (a, b) => a + b;")}${put("sum.js", 'export { add as sum } from "./lib/add.js";')}`,
  ],
  [
    "a script of checks that gets one more",
    {
      ...npm,
      validate: "node test.js",
      files: {
        ...npm.files,
        "test.js":
          'import assert from "node:assert";\nimport { sum } from "./sum.js";\nassert.equal(sum(1, 2), 3);\n',
      },
    },
    `${npm.repair}; echo 'assert.equal(sum(2, 2), 4);' >> test.js`,
  ],
  [
    "a helper of tests that learns more",
    helped,
    `${npm.repair}; echo 'export const other = (a, b) => a !== b;' >> test/same.js`,
  ],
  [
    "a new import of package.json",
    npm,
    `${npm.repair}; ${put("package.json", manifest({ imports: { "#same": "./test/same.js" }, scripts: { test: "node --test", start: "node main.js" } }))}${put("test/same.js", same)}`,
  ],
  [
    "new documents and a new target of make",
    make,
    `${make.repair}; echo hello > NOTES.md; printf '\\nhelp:\\n\\techo help\\n' >> Makefile`,
  ],
  [
    "files that are ignored besides",
    npm,
    `${npm.repair}; mkdir -p dist node_modules/x; echo 1 > dist/a.js; echo 1 > .env`,
  ],
];

describe("honest work is complete and delivered:", () => {
  test.concurrent.each(works)("%s", async (_name, kind, command) => {
    const { view, branches, repo, checkout } = await play(kind, command);
    expect(view).toMatchObject({
      status: "complete",
      reason: null,
      iteration: 1,
      verdict: { passed: true, exitCode: 0 },
      delivered: { to: view.branch, commit: view.headCommit },
    });
    expect(branches).toEqual([view.branch]);
    expect(await fileAt(repo, String(view.branch), "package.json")).toContain("module");
    expect(checkout.after).toEqual(checkout.before);
  });
});

test("where nothing but the exit code speaks, the verdict says so", async () => {
  const plain = {
    ...script,
    validate: "node -e 'import(\"./sum.js\").then((m) => process.exit(m.sum(1, 2) === 3 ? 0 : 1))'",
  };
  const { view } = await play(plain, "echo 'process.exit(0);' > sum.js");
  expect(view).toMatchObject({
    status: "complete",
    verdict: { note: "No known test runner reported: the exit code is all there is." },
  });
});

test("an expectation of an existing test may change, and the verdict says so", async () => {
  const { view } = await play(npm, "sed -i 's/, 3);/, -1);/' test/sum.test.js");
  expect(view).toMatchObject({
    status: "complete",
    verdict: { note: "test/sum.test.js: 1 line of existing tests changed." },
  });
});
