import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const place = await mkdtemp(join(tmpdir(), "td-tally-"));
afterAll(() => rm(place, { recursive: true, force: true }));

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const reporter = fileURLToPath(new URL("tally-reporter.ts", import.meta.url));

/** What a run of these tests prints after all other lines, tried again twice. */
async function tallyOf(tests: string): Promise<readonly string[]> {
  await writeFile(join(place, "some.test.js"), tests);
  const args = ["run", "--root", place, "--globals", "--retry=2", `--reporter=${reporter}`];
  const told = await new Promise<string>((resolve) => {
    execFile(process.execPath, [vitest, ...args], { cwd: place }, (_, stdout) => resolve(stdout));
  });
  return told.trim().split("\n");
}

test("who passes only at the second try is named with what it said first", async () => {
  const lines = await tallyOf(`
    let tries = 0;
    describe("some", () => {
      test("wavers", () => {
        tries += 1;
        if (tries < 3) throw new Error(\`no \${tries}\nof 2\`);
      });
    });
    test("holds", () => {});
    test("never holds", () => { throw new Error("red"); });
  `);
  expect(lines).toEqual(["retried: some.test.js > some > wavers: no 1 of 2", "2 passed, 1 failed"]);
});
