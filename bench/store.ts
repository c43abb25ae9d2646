import { Buffer } from "node:buffer";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Transaction } from "../src/core/events.ts";
import type { LoopId } from "../src/core/loop.ts";

const names = ["TaskStore", "bare loop", "bare loop that encodes"] as const;

export interface StoreBenchRow {
  readonly name: (typeof names)[number];
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
const turns = 45;
const turnsToWarmUp = 5;
const appendsPerTurn: ReadonlyMap<number, number> = new Map([
  [1, 60],
  [50, 2_500],
  [500, 10_000],
]);

/**
 * What the TaskStore costs above a bare loop of write and fdatasync over bytes that were encoded
 * beforehand, and above one that encodes. They take turns on logs that stay open; medians count,
 * for machines are noisy.
 */
export async function benchStore(): Promise<readonly StoreBenchRow[]> {
  const rows: StoreBenchRow[] = [];
  for (const [writers, appends] of appendsPerTurn) {
    const samples = await compare(writers, appends);
    const bare = samples.get("bare loop")?.perSecond ?? Number.NaN;
    for (const [name, sample] of samples) {
      rows.push({ name, writers, ...sample, ratio: sample.perSecond / bare });
    }
  }
  return rows;
}

async function compare(
  writers: number,
  appends: number,
): Promise<ReadonlyMap<StoreBenchRow["name"], Sample>> {
  // Not in the temporary directory: where that is memory, a sync costs nothing.
  const home = await mkdtemp(join(import.meta.dirname, ".store-"));
  try {
    return await takeTurns(home, writers, appends);
  } finally {
    await rm(home, { recursive: true });
  }
}

async function takeTurns(
  home: string,
  writers: number,
  appends: number,
): Promise<ReadonlyMap<StoreBenchRow["name"], Sample>> {
  const lines = Array.from({ length: appends }, (_, n) => encodeLine(record(n + 1)));
  const encoded = (n: number) => lines[n % lines.length] as Buffer;
  const logs = [
    await openStoreLog(home),
    await openBareLog(join(home, "bare"), encoded),
    await openBareLog(join(home, "encoding"), (n) => encodeLine(record(n + 1))),
  ];
  const samples = logs.map((): Sample[] => []);
  for (let turn = 0; turn < turns; turn += 1) {
    // Each goes first in its turn.
    for (let step = 0; step < logs.length; step += 1) {
      const index = (turn + step) % logs.length;
      const log = logs[index] as Log;
      samples[index]?.push(await sample(log, writers, turn * appends, appends));
    }
  }
  for (const log of logs) await log.close();
  return new Map(
    names.map((name, index) => [name, median(samples[index]?.slice(turnsToWarmUp) ?? [])]),
  );
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
async function openBareLog(path: string, lineAt: (n: number) => Buffer): Promise<Log> {
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
        waiting.push({ line: lineAt(n), resolve });
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
