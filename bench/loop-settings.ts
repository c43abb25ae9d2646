import type { LoopSettings } from "../src/core/loop.ts";

/** What the configuration would settle for an ordinary loop. */
export function loopSettings({ base, command }: { base: string; command: string }): LoopSettings {
  return {
    model: "bench/instant",
    escalation: null,
    fallback: null,
    gate: { command, successExitCode: 0, timeoutMs: 60_000, protect: [], detectedFrom: null },
    iterationsMax: 25,
    turnsMax: 10,
    iterationTimeoutMs: 60_000,
    stuckAfter: 100,
    budgetUsd: 1,
    budgetTokens: null,
    planBudgetUsd: null,
    deliver: "branch",
    baseCommit: base,
    sandbox: {
      level: "required",
      networkAllow: [],
      memoryBytesMax: 2 ** 32,
      processesMax: 512,
    },
    worktree: { link: "auto", copy: [], setup: null, setupNetworkAllow: [] },
  };
}
