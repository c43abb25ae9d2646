import { hash } from "node:crypto";
import { type FileAudit, openAudit } from "../adapters/audit/file-audit.ts";
import type { Command } from "../core/commands.ts";
import { createRedact } from "../core/redact.ts";
import { anchorAudit } from "../engine/anchor.ts";
import type { StateManager } from "../engine/state-manager.ts";
import type { Audit, AuditHead } from "../ports/audit.ts";
import { type Redact, StoreBroken } from "../ports.ts";
import { systemClock } from "./clock.ts";
import type { Living } from "./living.ts";

/** So long the audit may go on before the event log knows of it. */
const anchorEveryMs = 60_000;

/** The audit of a home: what people ask, what is configured, and when the daemon lives. */
export class Chronicle {
  readonly #audit: FileAudit;
  readonly #own: Audit;
  #states: StateManager | null = null;
  #timer: NodeJS.Timeout | null = null;
  #daemon: { readonly pid: number; readonly version: string } | null = null;
  #newest: AuditHead | null = null;
  #anchoring: Promise<void> = Promise.resolve();

  constructor(audit: FileAudit) {
    this.#audit = audit;
    // A person's words may hold a secret as well as a model's.
    this.#own = audit.for(createRedact([]));
  }

  get head(): AuditHead {
    return this.#audit.head;
  }

  audit(redact: Redact): Audit {
    return this.#audit.for(redact);
  }

  /** From now on the event log is told of the audit's head, now and then and at the end. */
  anchorTo(states: StateManager): void {
    this.#states = states;
    this.#timer = setInterval(() => this.#anchor(), anchorEveryMs);
    this.#timer.unref();
  }

  async asked(command: Command): Promise<void> {
    if (command.type === "createLoops") {
      const each = command.asked.map(({ loop }) => this.asked({ type: "createLoop", loop }));
      await Promise.all(each);
      return;
    }
    const { type, ...rest } = command;
    const loop = "id" in rest ? rest.id : null;
    await this.#own.record({ type: "person", loop, asked: type, detail: detailOf(command) });
  }

  /** A person's words to a model. */
  said(detail: object): Promise<void> {
    return this.#own.record({ type: "person", loop: null, asked: "chat", detail });
  }

  configured({ repo, config, types }: Living): Promise<void> {
    const versions = types.list().map(({ name, version }) => [name, version]);
    const text = JSON.stringify([config.config, versions]);
    return this.#own.record({ type: "config", repo, hash: hash("sha256", text) });
  }

  /** A daemon's; its end is recorded with close(). */
  started(pid: number, version: string): Promise<void> {
    this.#daemon = { pid, version };
    return this.#own.record({ type: "daemon", what: "started", pid, version });
  }

  /** Call before the states and the store are closed, and once nobody acts any more. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#daemon !== null) {
      await unlessBroken(this.#own.record({ type: "daemon", what: "stopped", ...this.#daemon }));
    }
    this.#anchor();
    await this.#anchoring;
    await this.#audit.close();
  }

  /** One after the other. */
  #anchor(): void {
    const states = this.#states;
    if (states === null) return;
    const anchor = async () => {
      this.#newest = await anchorAudit(states, this.#audit, this.#newest);
    };
    this.#anchoring = this.#anchoring.then(() => unlessBroken(anchor()));
  }
}

/** A log that cannot be written is told of by whoever acts next; nobody acts here. */
async function unlessBroken(doing: Promise<void>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if (!(error instanceof StoreBroken)) throw error;
  }
}

export async function openChronicle(home: string): Promise<Chronicle> {
  return new Chronicle(await openAudit(home, systemClock.now));
}

function detailOf(command: Command): unknown {
  if (command.type !== "createLoop") return { ...command, type: undefined, id: undefined };
  const { type, title, repo, priority, settings } = command.loop;
  const { model, gate, deliver, baseCommit } = settings;
  return { type, title, repo, priority, model, validation: gate.command, deliver, baseCommit };
}
