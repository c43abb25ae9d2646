import { Buffer } from "node:buffer";
import { appendFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeLine } from "../../../src/adapters/store/codec.ts";
import { HomeBusy, StoreCorrupt, StoreTooNew } from "../../../src/adapters/store/errors.ts";
import { JsonlTaskStore, openTaskStore } from "../../../src/adapters/store/jsonl-task-store.ts";
import { diskFiles, type LogFile } from "../../../src/adapters/store/log-file.ts";
import type { Transaction } from "../../../src/core/events.ts";
import { StoreBroken, type TaskStore } from "../../../src/ports.ts";
import {
  attemptStarted,
  readAll,
  taskStoreContract,
  transactionsOf,
} from "../../contracts/task-store.ts";
import { diskError } from "./fault-files.ts";
import { DiskPlace } from "./place.ts";

taskStoreContract("JsonlTaskStore", () => DiskPlace.make());

let place: DiskPlace;
beforeEach(async () => {
  place = await DiskPlace.make();
});
afterEach(() => place.remove());

async function fill(transactions: readonly Transaction[]): Promise<void> {
  const store = await place.open();
  // One by one, so that each may begin a new segment.
  for (const transaction of transactions) await store.append(transaction);
  await store.close();
}

async function reread(): Promise<Transaction[]> {
  const store = await place.open();
  const all = await readAll(store);
  await store.close();
  return all;
}

async function appendAll(
  store: TaskStore,
  transactions: readonly Transaction[],
): Promise<PromiseSettledResult<void>[]> {
  return Promise.allSettled(transactions.map((transaction) => store.append(transaction)));
}

