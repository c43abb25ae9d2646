import { Buffer } from "node:buffer";
import { appendFile, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compactStore, snapshotStore } from "../../../src/adapters/store/compact.ts";
import { StoreCorrupt } from "../../../src/adapters/store/errors.ts";
import {
  pickFromAll,
  readEvents,
  readState,
  stateAt,
} from "../../../src/adapters/store/history.ts";
import { repairStore, verifyStore } from "../../../src/adapters/store/repair.ts";
import { readSnapshot, snapshotFile } from "../../../src/adapters/store/snapshot-file.ts";
import type { Transaction } from "../../../src/core/events.ts";
import { replay } from "../../../src/core/state.ts";
import { checkAudit } from "../../../src/host/audit-pages.ts";
import { readFeed } from "../../../src/host/reader.ts";
import { checksummed } from "./checksummed.ts";
import { diskError, FaultFiles } from "./fault-files.ts";
import { lastSeqOf, livesOf, replayed } from "./lives.ts";
import { DiskPlace } from "./place.ts";

let place: DiskPlace;
beforeEach(async () => {
  place = await DiskPlace.make();
  place.segmentBytesMax = 1500;
});
afterEach(() => place.remove());

const log = livesOf(60);
const lastSeq = lastSeqOf(log);
const upTo = (seq: number) => log.filter((transaction) => transaction.seq <= seq);

/** Appends one by one, so that each may begin a segment; a snapshot after each number in `at`. */
async function fill(transactions: readonly Transaction[], ...at: readonly number[]): Promise<void> {
  const store = await place.open();
  for (const [index, transaction] of transactions.entries()) {
    await store.append(transaction);
    const seq = transaction.seq + transaction.events.length - 1;
    if (at.includes(seq)) await store.keepSnapshot(replay(log.slice(0, index + 1)), seq);
  }
  await store.close();
}

async function restarted() {
  const store = await place.open();
  const state = await replayed(store);
  await store.close();
  return { store, state };
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

/** Event numbers at which transactions of `log` end. */
const [early, middle, late] = [10, 30, 50].map((n) => lastSeqOf(log.slice(0, n))) as [
  number,
  number,
  number,
];

describe("a snapshot", () => {
  test("and what follows it make the state of the whole log", async () => {
    await fill(log, early, late);
    const { store, state } = await restarted();
    expect(state).toEqual(replay(log));
    expect(store.seq).toBe(lastSeq + 1);
    expect(await readState(place.home)).toEqual({ state: replay(log), seq: lastSeq });
  });

  test("is one JSON document, and only the newest three are kept", async () => {
    await fill(log, early, middle, late, lastSeq);
    const names = await place.names(/^snapshot-/);
    expect(names).toEqual(
      [middle, late, lastSeq].map((seq) => basename(snapshotFile(place.storeDir, seq))),
    );
    const text = await readFile(snapshotFile(place.storeDir, lastSeq), "utf8");
    expect(JSON.parse(text)).toMatchObject({ v: 3, seq: lastSeq });
  });

  test("with any byte changed is set aside, and the state is the same", async () => {
    await fill(log, early, late);
    const file = snapshotFile(place.storeDir, late);
    const whole = await readFile(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 2), async (at) => {
        await writeFile(file, whole);
        await flip(file, at);
        const { store, state } = await restarted();
        expect(state).toEqual(replay(log));
        expect(store.damagedSnapshots).toHaveLength(1);
        for (const aside of store.damagedSnapshots) await rm(aside);
      }),
      { numRuns: 40 },
    );
  });

  test("that is cut off anywhere, or empty, is passed over by readers too", async () => {
    await fill(log, middle);
    const file = snapshotFile(place.storeDir, middle);
    const whole = await readFile(file);
    for (const length of [0, 1, 20, whole.length >> 1, whole.length - 2]) {
      await writeFile(file, whole.subarray(0, length));
      expect((await readState(place.home)).state).toEqual(replay(log));
      expect((await verifyStore(place.home)).problems).toMatchObject([{ file }]);
    }
  });

  test("of another version is left alone, and the log is replayed", async () => {
    await fill(log, middle);
    const file = snapshotFile(place.storeDir, middle);
    const other = (await readFile(file, "utf8")).replace('"v":3', '"v":4');
    await writeFile(file, checksummed(other));
    expect(await readSnapshot({ file, seq: middle })).toEqual({ kind: "foreign" });
    const { store, state } = await restarted();
    expect(state).toEqual(replay(log));
    expect(store.damagedSnapshots).toEqual([]);
  });

  test("whose log ends before it is refused, and repair keeps what it holds", async () => {
    await fill(log, lastSeq);
    const segments = await place.segments();
    await rm(segments.at(-1) ?? "");
    await expect(place.open()).rejects.toThrow(StoreCorrupt);
    expect((await verifyStore(place.home)).problems).toHaveLength(1);
    const { after } = await repairStore(place.home);
    expect(after).toMatchObject({ problems: [], keepableSeq: lastSeq });
    expect((await restarted()).state).toEqual(replay(log));
  });

  test("spans a gap before it: repair loses no state, and quarantines what came before", async () => {
    await fill(log, middle);
    const [first] = (await place.segments()) as [string];
    await flip(first, 60);
    const { after, explanation } = await repairStore(place.home);
    expect(after).toMatchObject({ problems: [], firstSeq: middle + 1, lastSeq });
    expect(explanation[1]).toContain(`The snapshot of event ${middle} has the sum`);
    expect((await restarted()).state).toEqual(replay(log));
  });

  test("taken beside a writer holds what is in the log, and is taken once", async () => {
    const store = await place.open();
    for (const transaction of log) await store.append(transaction);
    const [first, again] = [await snapshotStore(place.home), await snapshotStore(place.home)];
    expect(first?.seq).toBe(lastSeq);
    expect(again).toEqual(first);
    await store.close();
    expect((await restarted()).state).toEqual(replay(log));
  });
});

