import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { AuditHead } from "../../ports/audit.ts";
import { type AuditRecord, auditDirOf, decode, origin } from "./record.ts";
import { type AuditLine, type AuditSegment, linesOf, listAudit } from "./segments.ts";

/** What the event log says of the chain at one moment. */
export interface Anchor extends AuditHead {
  /** The event that says it. */
  readonly seq: number;
}

/** The first record that is not as it was written; what follows it proves nothing. */
interface AuditProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Where the line begins, in bytes. */
  readonly offset: number;
  /** The number of the record that belongs there. */
  readonly record: number;
  readonly what: string;
  readonly means: string;
}

export interface AuditReport {
  /** Records up to the first problem. */
  readonly records: number;
  readonly segments: number;
  readonly anchors: number;
  /** The newest record that an anchor holds fast; 0 without any. */
  readonly anchoredUpTo: number;
  /** Of an unfinished record at the end: a crash's, or one that is being written. */
  readonly tornBytes: number;
  /** How many unfinished records were taken off in the past. */
  readonly repaired: number;
  readonly problem: AuditProblem | null;
}

/** Reads only; works beside whoever writes, when the anchors were read before. */
export async function verifyAudit(home: string, anchors: readonly Anchor[]): Promise<AuditReport> {
  const segments = await listAudit(auditDirOf(home));
  const chain = new Chain(anchors);
  for (const [index, segment] of segments.entries()) {
    const isNewest = index === segments.length - 1;
    chain.enter(segment);
    for (const line of linesOf(await readFile(segment.path))) {
      chain.check(line, isNewest);
      if (chain.problem !== null) break;
    }
    if (chain.problem !== null) break;
  }
  if (chain.problem === null) chain.end();
  return { ...chain.report(), segments: segments.length, anchors: anchors.length };
}

class Chain {
  problem: AuditProblem | null = null;
  readonly #anchors: ReadonlyMap<number, Anchor>;
  readonly #anchoredUpTo: number;
  #count = 0;
  #hash = origin;
  #file = "audit";
  #line = 0;
  #offset = 0;
  #tornBytes = 0;
  #repaired = 0;

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = anchorsByCount(anchors);
    this.#anchoredUpTo = Math.max(0, ...this.#anchors.keys());
  }

  enter({ path, first }: AuditSegment): void {
    this.#file = basename(path);
    this.#line = 0;
    this.#offset = 0;
    if (first === this.#count + 1) return;
    const what = `the file begins with record ${first}, and record ${this.#count + 1} is due`;
    this.#line = 1;
    this.#fail(what, "a file of the audit was removed, renamed or put in");
  }

  check({ bytes, offset, isWhole }: AuditLine, isNewest: boolean): void {
    if (this.problem !== null) return;
    this.#line += 1;
    this.#offset = offset;
    if (!isWhole && isNewest && !holdsRecord(bytes)) {
      this.#tornBytes = bytes.length;
      return;
    }
    const record = decode(bytes);
    if (!isWhole) this.#fail("its line end is missing", changed);
    else if (record === null) this.#fail("it does not match its own hash", changed);
    else this.#follow(record);
  }

  /** Everything was read: what the anchors promise must have come. */
  end(): void {
    if (this.#anchoredUpTo <= this.#count) return;
    const { seq } = this.#anchors.get(this.#anchoredUpTo) ?? { seq: 0 };
    const due = this.#anchoredUpTo;
    this.#line += 1;
    const what = `the audit ends, and event ${seq} of the event log knows of ${due} records`;
    this.#fail(what, "records were cut off at the end, or the audit of another home is here");
  }

  report(): Omit<AuditReport, "segments" | "anchors"> {
    return {
      records: this.#count,
      anchoredUpTo: this.#anchoredUpTo,
      tornBytes: this.#tornBytes,
      repaired: this.#repaired,
      problem: this.problem,
    };
  }

  #follow(record: AuditRecord): void {
    const due = this.#count + 1;
    if (record.prev !== this.#hash || record.n !== due) {
      const what = `record ${record.n} stands where record ${due} belongs, and follows another one`;
      this.#fail(what, "records were removed, put in or put in another order here");
      return;
    }
    const anchor = this.#anchors.get(due);
    if (anchor !== undefined && anchor.hash !== record.hash) {
      const what = `event ${anchor.seq} of the event log knows record ${due} by another hash`;
      this.#fail(what, "the audit was written anew up to here, with all its hashes");
      return;
    }
    this.#count = due;
    this.#hash = record.hash;
    if (record.act.type === "repaired") this.#repaired += 1;
  }

  #fail(what: string, means: string): void {
    const place = { file: this.#file, line: this.#line, offset: this.#offset };
    this.problem ??= { ...place, record: this.#count + 1, what, means };
  }
}

const changed = "it was changed after it was written, or the disk damaged it";

/** No crash leaves a whole record and then something that is no line end. */
function holdsRecord(bytes: Uint8Array): boolean {
  return decode(bytes.subarray(0, -1)) !== null;
}

/** Two that contradict each other: neither can be believed, and the first one stays. */
function anchorsByCount(anchors: readonly Anchor[]): ReadonlyMap<number, Anchor> {
  const byCount = new Map<number, Anchor>();
  for (const anchor of anchors) {
    if (!byCount.has(anchor.count)) byCount.set(anchor.count, anchor);
  }
  return byCount;
}
