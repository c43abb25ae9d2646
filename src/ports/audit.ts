/** The audit, as whoever acts sees it: one more page of the outside world. */
import type { LoopId } from "../core/loop.ts";

/** What somebody did, or was about to do. */
export type AuditAct =
  | {
      readonly type: "tool";
      readonly loop: LoopId;
      readonly iteration: number;
      readonly name: string;
      readonly input: unknown;
    }
  /** What a model looks at while a person talks with it. */
  | {
      readonly type: "chat";
      readonly chat: string;
      readonly repo: string;
      readonly name: string;
      readonly input: unknown;
    }
  | {
      readonly type: "command";
      readonly loop: LoopId;
      readonly purpose: "tool" | "validation" | "hook" | "setup";
      readonly command: string;
      /** "off": with the user's own rights. */
      readonly sandbox: "required" | "off";
      /** Hosts that it could reach. */
      readonly network: readonly string[];
    }
  | {
      readonly type: "file";
      readonly loop: LoopId;
      readonly path: string;
      readonly bytes: number;
      /** Hash of what it holds now. */
      readonly version: string;
    }
  | {
      readonly type: "host";
      /** Null where only the host is known: a proxy that several commands share. */
      readonly loop: LoopId | null;
      readonly host: string;
      readonly allowed: boolean;
    }
  | {
      readonly type: "person";
      /** Null for what is not there yet. */
      readonly loop: LoopId | null;
      /** What was asked for: `pause`, `answer`, `createLoop` … */
      readonly asked: string;
      readonly detail: unknown;
    }
  | {
      readonly type: "notified";
      readonly channel: string;
      /** The same for the same notification tried again. */
      readonly id: string;
      readonly title: string;
    }
  | { readonly type: "config"; readonly repo: string; readonly hash: string }
  | {
      readonly type: "daemon";
      readonly what: "started" | "stopped";
      readonly pid: number;
      readonly version: string;
    }
  /** Written by the audit itself: a crash had left an unfinished record, which was taken off. */
  | { readonly type: "repaired"; readonly bytes: number };

/** How far a chain of records goes; its hash stands for all of them. */
export interface AuditHead {
  readonly count: number;
  readonly hash: string;
}

/** Every act, in a chain of hashes, in the order of the calls. */
export interface Audit {
  /**
   * Call it before the act wherever that can be: nothing is done unrecorded. Resolves once there
   * is room for more, not once it is durable. Rejects with StoreBroken when records can no longer
   * be written; then nothing may be done any more. Redacted and bounded.
   */
  record(act: AuditAct): Promise<void>;
  /** Makes durable what was recorded so far. Rejects with StoreBroken. */
  anchor(): Promise<AuditHead>;
}
