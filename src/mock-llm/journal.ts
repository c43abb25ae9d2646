import type { Fault } from "./scenario.ts";
import type { ProtocolName } from "./wire.ts";

export interface JournalEntry {
  /** 1 for the first request. */
  readonly n: number;
  readonly at: string;
  readonly path: string;
  readonly protocol: ProtocolName;
  readonly model: string | null;
  readonly turn: number | null;
  /** 0 when the answer is silence. */
  readonly status: number;
  /** The index of the rule in `replies`. */
  readonly matched: number | "policy" | null;
  readonly fault: Fault | null;
  /** How the key came, never the key. */
  readonly auth: "x-api-key" | "bearer" | null;
  /** As sent; text when it is not JSON, null when it was too large. */
  readonly body: unknown;
}

/** The requests received, the oldest forgotten first when there are too many or too long ones. */
export class Journal {
  #entries: { readonly entry: JournalEntry; readonly bytes: number }[] = [];
  #bytes = 0;

  add(entry: JournalEntry, bytes: number): void {
    this.#entries.push({ entry, bytes });
    this.#bytes += bytes;
    while (this.#entries.length > entriesMax || this.#bytes > bytesMax) {
      const oldest = this.#entries.shift();
      if (oldest === undefined) return;
      this.#bytes -= oldest.bytes;
    }
  }

  entries(): readonly JournalEntry[] {
    return this.#entries.map(({ entry }) => entry);
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
}

const entriesMax = 10_000;
const bytesMax = 256 * 1024 * 1024;
