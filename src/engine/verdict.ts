import { type Check, checksDue } from "../core/checks.ts";
import type { Document } from "../core/documents.ts";
import type { CommitId, Loop, Verdict } from "../core/loop.ts";
import { isOwnVerdict } from "../core/merge-batch.ts";
import { loopOf } from "../core/state.ts";
import { doubtOfAltered } from "../core/verdict/altered.ts";
import { normalise } from "../core/verdict/clean.ts";
import { feedback } from "../core/verdict/feedback.ts";
import { fingerprint } from "../core/verdict/fingerprint.ts";
import {
  allowsFewerTests,
  fewerTestsPath,
  type Judgement,
  judge,
  judgeFlaky,
} from "../core/verdict/judge.ts";
import { isTestFile } from "../core/verdict/test-facts.ts";
import type { CommandResult, FileChange, Workspace, WorktreeRequest } from "../ports.ts";
import { auditedSandbox } from "./audited.ts";
import { type Attempt, headOf, hook, must, outputBytesMax, stage } from "./engine.ts";
import { type GateChange, gateChangesIn, type Since, sinceBase, testNotesIn } from "./gate.ts";

const feedbackCharsMax = 12_000;
const diffBytesMax = 1_000_000;

/** A verdict, and what follows from it for the next iteration or for a person. */
export interface Judged {
  readonly verdict: Verdict;
  readonly feedback: string;
  readonly fingerprint: string;
  /** Not empty: the command says yes, but what defines it was changed. */
  readonly gate: readonly GateChange[];
  /** Since the checkpoint before. */
  readonly changes: readonly FileChange[];
  /** What a document loop has written. */
  readonly documents?: readonly Document[];
}

/** All that judging a commit in a fresh worktree takes. */
interface Judging extends Pick<Attempt, "engine" | "gate" | "signal"> {
  /** Instead of those that are due for the loop by itself. */
  readonly checks?: readonly Check[];
}

type Where = "baseline" | "worktree" | "fresh";

/**
 * Judges a checkpoint: the command in the loop's worktree, then what defines the command, then
 * the command once more in a fresh worktree of the commit, where nothing ignored can help.
 */
export async function giveVerdict(doing: Attempt, commit: CommitId): Promise<Judged> {
  const { engine, id, workspace, course } = doing;
  const loop = loopOf(engine.states.state, id);
  course.at = `iteration ${loop.iteration + 1}, its validation`;
  stage(engine, loop, "validating", "in the worktree");
  await hook(doing, "before-validation", {});
  const trial = tryGate(doing, loop, workspace, commit, "worktree");
  // Whatever git says meanwhile, nothing goes on before the command has ended.
  const [, reading] = await Promise.allSettled([trial, workIn(doing, loop, commit)]);
  const first = await trial;
  if (reading.status === "rejected") throw reading.reason;
  const work = reading.value;
  const judged = await confirm(doing, loop, work, first);
  keepNote(doing, loop, judged.verdict);
  await hook(doing, "after-validation", { PASSED: String(judged.verdict.passed) });
  return judged;
}

/** What a checkpoint holds: read from git while the command runs. */
interface Work {
  readonly commit: CommitId;
  readonly diff: string;
  readonly changes: readonly FileChange[];
}

async function workIn({ engine }: Attempt, loop: Loop, commit: CommitId): Promise<Work> {
  const { worktrees } = engine.world;
  const [diff, changes] = await Promise.all([
    worktrees.diff(loop.repo, loop.settings.baseCommit, commit, diffBytesMax),
    worktrees.changes(loop.repo, headOf(loop), commit),
  ]);
  return { commit, diff, changes };
}

async function confirm(doing: Attempt, loop: Loop, work: Work, first: Trial): Promise<Judged> {
  const { verdict, gateChange } = first.judgement;
  if (!verdict.passed && gateChange === null) {
    return judgedOf(work, await explained(doing, loop, work.commit, first), "");
  }
  const since = await sinceBaseOf(doing, loop, work.commit);
  const gate = await changesOfGate(loop, since, gateChange);
  if (gate.length > 0) {
    const note = gate.map(({ reason }) => reason).join(" ");
    const held = {
      ...first,
      judgement: { verdict: { ...verdict, passed: false, note }, gateChange },
    };
    return { ...judgedOf(work, held, `${note}\n\n`), gate };
  }
  stage(doing.engine, loop, "validating", "in a fresh worktree");
  const second = await tryFresh(doing, loop, work.commit);
  const { passed, note } = second.judgement.verdict;
  if (!passed)
    return judgedOf(work, second, `${onlyInWorktree}${note === null ? "" : `${note}\n\n`}`);
  return judgedOf(work, await withTestNotes(since, second), "");
}

