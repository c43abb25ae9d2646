import { Bug } from "../core/assert.ts";
import type { AttemptOutcome } from "../core/commands.ts";
import type { Loop, LoopId, Millis } from "../core/loop.ts";
import { targetOf } from "../core/merge.ts";
import { briefsOf } from "../core/pipeline.ts";
import { loopOf } from "../core/state.ts";
import type { DocumentWork } from "../ports/documents.ts";
import type { HookName } from "../ports/hooks.ts";
import { ModelUnavailable } from "../ports/llm.ts";
import { ToolServerFailed } from "../ports/tool-servers.ts";
import { type Clock, SandboxUnavailable, StoreBroken, WorktreeError } from "../ports.ts";
import { openOutput } from "./documents.ts";
import { type Attempt, AttemptEnd, type Course, type Engine, headOf, stage } from "./engine.ts";
import { gateDefinitionAt } from "./gate.ts";
import { runIteration } from "./iteration.ts";
import { mergeAttempt } from "./merge-attempt.ts";
import { withNewestType } from "./newest-type.ts";
import { propose } from "./pull-request.ts";
import { followTarget, isProven } from "./rebase.ts";
import { runBaseline, worktreeRequest } from "./verdict.ts";

/** Carries out one attempt of a running loop, and records how it ended, whatever happens. */
export async function runAttempt(
  engine: Engine,
  id: LoopId,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { states, world } = engine;
  const course: Course = { at: "its preparation", workspace: null };
  const outcome = await work(engine, id, attempt, course, signal).catch((error: unknown) =>
    asOutcome(error, course, world.clock.now(), signal),
  );
  await world.transcripts.flush().catch((error: unknown) => {
    if (error instanceof Bug) throw error;
    // Work goes on without its record; the person is told.
    const text = `the transcript is incomplete: ${error instanceof Error ? error.message : error}`;
    world.watch({ type: "note", loop: id, iteration: 0, text });
  });
  const ended = await states.submit({ type: "finishAttempt", id, attempt, outcome });
  if (ended.ok) await afterwards(engine, loopOf(states.state, id), course);
}

/** The heart of the system: prepare, then iterate with a fresh context until the verdict is given. */
async function work(
  engine: Engine,
  id: LoopId,
  attempt: number,
  course: Course,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { states, world } = engine;
  const loop = loopOf(states.state, id);
  if (loop.merge !== null) return mergeAttempt({ engine, id, attempt, signal, course });
  const type = world.loopTypes.get(loop.type);
  if (type === null) return withoutType(loop);
  const task = { engine, id, attempt, type, signal, course };
  await followTarget(task);
  let doing = await prepare(task);
  for (;;) {
    const now = loopOf(states.state, id);
    doing = withNewestType(doing, now);
    const { output } = doing;
    if (isProven(now)) {
      if (output === null) return await deliver(doing);
      if (now.passes >= output.work.passes.length) return handOver(doing, output.work);
    }
    const { iteration, settings } = now;
    if (iteration >= settings.iterationsMax) {
      return { type: "failed", reason: `not valid after ${settings.iterationsMax} iterations` };
    }
    if (await followTarget(doing)) doing = await prepare(doing);
    const before = loopOf(states.state, id);
    await runIteration(doing).catch((error: unknown) => saveWork(doing, before, error));
  }
}

/** Its files may be on another branch of the user's checkout just now. */
function withoutType({ id, type }: Loop): AttemptOutcome {
  const reason = `there is no loop type ${type}: put its files back, then td resume ${id}`;
  return { type: "blocked", on: "setup", reason, asked: [] };
}

/** The worktree, and what is to be known of the base, as the loop has it now. */
async function prepare(task: Omit<Attempt, "workspace" | "output" | "gate">): Promise<Attempt> {
  const { engine, id, attempt, type, signal, course } = task;
  const { states, world } = engine;
  const loop = loopOf(states.state, id);
  stage(engine, loop, "preparing", null);
  const workspace = await world.worktrees.open(worktreeRequest(loop, headOf(loop)), signal);
  course.workspace = workspace;
  const gate = await gateDefinitionAt(
    { worktrees: world.worktrees, repo: loop.repo, gate: loop.settings.gate },
    loop.settings.baseCommit,
  );
  const output =
    type.begets === null ? null : await openOutput(engine, loop, workspace, type.begets);
  const doing: Attempt = { engine, id, attempt, type, workspace, output, gate, signal, course };
  if (loop.baseline === null && output === null) await runBaseline(doing);
  return doing;
}

