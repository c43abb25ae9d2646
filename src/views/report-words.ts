/** Words that the Markdown and the HTML of a report share. */
import type { Usage } from "../core/loop.ts";
import type { FileDiff } from "./diff-files.ts";
import type { VerdictView } from "./loop-view.ts";
import type { ReportView } from "./report.ts";

export function facts(report: ReportView): readonly (readonly [name: string, value: string])[] {
  const { status, why, delivered, branch, pullRequest, repo, baseCommit, headCommit, model } =
    report;
  const { iteration, maxIterations, createdAt, updatedAt } = report;
  const all: readonly (readonly [string, string | null])[] = [
    ["Status", status],
    ["Why", why.sentence],
    ["Next", why.remedy],
    ["Repository", repo],
    ["Base", baseCommit],
    ["Head", headCommit],
    ["Delivered", delivered === null ? null : `${delivered.to} (${delivered.commit})`],
    ["Branch", delivered === null ? branch : null],
    ["Pull request", pullRequest],
    ["Model", model],
    ["Iterations", `${iteration} of ${maxIterations}`],
    ["Created", createdAt],
    ["Updated", updatedAt],
  ];
  return all.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

export function verdictWords(verdict: VerdictView | null): string {
  if (verdict === null) return "none";
  const { passed, exitCode } = verdict;
  const how = exitCode === null ? "killed" : `exit code ${exitCode}`;
  return `${passed ? "passed" : "did not pass"} (${how})`;
}

export function testsText(verdict: VerdictView | null): string {
  if (verdict?.tests == null) return "";
  const { ran, failed, runner } = verdict.tests;
  return `${ran} ran, ${failed} failed (${runner})`;
}

export function filesText(files: readonly FileDiff[]): string {
  const sum = (count: (file: FileDiff) => number) =>
    files.reduce((total, file) => total + count(file), 0);
  const lines = `+${sum(({ added }) => added)} −${sum(({ removed }) => removed)}`;
  return `${files.length} file${files.length === 1 ? "" : "s"}, ${lines}`;
}

export function moneyText(usage: Usage): string {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd, requests } = usage;
  const money = costUsd === null ? "cost unknown" : `$${costUsd.toFixed(4)}`;
  const cached = `${cacheReadTokens} read from and ${cacheWriteTokens} written to the cache`;
  return `${money}: ${requests} requests, ${inputTokens} tokens in, ${outputTokens} out, ${cached}.`;
}