/** What blocks nothing, and whoever takes the work over should look at: changed expectations. */
async function withTestNotes(since: Since, trial: Trial): Promise<Trial> {
  const notes = await testNotesIn(since);
  if (notes.length === 0) return trial;
  const { verdict } = trial.judgement;
  const shown = notes.slice(0, testNotesMax);
  const note = [verdict.note ?? "", ...shown].join(" ").trim();
  return { ...trial, judgement: { ...trial.judgement, verdict: { ...verdict, note } } };
}

const testNotesMax = 10;

/** A yes that is not believed: the loop should hear which of its changes may be the cause. */
async function explained(
  doing: Attempt,
  loop: Loop,
  commit: CommitId,
  trial: Trial,
): Promise<Trial> {
  const { verdict } = trial.judgement;
  if (verdict.exitCode !== loop.settings.gate.successExitCode) return trial;
  const gate = await changesOfGate(loop, await sinceBaseOf(doing, loop, commit), null);
  if (gate.length === 0) return trial;
  const note = [verdict.note ?? "", ...gate.map(({ reason }) => reason)].join(" ").trim();
  return { ...trial, judgement: { verdict: { ...verdict, note }, gateChange: null } };
}

const onlyInWorktree =
  "The command passes in your worktree, but not in a fresh checkout of the same commit: it must not depend on ignored or generated files, on changed dependencies, or on chance.\n\n";

function sinceBaseOf({ engine, gate }: Attempt, loop: Loop, head: CommitId): Promise<Since> {
  const { repo, settings } = loop;
  const { worktrees } = engine.world;
  return sinceBase(gate, { worktrees, repo, base: settings.baseCommit, head });
}

async function changesOfGate(
  loop: Loop,
  since: Since,
  fewer: string | null,
): Promise<readonly GateChange[]> {
  const question = { gate: loop.settings.gate, allowed: loop.gateAllowed };
  const changes = await gateChangesIn(since, question);
  return fewer === null ? changes : [...changes, { path: fewerTestsPath, reason: fewer }];
}

/**
 * Red in a fresh worktree after green in the loop's own may be chance: it gets one more run, in
 * another one, so that what the first run left behind cannot help the second.
 */
async function tryFresh(doing: Judging, loop: Loop, commit: CommitId): Promise<Trial> {
  const first = await tryFreshOnce(doing, loop, commit);
  if (first.judgement.verdict.passed) return first;
  const second = await tryFreshOnce(doing, loop, commit);
  const verdict = judgeFlaky(first.judgement.verdict, second.judgement.verdict);
  return { ...second, judgement: { ...second.judgement, verdict } };
}

async function tryFreshOnce(doing: Judging, loop: Loop, commit: CommitId): Promise<Trial> {
  const { engine, signal } = doing;
  const fresh = await engine.world.worktrees.fresh(worktreeRequest(loop, commit), signal);
  try {
    const trial = await tryGate(doing, loop, fresh, commit, "fresh");
    const { verdict } = trial.judgement;
    if (!verdict.passed) return trial;
    const doubt = doubtOfAltered(await fresh.altered(), loop.baseline?.altered ?? []);
    if (doubt === null) return trial;
    // Whoever watches saw the command's yes: without this the loop goes on and nobody knows why.
    const iteration = loop.iteration + 1;
    engine.world.watch({ type: "verdict", loop: loop.id, iteration, passed: false, detail: doubt });
    const held = { ...verdict, passed: false, note: doubt };
    return { ...trial, judgement: { ...trial.judgement, verdict: held } };
  } finally {
    await fresh.close();
  }
}