/** What an iteration had done when it was broken off is kept; then the breach goes its way. */
async function saveWork(doing: Attempt, before: Loop, error: unknown): Promise<void> {
  if (error instanceof Bug || error instanceof StoreBroken) throw error;
  const { engine, id, attempt, workspace } = doing;
  const loop = loopOf(engine.states.state, id);
  const onto = headOf(loop.iteration > before.iteration ? loop : before);
  const text = `${id}: interrupted in ${doing.course.at}`;
  const commit = await workspace.snapshot(onto, text).catch((failure: unknown) => {
    tell(engine, loop, `its unfinished work was not saved: ${messageOf(failure)}`);
    return onto;
  });
  if (commit !== onto) await engine.states.submit({ type: "saveWork", id, attempt, onto, commit });
  throw error;
}

/** Whole documents: a person looks at them first, or they become children at once. */
function handOver({ engine, id }: Attempt, { approval }: DocumentWork): AttemptOutcome {
  const { state } = engine.states;
  const loop = loopOf(state, id);
  if (approval && !loop.approved) return { type: "draft" };
  return { type: "delegated", children: briefsOf(state, loop, { approvedBy: "nobody" }) };
}

/** Hands over what passed. Idempotent: after a crash the same call finds what it made. */
async function deliver({ engine, id, course, signal }: Attempt): Promise<AttemptOutcome> {
  const loop = loopOf(engine.states.state, id);
  const target = targetOf(loop);
  if (target !== null) return { type: "queued", target, notBeforeAt: engine.world.clock.now() };
  if (loop.settings.deliver === "none") return { type: "complete", delivered: null };
  course.at = "its delivery";
  stage(engine, loop, "merging", null);
  const commit = headOf(loop);
  const to = await engine.world.worktrees.deliver(loop.repo, id, commit);
  const delivered = { to, commit };
  const { deliver: how, target: base } = loop.settings;
  if (how !== "pr") return { type: "complete", delivered };
  const answer = await propose({ engine, signal }, loop, base, delivered);
  return answer.type === "opened"
    ? { type: "complete", delivered, pullRequest: answer.url }
    : { type: "complete", delivered, reason: answer.reason };
}

/** The world may fail and the attempt with it; a bug or a broken log is nobody's to forgive. */
function asOutcome(
  error: unknown,
  course: Course,
  now: Millis,
  signal: AbortSignal,
): AttemptOutcome {
  if (error instanceof Bug || error instanceof StoreBroken) throw error;
  if (error instanceof AttemptEnd) return error.outcome;
  const reason = messageOf(error);
  if (signal.aborted) {
    const why = typeof signal.reason === "string" ? signal.reason : "interrupted";
    return { type: "interrupted", during: course.at, reason: why, notBeforeAt: now };
  }
  if (error instanceof ModelUnavailable) return { type: "blocked", on: "key", reason, asked: [] };
  if ([SandboxUnavailable, WorktreeError, ToolServerFailed].some((it) => error instanceof it)) {
    return { type: "blocked", on: "setup", reason, asked: [] };
  }
  return { type: "erred", reason };
}

const hookOf: Partial<Record<Loop["status"], HookName>> = {
  complete: "on-complete",
  failed: "on-fail",
  blocked: "on-blocked",
};

/** The loop is what it is by now: whatever fails here is told and changes nothing. */
async function afterwards(engine: Engine, loop: Loop, { workspace }: Course): Promise<void> {
  const { world } = engine;
  const { id, iteration, status, reason } = loop;
  const name = hookOf[status];
  if (name !== undefined) {
    const facts = { STATUS: status, REASON: reason ?? "", BRANCH: loop.branch ?? "" };
    const request = { name, loop: id, iteration, workspace, facts };
    const failure = await within(world.clock, hookTimeoutMs, (signal) =>
      world.hooks.run(request, signal),
    );
    if (failure !== null) tell(engine, loop, failure);
  }
  await untold(engine, loop, "its ports were not given back", world.worktrees.rest(id));
  // What a document loop wrote is in the log.
  if (!["complete", "delegated", "draft"].includes(status)) return;
  const removed = world.worktrees.remove(id).then(() => world.sandbox.forget(id));
  await untold(engine, loop, "its worktree was not removed", removed);
}

async function untold(engine: Engine, loop: Loop, what: string, doing: Promise<void>) {
  await doing.catch((error: unknown) => {
    if (error instanceof Bug) throw error;
    tell(engine, loop, `${what}: ${messageOf(error)}`);
  });
}

const hookTimeoutMs = 60_000;

async function within<T>(
  clock: Clock,
  timeoutMs: Millis,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const timer = new AbortController();
  const alarm = clock.sleepUntil(clock.now() + timeoutMs, timer.signal).then(() => over.abort());
  try {
    return await body(over.signal);
  } finally {
    timer.abort();
    await alarm;
  }
}

function tell({ world }: Engine, { id, iteration }: Loop, text: string): void {
  world.watch({ type: "note", loop: id, iteration, text });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
