import { openSync, writeSync } from "node:fs";
import { argv, stdout } from "node:process";
import { openTaskStore } from "../../../src/adapters/store/jsonl-task-store.ts";
import type { Event } from "../../../src/core/events.ts";
import type { LoopId } from "../../../src/core/loop.ts";

/**
 * Appends with many writers until it is killed. The number of each transaction that was
 * acknowledged goes into a file, which a killed process leaves whole; a dot on stdout keeps time.
 */
const [, , home = "", acknowledgedFile = "", writers = "1"] = argv;
const acknowledged = openSync(acknowledgedFile, "a");
const store = await openTaskStore({ home });
stdout.write(".");

async function write(writer: number): Promise<never> {
  for (;;) {
    const { seq } = store;
    const owner = `writer ${writer} ${"x".repeat(seq % 200)}`;
    const data = { attempt: seq, owner };
    const event: Event = { type: "attempt.started", loop: "7.1" as LoopId, data };
    const events = Array.from({ length: 1 + (seq % 3) }, () => event);
    await store.append({ seq, at: Date.now(), events });
    writeSync(acknowledged, `${seq}\n`);
    stdout.write(".");
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