describe("on disk", () => {
  test("state is private to its user", async () => {
    await fill(transactionsOf([1]));
    const modes = await Promise.all(
      [place.storeDir, join(place.home, "lock"), ...(await place.segments())].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test("a line is JSON that any tool can read", async () => {
    await fill(transactionsOf([1]));
    expect((await place.log()).toString()).toBe(
      '{"seq":1,"at":1700000000000,"v":1,"events":[{"type":"attempt.started","loop":"7.1",' +
        '"data":{"attempt":1,"owner":"a"}}],"crc":"61e8718a"}\n',
    );
  });

  test("segments begin anew at their largest size and are named by their first event", async () => {
    place.segmentBytesMax = 300;
    const transactions = transactionsOf([1, 1, 3, 1, 1]);
    await fill(transactions);
    expect(await place.names(/./)).toEqual([
      "events-0000000000000001.jsonl",
      "events-0000000000000003.jsonl",
      "events-0000000000000006.jsonl",
    ]);
    expect(await reread()).toEqual(transactions);
  });

  test("appends that arrive while a sync runs share the next one", async () => {
    const store = await place.open();
    await appendAll(store, transactionsOf(Array.from({ length: 300 }, () => 1)));
    await store.close();
    expect(place.files.operations).toEqual(["create", "write", "datasync"]);
  });

  test("much at once goes in two batches in turn, each about half of it", async () => {
    const linesPerBatch: number[] = [];
    const owner = "x".repeat(100_000);
    const create = async (path: string): Promise<LogFile> => {
      const file = await diskFiles.create(path);
      const write = ({ length }: Uint8Array) =>
        void linesPerBatch.push(Math.round(length / owner.length));
      const datasync = () => new Promise<void>((resolve) => setImmediate(resolve));
      return { ...file, write, datasync };
    };
    const files = { ...diskFiles, create };
    const { home, snapshotEvery } = place;
    const options = { home, files, segmentBytesMax: Number.POSITIVE_INFINITY, snapshotEvery };
    const store = await JsonlTaskStore.open(options);
    const writer = async () => {
      for (let at = 0; at < 10; at += 1) {
        await store.append({ seq: store.seq, at, events: [attemptStarted(1, owner)] });
      }
    };
    await Promise.all(Array.from({ length: 20 }, writer));
    await store.close();
    const turns = linesPerBatch.slice(4, 14);
    expect(turns.filter((lines) => lines < 8 || lines > 12)).toEqual([]);
    expect(turns).toHaveLength(10);
  });
});

describe("one writer per home", () => {
  test("a second one is refused, named, and let in once the first has closed", async () => {
    const first = await openTaskStore({ home: place.home });
    const refused = await openTaskStore({ home: place.home }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HomeBusy);
    expect(refused).toMatchObject({ pid: process.pid });
    expect(String(refused)).toContain(`pid ${process.pid}`);
    await first.close();
    await (await openTaskStore({ home: place.home })).close();
  });

  test("a log that cannot be opened does not hold the home", async () => {
    await fill(transactionsOf([1, 1]));
    const [segment] = (await place.segments()) as [string];
    const bytes = await readFile(segment);
    await writeFile(segment, Buffer.concat([Buffer.from("x"), bytes]));
    await expect(place.open()).rejects.toThrow(StoreCorrupt);
    await writeFile(segment, bytes);
    expect(await reread()).toHaveLength(2);
  });
});

describe("a torn tail", () => {
  test("is cut at every byte of the last line, and everything before it is read", async () => {
    const transactions = transactionsOf([1, 2, 1]);
    await fill(transactions);
    const [segment] = (await place.segments()) as [string];
    const whole = await readFile(segment);
    const last = encodeLine(transactions[2] as Transaction);
    for (let cut = 1; cut <= last.length; cut += 1) {
      await writeFile(segment, whole.subarray(0, whole.length - cut));
      expect(await reread()).toEqual(transactions.slice(0, 2));
      expect(await readFile(segment)).toEqual(whole.subarray(0, whole.length - last.length));
    }
    expect(await place.names(/^torn-.*\.bin$/)).toHaveLength(last.length - 1);
  });

  test("is kept aside byte for byte, and the log goes on", async () => {
    const transactions = transactionsOf([1, 2, 1]);
    await fill(transactions.slice(0, 2));
    const [segment] = (await place.segments()) as [string];
    await appendFile(segment, '{"seq":4,"at":17');
    const store = await place.open();
    const { tornTail } = store;
    expect(tornTail?.bytes).toBe(16);
    expect(await readFile(tornTail?.file ?? "", "utf8")).toBe('{"seq":4,"at":17');
    await store.append(transactions[2] as Transaction);
    await store.close();
    expect(await reread()).toEqual(transactions);
  });

  test("may be a whole line whose bytes never came: zeros, or a checksum that does not fit", async () => {
    const transactions = transactionsOf([1, 1]);
    for (const tail of [Buffer.alloc(4096), Buffer.from(`${"x".repeat(100)}\n`)]) {
      await fill(transactions);
      await appendFile(((await place.segments()) as [string])[0], tail);
      expect(await reread()).toEqual(transactions);
      await rm(place.storeDir, { recursive: true });
    }
  });

  test("is no excuse for a segment that is not the last", async () => {
    place.segmentBytesMax = 1;
    await fill(transactionsOf([1, 1]));
    const [first] = (await place.segments()) as [string];
    await writeFile(first, (await readFile(first)).subarray(0, -1));
    await expect(place.open()).rejects.toMatchObject({ what: "the line has no end" });
  });
});

describe("damage", () => {
  test("in the middle is refused with file, line, byte, the event expected and the remedy", async () => {
    const transactions = transactionsOf([1, 2, 1]);
    await fill(transactions);
    const [segment] = (await place.segments()) as [string];
    const bytes = await readFile(segment);
    const offset = encodeLine(transactions[0] as Transaction).length;
    bytes[offset + 60] = (bytes[offset + 60] ?? 0) ^ 1;
    await writeFile(segment, bytes);
    const error = await place.open().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreCorrupt);
    expect(error).toMatchObject({ place: { file: segment, line: 2, offset }, seqExpected: 2 });
    expect(String(error)).toMatch(/line 2, byte \d+: the checksum does not fit.*`td store repair`/);
    expect(await readFile(segment)).toEqual(bytes);
  });

  test("any single changed byte is noticed: refused, or in the last line taken as torn", async () => {
    const transactions = transactionsOf([1, 1, 2]);
    await fill(transactions);
    const [segment] = (await place.segments()) as [string];
    const whole = await readFile(segment);
    const lastStart = whole.length - encodeLine(transactions[2] as Transaction).length;
    const changes = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, mask]) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (whole[at] ?? 0) ^ mask;
        await writeFile(segment, bytes);
        const outcome = await reread().catch((error: unknown) => error);
        if (at >= lastStart && at < whole.length - 1 && bytes[at] !== 10) {
          expect(outcome).toEqual(transactions.slice(0, 2));
        } else {
          expect(outcome).toBeInstanceOf(StoreCorrupt);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("a line or a segment that is missing, or stands there twice, is refused", async () => {
    const transactions = transactionsOf([1, 2, 1]);
    const lines = transactions.map((transaction) => encodeLine(transaction));
    await fill(transactions);
    const [segment] = (await place.segments()) as [string];
    for (const order of [
      [0, 2],
      [1, 2],
      [0, 1, 1, 2],
      [0, 2, 1],
    ]) {
      await writeFile(segment, Buffer.concat(order.map((index) => lines[index] as Buffer)));
      await expect(place.open()).rejects.toThrow(/missing|once more/);
    }
    await rm(segment);
    place.segmentBytesMax = 1;
    await fill(transactions);
    const [, second] = (await place.segments()) as [string, string];
    await rm(second);
    await expect(place.open()).rejects.toThrow("events 2 to 3 are missing before event 4");
  });

  test("a log of a newer program is refused and left alone", async () => {
    await fill(transactionsOf([1]));
    const [segment] = (await place.segments()) as [string];
    const content = '{"seq":2,"at":1,"v":2,"steps":{}';
    const newer = `${content},"crc":"${crc32(content).toString(16).padStart(8, "0")}"}\n`;
    await appendFile(segment, newer);
    const error = await place.open().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreTooNew);
    expect(String(error)).toContain("log format 2");
    expect((await place.log()).toString().endsWith(newer)).toBe(true);
  });
});

describe("a failing disk", () => {
  test("that is full breaks the store, says what to do, and loses nothing acknowledged", async () => {
    const transactions = transactionsOf(Array.from({ length: 20 }, () => 1));
    await fc.assert(
      fc.asyncProperty(fc.nat(3000), async (roomBytes) => {
        const store = await place.open();
        place.files.roomBytes = roomBytes;
        const outcomes: PromiseSettledResult<void>[] = [];
        for (const [index, transaction] of transactions.entries()) {
          const batch = transactions.slice(index, index + 1);
          if (transaction.seq >= store.seq) outcomes.push(...(await appendAll(store, batch)));
        }
        await store.close();
        const acknowledged = outcomes.filter(({ status }) => status === "fulfilled").length;
        const survived = await reread();
        expect(survived.length).toBeGreaterThanOrEqual(acknowledged);
        expect(survived).toEqual(transactions.slice(0, survived.length));
        await rm(place.storeDir, { recursive: true });
      }),
      { numRuns: 40 },
    );
    const store = await place.open();
    place.files.roomBytes = 10;
    const error = await store.append(transactions[0] as Transaction).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StoreBroken);
    expect(error).toMatchObject({ cause: { code: "ENOSPC" } });
    expect(String(error)).toMatch(/the disk is full \(ENOSPC\).*free some space/);
    await store.close();
  });

  test("breaks the store at whichever operation fails, for good", async () => {
    const transactions = transactionsOf(Array.from({ length: 8 }, () => 2));
    for (let failing = 1; failing <= 6; failing += 1) {
      const store = await place.open();
      place.files.fault = (_, count) => (count === failing ? diskError("EIO") : null);
      const outcomes: PromiseSettledResult<void>[] = [];
      for (const transaction of transactions)
        outcomes.push(...(await appendAll(store, [transaction])));
      await store.close();
      const acknowledged = outcomes.findIndex(({ status }) => status === "rejected");
      expect(acknowledged).toBe(Math.max(0, Math.ceil((failing - 3) / 2)));
      for (const outcome of outcomes.slice(acknowledged)) {
        expect(outcome).toMatchObject({ reason: expect.any(StoreBroken) });
      }
      const survived = await reread();
      expect(survived).toEqual(transactions.slice(0, survived.length));
      expect(survived.length).toBeGreaterThanOrEqual(acknowledged);
      await rm(place.storeDir, { recursive: true });
    }
  });
});
