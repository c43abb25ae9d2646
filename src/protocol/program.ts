/** What the command line asks of the program around it, besides loops. Implemented in src/host. */

import type { LoopView } from "../views/loop-view.ts";
import type { Door, Reader, RunPlan, RunRequest } from "./door.ts";
import type { PurgeReport, PurgeView } from "./purge.ts";
import type { UnitReport, UnitView } from "./unit.ts";

export interface Place {
  /** TASKDAEMON_HOME, resolved. */
  readonly home: string;
  /** Any directory; the repository is found from it. */
  readonly dir: string;
}

/** One line of `doctor`. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "problem";
  readonly message: string;
  /** What to do about it; null when nothing. */
  readonly remedy: string | null;
}

export interface ConfigView {
  /** YAML with the origin of each value, as a comment. */
  readonly text: string;
  readonly json: unknown;
  readonly warnings: readonly string[];
}

export interface ConfigVersionView {
  readonly id: string;
  readonly at: string;
  /** False for what was broken, and put aside by a rollback. */
  readonly good: boolean;
  readonly files: readonly { readonly file: string; readonly hash: string }[];
  /** By loop type, the version that `iteration.started` names. */
  readonly types: Readonly<Record<string, string>>;
  /** `+`, `~` or `-` and the file, against the version before. */
  readonly changed: readonly string[];
}

/** `text` null: the file goes. */
export interface FileEdit {
  readonly file: string;
  readonly text: string | null;
}

export interface RewriteView {
  readonly edits: readonly FileEdit[];
}

export interface TypeSummary {
  readonly name: string;
  readonly description: string;
  readonly origin: string;
}

export interface TypeExplanation extends TypeSummary {
  readonly version: string;
  readonly overrides: string | null;
  /** Names of the types that it was made from. */
  readonly bases: readonly string[];
  /** As written; `from` is `file:line:column`. */
  readonly values: readonly {
    readonly key: string;
    readonly value: unknown;
    readonly from: string;
  }[];
  /** Rendered with sample values. */
  readonly system: string;
  readonly prompt: string;
}

/** One file of `td types test`; without problems it has passed. */
export interface TypeTestView {
  readonly name: string;
  readonly file: string;
  readonly problems: readonly string[];
}

export interface TrashView {
  readonly id: string;
  readonly loop: string;
  readonly removedAt: string;
}

/** What `init` would write; `exists` when there is a file already. */
export interface InitView {
  readonly file: string;
  readonly text: string;
  readonly exists: boolean;
  readonly detected: string | null;
}

export interface StoreCheck {
  readonly ok: boolean;
  readonly json: unknown;
  /** Sentences for a person. */
  readonly lines: readonly string[];
}