/** Runs the command on the base commit, once for all loops that share base and command. */
export async function runBaseline(doing: Attempt): Promise<void> {
  const { engine, id, attempt, course, signal } = doing;
  const loop = loopOf(engine.states.state, id);
  course.at = "its baseline";
  const known = knownBaseline(doing, loop);
  if (known !== null) {
    await must(engine.states.submit({ type: "recordBaseline", id, attempt, baseline: known }));
    return;
  }
  stage(engine, loop, "preparing", "the command on the base commit");
  const { baseCommit } = loop.settings;
  const fresh = await engine.world.worktrees.fresh(worktreeRequest(loop, baseCommit), signal);
  try {
    const { judgement } = await tryGate(doing, loop, fresh, baseCommit, "baseline");
    const altered = await fresh.altered();
    const baseline = altered.length === 0 ? judgement.verdict : { ...judgement.verdict, altered };
    await must(engine.states.submit({ type: "recordBaseline", id, attempt, baseline }));
  } finally {
    await fresh.close();
  }
}

/** Of the command itself: a loop that writes documents has it too, and is judged by their gate. */
function knownBaseline({ engine }: Judging, loop: Loop): Verdict | null {
  const { baseCommit, gate } = loop.settings;
  for (const other of engine.states.state.loops.values()) {
    const isSame =
      other.repo === loop.repo &&
      other.settings.baseCommit === baseCommit &&
      other.settings.gate.command === gate.command &&
      other.settings.gate.successExitCode === gate.successExitCode;
    if (isSame && other.baseline?.command === gate.command) return other.baseline;
    if (wasJudged(other, loop)) return other.verdict;
  }
  return null;
}

/** A merge that was judged is the base of what comes after it. */
function wasJudged({ repo, settings, verdict }: Loop, loop: Loop): boolean {
  const { baseCommit, gate } = loop.settings;
  const isSame = repo === loop.repo && settings.gate.command === gate.command;
  if (!isSame || verdict?.passed !== true || !isOwnVerdict(verdict)) return false;
  return verdict.commit === baseCommit && verdict.command === gate.command;
}

/** Of a commit that nobody has worked on: a loop's work on another base. */
export interface CombinedVerdict {
  readonly verdict: Verdict;
  readonly feedback: string;
  readonly fingerprint: string;
}

/** The verdict on a loop's work together with that of others. `loop` as it is on its new base. */
export async function judgeCombined(
  doing: Judging,
  loop: Loop,
  commit: CommitId,
): Promise<CombinedVerdict> {
  const baseline = knownBaseline(doing, loop) ?? loop.baseline;
  stage(doing.engine, loop, "validating", "together with what the branch has by now");
  const { judgement, result, dir } = await tryFresh(doing, { ...loop, baseline }, commit);
  const { gateChange } = judgement;
  const verdict =
    gateChange === null
      ? judgement.verdict
      : { ...judgement.verdict, passed: false, note: gateChange };
  const note = verdict.passed || verdict.note === null ? "" : `${verdict.note}\n\n`;
  const text = note + feedback(result, feedbackCharsMax);
  return { verdict, feedback: text, fingerprint: fingerprint(normalise(text, [dir]), commit) };
}

interface Trial {
  readonly judgement: Judgement;
  readonly result: CommandResult;
  readonly dir: string;
}

async function tryGate(
  doing: Judging,
  loop: Loop,
  workspace: Workspace,
  commit: CommitId,
  where: Where,
): Promise<Trial> {
  const { gate } = loop.settings;
  const { world } = doing.engine;
  const result = await runCommand(doing, loop, workspace, gate.command);
  const baseline = where === "baseline" ? null : loop.baseline;
  const { shell } = doing.gate;
  const fewerTestsAllowed = allowsFewerTests(loop.gateAllowed, isTestFile);
  const judgement = judge({ gate, ending: result, commit, baseline, shell, fewerTestsAllowed });
  record(doing, loop, { commit, where, command: gate.command }, result);
  const first = { judgement, result, dir: workspace.dir };
  const trial = where === "baseline" ? first : await tryMore(doing, loop, workspace, first, where);
  const { verdict } = trial.judgement;
  const { passed } = verdict;
  const detail = verdict.note ?? describe(verdict);
  world.watch({ type: "verdict", loop: loop.id, iteration: loop.iteration + 1, passed, detail });
  return trial;
}

