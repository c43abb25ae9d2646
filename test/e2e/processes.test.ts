import { writeFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { stopDaemon } from "../../src/host/control.ts";
import { guardianFileOf } from "../../src/host/socket.ts";
import { makeZombie } from "../zombie.ts";
import { processesOf } from "./processes.ts";
import { makePlace, removePlaces } from "./support.ts";

afterAll(removePlaces);

test("a killed process that nobody reaps is none of a place", async () => {
  const place = await makePlace();
  const zombie = await makeZombie({ cwd: place });
  try {
    expect((await processesOf(place)).map(({ pid }) => pid)).toEqual([zombie.parent]);
  } finally {
    await zombie.end();
  }
});

test("a guardian that was killed and that nobody reaps is no daemon to stop", async () => {
  const home = await makePlace();
  const zombie = await makeZombie();
  try {
    await writeFile(guardianFileOf(home), `${zombie.pid}\n`);
    await expect(stopDaemon(home, { now: true })).rejects.toThrow("no daemon serves");
  } finally {
    await zombie.end();
  }
});
