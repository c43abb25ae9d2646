import { Buffer } from "node:buffer";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeLine } from "../../../src/adapters/store/codec.ts";
import { HomeBusy, StoreCorrupt } from "../../../src/adapters/store/errors.ts";
import { repairStore, verifyStore } from "../../../src/adapters/store/repair.ts";
import type { Transaction } from "../../../src/core/events.ts";
import { readAll, transactionsOf } from "../../contracts/task-store.ts";
import { DiskPlace } from "./place.ts";

let place: DiskPlace;
beforeEach(async () => {
  place = await DiskPlace.make();
});
afterEach(() => place.remove());

const transactions = transactionsOf([1, 2, 1, 1, 3, 1]);
const lines = transactions.map(encodeLine);

/** A log of two segments with three transactions each. */
async function fill(): Promise<readonly [string, string]> {
  place.segmentBytesMax = Math.max(bytesOf(lines.slice(0, 3)), bytesOf(lines.slice(3)));
  const store = await place.open();
  for (const transaction of transactions) await store.append(transaction);
  await store.close();
  return (await place.segments()) as [string, string];
}

function bytesOf(parts: readonly Buffer[]): number {
  return Buffer.concat(parts).length;
}

async function reread(): Promise<Transaction[]> {
  const store = await place.open();
  const all = await readAll(store);
  await store.close();
  return all;
}

function flipped(line: Buffer): Buffer {
  const bytes = Buffer.from(line);
  bytes[50] = (bytes[50] ?? 0) ^ 1;
  return bytes;
}

test("an empty home and a whole log have no problems, and repair leaves them alone", async () => {
  expect(await verifyStore(place.home)).toMatchObject({
    segments: 0,
    firstSeq: null,
    problems: [],
  });
  await fill();
  const report = await verifyStore(place.home);
  expect(report).toEqual({
    segments: 2,
    archived: 0,
    snapshotSeq: null,
    transactions: 6,
    events: 9,
    firstSeq: 1,
    lastSeq: 9,
    keepableSeq: 9,
    tornBytes: 0,
    problems: [],
  });
  const repaired = await repairStore(place.home);
  expect(repaired.explanation).toEqual(["The log is whole: events 1 to 9. Nothing was changed."]);
  expect(await place.names(/./)).toHaveLength(2);
});

test("verify reads while the home is held, and repair does not", async () => {
  const store = await place.open();
  await store.append(transactions[0] as Transaction);
  expect((await verifyStore(place.home)).transactions).toBe(1);
  await expect(repairStore(place.home)).rejects.toThrow(HomeBusy);
  await store.close();
});

test("verify names every problem, and a torn tail is none", async () => {
  const [first, second] = await fill();
  const [a, b, c, d, e] = lines as [Buffer, Buffer, Buffer, Buffer, Buffer];
  await writeFile(first, Buffer.concat([a, flipped(b), c]));
  await writeFile(second, Buffer.concat([d, d, e, Buffer.from('{"seq":9')]));
  expect(await verifyStore(place.home)).toEqual({
    segments: 2,
    archived: 0,
    snapshotSeq: null,
    transactions: 5,
    events: 7,
    firstSeq: 1,
    lastSeq: 8,
    keepableSeq: 1,
    tornBytes: 8,
    problems: [
      { file: first, line: 2, offset: a.length, what: "the checksum does not fit" },
      { file: second, line: 2, offset: d.length, what: "event 5 stands there once more" },
    ],
  });
});

test("what stands behind a gap goes to quarantine, byte for byte, and the report says so", async () => {
  const [first, second] = await fill();
  const [a, b, c] = lines as [Buffer, Buffer, Buffer];
  await writeFile(first, Buffer.concat([a, flipped(b), c]));
  await expect(place.open()).rejects.toThrow(StoreCorrupt);
  const behind = await readFile(second);
  const report = await repairStore(place.home);
  expect(await reread()).toEqual(transactions.slice(0, 1));
  expect(report.quarantined).toMatchObject([
    { from: basename(first), bytes: b.length + c.length, transactions: 1 },
    { from: basename(second), bytes: behind.length, transactions: 3 },
  ]);
  const moved = await Promise.all(report.quarantined.map(({ file }) => readFile(file)));
  expect(moved).toEqual([Buffer.concat([flipped(b), c]), behind]);
  expect(report.explanation.slice(0, 2)).toEqual([
    "Kept: 1 transactions, events 1 to 1, without a gap.",
    "Lost to the log: what came after event 1, up to event 9. Events are missing there, so the " +
      "4 whole transactions behind the gap cannot be replayed; they can be read in the quarantine.",
  ]);
});

test("damage with nothing missing is taken out, and everything is kept", async () => {
  const [first] = await fill();
  const [a, b, c] = lines as [Buffer, Buffer, Buffer];
  await writeFile(first, Buffer.concat([Buffer.from("rubbish\n"), a, a, b, flipped(c), c]));
  const report = await repairStore(place.home);
  expect(report.after).toMatchObject({ transactions: 6, lastSeq: 9, problems: [] });
  expect(await reread()).toEqual(transactions);
});

test("a log whose beginning is missing is kept in quarantine as a whole", async () => {
  const [first, second] = await fill();
  await rm(first);
  const bytes = await readFile(second);
  const report = await repairStore(place.home);
  expect(report.explanation[0]).toBe("Nothing could be kept: the log is empty now.");
  expect(await readFile(report.quarantined[0]?.file ?? "")).toEqual(bytes);
  expect(await reread()).toEqual([]);
});

test("whatever is done to its lines: the log opens again, and no byte is thrown away", async () => {
  const line = fc.oneof(
    fc.nat(lines.length - 1).map((index) => lines[index] as Buffer),
    fc.nat(lines.length - 1).map((index) => flipped(lines[index] as Buffer)),
    fc.constant(Buffer.from("\n")),
  );
  const segment = fc.oneof(
    fc.array(line, { maxLength: 6 }).map((parts) => Buffer.concat(parts)),
    fc.constant(Buffer.concat(lines.slice(0, 3))),
    fc.constant(Buffer.concat(lines.slice(3))),
    fc.constant(Buffer.concat(lines).subarray(0, -7)),
  );
  await fc.assert(
    fc.asyncProperty(segment, segment, async (one, two) => {
      const [first, second] = await fill();
      await writeFile(first, one);
      await writeFile(second, two);
      const before = await verifyStore(place.home);
      const report = await repairStore(place.home);
      expect(report.after).toMatchObject({
        problems: [],
        tornBytes: 0,
        lastSeq: before.keepableSeq,
      });
      const kept = await place.log();
      const moved = await Promise.all(report.quarantined.map(({ file }) => readFile(file)));
      expect(bytesOf([kept, ...moved])).toBe(one.length + two.length);
      const survived = await reread();
      expect(survived).toEqual(transactions.slice(0, survived.length));
      await rm(place.storeDir, { recursive: true });
    }),
    { numRuns: 60 },
  );
});
