import { availableParallelism } from "node:os";
import { Bulkhead } from "./bulkhead.ts";
import type { Hand } from "./hand.ts";
import { PipePool } from "./pipes.ts";
import { type ProgramRequest, type ProgramResult, runProgramHere } from "./program.ts";
import { type ProcessEnd, type ProcessRequest, runProcessHere } from "./run.ts";
import { TreeWatch } from "./watch.ts";

/** More at once would only take memory and each other's time. */
const programsPerCore = 4;

/** Who starts programs is a fact of the whole process, like its working directory. */
let hand: Hand | null = null;
const line = new Bulkhead(availableParallelism() * programsPerCore);
const here = { watch: new TreeWatch(), pipes: new PipePool() };

/** From now on a daemon's hand starts programs; with null this process does. */
export function startBy(next: Hand | null): void {
  hand = next;
}

export type ProgramOptions = Omit<ProgramRequest, "program" | "args"> & {
  readonly signal?: AbortSignal;
};

/** Runs a program of the system with nothing of the daemon's environment, when there is room. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal = new AbortController().signal, ...options }: ProgramOptions,
): Promise<ProgramResult> {
  const request = { program, args, ...options };
  const result = await line.pass(
    signal,
    () => hand?.program(request, signal) ?? runProgramHere(request, signal),
  );
  if (result === null) throw new Error(`${program} was aborted`);
  return result;
}

/** As `runProcessHere`: its contract is there. */
export function runProcess(request: ProcessRequest, signal: AbortSignal): Promise<ProcessEnd> {
  return hand?.process(request, signal) ?? runProcessHere(request, here, signal);
}
