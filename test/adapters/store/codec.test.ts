import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeLine,
  encodeLine,
  Lines,
  transactionBytesMax,
} from "../../../src/adapters/store/codec.ts";
import { Bug } from "../../../src/core/assert.ts";
import type { Event, Transaction } from "../../../src/core/events.ts";
import { attemptStarted } from "../../contracts/task-store.ts";

const text = fc.string({ unit: "binary", maxLength: 40 });
const event: fc.Arbitrary<Event> = fc
  .tuple(fc.nat(), text)
  .map(([attempt, owner]) => attemptStarted(attempt, owner));
const transaction: fc.Arbitrary<Transaction> = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  at: fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0.5 })),
  events: fc.array(event, { minLength: 1, maxLength: 4 }),
});

test("what was encoded is decoded, and is plain JSON with its fields in order", () => {
  fc.assert(
    fc.property(transaction, (original) => {
      const line = encodeLine(original);
      expect(line.at(-1)).toBe(10);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(decodeLine(line.subarray(0, -1))).toEqual({ ok: true, transaction: original });
      const keys = Object.keys(JSON.parse(line.toString()) as object);
      expect(keys).toEqual(["seq", "at", "v", "events", "crc"]);
    }),
  );
});

test("lines laid down together are the lines laid down one by one", () => {
  fc.assert(
    fc.property(fc.array(transaction, { maxLength: 20 }), (transactions) => {
      const lines = new Lines(16);
      for (const one of transactions) lines.add(one);
      expect(Buffer.from(lines.bytes)).toEqual(Buffer.concat(transactions.map(encodeLine)));
    }),
  );
});

test("any single changed byte and any cut is noticed", () => {
  fc.assert(
    fc.property(
      transaction,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (original, place, mask) => {
        const line = encodeLine(original).subarray(0, -1);
        const at = place % line.length;
        const changed = Buffer.from(line);
        changed[at] = (line[at] ?? 0) ^ mask;
        expect(decodeLine(changed).ok).toBe(false);
        expect(decodeLine(line.subarray(0, at)).ok).toBe(false);
        expect(decodeLine(line.subarray(at + 1)).ok).toBe(false);
      },
    ),
    { numRuns: 1000 },
  );
});

test("a transaction that is too large, empty, unnumbered or out of time is a bug", () => {
  const events = [attemptStarted(1)];
  const wrong: Transaction[] = [
    { seq: 1, at: 1, events: [attemptStarted(1, "x".repeat(transactionBytesMax))] },
    { seq: 1, at: 1, events: [] },
    { seq: 0, at: 1, events },
    { seq: 1.5, at: 1, events },
    { seq: 1, at: Number.NaN, events },
  ];
  for (const one of wrong) expect(() => encodeLine(one)).toThrow(Bug);
  const lines = new Lines(0);
  expect(() => lines.add(wrong[0] as Transaction)).toThrow(Bug);
  lines.add({ seq: 1, at: 1, events });
  expect(Buffer.from(lines.bytes)).toEqual(encodeLine({ seq: 1, at: 1, events }));
});
