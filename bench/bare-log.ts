import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import type { Transaction } from "../src/core/events.ts";

export interface BareLog {
  /** Resolves once the line is durable. */
  append(line: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** The least that a durable log can do: one write and one fdatasync for all that wait. */
export async function openBareLog(path: string): Promise<BareLog> {
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
    append: (line) =>
      new Promise((resolve, reject) => {
        waiting.push({ line, resolve });
        if (!isRunning) run().catch(reject);
      }),
    close: () => file.close(),
  };
}

/** A record as any log must lay it down: JSON, as long as ours, with a checksum that nobody made. */
export function jsonLine({ seq, at, events }: Transaction): Buffer {
  return Buffer.from(`${JSON.stringify({ seq, at, v: 1, events, crc: "00000000" })}\n`);
}
