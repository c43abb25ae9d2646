import type { Buffer } from "node:buffer";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditOptions, FileAudit } from "../../../src/adapters/audit/file-audit.ts";
import { readAudit } from "../../../src/adapters/audit/read.ts";
import { auditDirOf } from "../../../src/adapters/audit/record.ts";
import type { Audit, AuditAct } from "../../../src/ports/audit.ts";
import { FaultFiles } from "../store/fault-files.ts";

/** An audit on a disk that can be made to fail. */
export class DiskAudit {
  readonly home: string;
  readonly files = new FaultFiles();
  readonly #opened: FileAudit[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  static async make(): Promise<DiskAudit> {
    return new DiskAudit(await mkdtemp(join(tmpdir(), "td-audit-")));
  }

  async openFile(more: Partial<AuditOptions> = {}): Promise<FileAudit> {
    const bounds = { segmentBytesMax: 1_000_000, pendingBytesMax: 1_000_000 };
    const audit = await FileAudit.open({
      home: this.home,
      now: () => 1_000,
      files: this.files,
      ...bounds,
      ...more,
    });
    this.#opened.push(audit);
    return audit;
  }

  async open(): Promise<Audit> {
    return (await this.openFile()).for((text) => text);
  }

  async acts(): Promise<readonly AuditAct[]> {
    const acts: AuditAct[] = [];
    for await (const record of readAudit(this.home)) acts.push(record.act);
    return acts;
  }

  breakDisk(): void {
    this.files.fault = () => Object.assign(new Error("no room"), { code: "ENOSPC" });
  }

  get dir(): string {
    return auditDirOf(this.home);
  }

  /** All files by name, in order. */
  async content(): Promise<Map<string, Buffer>> {
    const names = (await readdir(this.dir)).sort();
    return new Map(
      await Promise.all(
        names.map(async (name) => [name, await readFile(join(this.dir, name))] as const),
      ),
    );
  }

  async remove(): Promise<void> {
    for (const audit of this.#opened) await audit.close().catch(() => undefined);
    await rm(this.home, { recursive: true, force: true });
  }
}
