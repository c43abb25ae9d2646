import type { Loop, Millis, Stage, Usage, Verdict } from "../core/loop.ts";
import type { BudgetView } from "./budget-view.ts";

/** A loop as scripts see it: field by field the contract of CLI.md, JSON. */
export interface LoopView {
  readonly id: string;
  readonly type: string;
  readonly parent: string | null;
  readonly title: string;
  readonly status: string;
  readonly stage: string | null;
  readonly reason: string | null;
  readonly blockedOn: string | null;
  readonly priority: string;
  readonly dependsOn: readonly string[];
  readonly attempt: number;
  readonly iteration: number;
  readonly maxIterations: number;
  readonly repo: string;
  readonly branch: string | null;
  readonly baseCommit: string;
  readonly headCommit: string | null;
  readonly delivered: { readonly to: string; readonly commit: string } | null;
  /** Its address; null where there is none. */
  readonly pullRequest: string | null;
  /** The branch in whose merge queue it is; null when it is in none. */
  readonly merging: string | null;
  readonly verdict: VerdictView | null;
  readonly baseline: VerdictView | null;
  readonly model: string;
  /** Of its type's definition, in its newest iteration; null before the first. */
  readonly typeVersion: string | null;
  readonly usage: Usage;
  /** Only where one loop is asked for. */
  readonly budget?: BudgetView;
  readonly notBefore: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface VerdictView {
  readonly passed: boolean;
  readonly exitCode: number | null;
  readonly command: string;
  readonly durationMs: number;
  readonly commit: string;
  readonly tests: { readonly runner: string; readonly ran: number; readonly failed: number } | null;
  readonly note: string | null;
}

export function loopView(loop: Loop, stage: Stage | null): LoopView {
  const { settings } = loop;
  return {
    id: loop.id,
    type: loop.type,
    parent: loop.parent,
    title: loop.title,
    status: loop.status,
    stage: loop.status === "running" ? stage : null,
    reason: loop.reason,
    blockedOn: loop.blockedOn,
    priority: loop.priority,
    dependsOn: loop.dependsOn,
    attempt: loop.attempt,
    iteration: loop.iteration,
    maxIterations: settings.iterationsMax,
    repo: loop.repo,
    branch: loop.branch,
    baseCommit: settings.baseCommit,
    headCommit: loop.headCommit,
    delivered: loop.delivered,
    pullRequest: loop.pullRequest,
    merging: loop.merge?.target ?? null,
    verdict: verdictView(loop.verdict),
    baseline: verdictView(loop.baseline),
    model: loop.escalated ? (settings.escalation ?? settings.model) : settings.model,
    typeVersion: loop.typeVersion ?? null,
    usage: {
      ...loop.usage,
      costUsd: loop.usage.costUsd === null ? null : rounded(loop.usage.costUsd),
    },
    notBefore: loop.status === "pending" ? timeOf(loop.notBeforeAt) : null,
    createdAt: timeOf(loop.createdAt),
    updatedAt: timeOf(loop.updatedAt),
  };
}

export function verdictView(verdict: Verdict | null): VerdictView | null {
  if (verdict === null) return null;
  const { passed, exitCode, command, durationMs, commit, evidence, note } = verdict;
  const tests =
    evidence === null
      ? null
      : { runner: evidence.runner, ran: evidence.ran, failed: evidence.failed };
  return { passed, exitCode, command, durationMs: Math.round(durationMs), commit, tests, note };
}

/** Sums of binary fractions show their dust; a tenth of a micro-dollar is enough for anybody. */
export function rounded(usd: number): number {
  return Math.round(usd * 1e7) / 1e7;
}

export function timeOf(at: Millis): string {
  return new Date(at).toISOString();
}
