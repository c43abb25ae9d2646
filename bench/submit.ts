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
import { contests } from "./contest.ts";
import { type Contestant, type Crowd, compete, isContestant, type Role } from "./contestant.ts";
import { loopSettings } from "./loop-settings.ts";
import type { Findings } from "./measure.ts";

/** Decided, durable, applied, acknowledged: reservations and settlements in turn. */
export async function benchSubmit(): Promise<Findings> {
  return { rows: await contests("submit", import.meta.filename, 0.6), notes: [] };
}

async function open(role: Role, place: string, { writers }: Crowd): Promise<Contestant> {
  if (role === "ours") return ours(place, writers);
  const bare = await openBareLog(join(place, role));
  const records = [0, 1].map((n) => transactionLike(n));
  const lines = records.map((record) => encodeLine(record));
  const append = (_: number, n: number) =>
    bare.append(
      role === "json" ? jsonLine(records[n % 2] as Transaction) : (lines[n % 2] as Buffer),
    );
  return { append, close: () => bare.close() };
}

async function ours(place: string, writers: number): Promise<Contestant> {
  const store = await openTaskStore({ home: join(place, "home") });
  const random = { next: () => 0.5 };
  const states = await StateManager.open({ clock: systemClock, random, store }, 5);
  const loops = await startLoops(states, writers);
  const commands = loops.map((id) => [0, 1].map((n) => command(id, n)));
  return {
    append: (writer, n) => states.submit(commands[writer]?.[n % 2] as Command),
    close: () => store.close(),
  };
}

const usage = { ...noUsage, inputTokens: 9_000, outputTokens: 700, costUsd: 0.0431, requests: 1 };
const turn = "1.1.1.1";

/** What a model call asks for: a reservation before it, a settlement after it. */
function command(id: LoopId, n: number): Command {
  const leased = { id, attempt: 1, turn } as const;
  if (n % 2 === 1) return { type: "settle", ...leased, usage };
  return { type: "reserve", ...leased, tokens: 24_000, usd: 0.113 };
}

/** The line that the same command leaves in the log. */
function transactionLike(n: number): Transaction {
  const loop = "123" as LoopId;
  const at = Date.now();
  const data = { turn, tokens: 24_000, usd: 0.113 };
  if (n % 2 === 0) return { seq: 100_000, at, events: [{ type: "budget.reserved", loop, data }] };
  const settled = { turn, usage };
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
  if (isContestant) await compete(open);
  else console.table((await benchSubmit()).rows);
}
