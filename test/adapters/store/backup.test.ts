import { Buffer } from "node:buffer";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { backupStore } from "../../../src/adapters/store/backup.ts";
import { compactStore } from "../../../src/adapters/store/compact.ts";
import { BackupInvalid, BackupRefused, HomeBusy } from "../../../src/adapters/store/errors.ts";
import { readState, stateAt } from "../../../src/adapters/store/history.ts";
import { verifyStore } from "../../../src/adapters/store/repair.ts";
import { restoreStore } from "../../../src/adapters/store/restore-backup.ts";
import { replay } from "../../../src/core/state.ts";
import { diskError, FaultFiles } from "./fault-files.ts";
import { lastSeqOf, livesOf, replayed } from "./lives.ts";
import { DiskPlace } from "./place.ts";

let place: DiskPlace;
let other: DiskPlace;
let file: string;
beforeEach(async () => {
  place = await DiskPlace.make();
  place.segmentBytesMax = 1500;
  other = await DiskPlace.make();
  file = join(other.home, "backup.jsonl");
});
afterEach(async () => {
  await place.remove();
  await other.remove();
});

const log = livesOf(40);
const lastSeq = lastSeqOf(log);
const force = { force: true };
const gently = { force: false };

async function fill(at: DiskPlace, count: number, ...snapshotsAfter: number[]): Promise<void> {
  const store = await at.open();
  for (const [index, transaction] of log.slice(0, count).entries()) {
    await store.append(transaction);
    if (!snapshotsAfter.includes(index + 1)) continue;
    const seq = transaction.seq + transaction.events.length - 1;
    await store.keepSnapshot(replay(log.slice(0, index + 1)), seq);
  }
  await store.close();
}

async function stateOf(at: DiskPlace) {
  const store = await at.open();
  const state = await replayed(store);
  await store.close();
  return state;
}

test.each([
  ["without a snapshot", []],
  ["with a snapshot", [20]],
  ["with a snapshot of all of it", [40]],
])("a log %s comes back whole, and goes on", async (_, snapshots) => {
  await fill(place, 40, ...snapshots);
  const head = await backupStore(place.home, file);
  expect(head.seq).toBe(lastSeq);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { movedTo } = await restoreStore(other.home, file, gently);
  expect(movedTo).toBeNull();
  expect(await verifyStore(other.home)).toMatchObject({ problems: [], keepableSeq: lastSeq });
  expect(await stateAt(other.home, 7)).toEqual(await stateAt(place.home, 7));
  const more = livesOf(2, lastSeq + 1);
  const store = await other.open();
  expect(await replayed(store)).toEqual(replay(log));
  for (const transaction of more) await store.append(transaction);
  await store.close();
  expect(await stateOf(other)).toEqual(replay([...log, ...more]));
});

test("a compacted log is in it with what was put away", async () => {
  await fill(place, 40, 10, 20, 30);
  await compactStore(place.home, { archivedDaysMax: null });
  await backupStore(place.home, file);
  await restoreStore(other.home, file, gently);
  expect(await verifyStore(other.home)).toMatchObject({ firstSeq: 1, problems: [] });
  expect(await stateOf(other)).toEqual(replay(log));
});

test("a log whose archive is gone is in it from its snapshot on", async () => {
  await fill(place, 40, 10, 20, 30);
  await compactStore(place.home, { archivedDaysMax: -1 });
  await backupStore(place.home, file);
  await restoreStore(other.home, file, gently);
  expect(await stateOf(other)).toEqual(replay(log));
});

test("while a writer writes it holds a state that was durable once", async () => {
  const store = await place.open();
  const appends = log.map((transaction) => store.append(transaction));
  await appends[3];
  const { seq } = await backupStore(place.home, file);
  await Promise.all(appends);
  await store.close();
  await restoreStore(other.home, file, gently);
  expect(await readState(other.home)).toEqual({ state: await stateAt(place.home, seq), seq });
});

describe("is refused", () => {
  test("for an empty log, and where a file is already", async () => {
    await expect(backupStore(place.home, file)).rejects.toThrow(BackupRefused);
    expect(await readdir(other.home)).toEqual([]);
    await fill(place, 3);
    await backupStore(place.home, file);
    const before = await readFile(file);
    await expect(backupStore(place.home, file)).rejects.toThrow("exists already");
    expect(await readFile(file)).toEqual(before);
    const nowhere = `${file}-none/x`;
    await expect(backupStore(place.home, nowhere)).rejects.toThrow(
      `${nowhere} cannot be written: it is not there (ENOENT). Name a file elsewhere`,
    );
  });

  test("when it is a directory, or not there", async () => {
    for (const path of [other.home, `${file}-none`]) {
      await expect(restoreStore(place.home, path, force)).rejects.toThrow(BackupInvalid);
    }
  });

  test("when any byte of it is changed or missing, and the home stays as it is", async () => {
    await fill(place, 12, 6);
    await backupStore(place.home, file);
    const whole = await readFile(file);
    const harm = fc.tuple(fc.nat(whole.length - 1), fc.boolean());
    await fc.assert(
      fc.asyncProperty(harm, async ([at, isCut]) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (whole[at] ?? 0) ^ 1;
        await writeFile(file, isCut ? whole.subarray(0, at) : bytes);
        await expect(restoreStore(place.home, file, force)).rejects.toThrow(BackupInvalid);
      }),
      { numRuns: 60 },
    );
    expect(await stateOf(place)).toEqual(replay(log.slice(0, 12)));
  });

  test("over a log that is there unless it is forced, and then that is kept", async () => {
    await fill(place, 40);
    await fill(other, 5);
    await backupStore(place.home, file);
    await expect(restoreStore(other.home, file, gently)).rejects.toThrow("--force");
    const { movedTo } = await restoreStore(other.home, file, force);
    expect(await stateOf(other)).toEqual(replay(log));
    await rm(other.storeDir, { recursive: true });
    await rename(movedTo ?? "", other.storeDir);
    expect(await stateOf(other)).toEqual(replay(log.slice(0, 5)));
  });

  test("while somebody holds the home", async () => {
    await fill(place, 2);
    await backupStore(place.home, file);
    const store = await other.open();
    await expect(restoreStore(other.home, file, force)).rejects.toThrow(HomeBusy);
    await store.close();
  });
});

describe("broken off", () => {
  test("at any operation, a backup leaves no file and a restore leaves the old log", async () => {
    await fill(place, 40, 20);
    await fill(other, 5);
    for (let failing = 1; ; failing += 1) {
      const files = new FaultFiles();
      files.fault = (_, count) => (count >= failing ? diskError("ENOSPC") : null);
      const made = await backupStore(place.home, file, files).catch(() => null);
      const names = await readdir(other.home);
      expect(names.includes("backup.jsonl")).toBe(made !== null);
      if (made !== null) break;
    }
    for (let failing = 1; ; failing += 1) {
      const files = new FaultFiles();
      files.fault = (_, count) => (count >= failing ? diskError("ENOSPC") : null);
      const done = await restoreStore(other.home, file, force, files).catch(() => null);
      expect(await stateOf(other)).toEqual(replay(done === null ? log.slice(0, 5) : log));
      if (done !== null) break;
    }
  });

  test("between the old store's leaving and the new one's coming, the next start does the rest", async () => {
    await fill(place, 40);
    await rename(place.storeDir, join(other.home, "store.ready"));
    expect(await stateOf(other)).toEqual(replay(log));
  });
});
