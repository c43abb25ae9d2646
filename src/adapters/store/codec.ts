import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assert } from "../../core/assert.ts";
import type { Transaction } from "../../core/events.ts";

/*
 * A line is {"seq":…,"at":…,"v":1,"events":[…],"crc":"…"} and a newline; `crc` is the CRC-32 of the
 * bytes before `,"crc"`, in 8 lower-case hexadecimal digits. The crc and its place stay as they are
 * in every later version, so that any version can tell a newer line from a damaged one.
 */

export const formatVersion = 1;
/** The largest line; more than this in one decision is a bug. */
export const transactionBytesMax = 16 * 1024 * 1024;

const trailerBytes = ',"crc":"00000000"}'.length;
const newline = 10;

export type Decoded =
  | { readonly ok: true; readonly transaction: Transaction }
  /** `version` is set when the line is whole and only too new. */
  | { readonly ok: false; readonly what: string; readonly version: number | null };

/** The lines of transactions, laid down one after the other in bytes that are used again. */
export class Lines {
  #bytes: Buffer;
  #length = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** The lines so far; valid until `clear`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  add(transaction: Transaction): void {
    const text = beforeCrc(transaction);
    // No UTF-16 unit needs more than three bytes.
    this.#reserve(text.length * 3 + trailerBytes + 1);
    const start = this.#length;
    const end = start + this.#bytes.write(text, start);
    assert(
      end - start + trailerBytes < transactionBytesMax,
      `transaction ${transaction.seq} is larger than ${transactionBytesMax} bytes`,
    );
    const trailer = trailerOf(crc32(this.#bytes.subarray(start, end)));
    this.#bytes.write(trailer, end, "latin1");
    this.#bytes[end + trailerBytes] = newline;
    this.#length = end + trailerBytes + 1;
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** One line with its newline. */
export function encodeLine(transaction: Transaction): Buffer {
  const lines = new Lines(0);
  lines.add(transaction);
  return Buffer.from(lines.bytes);
}

/** `line` is without its newline. */
export function decodeLine(line: Buffer): Decoded {
  if (line.length >= transactionBytesMax) return refused("the line is too long");
  const end = line.length - trailerBytes;
  if (end <= 0) return refused("the line is cut off");
  const trailer = line.toString("latin1", end);
  if (trailer !== trailerOf(crc32(line.subarray(0, end)))) {
    return refused(
      trailer.startsWith(',"crc":"') ? "the checksum does not fit" : "the line has no checksum",
    );
  }
  return parse(line.toString("utf8"));
}

/** Whether whole content and more stand before the end of a bad line: then a crash did not cut it. */
export function beginsWithWholeLine(line: Buffer): boolean {
  const end = line.indexOf(',"crc":"') + trailerBytes;
  return end > trailerBytes && end < line.length && decodeLine(line.subarray(0, end)).ok;
}

function beforeCrc(transaction: Transaction): string {
  const { seq, at, events } = transaction;
  assert(Number.isSafeInteger(seq) && seq > 0, `${seq} is no number of an event`);
  assert(Number.isFinite(at), `event ${seq} has no time`);
  assert(events.length > 0, `transaction ${seq} has no events`);
  return `{"seq":${seq},"at":${at},"v":${formatVersion},"events":${JSON.stringify(events)}`;
}

function trailerOf(crc: number): string {
  return `,"crc":"${crc.toString(16).padStart(8, "0")}"}`;
}

/** The checksum held: what stands here is what was written, by whichever version. */
function parse(text: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused("the checksum fits, but it is not JSON");
  }
  if (!isRecord(value)) return refused("the checksum fits, but it is no transaction");
  const { seq, at, v, events } = value;
  if (typeof v === "number" && v > formatVersion) {
    return { ok: false, what: `log format ${v} is newer than this program`, version: v };
  }
  if (v !== formatVersion || !isNumber(seq) || typeof at !== "number" || !areEvents(events)) {
    return refused("the checksum fits, but it is no transaction");
  }
  return { ok: true, transaction: { seq, at, events } };
}

interface Wire {
  readonly seq?: unknown;
  readonly at?: unknown;
  readonly v?: unknown;
  readonly events?: unknown;
}

function isRecord(value: unknown): value is Wire {
  return typeof value === "object" && value !== null;
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** Our own events, under a checksum: their insides are taken as read. */
function areEvents(value: unknown): value is Transaction["events"] {
  return Array.isArray(value) && value.length > 0;
}

function refused(what: string): Decoded {
  return { ok: false, what, version: null };
}