/** One line of `td audit list --json`. */
export interface AuditView {
  readonly n: number;
  readonly at: string;
  readonly type: string;
  readonly loop: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AuditFilter {
  readonly loop: string | null;
  /** Milliseconds since the epoch. */
  readonly sinceAt: number | null;
}

export interface ShellEntry {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface MockLlmRequest {
  readonly port: number;
  readonly scenarioFile: string | null;
  readonly write: (line: string) => void;
}

export interface DemoRequest {
  /** How much faster than life the scripted model answers. */
  readonly speed: number;
  readonly keep: boolean;
  readonly write: (line: string) => void;
}

export interface DaemonRequest extends Place {
  readonly onSignal: (name: "SIGINT" | "SIGTERM" | "SIGHUP", listener: () => void) => () => void;
}

export interface PlanOptions {
  /** Whether the log is read for what such loops have cost. */
  readonly withHistory: boolean;
}

/** Every method throws UserError for what a person can mend. */
export interface Program {
  readonly version: string;
  openReader(place: Place): Promise<Reader>;
  /** What `run` would do where no daemon serves the home; refuses what a daemon would refuse. */
  plan(place: Place, request: RunRequest, options: PlanOptions): Promise<RunPlan>;
  /** Null when no daemon serves the home. */
  daemon(place: Place): Promise<Door | null>;
  /** Starts one and resolves once it answers; throws when one runs already. */
  startDaemon(place: Place): Promise<Door>;
  /** Resolves once the daemon of the home has ended. */
  stopDaemon(place: Place, options: { readonly now: boolean }): Promise<void>;
  /** The daemon itself, in this process, to its end; resolves to its exit code. */
  runDaemon(request: DaemonRequest): Promise<number>;
  /** Keeps a daemon running, restarting it after a crash. */
  guardDaemon(request: DaemonRequest): Promise<number>;
  /** What a purge would remove. Throws for what is no home. */
  purgeView(place: Place, options: { readonly branches: boolean }): Promise<PurgeView>;
  purge(place: Place, options: { readonly branches: boolean }): Promise<PurgeReport>;
  /** How the machine itself would start the daemon. */
  unit(place: Place): Promise<UnitView>;
  installUnit(place: Place): Promise<UnitReport>;
  uninstallUnit(place: Place): Promise<UnitReport>;
  doctor(place: Place, signal: AbortSignal): Promise<readonly Check[]>;
  initFile(place: Place): Promise<InitView>;
  writeInit(view: InitView): Promise<void>;
  /** Throws when the configuration is invalid. */
  config(place: Place): Promise<ConfigView>;
  configSchema(): Promise<unknown>;
  /** Of this repository, the newest last. */
  configHistory(place: Place): Promise<readonly ConfigVersionView[]>;
  /** What would bring that version back; what is there now is kept as one. */
  configRollback(place: Place, id: string): Promise<RewriteView>;
  /** What would bring files to the newest format. */
  configMigration(place: Place): Promise<RewriteView>;
  rewriteConfig(view: RewriteView): Promise<void>;
  types(place: Place): Promise<readonly TypeSummary[]>;
  /** Throws when there is none of that name. `text` is the definition as written. */
  type(place: Place, name: string): Promise<TypeExplanation & { readonly text: string }>;
  /** Runs the tests of a directory of types, of the repository's own for null; needs no key. */
  testTypes(
    place: Place,
    directory: string | null,
    tell: (view: TypeTestView) => void,
  ): Promise<readonly TypeTestView[]>;
  verifyStore(place: Place): Promise<StoreCheck>;
  repairStore(place: Place): Promise<StoreCheck>;
  /** This, compactStore and backupStore also work beside a running daemon. */
  snapshotStore(place: Place): Promise<StoreCheck>;
  /** With `archivedDaysMax`, what was put away longer ago than that is removed for good. */
  compactStore(
    place: Place,
    options: { readonly archivedDaysMax: number | null },
  ): Promise<StoreCheck>;
  /** `file` must not exist. */
  backupStore(place: Place, file: string): Promise<StoreCheck>;
  /** With `force` a log that is there already is moved aside. */
  restoreStore(
    place: Place,
    file: string,
    options: { readonly force: boolean },
  ): Promise<StoreCheck>;
  /** All loops as they were once event `seq` had happened. */
  storeAt(place: Place, seq: number): Promise<readonly LoopView[]>;
  /** In order; works beside a running daemon. */
  auditRecords(place: Place, filter: AuditFilter, tell: (record: AuditView) => void): Promise<void>;
  verifyAudit(place: Place): Promise<StoreCheck>;
  trash(place: Place): Promise<readonly TrashView[]>;
  /** Resolves to where it is now. */
  restoreTrash(place: Place, id: string): Promise<string>;
  /** Resolves to how many were removed for good. */
  emptyTrash(place: Place): Promise<number>;
  shell(place: Place, id: string): Promise<ShellEntry>;
  mockLlm(request: MockLlmRequest, signal: AbortSignal): Promise<void>;
  /** The exit code. */
  demo(request: DemoRequest, signal: AbortSignal): Promise<number>;
}
