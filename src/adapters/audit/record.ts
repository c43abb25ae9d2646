import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { join } from "node:path";
import type { Millis } from "../../core/loop.ts";
import type { AuditAct } from "../../ports/audit.ts";
import type { Redact } from "../../ports.ts";
import { cutText } from "../store/transcript-entry.ts";

/** Of each text in a record, and of the whole act; a cut says how much is left out. */
const textBytesMax = 2 * 1024;
const actBytesMax = 16 * 1024;
const depthMax = 16;

/** What the first record has in place of the hash before it. */
export const origin = "0".repeat(64);

/** One line of the audit, as it was read. */
export interface AuditRecord {
  readonly n: number;
  readonly at: Millis;
  /** Hash of the record before. */
  readonly prev: string;
  readonly act: AuditAct;
  readonly hash: string;
}

/** `,"hash":"…"}`: what stands before it, with the hash of the record before in it, is hashed. */
const tail = /,"hash":"([0-9a-f]{64})"\}$/;
const tailBytes = `,"hash":"${origin}"}`.length;

/** The line of a record, with its newline, and the hash that the next one must name. */
export function encode(
  n: number,
  at: Millis,
  prev: string,
  act: AuditAct,
): { readonly line: string; readonly hash: string } {
  const body = JSON.stringify({ n, at, prev, act }).slice(0, -1);
  const own = hash("sha256", body);
  return { line: `${body},"hash":"${own}"}\n`, hash: own };
}

/** Null when these bytes, without their newline, are no record as it was written. */
export function decode(line: Uint8Array): AuditRecord | null {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const stated = statedHash(bytes);
  if (stated === null) return null;
  if (hash("sha256", bytes.subarray(0, -tailBytes)) !== stated) return null;
  return parsed(bytes.toString("utf8"));
}

/** Whoever can compute a hash can also write nonsense under it. */
function parsed(text: string): AuditRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No JSON: no record.
    return null;
  }
  return isRecord(value) ? value : null;
}

const timeMax = 8.64e15;

function isRecord(value: unknown): value is AuditRecord {
  if (typeof value !== "object" || value === null) return false;
  const { n, at, prev, act } = value as Partial<Record<keyof AuditRecord, unknown>>;
  if (!Number.isSafeInteger(n) || typeof prev !== "string") return false;
  if (typeof at !== "number" || !(Math.abs(at) <= timeMax)) return false;
  return typeof act === "object" && act !== null && "type" in act && typeof act.type === "string";
}

/** What the next record names: the line's own hash, or, of a damaged one, that of its bytes. */
export function linkOf(line: Uint8Array): string {
  return statedHash(line) ?? hash("sha256", line);
}

function statedHash(line: Uint8Array): string | null {
  const end = Buffer.from(line.subarray(Math.max(0, line.length - tailBytes))).toString("latin1");
  return tail.exec(end)?.[1] ?? null;
}

/** Redacted first and cut then, so that no cut leaves half a secret. */
export function cleanAct(act: AuditAct, redact: Redact): AuditAct {
  const clean = cleanValue(act, (text) => cutText(redact(text), textBytesMax), 0) as AuditAct;
  const text = JSON.stringify(clean);
  if (text.length * 3 <= actBytesMax || Buffer.byteLength(text) <= actBytesMax) return clean;
  return { ...clean, ...cutWhole(clean) } as AuditAct;
}

/** What has no bound of its own becomes one cut text. */
function cutWhole(act: AuditAct): object {
  const cut = (value: unknown) => cutText(JSON.stringify(value) ?? "", textBytesMax);
  if (act.type === "tool" || act.type === "chat") return { input: cut(act.input) };
  if (act.type === "person") return { detail: cut(act.detail) };
  if (act.type === "command") return { network: [cut(act.network)] };
  return {};
}

function cleanValue(value: unknown, clean: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return clean(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthMax) return "[nested too deep]";
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, clean, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [clean(key), cleanValue(item, clean, depth + 1)]),
  );
}

export function auditDirOf(home: string): string {
  return join(home, "audit");
}

/** Named by its first record, so that names sort as records do. */
export function segmentFile(dir: string, first: number): string {
  return join(dir, `audit-${String(first).padStart(16, "0")}.jsonl`);
}

/** The first record that a file's name promises; null for a file of somebody else. */
export function firstOf(name: string): number | null {
  const digits = /^audit-(\d{16})\.jsonl$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
