import { Buffer } from "node:buffer";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Transaction } from "../src/core/events.ts";
import type { LoopId } from "../src/core/loop.ts";

export interface StoreBenchRow {
  readonly name: "TaskStore" | "bare loop";
  readonly writers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Throughput as a share of the bare loop's. */
  readonly ratio: number;
}

/** A contestant: appends the n-th record, and resolves once it is durable. */
interface Log {
  append(n: number): Promise<void>;
  close(): Promise<void>;
}

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Short turns, many of them: what else the machine does hits both alike. */
const turns = 31;
const appendsPerTurn: ReadonlyMap<number, number> = new Map([
  [1, 60],
  [50, 2_500],
  [500, 10_000],
]);

/**
 * What the TaskStore costs above a bare loop of write and fdatasync over bytes that were encoded
 * beforehand. The two take turns on logs that stay open; medians count, for machines are noisy.
 */
export async function benchStore(): Promise<readonly StoreBenchRow[]> {
  const rows: StoreBenchRow[] = [];
  for (const [writers, appends] of appendsPerTurn) {
    const [store, bare] = await compare(writers, appends);
    rows.push({ name: "TaskStore", writers, ...store, ratio: store.perSecond / bare.perSecond });
    rows.push({ name: "bare loop", writers, ...bare, ratio: 1 });
  }
  return rows;
}

async function compare(writers: number, appends: number): Promise<readonly [Sample, Sample]> {
  const home = await mkdtemp(join(import.meta.dirname, ".store-"));
  const lines = Array.from({ length: appends }, (_, n) => encodeLine(record(n + 1)));
  const store = await openStoreLog(home);
  const bare = await openBareLog(join(home, "bare"), lines);
  const samples: { store: Sample; bare: Sample }[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const first = turn * appends;
    // Now the one goes first, now the other.
    const early = turn % 2 === 0 ? null : await sample(store, writers, first, appends);
    const ofBare = await sample(bare, writers, first, appends);
    samples.push({
      store: early ?? (await sample(store, writers, first, appends)),
      bare: ofBare,
    });
  }
  await store.close();
  await bare.close();
  await rm(home, { recursive: true });
  // The first ones warm up.
  const warm = samples.slice(5);
  return [median(warm.map((both) => both.store)), median(warm.map((both) => both.bare))];
}

const owner = "x".repeat(160);

/** About 300 bytes on disk. */
function record(seq: number): Transaction {
  const data = { attempt: seq, owner };
  const loop = "7.1.2" as LoopId;
  return { seq, at: Date.now(), events: [{ type: "attempt.started", loop, data }] };
}

async function sample(log: Log, writers: number, first: number, appends: number): Promise<Sample> {
  const latencies = new Float64Array(appends);
  let next = 0;
  const writer = async () => {
    while (next < appends) {
      const n = next;
      next += 1;
      const start = performance.now();
      await log.append(first + n);
      latencies[n] = performance.now() - start;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: writers }, writer));
  const seconds = (performance.now() - start) / 1000;
  latencies.sort();
  return {
    perSecond: appends / seconds,
    p50Ms: latencies[Math.floor(appends * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(appends * 0.99)] ?? 0,
  };
}

async function openStoreLog(home: string): Promise<Log> {
  const store = await openTaskStore({ home });
  return { append: (n) => store.append(record(n + 1)), close: () => store.close() };
}

/** The least that a durable log can do. */
async function openBareLog(path: string, lines: readonly Buffer[]): Promise<Log> {
  const file = await open(path, "ax", 0o600);
  let waiting: { line: Buffer; resolve: () => void }[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await file.write(Buffer.concat(batch.map(({ line }) => line)));
      await file.datasync();
      for (const { resolve } of batch) resolve();
      // The writers go on before the next batch is taken.
      await new Promise((resolve) => setImmediate(resolve));
    }
    isRunning = false;
  }

  return {
    append: (n) =>
      new Promise((resolve, reject) => {
        waiting.push({ line: lines[n % lines.length] as Buffer, resolve });
        if (!isRunning) run().catch(reject);
      }),
    close: () => file.close(),
  };
}

function median(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number) =>
    samples.map(pick).sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
  return {
    perSecond: of((sample) => sample.perSecond),
    p50Ms: of((sample) => sample.p50Ms),
    p99Ms: of((sample) => sample.p99Ms),
  };
}

if (import.meta.main) console.table(await benchStore());