describe("a crash at every operation", () => {
  test("of a snapshot leaves the state as it was", async () => {
    for (let failing = 1; ; failing += 1) {
      await fill(log.slice(0, 40), early);
      const store = await place.open();
      const done = lastSeqOf(log.slice(0, 40));
      const before = place.files.operations.length;
      place.files.fault = (_, count) => (count - before >= failing ? diskError("EIO") : null);
      const outcome = await store.keepSnapshot(replay(log.slice(0, 40)), done).catch((e) => e);
      const isDone = place.files.operations.length - before < failing;
      await place.crash();
      expect((await restarted()).state).toEqual(replay(log.slice(0, 40)));
      expect((await verifyStore(place.home)).problems).toEqual([]);
      await rm(place.storeDir, { recursive: true });
      if (isDone) {
        expect(outcome).toBeUndefined();
        expect(failing).toBeGreaterThan(5);
        return;
      }
      expect(outcome).toBeInstanceOf(Error);
    }
  });

  test("of a compaction leaves a log that opens, and a second one finishes it", async () => {
    for (let failing = 1; ; failing += 1) {
      await fill(log, early, late);
      const files = new FaultFiles();
      files.fault = (_, count) => (count >= failing ? diskError("EIO") : null);
      await compactStore(place.home, { archivedDaysMax: null }, files).catch(() => null);
      const isDone = files.operations.length < failing;
      await files.losePower(0.5);
      expect((await restarted()).state).toEqual(replay(log));
      expect((await verifyStore(place.home)).problems).toEqual([]);
      await compactStore(place.home, { archivedDaysMax: null });
      expect((await verifyStore(place.home)).archived).toBeGreaterThan(2);
      expect((await restarted()).state).toEqual(replay(log));
      await rm(place.storeDir, { recursive: true });
      if (isDone) return;
    }
  });

  test("a failed snapshot does not break the store", async () => {
    const store = await place.open();
    await store.append(log[0] as Transaction);
    place.files.fault = (operation) => (operation === "create" ? diskError("ENOSPC") : null);
    await expect(store.keepSnapshot(replay(log.slice(0, 1)), 1)).rejects.toThrow("ENOSPC");
    place.files.fault = () => null;
    await store.append(log[1] as Transaction);
    await store.close();
    expect((await restarted()).state).toEqual(replay(log.slice(0, 2)));
  });
});

