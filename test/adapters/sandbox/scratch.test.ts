import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pid } from "node:process";
import { expect, test } from "vitest";
import { Scratch } from "../../../src/adapters/sandbox/scratch.ts";
import { makeZombie } from "../../zombie.ts";

test("what dead daemons left is removed, also of one that nobody reaps", async () => {
  const home = mkdtempSync(join(tmpdir(), "td-scratch-"));
  const zombie = await makeZombie();
  try {
    const scratch = new Scratch(home, { pid, uid: null });
    const temps = join(home, "sandbox-temp");
    const names = [zombie.parent, zombie.pid, pid].map((owner) => `${owner}-then-1`);
    for (const name of names) mkdirSync(join(temps, name));
    const own = scratch.temp();
    scratch.reap();
    const left = readdirSync(temps).map((name) => join(temps, name));
    expect(left.sort()).toEqual([join(temps, names[0] ?? ""), own].sort());
  } finally {
    await zombie.end();
    rmSync(home, { recursive: true });
  }
});
