/** States and commands in few words, for tests that say what is given and what is expected. */
import type { Command } from "../src/core/commands.ts";
import { type Decision, decide, type Moment } from "../src/core/decide.ts";
import type { Created } from "../src/core/events.ts";
import {
  type BlockedOn,
  type Loop,
  type LoopId,
  type LoopSettings,
  type LoopStatus,
  noUsage,
  type Priority,
  type Progress,
  type Verdict,
} from "../src/core/loop.ts";
import { apply, loopOf, type MutableState, replay } from "../src/core/state.ts";

export const base = "b".repeat(40);
export const moment: Moment = { now: 100, jitter: 0, failuresMax: 3 };

export const settings: LoopSettings = {
  model: "sim/small",
  escalation: null,
  fallback: null,
  gate: {
    command: "npm test",
    successExitCode: 0,
    timeoutMs: 60_000,
    protect: [],
    detectedFrom: null,
  },
  iterationsMax: 10,
  turnsMax: 10,
  iterationTimeoutMs: 900_000,
  stuckAfter: 3,
  budgetUsd: null,
  budgetTokens: null,
  planBudgetUsd: null,
  deliver: "branch",
  baseCommit: base,
  sandbox: { level: "required", networkAllow: [], memoryBytesMax: 4e9, processesMax: 512 },
  worktree: { link: "auto", copy: [], setup: null, setupNetworkAllow: [] },
};

export function id(text: string): LoopId {
  return text as LoopId;
}

/** What `createLoop` takes. */
export function brief(more: Partial<Created> = {}): Created {
  const words = { title: "mend it", brief: "mend it", repo: "/repo" };
  const shape = { type: "ralph", parent: null, priority: "normal", dependsOn: [] } as const;
  return { ...shape, ...words, status: "pending", settings, ...more };
}

/** Builds a state from lines such as "2.1 blocked high on gate after 1,2 at 300 attempt 4". */
export function given(...lines: readonly (string | Loop)[]): MutableState {
  const loops = lines.map((each) => (typeof each === "string" ? loop(each) : each));
  const children = new Map<LoopId, LoopId[]>();
  for (const each of loops) {
    if (each.parent === null) continue;
    children.set(each.parent, [...(children.get(each.parent) ?? []), each.id]);
  }
  const roots = loops.filter(({ parent }) => parent === null).length;
  const byId = new Map(loops.map((each) => [each.id, each]));
  const counted = loops.filter(({ priority }) => priority !== "critical");
  const starts = counted.reduce((sum, { attempt }) => sum + attempt, 0);
  return { ...replay([]), loops: byId, children, rootsCreated: roots, starts };
}

const line =
  /^(?<name>[\d.]+) (?<status>\w+)(?: (?<priority>critical|high|normal|low))?(?: on (?<on>\w+))?(?: from (?<from>\w+))?(?: after (?<after>[\d.,]+))?(?: at (?<at>\d+))?(?: attempt (?<attempt>\d+))?$/;

/** One loop of such a line, with whatever the line cannot say. */
export function loop(text: string, more: Partial<Loop> = {}): Loop {
  const fields = line.exec(text)?.groups;
  if (fields === undefined) throw new Error(`cannot read: ${text}`);
  const { name = "", status, priority = "normal", on, from, after, at = "0" } = fields;
  const { attempt = status === "pending" ? "0" : "1" } = fields;
  const parent = name.includes(".") ? id(name.slice(0, name.lastIndexOf("."))) : null;
  const created = brief({ priority: priority as Priority, parent });
  const state = replay([
    { seq: 1, at: 0, events: [{ type: "loop.created", loop: id(name), data: created }] },
  ]);
  return {
    ...loopOf(state, id(name)),
    status: status as LoopStatus,
    blockedOn: (on as BlockedOn | undefined) ?? null,
    pausedFrom: (from as LoopStatus | undefined) ?? null,
    dependsOn: (after?.split(",") ?? []).map(id),
    notBeforeAt: Number(at),
    attempt: Number(attempt),
    ...more,
  };
}

/** What follows from the commands, one after the other; each must be accepted. */
export function following(state: MutableState, ...commands: readonly Command[]): MutableState {
  for (const command of commands) {
    const decision = decide(state, command, moment);
    if (!decision.ok) throw new Error(`refused: ${decision.reason}`);
    for (const event of decision.events) apply(state, event, moment.now);
  }
  return state;
}

/** The status that a command leads to, or the sentence of its refusal. */
export function answerTo(state: MutableState, command: Command, at: Moment = moment): string {
  const decision: Decision = decide(state, command, at);
  if (!decision.ok) return decision.reason;
  for (const event of decision.events) apply(state, event, at.now);
  return decision.id === null ? "done" : loopOf(state, decision.id).status;
}

export function verdict(more: Partial<Verdict> = {}): Verdict {
  const ending = { exitCode: 1, command: "npm test", durationMs: 5, commit: base };
  return { passed: false, ...ending, evidence: null, note: null, ...more };
}

export function progress(iteration: number, more: Partial<Progress> = {}): Progress {
  const ending = { passed: false, exitCode: 1, filesChanged: ["a.txt"], durationMs: 1_500 };
  return {
    iteration,
    ...ending,
    feedback: `red ${iteration}`,
    fingerprint: `f${iteration}`,
    ...more,
  };
}

export function spent(tokens: number, usd: number | null = 0): Loop["usage"] {
  return { ...noUsage, outputTokens: tokens, costUsd: usd, requests: 1 };
}