describe("a compacted log", () => {
  beforeEach(async () => {
    await fill(log, early, middle, late);
    await compactStore(place.home, { archivedDaysMax: null });
  });

  test("that lost its end before its snapshot is repaired to the snapshot, and goes on", async () => {
    await fill(livesOf(3, lastSeq + 1));
    await snapshotStore(place.home);
    const { state } = await restarted();
    const segments = await place.segments();
    for (const file of segments.slice(1)) await rm(file);
    await truncate(segments[0] as string, 40);
    await expect(place.open()).rejects.toThrow(StoreCorrupt);
    const { after, explanation } = await repairStore(place.home);
    expect(after).toMatchObject({ problems: [], archived: 0 });
    expect(explanation.join()).toMatch(/put away ends before that: it is in \S+-archive now/);
    expect((await restarted()).state).toEqual(state);
    await fill(livesOf(2, lastSeqOf(livesOf(3, lastSeq + 1)) + 1));
    expect(await verifyStore(place.home)).toMatchObject({ problems: [] });
    await pickFromAll(place.home, () => []);
  });

  test("begins later, is whole, opens and goes on", async () => {
    const report = await verifyStore(place.home);
    expect(report).toMatchObject({ problems: [], lastSeq, keepableSeq: lastSeq });
    expect(report.firstSeq).toBeGreaterThan(middle);
    const store = await place.open();
    expect(await replayed(store)).toEqual(replay(log));
    const more = livesOf(3, lastSeq + 1);
    for (const transaction of more) await store.append(transaction);
    await store.close();
    expect((await restarted()).state).toEqual(replay([...log, ...more]));
  });

  test("says in its first line which event it has first", async () => {
    const { firstSeq } = await readEvents(place.home, 1);
    const feed = await readFeed(place.home, 1);
    expect(feed[0]).toMatchObject({ type: "store.compacted", seq: firstSeq, data: { firstSeq } });
    expect(feed[1]).toMatchObject({ seq: firstSeq });
    expect(feed.at(-1)).toMatchObject({ seq: lastSeq });
    const later = await readFeed(place.home, lastSeq - 3);
    expect(later.map(({ seq }) => seq)).toEqual([-3, -2, -1, 0].map((n) => lastSeq + n));
  });

  test("still knows the state as it was at every event", async () => {
    for (let seq = 0; seq <= lastSeq; seq += 1) {
      expect(await stateAt(place.home, seq)).toEqual(replay(upTo(seq)));
    }
    await expect(stateAt(place.home, lastSeq + 1)).rejects.toThrow(`ends with event ${lastSeq}`);
  });

  test("is replayed from the archive when every snapshot is damaged", async () => {
    for (const name of await place.names(/^snapshot-/)) await flip(join(place.storeDir, name), 40);
    const { store, state } = await restarted();
    expect(state).toEqual(replay(log));
    expect(store.damagedSnapshots).toHaveLength(3);
    expect((await verifyStore(place.home)).problems).toEqual([]);
  });

  test("does without its newest snapshot even when its archive is gone", async () => {
    await rm(join(place.storeDir, "archive"), { recursive: true });
    await flip(
      (await place.names(/^snapshot-/)).map((name) => join(place.storeDir, name)).at(-1) ?? "",
      40,
    );
    expect((await restarted()).state).toEqual(replay(log));
  });

  test("without its snapshots and its archive is refused, not opened empty", async () => {
    for (const name of await place.names(/^snapshot-/)) await rm(join(place.storeDir, name));
    await rename(join(place.storeDir, "archive"), join(place.home, "elsewhere"));
    await expect(place.open()).rejects.toThrow(/events 1 to \d+ are missing/);
    expect((await verifyStore(place.home)).problems).not.toEqual([]);
  });

  test("has its anchors of the audit in the archive too, and says when they are gone", async () => {
    const seqs = async () => (await pickFromAll(place.home, ({ seq }) => [seq])).picked;
    expect(await seqs()).toEqual(log.map(({ seq }) => seq));
    const whole = await checkAudit(place.home);
    expect(whole.json).toMatchObject({ ok: true, compacted: { upToEvent: 0 } });
    expect(whole.lines.join()).not.toContain("compaction");
    await compactStore(place.home, { archivedDaysMax: -1 });
    const { firstSeq } = await pickFromAll(place.home, () => []);
    expect(firstSeq).toBeGreaterThan(middle);
    const left = await checkAudit(place.home);
    expect(left.json).toMatchObject({ ok: true, compacted: { upToEvent: firstSeq - 1 } });
    expect(left.lines.join()).toContain(
      `events 1 to ${firstSeq - 1} of the event log were removed`,
    );
  });

  test("loses its archive only by a bound that was asked for", async () => {
    const { removed } = await compactStore(place.home, { archivedDaysMax: 1 });
    expect(removed).toEqual([]);
    const all = await compactStore(place.home, { archivedDaysMax: -1 });
    expect(all.removed.length).toBeGreaterThan(2);
    expect((await restarted()).state).toEqual(replay(log));
    await expect(stateAt(place.home, 1)).rejects.toThrow(StoreCorrupt);
  });

  test("ends torn like any other", async () => {
    await appendFile((await place.segments()).at(-1) ?? "", Buffer.from('{"seq":'));
    expect((await readState(place.home)).state).toEqual(replay(log));
    const { store, state } = await restarted();
    expect(store.tornTail?.bytes).toBe(7);
    expect(state).toEqual(replay(log));
  });
});
