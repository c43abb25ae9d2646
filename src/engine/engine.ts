import { assert } from "../core/assert.ts";
import type { AttemptOutcome } from "../core/commands.ts";
import type { CommitId, Loop, LoopId, Stage } from "../core/loop.ts";
import type { Patience } from "../core/retry.ts";
import { loopOf } from "../core/state.ts";
import type { DocumentWork, OutputDirectory } from "../ports/documents.ts";
import type { HookName } from "../ports/hooks.ts";
import type { LoopType, LoopWorkspace, World } from "../ports.ts";
import type { AdmissionGate } from "./admission-gate.ts";
import type { GateAt } from "./gate.ts";
import type { StateManager } from "./state-manager.ts";

/** What every part of the engine works with, from the general to the particular. */
export interface Engine {
  readonly world: World;
  readonly states: StateManager;
  readonly patience: Patience;
  /** Aborts when attempts should come to an end at their next turn. */
  readonly drain: AbortSignal;
  /** What a call of a provider passes before it begins, in this order. */
  readonly gatesOf: (provider: string) => readonly AdmissionGate[];
  /** The day's limit for all loops of the home, as it is configured now; null is none. */
  readonly dayUsd: () => number | null;
}

/** Thrown from anywhere in an attempt to end it in a known way; caught in runAttempt alone. */
export class AttemptEnd extends Error {
  readonly outcome: AttemptOutcome;

  constructor(outcome: AttemptOutcome) {
    super(outcome.type);
    this.name = "AttemptEnd";
    this.outcome = outcome;
  }
}

/** Bytes kept of each stream of a command, head and tail. */
export const outputBytesMax = 256 * 1024;

/** One try at a loop, on one process: what its parts share. */
export interface Attempt {
  readonly engine: Engine;
  readonly id: LoopId;
  readonly attempt: number;
  readonly type: LoopType;
  readonly workspace: LoopWorkspace;
  /** Where it writes its documents; null for a loop that changes code. */
  readonly output: Output | null;
  /** What defines the validation, as it is on the base commit. */
  readonly gate: GateAt;
  readonly signal: AbortSignal;
  readonly course: Course;
}

/** The output directory of a document loop, and what its type says of it. */
export interface Output {
  readonly directory: OutputDirectory;
  readonly work: DocumentWork;
}

/** Where an attempt is, for whoever has to say what was interrupted. */
export interface Course {
  at: string;
  workspace: LoopWorkspace | null;
}

export function headOf(loop: Loop): CommitId {
  return loop.headCommit ?? loop.settings.baseCommit;
}

export function stage({ world }: Engine, loop: Loop, name: Stage, detail: string | null): void {
  world.watch({ type: "stage", loop: loop.id, iteration: loop.iteration + 1, stage: name, detail });
}

export async function hook(
  { engine, id, workspace, signal }: Attempt,
  name: HookName,
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  const iteration =
    loopOf(engine.states.state, id).iteration + (name === "after-iteration" ? 0 : 1);
  const failure = await engine.world.hooks.run(
    { name, loop: id, iteration, workspace, facts },
    signal,
  );
  if (failure !== null) engine.world.watch({ type: "note", loop: id, iteration, text: failure });
}

/** A refusal here means that the lease is gone: whoever has it now goes on, not we. */
export async function must(answer: Promise<{ ok: boolean; reason?: string }>): Promise<void> {
  const { ok, reason } = await answer;
  if (ok) return;
  assert(reason !== undefined, "a refusal has a reason");
  throw lost(reason);
}

/** The end of an attempt whose lease another has. */
export function lost(reason: string): AttemptEnd {
  const during = "a change of hands";
  return new AttemptEnd({ type: "interrupted", during, reason, notBeforeAt: 0 });
}

/** Between turns a draining process lets go: what was done so far is kept. */
export function endIfDraining({ engine, id, course }: Attempt): void {
  if (!engine.drain.aborted) return;
  const { notBeforeAt } = loopOf(engine.states.state, id);
  const reason = "the daemon was stopped";
  throw new AttemptEnd({ type: "interrupted", during: course.at, reason, notBeforeAt });
}
