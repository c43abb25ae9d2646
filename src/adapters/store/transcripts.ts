import { Buffer } from "node:buffer";
import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert } from "../../core/assert.ts";
import type { LoopId, Millis } from "../../core/loop.ts";
import type { Redact, TranscriptEntry, Transcripts } from "../../ports.ts";
import { codeOf, said } from "./errors.ts";
import { privateDir, privateFile } from "./home.ts";
import { cleanEntry, fullNote, lineOf, unreadable } from "./transcript-entry.ts";

/** Of one iteration's file; then comes a note, and what follows is dropped. */
const fileBytesMax = 64 * 1024 * 1024;
/** Of lines that wait for the disk, over all files; more are dropped and counted. */
const pendingBytesMax = 64 * 1024 * 1024;
/** Files of which we remember that entries were lost. */
const lostFilesMax = 1000;
const idCharsMax = 200;
const idPattern = /^[1-9]\d*(\.[1-9]\d*)*$/;

/**
 * Transcripts in `<home>/transcripts/<loop>/<iteration>.jsonl`. Not synced: they decide nothing, so
 * a disk that is full or too slow costs entries, not the loop; a note then stands in their place.
 */
export class FileTranscripts implements Transcripts {
  readonly #dir: string;
  readonly #redact: Redact;
  #pending = new Map<string, string[]>();
  #pendingBytes = 0;
  #writing: Promise<void> | null = null;
  /** Why entries of a file were lost since the last one that was taken. */
  readonly #lost = new Map<string, string>();

  constructor(home: string, redact: Redact) {
    this.#dir = join(home, "transcripts");
    this.#redact = redact;
  }

  write(loop: LoopId, iteration: number, entry: TranscriptEntry): void {
    const path = this.#path(loop, iteration);
    const line = this.#noteOfLoss(path, entry.at) + lineOf(cleanEntry(entry, this.#redact));
    const bytes = Buffer.byteLength(line);
    if (this.#pendingBytes + bytes > pendingBytesMax) {
      this.#lose(path, "the disk was too slow");
      return;
    }
    this.#lost.delete(path);
    this.#pendingBytes += bytes;
    const lines = this.#pending.get(path);
    if (lines === undefined) this.#pending.set(path, [line]);
    else lines.push(line);
    this.#writing ??= this.#writeAll();
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  async read(loop: LoopId, iteration: number): Promise<readonly TranscriptEntry[]> {
    const path = this.#path(loop, iteration);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return "";
      throw error;
    });
    // What follows the last newline was cut short by a crash.
    return text.split("\n").slice(0, -1).filter(isSomething).map(parseEntry);
  }

  #lose(path: string, reason: string): void {
    if (this.#lost.size < lostFilesMax) this.#lost.set(path, reason);
  }

  #noteOfLoss(path: string, at: Millis): string {
    const reason = this.#lost.get(path);
    if (reason === undefined) return "";
    return lineOf({ at, type: "note", text: `entries before this one were lost: ${reason}` });
  }

  #path(loop: LoopId, iteration: number): string {
    assert(
      loop.length <= idCharsMax && idPattern.test(loop),
      "a transcript needs the id of a loop",
    );
    assert(Number.isSafeInteger(iteration) && iteration >= 0, "a transcript needs an iteration");
    return join(this.#dir, loop, `${iteration}.jsonl`);
  }

  /** One file after the other; what arrives meanwhile is taken in the next turn. */
  async #writeAll(): Promise<void> {
    // Entries of one moment go together.
    await Promise.resolve();
    while (this.#pending.size > 0) {
      const pending = this.#pending;
      this.#pending = new Map();
      this.#pendingBytes = 0;
      for (const [path, lines] of pending) {
        try {
          await appendLines(path, lines);
        } catch (error) {
          this.#lose(path, said(error));
        }
      }
    }
    this.#writing = null;
  }
}

async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: privateDir });
  const file = await open(path, "a+", privateFile);
  try {
    const { size, tail } = await endOf(file);
    if (tail.endsWith(fullNote)) return;
    const parts = size > 0 && !tail.endsWith("\n") ? ["\n"] : [];
    let room = fileBytesMax - size;
    for (const line of lines) {
      room -= Buffer.byteLength(line);
      parts.push(room < 0 ? fullNote : line);
      if (room < 0) break;
    }
    await file.appendFile(parts.join(""));
  } finally {
    await file.close();
  }
}

async function endOf(file: FileHandle): Promise<{ size: number; tail: string }> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, fullNote.length));
  await file.read(bytes, 0, bytes.length, size - bytes.length);
  return { size, tail: bytes.toString("latin1") };
}

function isSomething(line: string): boolean {
  return line !== "";
}

function parseEntry(line: string): TranscriptEntry {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : unreadable;
  } catch {
    return unreadable;
  }
}

/** Our own files: only a line that a crash cut short, and another glued to it, is guarded against. */
function isEntry(value: unknown): value is TranscriptEntry {
  return typeof value === "object" && value !== null && "type" in value && "at" in value;
}
