import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assert, Bug } from "../../core/assert.ts";
import type { Transaction } from "../../core/events.ts";

/*
 * A line is {"seq":…,"at":…,"v":1,"events":[…],"crc":"…"} and a newline; `crc` is the CRC-32 of the
 * bytes before `,"crc"`, in 8 lower-case hexadecimal digits. The crc and its place stay as they are
 * in every later version, so that any version can tell a newer line from a damaged one.
 */

export const formatVersion = 1;
/** The largest line; more than this in one decision is a bug. */
export const transactionBytesMax = 16 * 1024 * 1024;

const crcKey = ',"crc":"';
const seqKey = Buffer.from('{"seq":');
/** With a place for the digits. */
const trailer = Buffer.from(`${crcKey}00000000"}\n`);
const trailerBytes = trailer.length - 1;
const crcDigitsBeforeEnd = '00000000"}\n'.length;
/** Everything in a line but its events. */
const frameBytesMax = 256;
const digitZero = 48;

export type Decoded =
  | { readonly ok: true; readonly transaction: Transaction }
  /** `version` is set when the line is whole and only too new. */
  | { readonly ok: false; readonly what: string; readonly version: number | null };

/** The lines of transactions, laid down one after the other in bytes that are used again. */
export class Lines {
  #bytes: Buffer;
  #length = 0;
  #at = Number.NaN;
  #atBytes = Buffer.alloc(0);

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

  /** Runs once for every append: only the events are made a string, the rest is put down as bytes. */
  add(transaction: Transaction): void {
    const { seq, at, events } = transaction;
    assert(Number.isSafeInteger(seq) && seq > 0, "an event has no number");
    assert(Number.isFinite(at), "an event has no time");
    assert(events.length > 0, "a transaction has no events");
    const text = JSON.stringify(events);
    // No UTF-16 unit needs more than three bytes.
    this.#reserve(text.length * 3 + frameBytesMax);
    const start = this.#length;
    let end = put(this.#bytes, start, seqKey);
    end = putDigits(this.#bytes, end, seq);
    end = put(this.#bytes, end, this.#afterSeq(at));
    end += this.#bytes.write(text, end);
    const crc = crc32(this.#bytes.subarray(start, end));
    end = put(this.#bytes, end, trailer);
    if (end - start > transactionBytesMax) throw new Bug(`transaction ${seq} is too large`);
    putHex(this.#bytes, end - crcDigitsBeforeEnd, crc);
    this.#length = end;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Many transactions share a millisecond. */
  #afterSeq(at: number): Buffer {
    if (at !== this.#at) {
      this.#at = at;
      this.#atBytes = Buffer.from(`,"at":${at},"v":${formatVersion},"events":`);
    }
    return this.#atBytes;
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
  const found = line.toString("latin1", end);
  if (found !== trailerOf(crc32(line.subarray(0, end)))) {
    return refused(
      found.startsWith(crcKey) ? "the checksum does not fit" : "the line has no checksum",
    );
  }
  return parse(line.toString("utf8"));
}

/** Whether whole content and more stand before the end of a bad line: then a crash did not cut it. */
export function beginsWithWholeLine(line: Buffer): boolean {
  const end = line.indexOf(crcKey) + trailerBytes;
  return end > trailerBytes && end < line.length && decodeLine(line.subarray(0, end)).ok;
}

function trailerOf(crc: number): string {
  return `${crcKey}${crc.toString(16).padStart(8, "0")}"}`;
}

const hexDigits = Buffer.from("0123456789abcdef");

function putHex(bytes: Buffer, start: number, crc: number): void {
  for (let digit = 0; digit < 8; digit += 1) {
    bytes[start + digit] = hexDigits[(crc >>> (28 - 4 * digit)) & 15] as number;
  }
}

function putDigits(bytes: Buffer, start: number, value: number): number {
  let end = start + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
  let rest = value;
  for (let at = end - 1; at >= start; at -= 1) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = digitZero + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}

/** For a few bytes, faster than `copy`. */
function put(bytes: Buffer, start: number, source: Buffer): number {
  for (let index = 0; index < source.length; index += 1) {
    bytes[start + index] = source[index] as number;
  }
  return start + source.length;
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
