import type { Created } from "./events.ts";
import { deliveries, type LoopSettings, priorities } from "./loop.ts";

const titleCharsMax = 200;
const briefCharsMax = 2_000_000;
const commit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const model = /^[^\s/]+\/\S+$/;

/** What is wrong with a loop that somebody asks for; empty when it may be created. */
export function problemsOf(loop: Created): readonly string[] {
  return [
    ...check(loop.type !== "", "a loop has a type"),
    ...check(loop.title.trim() !== "", "a loop has a title"),
    ...check(loop.title.length <= titleCharsMax, `a title has at most ${titleCharsMax} characters`),
    ...check(loop.brief.trim() !== "", "a loop has a brief"),
    ...check(loop.brief.length <= briefCharsMax, `a brief has at most ${briefCharsMax} characters`),
    ...check(priorities.includes(loop.priority), `there is no priority ${loop.priority}`),
    ...check(loop.repo.startsWith("/"), "a repository is named by its absolute path"),
    ...settingsProblems(loop.settings),
  ];
}

function settingsProblems(settings: LoopSettings): string[] {
  const { gate, budgetUsd, budgetTokens, planBudgetUsd } = settings;
  const counts = {
    iterationsMax: settings.iterationsMax,
    turnsMax: settings.turnsMax,
    iterationTimeoutMs: settings.iterationTimeoutMs,
    "gate.timeoutMs": gate.timeoutMs,
    "sandbox.memoryBytesMax": settings.sandbox.memoryBytesMax,
    "sandbox.processesMax": settings.sandbox.processesMax,
  };
  return [
    ...Object.entries(counts).flatMap(([name, value]) =>
      check(Number.isSafeInteger(value) && value >= 1, `${name} is a whole number from 1`),
    ),
    ...check(settings.stuckAfter >= 2, "stuckAfter is at least 2"),
    ...check(model.test(settings.model), `a model is provider/name, not ${settings.model}`),
    ...check(gate.command.trim() !== "", "the validation command is empty"),
    ...check(isExitCode(gate.successExitCode), "an exit code is a whole number from 0 to 255"),
    ...check(budgetUsd === null || budgetUsd >= 0, "a budget is not negative"),
    ...check(planBudgetUsd === null || planBudgetUsd >= 0, "a budget is not negative"),
    ...check(budgetTokens === null || budgetTokens >= 0, "a budget is not negative"),
    ...check(deliveries.includes(settings.deliver), `nothing delivers to ${settings.deliver}`),
    ...check(commit.test(settings.baseCommit), "the base is a full commit id"),
  ];
}

function isExitCode(code: number): boolean {
  return Number.isInteger(code) && code >= 0 && code <= 255;
}

function check(holds: boolean, problem: string): string[] {
  return holds ? [] : [problem];
}
