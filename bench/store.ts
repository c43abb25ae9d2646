/** What the TaskStore costs above a bare durable log of the same records. */
import type { Buffer } from "node:buffer";
import { join } from "node:path";
import { encodeLine } from "../src/adapters/store/codec.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { Transaction } from "../src/core/events.ts";
import type { LoopId } from "../src/core/loop.ts";
import { jsonLine, openBareLog } from "./bare-log.ts";
import { type Contest, type Crowd, contest, crowds } from "./contest.ts";
import { type Findings, type Row, withPlace } from "./measure.ts";

export async function benchStore(): Promise<Findings> {
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
  const json = await openBareLog(join(place, "json"));
  const bytes = await openBareLog(join(place, "bytes"));
  const lines = Array.from({ length: crowd.writers * crowd.each }, (_, n) =>
    encodeLine(record(n + 1)),
  );
  const contestants: Contest = {
    ours: () => store.append(record(store.seq)),
    json: () => json.append(jsonLine(record(store.seq))),
    bytes: (writer, n) => bytes.append(lines[writer * crowd.each + n] as Buffer),
  };
  const rows = await contest(`store, ${crowd.name}`, crowd, { least: 0.8, contestants });
  for (const log of [store, json, bytes]) await log.close();
  return rows;
}

const owner = "x".repeat(160);

/** About 300 bytes on disk. */
function record(seq: number): Transaction {
  const data = { attempt: seq, owner };
  const loop = "7.1.2" as LoopId;
  return { seq, at: Date.now(), events: [{ type: "attempt.started", loop, data }] };
}

if (import.meta.main) console.table((await benchStore()).rows);
