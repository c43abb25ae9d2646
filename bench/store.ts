/** What the TaskStore costs above a bare durable log of the same records. */
import { join } from "node:path";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Transaction } from "../src/core/events.ts";
import type { LoopId } from "../src/core/loop.ts";
import { jsonLine, openBareLog } from "./bare-log.ts";
import { contests } from "./contest.ts";
import { type Contestant, compete, isContestant, type Role } from "./contestant.ts";
import type { Findings } from "./measure.ts";

export async function benchStore(): Promise<Findings> {
  return { rows: await contests("store", import.meta.filename, 0.8), notes: [] };
}

async function open(role: Role, place: string): Promise<Contestant> {
  if (role === "ours") {
    const store = await openTaskStore({ home: join(place, "home") });
    return { append: () => store.append(record(store.seq)), close: () => store.close() };
  }
  const bare = await openBareLog(join(place, role));
  const line = encodeLine(record(100_000));
  let seq = 0;
  const append = () => {
    seq += 1;
    return bare.append(role === "json" ? jsonLine(record(seq)) : line);
  };
  return { append, close: () => bare.close() };
}

const owner = "x".repeat(160);

/** About 300 bytes on disk. */
function record(seq: number): Transaction {
  const data = { attempt: seq, owner };
  const loop = "7.1.2" as LoopId;
  return { seq, at: Date.now(), events: [{ type: "attempt.started", loop, data }] };
}

if (import.meta.main) {
  if (isContestant) await compete(open);
  else console.table((await benchStore()).rows);
}
