import { spawn } from "node:child_process";
import { pid } from "node:process";
import { expect, test } from "vitest";
import { isAlive, ProcessTable, proportionalBytes } from "../../../src/adapters/process/tree.ts";
import { makeZombie } from "../../zombie.ts";

test("a tree holds all descendants and what they use", async () => {
  const child = spawn("sh", ["-c", "sleep 60 & echo; wait"], { detached: true });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const root = child.pid ?? 0;
  const { pids, rssPages } = new ProcessTable().tree(root);
  expect(pids.length).toBe(2);
  expect(rssPages).toBeGreaterThan(0);
  expect(proportionalBytes(pids)).toBeGreaterThan(0);
  expect(new ProcessTable().tree(pid).pids).toEqual(expect.arrayContaining([...pids]));
  process.kill(-root, "SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  expect(isAlive(root)).toBe(false);
});

test("a process that is not there has an empty tree", () => {
  expect(new ProcessTable().tree(2 ** 30)).toEqual({ pids: [], rssPages: 0 });
});

test("a killed process that nobody reaps is not alive, and in no tree", async () => {
  const zombie = await makeZombie();
  try {
    expect([isAlive(zombie.pid), isAlive(zombie.parent)]).toEqual([false, true]);
    expect(new ProcessTable().tree(zombie.parent).pids).toEqual([zombie.parent]);
  } finally {
    await zombie.end();
  }
});
