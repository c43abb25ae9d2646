import {
  addUsage,
  byId,
  type Loop,
  type LoopId,
  noUsage,
  type Usage,
  type Verdict,
} from "../core/loop.ts";
import { childrenOf, type State } from "../core/state.ts";
import { isProtected, protectedDefaults } from "../core/verdict/protected.ts";
import { type FileDiff, filesOf } from "./diff-files.ts";
import { rounded, timeOf, type VerdictView, verdictView } from "./loop-view.ts";
import { type Happened, type HistoryView, historyOf } from "./report-history.ts";
import type { WhyView } from "./why.ts";

/** What a reviewer has to know of a loop, or of a plan with all below it, to take its work over. */
export interface ReportView extends HistoryView {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  /** What was asked for, in the words of who asked. */
  readonly request: string;
  readonly status: string;
  readonly why: WhyView;
  readonly repo: string;
  readonly model: string;
  readonly baseCommit: string;
  readonly headCommit: string | null;
  readonly branch: string | null;
  readonly delivered: { readonly to: string; readonly commit: string } | null;
  readonly pullRequest: string | null;
  readonly command: string;
  readonly detectedFrom: string | null;
  /** On the base commit, before any work. */
  readonly before: VerdictView | null;
  readonly after: VerdictView | null;
  readonly iteration: number;
  readonly maxIterations: number;
  /** Of it and all below it. */
  readonly usage: Usage;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly protectedChanges: readonly ProtectedChange[];
  /** Its own files and those of each loop below it that changed any. */
  readonly changes: readonly LoopChanges[];
  /** All below it, parents first. */
  readonly loops: readonly ReportRow[];
}

interface ProtectedChange {
  readonly loop: string;
  readonly path: string;
  /** Whether a person, or a document that one approved, allowed it. */
  readonly allowed: boolean;
}

export interface LoopChanges {
  readonly loop: string;
  readonly title: string;
  readonly files: readonly FileDiff[];
  /** Whether there are more files than are shown here. */
  readonly isCut: boolean;
}

interface ReportRow {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly status: string;
  readonly iteration: number;
  readonly before: VerdictView | null;
  readonly after: VerdictView | null;
  readonly costUsd: number | null;
  readonly delivered: string | null;
}

/** What a diff came to; `isCut` where it was too long to be read whole. */
export interface DiffRead {
  readonly text: string;
  readonly isCut: boolean;
}

export interface ReportSource {
  readonly state: State;
  readonly loop: Loop;
  readonly why: WhyView;
  /** Of the loop and all below it, in order. */
  readonly events: readonly Happened[];
  readonly diffs: ReadonlyMap<LoopId, DiffRead>;
}

/** A loop and all below it, parents first. */
export function familyOf(state: State, loop: Loop): readonly Loop[] {
  const below = childrenOf(state, loop.id).toSorted(byId);
  return [loop, ...below.flatMap((child) => familyOf(state, child))];
}

export function reportOf({ state, loop, why, events, diffs }: ReportSource): ReportView {
  const family = familyOf(state, loop);
  const { settings } = loop;
  const changes = family.flatMap((each) => changesOf(each, diffs.get(each.id)));
  const usage = family.reduce((sum, each) => addUsage(sum, each.usage), noUsage);
  return {
    id: loop.id,
    type: loop.type,
    title: loop.title,
    request: loop.brief,
    status: loop.status,
    why,
    repo: loop.repo,
    model: loop.escalated ? (settings.escalation ?? settings.model) : settings.model,
    baseCommit: settings.baseCommit,
    headCommit: loop.headCommit,
    branch: loop.branch,
    delivered: loop.delivered,
    pullRequest: loop.pullRequest,
    command: settings.gate.command,
    detectedFrom: settings.gate.detectedFrom,
    before: verdictView(baselineOf(loop, events)),
    after: verdictView(loop.verdict),
    iteration: loop.iteration,
    maxIterations: settings.iterationsMax,
    usage: { ...usage, costUsd: usage.costUsd === null ? null : rounded(usage.costUsd) },
    createdAt: timeOf(loop.createdAt),
    updatedAt: timeOf(Math.max(...family.map(({ updatedAt }) => updatedAt))),
    protectedChanges: family.flatMap((each) => protectedIn(each, changes)),
    changes,
    loops: family.slice(1).map((each) => rowOf(each, baselineOf(each, events))),
    ...historyOf(loop, events),
  };
}

function changesOf({ id, title }: Loop, diff: DiffRead | undefined): LoopChanges[] {
  if (diff === undefined || (diff.text === "" && !diff.isCut)) return [];
  return [{ loop: id, title, files: filesOf(diff.text), isCut: diff.isCut }];
}

/** A loop that was moved to another base has none there: then the newest it had. */
function baselineOf({ id, baseline }: Loop, events: readonly Happened[]): Verdict | null {
  if (baseline !== null) return baseline;
  const [newest = null] = events.toReversed().flatMap((event) => {
    return event.type === "loop.prepared" && event.loop === id ? [event.data.baseline] : [];
  });
  return newest;
}

function rowOf(loop: Loop, baseline: Verdict | null): ReportRow {
  const { id, type, title, status, iteration, usage, delivered } = loop;
  return {
    ...{ id, type, title, status, iteration },
    before: verdictView(baseline),
    after: verdictView(loop.verdict),
    costUsd: usage.costUsd === null ? null : rounded(usage.costUsd),
    delivered: delivered?.to ?? null,
  };
}

/** What was asked about and allowed, and changed files that are protected by their names. */
function protectedIn(loop: Loop, changes: readonly LoopChanges[]): ProtectedChange[] {
  const { id, gateAllowed, gateAsked, settings } = loop;
  const patterns = [...protectedDefaults, ...settings.gate.protect];
  const files = changes.find((each) => each.loop === id)?.files ?? [];
  const changed = files.map(({ path }) => path);
  const named = changed.filter((path) => isProtected(path, [...patterns, ...gateAllowed]));
  const paths = [...new Set([...named, ...gateAsked])].sort();
  return paths.map((path) => ({ loop: id, path, allowed: isProtected(path, gateAllowed) }));
}
