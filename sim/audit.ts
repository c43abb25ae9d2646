import { hash } from "node:crypto";
import type { Audit, AuditAct, AuditHead } from "../src/ports/audit.ts";
import { StoreBroken } from "../src/ports.ts";

/** A chain in memory: what was recorded is there at once. */
export class SimAudit implements Audit {
  readonly acts: AuditAct[] = [];
  #hash = "";
  #isBroken = false;

  async record(act: AuditAct): Promise<void> {
    this.#refuse();
    this.acts.push(act);
    this.#hash = hash("sha256", `${this.#hash}${JSON.stringify(act)}`);
  }

  async anchor(): Promise<AuditHead> {
    this.#refuse();
    return { count: this.acts.length, hash: this.#hash };
  }

  breakDisk(): void {
    this.#isBroken = true;
  }

  #refuse(): void {
    if (this.#isBroken) throw new StoreBroken("the disk of the simulator is broken");
  }
}
