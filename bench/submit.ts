/** What a decision costs above a bare durable log: submit, decide, durable, applied, acknowledged. */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Command } from "../src/core/commands.ts";
import type { Transaction } from "../src/core/events.ts";
import { type LoopId, noUsage } from "../src/core/loop.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { systemClock } from "../src/host/clock.ts";
import { type BareLog, openBareLog } from "./bare-log.ts";
import { loopSettings } from "./loop-settings.ts";
import { atLeast, atMost, type Findings, quantile, rowOfRounds, withPlace } from "./measure.ts";

/** Many short turns: what else the machine does hits both alike. */
const turns = 36;
const warmTurns = 6;
const submitsPerTurn: ReadonlyMap<number, number> = new Map([
  [1, 200],
  [50, 2_500],
  [500, 10_000],
]);

/** Does the n-th piece of work for a writer; resolves once it is durable. */
type Append = (writer: number, n: number) => Promise<unknown>;

interface Sample {
  readonly perSecond: number;
  readonly p99Ms: number;
}

type Contestant = "ours" | "encoding" | "bytes";

/**
 * Against two bare loops of one write and one fdatasync for all that wait, each leaving the same
 * bytes: one is given records and makes them JSON, as any log must; one is given the bytes.
 */
export async function benchSubmit(): Promise<Findings> {
  const rows = [];
  for (const [writers, submits] of submitsPerTurn) {
    const work = (place: string) => compare(place, writers, submits);
    // Not in the temporary directory: where that is memory, a sync costs nothing.
    const samples = await withPlace(work, import.meta.dirname);
    const of = (who: Contestant, pick: (sample: Sample) => number) =>
      samples[who].slice(warmTurns).map(pick);
    const speed = (who: Contestant) => of(who, ({ perSecond }) => perSecond);
    const tail = (who: Contestant) => of(who, ({ p99Ms }) => p99Ms);
    const name = `submit, ${writers} writer${writers === 1 ? "" : "s"}`;
    const [ours, p99] = [speed("ours"), tail("ours")];
    const bars = { throughput: atLeast(0.6), p99: atMost(1.5) };
    rows.push(
      rowOfRounds(name, "per s", { ours, baseline: speed("encoding") }, bars.throughput),
      rowOfRounds(`${name}, p99`, "ms", { ours: p99, baseline: tail("encoding") }, bars.p99),
      rowOfRounds(
        `${name}, against ready bytes`,
        "per s",
        { ours, baseline: speed("bytes") },
        null,
      ),
    );
  }
  return { rows, notes: [] };
}

async function compare(
  place: string,
  writers: number,
  submits: number,
): Promise<Record<Contestant, Sample[]>> {
  const store = await openTaskStore({ home: join(place, "home") });
  const random = { next: () => 0.5 };
  const states = await StateManager.open({ clock: systemClock, random, store }, 5);
  const loops = await startLoops(states, writers);
  const each = submits / writers;
  const commands = loops.map((id) => Array.from({ length: each }, (_, n) => command(id, n)));
  const records = loops.map((id) => [0, 1].map((n) => transactionLike(id, n)));
  const lines = records.map((pair) => pair.map((record) => encodeLine(record)));
  const logs = [await openBareLog(join(place, "json")), await openBareLog(join(place, "bytes"))];
  const [json, bytes] = logs as [BareLog, BareLog];
  const contestants: [Contestant, Append][] = [
    ["ours", (writer, n) => states.submit(commands[writer]?.[n] as Command)],
    ["encoding", (writer, n) => json.append(asLine(records[writer]?.[n % 2] as Transaction))],
    ["bytes", (writer, n) => bytes.append(lines[writer]?.[n % 2] as Buffer)],
  ];
  const samples: Record<Contestant, Sample[]> = { ours: [], encoding: [], bytes: [] };
  for (let turn = 0; turn < turns; turn += 1) {
    // Each goes first in its turn.
    for (let step = 0; step < contestants.length; step += 1) {
      const next = contestants[(turn + step) % contestants.length];
      if (next !== undefined) samples[next[0]].push(await sample(next[1], writers, submits));
    }
  }
  await store.close();
  for (const log of logs) await log.close();
  return samples;
}

function asLine({ seq, at, events }: Transaction): Buffer {
  return Buffer.from(`${JSON.stringify({ seq, at, v: 1, events, crc: "00000000" })}\n`);
}

/** Each writer for itself, so that its reservations and settlements alternate. */
async function sample(append: Append, writers: number, submits: number): Promise<Sample> {
  const each = submits / writers;
  const latencies = new Float64Array(submits);
  const writer = async (index: number) => {
    for (let n = 0; n < each; n += 1) {
      const from = performance.now();
      await append(index, n);
      latencies[index * each + n] = performance.now() - from;
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, index) => writer(index)));
  const seconds = (performance.now() - from) / 1000;
  return { perSecond: submits / seconds, p99Ms: quantile(latencies, 0.99) };
}

const usage = { ...noUsage, inputTokens: 9_000, outputTokens: 700, costUsd: 0.0431, requests: 1 };
const turn = (n: number) => `1.1.${Math.floor(n / 2)}.1`;

/** What a model call asks for: a reservation before it, a settlement after it. */
function command(id: LoopId, n: number): Command {
  const leased = { id, attempt: 1, turn: turn(n) } as const;
  if (n % 2 === 1) return { type: "settle", ...leased, usage };
  return { type: "reserve", ...leased, tokens: 24_000, usd: 0.113 };
}

/** The line that the same command leaves in the log. */
function transactionLike(loop: LoopId, n: number): Transaction {
  const at = Date.now();
  const data = { turn: turn(n), tokens: 24_000, usd: 0.113 };
  if (n % 2 === 0) return { seq: 100_000, at, events: [{ type: "budget.reserved", loop, data }] };
  const settled = { turn: turn(n), usage };
  return { seq: 100_000, at, events: [{ type: "budget.settled", loop, data: settled }] };
}

async function startLoops(states: StateManager, count: number): Promise<LoopId[]> {
  const words = { type: "ralph", title: "a task", brief: "do it", priority: "normal" } as const;
  const limits = { budgetUsd: 1e9, budgetTokens: 1e12 };
  const settings = { ...loopSettings({ base: "0".repeat(40), command: "true" }), ...limits };
  const loop = { ...words, parent: null, dependsOn: [], repo: "/repo", settings } as const;
  const start = async () => {
    const created = await states.submit({
      type: "createLoop",
      loop: { ...loop, status: "pending" },
    });
    if (!created.ok || created.id === null) throw new Error("no loop was created");
    const { id } = created;
    await states.submit({ type: "startAttempt", id, owner: "bench" });
    return id;
  };
  return Promise.all(Array.from({ length: count }, start));
}

if (import.meta.main) {
  console.table((await benchSubmit()).rows);
}
