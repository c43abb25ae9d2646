import { assert } from "../assert.ts";
import type { CommitId, Evidence, Gate, Verdict } from "../loop.ts";
import { readEvidence, runnersNamed } from "./evidence.ts";
import { wholeFiles } from "./tally.ts";

/** What the sandbox says of the command. */
interface Ending {
  readonly exitCode: number | null;
  readonly ended: "exited" | "timedOut" | "aborted" | "memory" | "processes";
  readonly output: string;
  readonly durationMs: number;
}

export interface Trial {
  readonly gate: Gate;
  readonly ending: Ending;
  readonly commit: CommitId;
  /** The verdict on the base commit; null when this is it, or when there is none. */
  readonly baseline: Verdict | null;
  /** The gate's command and the scripts it calls, from `gateShell`. */
  readonly shell: string;
  /** A person allowed that tests are removed. */
  readonly fewerTestsAllowed: boolean;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** A sentence: the gate was changed without touching a protected file. The loop is blocked. */
  readonly gateChange: string | null;
}

/** Stands for the path in a question about fewer tests, where no file can be named. */
export const fewerTestsPath = "the number of tests";

/** Gives the verdict: the exit code decides, and what a known runner says can only take it away. */
export function judge(trial: Trial): Judgement {
  const { gate, ending, commit, shell } = trial;
  const evidence = readEvidence(shell, ending.output);
  const exited = ending.ended === "exited" && ending.exitCode === gate.successExitCode;
  const fewer = exited ? fewerTests(trial, evidence) : null;
  const doubt = exited ? (doubtOf(trial, evidence) ?? fewer) : violentEnd(trial);
  const verdict: Verdict = {
    passed: exited && doubt === null,
    exitCode: ending.ended === "exited" ? ending.exitCode : null,
    command: gate.command,
    durationMs: ending.durationMs,
    commit,
    evidence,
    note: doubt ?? (exited ? remarkOn(evidence) : null),
  };
  return { verdict, gateChange: fewer !== null && doubt === fewer ? fewer : null };
}

const earlyFiles = "node:test saw whole files and no tests in them: they may have been ended early";

function remarkOn(evidence: Evidence | null): string | null {
  if (evidence === null) return onlyExitCode;
  return evidence.runner === wholeFiles ? `${earlyFiles}, or are plain scripts.` : null;
}

const onlyExitCode = "No known test runner reported: the exit code is all there is.";

/** A red that follows a green was run once more, on the same commit. */
export function judgeFlaky(first: Verdict, second: Verdict): Verdict {
  assert(!first.passed && first.commit === second.commit, "only a red is run again, and as it was");
  if (!second.passed) return second;
  return { ...second, note: `Flaky: it failed once (${exitOf(first)}) and passed when run again.` };
}

/** A person who let test files go, or said so outright, expects fewer tests. */
export function allowsFewerTests(
  allowed: readonly string[],
  isTestFile: (path: string) => boolean,
): boolean {
  return allowed.some((path) => path === fewerTestsPath || isTestFile(path));
}

function exitOf({ exitCode }: Verdict): string {
  return exitCode === null ? "killed" : `exit code ${exitCode}`;
}

function violentEnd({ gate, ending }: Trial): string | null {
  switch (ending.ended) {
    case "exited":
      return null;
    case "timedOut":
      return `It did not end within ${Math.round(gate.timeoutMs / 1000)} s and was killed.`;
    case "memory":
      return "It was killed because it used more memory than it may.";
    case "processes":
      return "It was killed because it started more processes than it may.";
    case "aborted":
      return "It was interrupted before it ended.";
  }
}

/** Why an exit code that says yes is not believed. */
function doubtOf({ gate, baseline, shell }: Trial, evidence: Evidence | null): string | null {
  if (evidence !== null && evidence.failed > 0) {
    return `${evidence.runner} reports ${evidence.failed} failed, but the exit code says success: the command hides failures.`;
  }
  if (evidence !== null) {
    if (evidence.ran === 0) return `${evidence.runner} ran no tests.`;
    const endedEarly = evidence.runner === wholeFiles && baseline?.evidence?.runner === "node:test";
    return endedEarly ? `${earlyFiles}.` : null;
  }
  if (baseline !== null && baseline.evidence !== null) {
    return `${baseline.evidence.runner} reported on the base commit and printed no summary now: it may have been ended early.`;
  }
  // The base commit was as silent, and no agent wrote it: this runner does not talk.
  if (baseline !== null && baseline.exitCode === gate.successExitCode) return null;
  const [name] = runnersNamed(shell);
  return name === undefined
    ? null
    : `The command runs ${name}, which printed no summary: it may have been ended early.`;
}

function fewerTests(trial: Trial, evidence: Evidence | null): string | null {
  const before = trial.baseline?.evidence ?? null;
  if (before === null || evidence === null || trial.fewerTestsAllowed) return null;
  if (before.runner !== evidence.runner || evidence.ran >= before.ran) return null;
  return `${evidence.ran} tests ran; on the base commit there were ${before.ran}.`;
}
