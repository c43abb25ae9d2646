import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import type { Event, Transaction } from "../../src/core/events.ts";
import type { LoopId } from "../../src/core/loop.ts";
import { apply, replay } from "../../src/core/state.ts";
import { StoreBroken, type TaskStore } from "../../src/ports.ts";
import { brief } from "../given.ts";

/** A place where a log can be: opened, closed and opened again. */
export interface StorePlace {
  open(): Promise<TaskStore>;
  /** From now until the next open no write or sync succeeds. */
  breakDisk(): void;
  /** The power fails: what is not durable may be gone; the store that was open writes no more. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

export function attemptStarted(attempt: number, owner = "a"): Event {
  return { type: "attempt.started", loop: "7.1" as LoopId, data: { attempt, owner } };
}

/** Transactions of the given numbers of events, numbered from 1 (or `seq`) without a gap. */
export function transactionsOf(sizes: readonly number[], seq = 1): Transaction[] {
  let next = seq;
  return sizes.map((size, index) => {
    const events = Array.from({ length: size }, (_, n) => attemptStarted(next + n));
    const transaction = { seq: next, at: 1_700_000_000_000 + index, events };
    next += size;
    return transaction;
  });
}

export async function readAll(store: TaskStore): Promise<Transaction[]> {
  const all: Transaction[] = [];
  for await (const transaction of store.read()) all.push(transaction);
  return all;
}

/** What every TaskStore keeps, the one on disk and the one of the simulator. */
export function taskStoreContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the contract of TaskStore`, () => {
    let place: StorePlace;
    const open: TaskStore[] = [];

    async function opened(): Promise<TaskStore> {
      const store = await place.open();
      open.push(store);
      return store;
    }

    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      for (const store of open.splice(0)) await store.close();
      await place.remove();
    });

    test("a new log is empty", async () => {
      expect(await readAll(await opened())).toEqual([]);
    });

    test("what was appended is read back in order after it is opened again", async () => {
      const transactions = transactionsOf([1, 3, 1, 2]);
      const store = await opened();
      for (const transaction of transactions) await store.append(transaction);
      await store.close();
      expect(await readAll(await opened())).toEqual(transactions);
    });

    test("appends that are not awaited are laid down in call order", async () => {
      const transactions = transactionsOf(Array.from({ length: 200 }, (_, n) => 1 + (n % 3)));
      const store = await opened();
      const acknowledged: number[] = [];
      await Promise.all(
        transactions.map((transaction) =>
          store.append(transaction).then(() => acknowledged.push(transaction.seq)),
        ),
      );
      expect(acknowledged).toEqual(transactions.map(({ seq }) => seq));
      await store.close();
      expect(await readAll(await opened())).toEqual(transactions);
    });

    test("a log that was opened again goes on where it ended", async () => {
      const [first, second] = [transactionsOf([2, 1]), transactionsOf([1, 4], 4)];
      const before = await opened();
      for (const transaction of first) await before.append(transaction);
      await before.close();
      const after = await opened();
      expect(await readAll(after)).toEqual(first);
      for (const transaction of second) await after.append(transaction);
      await after.close();
      expect(await readAll(await opened())).toEqual([...first, ...second]);
    });

    test("any text survives", async () => {
      const owner = 'ä 漢 🙂 \u0000 \u2028 " \\ \n \r\n ,"crc":"00000000"} \ud800';
      const transaction = { seq: 1, at: 5, events: [attemptStarted(1, owner)] };
      const store = await opened();
      await store.append(transaction);
      await store.close();
      expect(await readAll(await opened())).toEqual([transaction]);
    });

    test("close waits for what was appended", async () => {
      const transactions = transactionsOf([1, 1, 1]);
      const store = await opened();
      const appends = transactions.map((transaction) => store.append(transaction));
      await store.close();
      await Promise.all(appends);
      expect(await readAll(await opened())).toEqual(transactions);
    });

    test("a gap, a repetition or an empty transaction is a bug and leaves the log alone", async () => {
      const [first, second] = transactionsOf([2, 1]) as [Transaction, Transaction];
      const store = await opened();
      await store.append(first);
      for (const seq of [1, 2, 4]) {
        await expect(async () => store.append({ ...second, seq })).rejects.toThrow(Bug);
      }
      await expect(async () => store.append({ ...second, events: [] })).rejects.toThrow(Bug);
      await store.append(second);
      await store.close();
      expect(await readAll(await opened())).toEqual([first, second]);
    });

    test("reads what comes after an event", async () => {
      const transactions = transactionsOf([1, 3, 1, 2]);
      const store = await opened();
      for (const transaction of transactions) await store.append(transaction);
      await store.close();
      const after: Transaction[] = [];
      for await (const transaction of (await opened()).read(4)) after.push(transaction);
      expect(after).toEqual(transactions.slice(2));
    });

    test("a snapshot is the state as it was at the call, and the newest one counts", async () => {
      const created = (name: string): Event => {
        return { type: "loop.created", loop: name as LoopId, data: brief() };
      };
      const store = await opened();
      expect(await store.restore()).toBeNull();
      const transactions = [1, 2, 3].map((seq) => ({ seq, at: seq, events: [created(`${seq}`)] }));
      for (const transaction of transactions) await store.append(transaction);
      await store.keepSnapshot(replay(transactions.slice(0, 1)), 1);
      const state = replay(transactions.slice(0, 2));
      const kept = store.keepSnapshot(state, 2);
      apply(state, created("9"), 9);
      await kept;
      await store.close();
      const again = await opened();
      expect(await again.restore()).toEqual({ state: replay(transactions.slice(0, 2)), seq: 2 });
      expect((await readAll(again)).length).toBe(3);
    });

    test("a snapshot of what was never appended is a bug", async () => {
      const store = await opened();
      await expect(store.keepSnapshot(replay([]), 1)).rejects.toThrow(Bug);
    });

    test("an append after close is a bug", async () => {
      const store = await opened();
      await store.close();
      const [transaction] = transactionsOf([1]) as [Transaction];
      await expect(async () => store.append(transaction)).rejects.toThrow(Bug);
    });

    test("what was acknowledged survives a crash, and what survives has no gap", async () => {
      const transactions = transactionsOf(Array.from({ length: 60 }, () => 2));
      const store = await opened();
      let acknowledged = 0;
      const appends = transactions.map((transaction) =>
        store.append(transaction).then(
          () => {
            acknowledged += 1;
          },
          (error: unknown) => expect(error).toBeInstanceOf(StoreBroken),
        ),
      );
      await appends[20];
      const before = acknowledged;
      await place.crash();
      const survived = await readAll(await opened());
      expect(survived.length).toBeGreaterThanOrEqual(Math.max(21, before));
      expect(survived).toEqual(transactions.slice(0, survived.length));
    });

    test("after a failure this and every later append rejects with StoreBroken", async () => {
      const [first, second, third, fourth] = transactionsOf([1, 1, 1, 1]) as Transaction[];
      const store = await opened();
      await store.append(first as Transaction);
      place.breakDisk();
      const failing = [store.append(second as Transaction), store.append(third as Transaction)];
      for (const outcome of await Promise.allSettled(failing)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreBroken) });
      }
      await expect(store.append(fourth as Transaction)).rejects.toThrow(StoreBroken);
      await store.close();
      const survived = await readAll(await opened());
      expect(survived[0]).toEqual(first);
      expect(survived).toEqual([first, second, third].slice(0, survived.length));
    });
  });
}
