import { Buffer } from "node:buffer";
import { chmod, mkdir, readFile, truncate } from "node:fs/promises";
import { assert } from "../../core/assert.ts";
import type { Millis } from "../../core/loop.ts";
import type { Audit, AuditAct, AuditHead } from "../../ports/audit.ts";
import { type Redact, StoreBroken } from "../../ports.ts";
import { said } from "../store/errors.ts";
import { privateDir, syncDir } from "../store/home.ts";
import { diskFiles, type LogFile, type LogFiles } from "../store/log-file.ts";
import { auditDirOf, cleanAct, encode, linkOf, origin, segmentFile } from "./record.ts";
import { type AuditSegment, linesOf, listAudit } from "./segments.ts";

const segmentBytesMax = 16 * 1024 * 1024;
/** Records that wait for the disk. Beyond it, whoever acts waits too. */
const pendingBytesMax = 8 * 1024 * 1024;

export interface AuditOptions {
  readonly home: string;
  readonly now: () => Millis;
  readonly files: LogFiles;
  readonly segmentBytesMax: number;
  readonly pendingBytesMax: number;
}

/** Call with the home's lock held: a chain has one writer. Throws what the disk says. */
export function openAudit(home: string, now: () => Millis): Promise<FileAudit> {
  return FileAudit.open({ home, now, files: diskFiles, segmentBytesMax, pendingBytesMax });
}

/** Where a chain on disk ends. */
interface End extends AuditHead {
  readonly segment: AuditSegment | null;
  readonly bytes: number;
  readonly tornBytes: number;
}

/**
 * The chain in `<home>/audit/audit-<first record>.jsonl`.
 *   1. Records are numbered and linked at the call; the disk gets them in that order, in batches.
 *   2. Nothing is dropped: a full buffer holds its callers back.
 *   3. After the first failed write nothing is taken any more.
 *   4. Only an anchor is durable; between two of them a power cut may take records, a crash of
 *      the process those of the last batch.
 */
export class FileAudit implements Pick<Audit, "anchor"> {
  readonly #options: AuditOptions;
  #head: AuditHead;
  #file: LogFile | null;
  #fileBytes: number;
  #pending: Pending[] = [];
  /** Of records that are not in the file yet. */
  #pendingBytes = 0;
  #writing: Promise<void> | null = null;
  #batch: Promise<void> = Promise.resolve();
  #broken: StoreBroken | null = null;

  private constructor(options: AuditOptions, end: End, file: LogFile | null) {
    this.#options = options;
    this.#head = { count: end.count, hash: end.hash };
    this.#file = file;
    this.#fileBytes = end.bytes;
  }

  /** Goes on where the chain ends, and takes off what a crash left unfinished there. */
  static async open(options: AuditOptions): Promise<FileAudit> {
    const dir = auditDirOf(options.home);
    await mkdir(dir, { recursive: true, mode: privateDir });
    await chmod(dir, privateDir);
    await syncDir(options.home);
    const end = await endOf(dir);
    if (end.segment !== null && end.tornBytes > 0) await truncate(end.segment.path, end.bytes);
    const file = end.segment === null ? null : await options.files.append(end.segment.path);
    const audit = new FileAudit(options, end, file);
    if (end.tornBytes > 0) {
      await audit.for((text) => text).record({ type: "repaired", bytes: end.tornBytes });
    }
    return audit;
  }

  /** Of everything that was recorded. */
  get head(): AuditHead {
    return this.#head;
  }

  /** The same chain for one repository, whose secrets `redact` knows. */
  for(redact: Redact): Audit {
    return {
      record: (act) => this.#record(cleanAct(act, redact)),
      anchor: () => this.anchor(),
    };
  }

  async anchor(): Promise<AuditHead> {
    const head = this.#head;
    await this.#writing;
    if (this.#broken !== null) throw this.#broken;
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw this.#break(error);
    }
    return head;
  }

  /** Nothing may be recorded any more. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = null;
  }

  async #record(act: AuditAct): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    const { count, hash: prev } = this.#head;
    const { line, hash } = encode(count + 1, this.#options.now(), prev, act);
    this.#head = { count: count + 1, hash };
    const bytes = Buffer.byteLength(line);
    this.#pending.push({ n: count + 1, line });
    this.#pendingBytes += bytes;
    this.#writing ??= this.#writeAll();
    while (this.#pendingBytes > this.#options.pendingBytesMax && this.#broken === null) {
      await this.#batch;
    }
    if (this.#broken !== null) throw this.#broken;
  }

  async #writeAll(): Promise<void> {
    // Records of one moment go together.
    await Promise.resolve();
    while (this.#pending.length > 0 && this.#broken === null) {
      const batch = this.#pending;
      this.#pending = [];
      this.#batch = this.#append(batch).catch((error: unknown) => {
        this.#break(error);
      });
      await this.#batch;
    }
    this.#writing = null;
  }

  async #append(batch: readonly Pending[]): Promise<void> {
    const bytes = Buffer.from(batch.map(({ line }) => line).join(""));
    const [first] = batch;
    assert(first !== undefined, "a batch has a record");
    if (this.#file === null || this.#fileBytes >= this.#options.segmentBytesMax) {
      await this.#beginSegment(first.n);
    }
    await this.#file?.writeAside(bytes);
    this.#fileBytes += bytes.length;
    this.#pendingBytes -= bytes.length;
  }

  /** What is in the old one is durable first: nothing after a gap can be. */
  async #beginSegment(first: number): Promise<void> {
    const old = this.#file;
    await old?.datasync();
    this.#file = await this.#options.files.create(
      segmentFile(auditDirOf(this.#options.home), first),
    );
    this.#fileBytes = 0;
    await old?.close();
  }

  #break(error: unknown): StoreBroken {
    this.#broken ??= new StoreBroken(
      `the audit log cannot be written: ${said(error)}. Nothing is done unrecorded: mend that, then start again`,
      { cause: error },
    );
    return this.#broken;
  }
}

interface Pending {
  readonly n: number;
  readonly line: string;
}

/** A damaged line is left as it is: `td audit verify` tells of it, and the chain goes on behind. */
async function endOf(dir: string): Promise<End> {
  const segments = await listAudit(dir);
  const segment = segments.at(-1) ?? null;
  if (segment === null) return { count: 0, hash: origin, segment, bytes: 0, tornBytes: 0 };
  const content = await readFile(segment.path);
  const lines = [...linesOf(content)];
  const whole = lines.filter(({ isWhole }) => isWhole);
  const last = whole.at(-1);
  const bytes = last === undefined ? 0 : last.offset + last.bytes.length + 1;
  const tornBytes = content.length - bytes;
  const count = segment.first - 1 + whole.length;
  const hash = last === undefined ? await linkBefore(segments) : linkOf(last.bytes);
  return { count, hash, segment, bytes, tornBytes };
}

/** Of a newest segment that has no whole record yet. */
async function linkBefore(segments: readonly AuditSegment[]): Promise<string> {
  const before = segments.at(-2);
  if (before === undefined) return origin;
  const last = [...linesOf(await readFile(before.path))].at(-1);
  return last === undefined ? origin : linkOf(last.bytes);
}
