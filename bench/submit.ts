/** What a decision costs above a bare durable log of the same records. */
import type { Buffer } from "node:buffer";
import { join } from "node:path";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Command } from "../src/core/commands.ts";
import type { Transaction } from "../src/core/events.ts";
import { type LoopId, noUsage } from "../src/core/loop.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { systemClock } from "../src/host/clock.ts";
import { jsonLine, openBareLog } from "./bare-log.ts";
import { type Contest, type Crowd, contest, crowds } from "./contest.ts";
import { loopSettings } from "./loop-settings.ts";
import { type Findings, type Row, withPlace } from "./measure.ts";

/** Decided, durable, applied, acknowledged: reservations and settlements in turn. */
export async function benchSubmit(): Promise<Findings> {
  const rows: Row[] = [];
  for (const crowd of crowds) {
    const work = (place: string) => compare(place, crowd);
    // Not in the temporary directory: where that is memory, a sync costs nothing.
    rows.push(...(await withPlace(work, import.meta.dirname)));
  }
  return { rows, notes: [] };
}

async function compare(place: string, crowd: Crowd): Promise<readonly Row[]> {
  const store = await openTaskStore({ home: join(place, "home") });
  const random = { next: () => 0.5 };
  const states = await StateManager.open({ clock: systemClock, random, store }, 5);
  const loops = await startLoops(states, crowd.writers);
  const commands = loops.map((id) => Array.from({ length: crowd.each }, (_, n) => command(id, n)));
  const records = loops.map((id) => [0, 1].map((n) => transactionLike(id, n)));
  const lines = records.map((pair) => pair.map((record) => encodeLine(record)));
  const json = await openBareLog(join(place, "json"));
  const bytes = await openBareLog(join(place, "bytes"));
  const contestants: Contest = {
    ours: (writer, n) => states.submit(commands[writer]?.[n] as Command),
    json: (writer, n) => json.append(jsonLine(records[writer]?.[n % 2] as Transaction)),
    bytes: (writer, n) => bytes.append(lines[writer]?.[n % 2] as Buffer),
  };
  const rows = await contest(`submit, ${crowd.name}`, crowd, { least: 0.6, contestants });
  for (const log of [store, json, bytes]) await log.close();
  return rows;
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
