import type { Loop, Progress } from "../core/loop.ts";
import { mailText } from "../core/mail-text.ts";
import { baselineText, progressText } from "../core/progress.ts";
import { loopOf } from "../core/state.ts";
import { isStuck } from "../core/verdict/fingerprint.ts";
import type { PromptValues } from "../ports.ts";
import { converse } from "./conversation.ts";
import { giveDocumentsVerdict, passValues } from "./documents.ts";
import { type Attempt, AttemptEnd, headOf, hook, must, stage } from "./engine.ts";
import { Mailbox } from "./mailbox.ts";
import { modelFor } from "./model-call.ts";
import { stillInConflict, withoutMarkers } from "./rebase.ts";
import { repositoryFacts } from "./repository-facts.ts";
import { giveVerdict, type Judged } from "./verdict.ts";

const progressCharsMax = 24_000;

/**
 * One fresh conversation, ended by a verdict: prompt, turns, checkpoint, validation, record.
 * What it teaches the next is captured here from the command's output, never from the model.
 */
export async function runIteration(doing: Attempt): Promise<void> {
  const { engine, id, attempt, course } = doing;
  const { states, world } = engine;
  const before = loopOf(states.state, id);
  const startedAt = world.clock.now();
  course.at = `iteration ${before.iteration + 1}`;
  await begin(doing, before);
  if (!before.rejudge) await talk(doing, before);
  const judged = await withoutMarkers(doing, before, await judge(doing, before));
  const progress = learn(before, judged, world.clock.now() - startedAt);
  const { verdict, documents, conflicts } = judged;
  const written = documents === undefined ? {} : { documents };
  const found = { commit: verdict.commit, verdict, progress, conflicts, ...written };
  await must(states.submit({ type: "finishIteration", id, attempt, ...found }));
  await hook(doing, "after-iteration", { PASSED: String(verdict.passed) });
  if (conflicts.length > 0) throw stillInConflict(before, conflicts);
  if (judged.gate.length > 0) throw gateChanged(before, judged);
  if (!verdict.passed) await helpIfStuck(doing);
}

/** Documents are judged as they lie there; code as it is committed. */
async function judge(doing: Attempt, before: Loop): Promise<Judged> {
  const { output, workspace } = doing;
  if (output !== null) return giveDocumentsVerdict(doing, output, headOf(before));
  const commit = await workspace.snapshot(headOf(before), message(before));
  return giveVerdict(doing, commit);
}

async function begin(doing: Attempt, loop: Loop): Promise<void> {
  const { engine, id, attempt, type } = doing;
  const model = modelFor(engine, loop);
  const { version: typeVersion } = type;
  await must(engine.states.submit({ type: "startIteration", id, attempt, model, typeVersion }));
  await hook(doing, "before-iteration", {});
}

async function talk(doing: Attempt, loop: Loop): Promise<void> {
  const { engine, type } = doing;
  stage(engine, loop, "working", null);
  const mailbox = new Mailbox(doing);
  const values = await promptValues(doing, loop, mailbox);
  const model = engine.world.models.resolve(modelFor(engine, loop));
  const opening = { system: type.renderSystem(values), prompt: type.renderPrompt(values) };
  await converse(doing, loop, model, { ...opening, mailbox });
  await mailbox.handBack();
}

async function promptValues(doing: Attempt, loop: Loop, mailbox: Mailbox): Promise<PromptValues> {
  const { settings, iteration } = loop;
  const { person, loops } = mailText(await mailbox.take());
  return {
    id: loop.id,
    type: loop.type,
    title: loop.title,
    brief: loop.brief,
    iteration: iteration + 1,
    "iterations-max": settings.iterationsMax,
    "turns-max": settings.turnsMax,
    "validation-command": settings.gate.command,
    baseline: baselineText(loop.baseline),
    progress: progressText(loop.progress, progressCharsMax),
    git: await doing.workspace.summary(),
    interrupted: loop.interruptedAt ?? "",
    answers: [answersText(loop), person].filter((text) => text !== "").join("\n\n"),
    messages: loops,
    protected: protectedNames(doing),
    tools: mailbox.tools(),
    "network-allow": settings.sandbox.networkAllow,
    ...passValues(doing.output, loop),
    repository: await repositoryNow(doing, loop),
    ...(settings.parameters === undefined ? {} : { param: settings.parameters }),
  };
}

function repositoryNow(
  { engine, type }: Attempt,
  loop: Loop,
): Promise<Readonly<Record<string, string>>> {
  const { worktrees, redact } = engine.world;
  const { repo, settings } = loop;
  const view = { worktrees, redact, repo, base: settings.baseCommit, head: headOf(loop) };
  return repositoryFacts(view, type.needs);
}

const answersMax = 20;

/** The newest answers of people, oldest first. */
function answersText({ answers }: Loop): string {
  const shown = answers.slice(-answersMax);
  return shown.map(({ question, answer }) => `${question}\n→ ${answer}`).join("\n\n");
}

const protectedNamesMax = 30;

function protectedNames({ gate, engine, id }: Attempt): readonly string[] {
  const { protect } = loopOf(engine.states.state, id).settings.gate;
  const names = gate.pieces.map(({ path, what }) => `${path} (${what})`);
  return [...new Set([...names, ...protect])].slice(0, protectedNamesMax);
}

function learn(
  before: Loop,
  { verdict, feedback, fingerprint, changes }: Judged,
  durationMs: number,
): Progress {
  return {
    iteration: before.iteration + 1,
    passed: verdict.passed,
    exitCode: verdict.exitCode,
    filesChanged: changes.map(({ path }) => path).slice(0, filesNamedMax),
    durationMs,
    feedback,
    fingerprint,
  };
}

const filesNamedMax = 50;

/** The same failure on the same files: a stronger model once, then a person. */
async function helpIfStuck({ engine, id, attempt }: Attempt): Promise<void> {
  const loop = loopOf(engine.states.state, id);
  const { stuckAfter, escalation } = loop.settings;
  const recent = loop.progress.filter(({ iteration }) => iteration > loop.stuckFrom);
  if (
    !isStuck(
      recent.map(({ fingerprint }) => fingerprint),
      stuckAfter,
    )
  )
    return;
  if (escalation !== null && !loop.escalated) {
    await must(engine.states.submit({ type: "escalate", id, attempt, model: escalation }));
    return;
  }
  const reason = `the same failure ${stuckAfter} times in a row: td logs ${id} shows it; td answer ${id} "…" gives a hint`;
  throw new AttemptEnd({ type: "blocked", on: "stuck", reason, asked: [] });
}

function gateChanged(loop: Loop, { gate }: Judged): AttemptEnd {
  const paths = [...new Set(gate.map(({ path }) => path))];
  const what = gate.map(({ reason: why }) => why.replace(/\.$/, "")).join("; ");
  const reason = `${what}: td diff ${loop.id}, then td answer ${loop.id} allow or deny`;
  return new AttemptEnd({ type: "blocked", on: "gate", reason, asked: paths });
}

function message(loop: Loop): string {
  return `${loop.title}\n\nTaskDaemon loop ${loop.id}, iteration ${loop.iteration + 1}`;
}
