import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../store/errors.ts";
import { firstOf } from "./record.ts";

export interface AuditSegment {
  readonly path: string;
  /** The record that its name promises as its first. */
  readonly first: number;
}

const newline = 0x0a;

/** In order; none when there is no audit yet. */
export async function listAudit(dir: string): Promise<readonly AuditSegment[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const first = firstOf(name);
      return first === null ? [] : [{ path: join(dir, name), first }];
    })
    .sort((a, b) => a.first - b.first);
}

export interface AuditLine {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Whether a newline ended it; only a file's last line may lack it. */
  readonly isWhole: boolean;
}

export function* linesOf(bytes: Uint8Array): Generator<AuditLine> {
  for (let offset = 0; offset < bytes.length; ) {
    const end = bytes.indexOf(newline, offset);
    if (end === -1) {
      yield { bytes: bytes.subarray(offset), offset, isWhole: false };
      return;
    }
    yield { bytes: bytes.subarray(offset, end), offset, isWhole: true };
    offset = end + 1;
  }
}