/** What documents ask for besides: it can take a pass away, and never give one. */
async function tryMore(
  doing: Judging,
  loop: Loop,
  workspace: Workspace,
  trial: Trial,
  where: Where,
): Promise<Trial> {
  const { verdict } = trial.judgement;
  if (!verdict.passed) return trial;
  const passed: string[] = [];
  for (const { command, of } of doing.checks ?? checksDue(doing.engine.states.state, loop)) {
    const result = await runCommand(doing, loop, workspace, command);
    record(doing, loop, { commit: verdict.commit, where, command }, result);
    const { exitCode, ended } = result;
    if (ended === "exited" && exitCode === 0) {
      passed.push(command);
      continue;
    }
    const whose = of === loop.id ? "the task's document" : `${of}, which is done with this,`;
    const note = `The command passes, but the check of ${whose} does not: ${command}`;
    const held = { ...verdict, passed: false, exitCode, note };
    return { ...trial, result, judgement: { ...trial.judgement, verdict: held } };
  }
  if (passed.length === 0) return trial;
  return { ...trial, judgement: { ...trial.judgement, verdict: { ...verdict, also: passed } } };
}

async function runCommand(
  { engine, signal }: Judging,
  loop: Loop,
  workspace: Workspace,
  command: string,
): Promise<CommandResult> {
  const { gate, sandbox } = loop.settings;
  const { dir: cwd, writable, readable, env } = workspace;
  const { world } = engine;
  const result = await auditedSandbox(world.sandbox, world.audit, "validation").run(
    {
      ...{ loop: loop.id, command, cwd, writable, readable, settings: sandbox },
      env: { CI: "1", ...env },
      unixSockets: true,
      timeoutMs: gate.timeoutMs,
      outputBytesMax,
    },
    signal,
  );
  if (signal.aborted) throw new Error("interrupted in its validation");
  return result;
}

/** "exit code 1, 2 of 3 tests failed" */
function describe({ exitCode, evidence }: Verdict): string {
  const code = exitCode === null ? "killed" : `exit code ${exitCode}`;
  if (evidence === null) return code + (meaningOf.get(exitCode) ?? "");
  const { failed, ran } = evidence;
  const tests = ran === 1 ? "1 test" : `${ran} tests`;
  return failed === 0 ? `${code}, ${tests}` : `${code}, ${failed} of ${tests} failed`;
}

/** What every shell means by them: then it is the command that needs mending, not the work. */
const meaningOf: ReadonlyMap<number | null, string> = new Map([
  [126, ": the command is there but cannot be executed"],
  [127, ": the command, or one that it calls, was not found"],
]);

function record(
  { engine }: Judging,
  loop: Loop,
  ran: { readonly command: string; readonly commit: CommitId; readonly where: Where },
  { exitCode, output, durationMs }: CommandResult,
): void {
  const { where } = ran;
  const at = engine.world.clock.now();
  const entry = { type: "validation", ...ran, exitCode, output, durationMs, at } as const;
  engine.world.transcripts.write(loop.id, where === "baseline" ? 0 : loop.iteration + 1, entry);
}

/** A yes that is not believed stands in the transcript with exit code 0: here is why. */
function keepNote({ engine }: Judging, loop: Loop, { note }: Verdict): void {
  if (note === null) return;
  const { clock, transcripts } = engine.world;
  transcripts.write(loop.id, loop.iteration + 1, { type: "note", text: note, at: clock.now() });
}

function judgedOf(
  { diff, changes }: Work,
  { judgement: { verdict }, result, dir }: Trial,
  lead: string,
): Judged {
  const note = verdict.passed || verdict.note === null || lead !== "" ? "" : `${verdict.note}\n\n`;
  const text = lead + note + feedback(result, feedbackCharsMax);
  const name = fingerprint(normalise(text, [dir]), diff);
  return { verdict, feedback: text, fingerprint: name, gate: [], changes };
}

export function worktreeRequest(loop: Loop, head: CommitId): WorktreeRequest {
  const { id, repo, settings } = loop;
  const { baseCommit: base, worktree, sandbox } = settings;
  const keepFiles = loop.rejudge && loop.conflicts.length > 0;
  return { loop: id, repo, base, head, keepFiles, settings: worktree, sandbox };
}
