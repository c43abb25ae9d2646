import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assert, Bug } from "../../core/assert.ts";
import type { Transaction } from "../../core/events.ts";
import { formatVersion, upgrade } from "../../core/migrate.ts";

/*
 * A line is {"seq":…,"at":…,"v":1,"events":[…],"crc":"…"} and a newline; `crc` is the CRC-32 of the
 * bytes before `,"crc"`, in 8 lower-case hexadecimal digits. The crc and its place stay as they are
 * in every later version, so that any version can tell a newer line from a damaged one. Snapshots
 * and backups end in the same way.
 */

/** The largest line; more than this in one decision is a bug. */
export const transactionBytesMax = 32 * 1024 * 1024;

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
  const found = crcIn(line, end);
  if (found === null) return refused("the line has no checksum");
  if (found !== crc32(line.subarray(0, end))) return refused("the checksum does not fit");
  return parse(line.toString("utf8"));
}

/** What ends a line or a file whose bytes so far have this checksum. */
export function trailerOf(crc: number): string {
  return `${crcKey}${crc.toString(16).padStart(8, "0")}"}`;
}

/** How many bytes `content` has before its trailer; null where its checksum does not hold. */
export function checkedLength(content: Buffer): number | null {
  const end = content.length - trailerBytes;
  return end > 0 && crcIn(content, end) === crc32(content.subarray(0, end)) ? end : null;
}

/**
 * Where the log goes on after `lines`, when each is whole, of this version, and continues the one
 * before, beginning with `seq`; null when a closer look is needed. Eight times as fast as decoding:
 * a line is decoded only where its successor does not tell how many events it has.
 */
export function skim(lines: Buffer, seq: number): number | null {
  let due = seq;
  let isSure = true;
  let before = lines.subarray(0, 0);
  for (let start = 0; start < lines.length; ) {
    const newline = lines.indexOf(newlineByte, start);
    if (newline === -1) return null;
    const line = lines.subarray(start, newline);
    const found = seqOf(line);
    if (found === null || checkedLength(line) === null) return null;
    // A line has one event or more: when it ended with `due`, so did the one before.
    if (!isSure && found !== due) due += moreEvents(before);
    if (found !== due) return null;
    due += 1;
    isSure = false;
    before = line;
    start = newline + 1;
  }
  return isSure ? due : due + moreEvents(before);
}

function moreEvents(line: Buffer): number {
  const decoded = decodeLine(line);
  return decoded.ok ? decoded.transaction.events.length - 1 : 0;
}

/** The number of a line as this version lays it down, without decoding it; null for any other. */
export function seqOf(line: Buffer): number | null {
  for (let at = 0; at < seqKey.length; at += 1) if (line[at] !== seqKey[at]) return null;
  let end = seqKey.length;
  let seq = 0;
  for (; isDigit(line[end]); end += 1) seq = seq * 10 + (line[end] as number) - digitZero;
  if (end === seqKey.length || !Number.isSafeInteger(seq)) return null;
  const head = line.toString("latin1", end, end + headBytesMax);
  return afterSeqPattern.test(head) ? seq : null;
}

const newlineByte = 10;
const headBytesMax = 64;
const afterSeqPattern = new RegExp(`^,"at":[-+.e\\d]+,"v":${formatVersion},"events":\\[`);

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= digitZero && byte < digitZero + 10;
}

/** The checksum that stands at `start`, NaN when it is damaged; null when there is none. */
function crcIn(bytes: Buffer, start: number): number | null {
  for (let at = 0; at < crcKey.length; at += 1) {
    if (bytes[start + at] !== trailer[at]) return null;
  }
  let crc = 0;
  let at = start + crcKey.length;
  for (const end = at + 8; at < end; at += 1) crc = crc * 16 + hexValue(bytes[at] as number);
  return bytes[at] === trailer[trailerBytes - 2] && bytes[at + 1] === trailer[trailerBytes - 1]
    ? crc
    : Number.NaN;
}

function hexValue(byte: number): number {
  if (isDigit(byte)) return byte - digitZero;
  return byte >= letterA && byte < letterA + 6 ? byte - letterA + 10 : Number.NaN;
}

const letterA = 97;

/** Whether whole content and more stand before the end of a bad line: then a crash did not cut it. */
export function beginsWithWholeLine(line: Buffer): boolean {
  const end = line.indexOf(crcKey) + trailerBytes;
  return end > trailerBytes && end < line.length && decodeLine(line.subarray(0, end)).ok;
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
  if (!isVersion(v) || !isNumber(seq) || typeof at !== "number" || !isList(events)) {
    return refused("the checksum fits, but it is no transaction");
  }
  const upgraded = upgrade(events, v);
  if (upgraded === null) return refused("the checksum fits, but it holds no events");
  return { ok: true, transaction: { seq, at, events: upgraded } };
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

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function refused(what: string): Decoded {
  return { ok: false, what, version: null };
}
