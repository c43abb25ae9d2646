import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { verifyStore } from "../../../src/adapters/store/repair.ts";
import { segmentFile } from "../../../src/adapters/store/walk.ts";
import { loopOf } from "../../../src/core/state.ts";
import { id, settings } from "../../given.ts";
import { livesOf, replayed } from "./lives.ts";
import { DiskPlace } from "./place.ts";

/** Three lines of the first drafts, then one from before loops had a fallback. */
const fixture = join(import.meta.dirname, "fixtures/older.jsonl");

let place: DiskPlace;
beforeEach(async () => {
  place = await DiskPlace.make();
  await mkdir(place.storeDir);
  await copyFile(fixture, segmentFile(place.storeDir, 1));
});
afterEach(() => place.remove());

test("a log of older programs is read as if it were written today, and goes on", async () => {
  expect((await verifyStore(place.home)).problems).toEqual([]);
  const store = await place.open();
  const state = await replayed(store);
  expect(loopOf(state, id("1"))).toMatchObject({
    status: "complete",
    attempt: 1,
    failures: 0,
    priority: "normal",
    settings,
  });
  expect(loopOf(state, id("2"))).toMatchObject({ status: "pending", settings });
  const [more] = livesOf(1, 11);
  if (more !== undefined) await store.append({ ...more, seq: 7 });
  await store.close();
  const again = await place.open();
  expect((await replayed(again)).loops.size).toBe(3);
  await again.close();
});

test("nothing of it is rewritten", async () => {
  const store = await place.open();
  const state = await replayed(store);
  await store.keepSnapshot(state, 6);
  await store.close();
  expect(await readFile(segmentFile(place.storeDir, 1))).toEqual(await readFile(fixture));
});
