import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { processesOf } from "./processes.ts";
import { makeDesk, td } from "./program.ts";
import { removePlaces, shell } from "./support.ts";

afterAll(removePlaces);

test("the demo: a plan, a conflict, a pause and a killed daemon end in a branch green at each commit", async () => {
  const desk = await makeDesk({ modelUrl: "http://127.0.0.1:9" });
  const told = await td(desk, ["demo", "--keep", "--speed", "4"]);
  expect([told.code, told.stderr]).toEqual([0, ""]);
  for (const sign of [
    "$ kill -9",
    "a pause (429)",
    "conflicts with what was merged",
    "✓ complete: 13 loops",
  ]) {
    expect(told.stdout).toContain(sign);
  }
  const tmp = join(desk.place, "tmp");
  const repo = join(tmp, (await shell(tmp, "echo td-demo-*/clockwork")).trim());
  expect(await shell(repo, "git status --porcelain; git branch --show-current")).toBe("main\n");
  const commits = (await shell(repo, "git rev-list main..taskdaemon/plan-1")).trim().split("\n");
  expect(commits).toHaveLength(5);
  for (const commit of commits) {
    await shell(repo, `git checkout --quiet --detach ${commit} && node --test`);
  }
  expect(await processesOf(desk.place)).toEqual([]);
}, 300_000);
