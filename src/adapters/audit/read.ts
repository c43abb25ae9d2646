import { readFile } from "node:fs/promises";
import { type AuditRecord, auditDirOf, decode } from "./record.ts";
import { linesOf, listAudit } from "./segments.ts";

/** Every record that is as it was written, in order; whether the chain is whole is not asked. */
export async function* readAudit(home: string): AsyncGenerator<AuditRecord> {
  for (const { path } of await listAudit(auditDirOf(home))) {
    for (const { bytes, isWhole } of linesOf(await readFile(path))) {
      const record = isWhole ? decode(bytes) : null;
      if (record !== null) yield record;
    }
  }
}
