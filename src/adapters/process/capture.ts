import { Buffer } from "node:buffer";
import type { Redact } from "../../ports.ts";

/** Kept on both sides of a cut and thrown away after redaction: no half of a secret survives. */
export const secretBytesMax = 4096;
/** More pieces than this are joined, so that tiny writes cost no more than large ones. */
const piecesMax = 256;

/** What was captured, as it came: nothing of it is redacted yet. */
export interface Captured {
  readonly bytesMax: number;
  readonly bytes: number;
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** Keeps head and tail of a stream in bounded memory, however much flows through. */
export class BoundedCapture {
  readonly #bytesMax: number;
  readonly #headBytesMax: number;
  readonly #tailBytesMax: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#headBytesMax = Math.ceil(bytesMax / 2);
    this.#tailBytesMax = Math.floor(bytesMax / 2);
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const room = this.#headBytesMax + secretBytesMax - this.#headBytes;
    const toHead = chunk.subarray(0, Math.max(room, 0));
    if (toHead.length > 0) {
      this.#head.push(toHead);
      this.#headBytes += toHead.length;
      if (this.#head.length > piecesMax) this.#head = [Buffer.concat(this.#head)];
    }
    const toTail = chunk.subarray(toHead.length);
    if (toTail.length === 0) return;
    const keep = this.#tailBytesMax + secretBytesMax;
    if (toTail.length >= keep) {
      this.#tail = [toTail.subarray(-keep)];
      this.#tailBytes = keep;
      return;
    }
    this.#tail.push(toTail);
    this.#tailBytes += toTail.length;
    this.#shrinkTail(keep);
  }

  captured(): Captured {
    const [head, tail] = [Buffer.concat(this.#head), Buffer.concat(this.#tail)];
    return { bytesMax: this.#bytesMax, bytes: this.#bytes, head, tail };
  }

  #shrinkTail(keep: number): void {
    if (this.#tail.length <= piecesMax && this.#tailBytes <= 2 * keep + 65_536) return;
    const joined = Buffer.concat(this.#tail);
    const kept = Buffer.from(joined.subarray(Math.max(joined.length - keep, 0)));
    this.#tail = [kept];
    this.#tailBytes = kept.length;
  }
}

/** Valid UTF-8, redacted; what was cut is told in a line of its own. */
export function textOf(captured: Captured, redact: Redact): string {
  const { bytes, bytesMax } = captured;
  const head = Buffer.from(captured.head);
  const tail = Buffer.from(captured.tail);
  const [headBytesMax, tailBytesMax] = [Math.ceil(bytesMax / 2), Math.floor(bytesMax / 2)];
  if (bytes <= bytesMax) return redact(decode(Buffer.concat([head, tail])));
  const kept = tailBytesMax + secretBytesMax;
  const isWhole = head.length + tail.length === bytes;
  const whole = isWhole ? redact(decode(Buffer.concat([head, tail]))) : null;
  if (whole !== null && Buffer.byteLength(whole) <= bytesMax) return whole;
  // Where the middle is gone, half of a secret may lie at its rims: they go too.
  const rim = isWhole ? 0 : secretBytesMax;
  const first = whole ?? redact(decode(head));
  const last = whole ?? redact(decode(fromCharacter(tail.subarray(-kept))));
  return joinCut(
    dropEnd(first, Math.max(rim, Buffer.byteLength(first) - headBytesMax)),
    dropStart(last, Math.max(rim, Buffer.byteLength(last) - tailBytesMax)),
    bytes,
  );
}

function decode(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}

function joinCut(first: string, last: string, bytes: number): string {
  const cut = Math.max(bytes - Buffer.byteLength(first) - Buffer.byteLength(last), 1);
  const before = first === "" || first.endsWith("\n") ? "" : "\n";
  return `${first}${before}[… ${cut} bytes left out …]\n${last}`;
}

/** Takes at least `count` bytes off the end, on a character's boundary. */
function dropEnd(text: string, count: number): string {
  const bytes = Buffer.from(text);
  let end = Math.max(bytes.length - count, 0);
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.subarray(0, end).toString();
}

/** Takes at least `count` bytes off the start, on a character's boundary. */
function dropStart(text: string, count: number): string {
  const bytes = Buffer.from(text);
  let start = Math.min(count, bytes.length);
  while (start < bytes.length && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start).toString();
}

function fromCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 4 && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
