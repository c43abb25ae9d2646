import { assert, unreachable } from "./assert.ts";
import { backoffMs } from "./backoff.ts";
import { type ChatCommand, decideChat, isChatCommand } from "./chat-money.ts";
import type { AttemptOutcome, Command } from "./commands.ts";
import { type CreationCommand, creationDecided, isCreation } from "./creation.ts";
import { decideLoopMail, decideMail } from "./decide-mail.ts";
import type { Event } from "./events.ts";
import { afterCrash } from "./health.ts";
import { ancestorsCompleted, handedOn, parentHeldUp, stopped } from "./hierarchy.ts";
import { type CommitId, isSettled, type Loop, type LoopId, type Millis } from "./loop.ts";
import { withMail } from "./mail-consequences.ts";
import {
  deliveredBy,
  isMergeCommand,
  type MergeCommand,
  mergeDecided,
  queueEnded,
  withPlanDelivery,
} from "./merge.ts";
import { batchLaid } from "./merge-batch.ts";
import { baseOf } from "./merge-events.ts";
import { isMailCommand, type MailCommand } from "./message.ts";
import { isOpen, raised, refusalOf, settled } from "./money.ts";
import { pipelineDecided } from "./pipeline.ts";
import { paused, resumed, retried } from "./rest.ts";
import type { State } from "./state.ts";
import { to } from "./transition.ts";

/** What a decision may know of the world: time, chance, and how often the world may fail. */
export interface Moment {
  readonly now: Millis;
  readonly jitter: number;
  readonly failuresMax: number;
}

/** `id` is the loop that the command created or spoke of. */
export interface Accepted {
  readonly ok: true;
  readonly id: LoopId | null;
  readonly events: readonly Event[];
}

export type Decision = Accepted | { readonly ok: false; readonly reason: string };

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;
type LoopCommand = Exclude<
  Command,
  MailCommand | ChatCommand | CreationCommand | { type: "park" | "anchorAudit" }
>;
type LeasedCommand = Exclude<Extract<Command, { attempt: number }>, { type: "saveWork" }>;

/** Answers a command with the events that follow from it, or with the reason why not. */
export function decide(state: State, command: Command, moment: Moment): Decision {
  return withMail(state, withPlanDelivery(state, decided(state, command, moment)));
}

function decided(state: State, command: Command, moment: Moment): Decision {
  if (isCreation(command)) return creationDecided(state, command);
  if (command.type === "park") {
    return parked(state, command);
  }
  if (command.type === "anchorAudit") {
    const { count, hash } = command;
    const event: Event = { type: "audit.anchored", loop: null, data: { count, hash } };
    return { ok: true, id: null, events: [event] };
  }
  if (isChatCommand(command)) return decideChat(state, command, moment.now);
  if (isMailCommand(command)) return decideMail(state, command, moment.now);
  const loop = state.loops.get(command.id);
  if (loop === undefined) return refuse(`there is no loop ${command.id}: td list shows all`);
  if (isMergeCommand(command)) return mergeDecided(state, loop, command);
  if (!("attempt" in command)) return byPerson(state, loop, command);
  if (command.type === "saveWork") return workSaved(loop, command);
  if (!holdsLease(loop, command.attempt)) return refuse(`${loop.id} has moved on`);
  return byAttempt(state, loop, command, moment);
}

/** The attempt number fences: an attempt that was given up on cannot speak for the next one. */
export function holdsLease(loop: Loop, attempt: number): boolean {
  return loop.status === "running" && loop.attempt === attempt;
}

/** Whoever was told a later time knows better: a limit is not lifted by another, shorter one. */
function parked(state: State, { type: _, ...data }: Of<"park">): Decision {
  const until = state.parked.get(`${data.provider}/${data.model}`)?.until ?? 0;
  if (until >= data.until) return { ok: true, id: null, events: [] };
  return { ok: true, id: null, events: [{ type: "provider.parked", loop: null, data }] };
}

type PersonsCommand = Exclude<LoopCommand, { attempt: number } | MergeCommand>;

function byPerson(state: State, loop: Loop, command: PersonsCommand): Decision {
  switch (command.type) {
    case "pause":
      return answerOf(loop, paused(state, loop));
    case "resume":
      return answerOf(loop, resumed(state, loop, command.raise));
    case "retry":
      return answerOf(loop, retried(state, loop, command.raise));
    case "stop":
      return isSettled(loop) && loop.status !== "failed"
        ? refuse(`${loop.id} is already ${loop.status}`)
        : accept(loop, ...stopped(state, loop), ...parentHeldUp(state, loop, "was stopped"));
    case "answer":
      return answered(loop, command.answer);
    case "rollback":
      return rolledBack(loop, command.to);
    case "startAttempt":
      return started(state, loop, command);
    default:
      return pipelineDecided(state, loop, command);
  }
}

type StartAttempt = Extract<Command, { type: "startAttempt" }>;

function started(state: State, loop: Loop, { owner, isTurn }: StartAttempt): Decision {
  if (loop.status !== "pending") return refuse(`${loop.id} is ${loop.status}, not pending`);
  const hasTurn = loop.merge !== null;
  if (isTurn !== undefined && isTurn !== hasTurn) return refuse(`${loop.id} has moved on`);
  const unmet = loop.dependsOn.find((id) => state.loops.get(id)?.status !== "complete");
  if (unmet !== undefined) return refuse(`${loop.id} waits for ${unmet}`);
  const attempt = loop.attempt + 1;
  return accept(
    loop,
    { type: "attempt.started", loop: loop.id, data: { attempt, owner } },
    to(loop, "running", null),
  );
}

/** A changed gate is allowed or denied; any other question gets its text. Who answers wants more. */
function answered(loop: Loop, answer: string): Decision {
  if (loop.status !== "blocked")
    return refuse(`${loop.id} is ${loop.status} and asks nothing: td questions lists who does`);
  const question = loop.reason ?? "";
  const event: Event = { type: "loop.answered", loop: loop.id, data: { question, answer } };
  const goesOn = [event, ...raised(loop, {}), to(loop, "pending", null)];
  if (loop.blockedOn === "question" || loop.blockedOn === "stuck") return accept(loop, ...goesOn);
  if (loop.blockedOn !== "gate")
    return refuse(`${loop.id} is blocked on ${loop.blockedOn}: td resume ${loop.id}`);
  if (answer === "allow") {
    const allowed: Event = { type: "loop.allowed", loop: loop.id, data: { paths: loop.gateAsked } };
    return accept(loop, allowed, ...goesOn);
  }
  if (answer === "deny") return accept(loop, ...goesOn);
  return refuse(`${loop.id} asks about its gate: answer allow or deny`);
}

function rolledBack(loop: Loop, iteration: number): Decision {
  if (isSettled(loop) && loop.status !== "failed") {
    return refuse(`${loop.id} is ${loop.status}: only what has not ended can be taken back`);
  }
  if (loop.status === "running") return refuse(`${loop.id} is running: pause or stop it first`);
  const commit = iteration === 0 ? loop.settings.baseCommit : loop.checkpoints[iteration - 1];
  if (commit === undefined) {
    return refuse(`${loop.id} has iterations 1 to ${loop.checkpoints.length} (0 is the base)`);
  }
  return accept(loop, {
    type: "loop.rolledBack",
    loop: loop.id,
    data: { to: iteration, commit, ...movedBase(loop, iteration) },
  });
}

function movedBase(loop: Loop, iteration: number): { readonly base?: CommitId } {
  const base = baseOf(loop, iteration);
  return base === loop.settings.baseCommit ? {} : { base };
}

function byAttempt(state: State, loop: Loop, command: LeasedCommand, moment: Moment): Decision {
  const { id } = loop;
  switch (command.type) {
    case "recordBaseline":
      return accept(loop, {
        type: "loop.prepared",
        loop: id,
        data: { baseline: command.baseline },
      });
    case "startIteration": {
      const { model, typeVersion } = command;
      const named = typeVersion === undefined ? {} : { typeVersion };
      const data = { iteration: loop.iteration + 1, model, ...named };
      return accept(loop, { type: "iteration.started", loop: id, data });
    }
    case "reserve": {
      const { turn, tokens, usd } = command;
      const refusal = refusalOf(state, loop, command, moment.now);
      if (refusal !== null) return refuse(refusal);
      return accept(loop, { type: "budget.reserved", loop: id, data: { turn, tokens, usd } });
    }
    case "settle":
      if (!isOpen(loop, command.turn)) return refuse(`${id} has no reservation ${command.turn}`);
      return { ok: true, id, events: settled(state, loop, command, moment.now) };
    case "finishIteration":
      return iterationFinished(loop, command);
    case "rebase": {
      const { type: _, id: of, ...data } = command;
      return accept(loop, { type: "loop.rebased", loop: of, data });
    }
    case "layBatch":
      return batchLaid(state, loop, command);
    case "escalate":
      if (loop.escalated) return refuse(`${id} is escalated already`);
      return accept(loop, { type: "loop.escalated", loop: id, data: { model: command.model } });
    case "finishAttempt":
      return accept(loop, ...attemptFinished(state, loop, command.outcome, moment));
    default:
      return decideLoopMail(state, loop, command, moment.now);
  }
}

/** The newest attempt's work is worth keeping as long as the head it was built on stands. */
function workSaved(loop: Loop, { attempt, onto, commit }: Of<"saveWork">): Decision {
  const head = loop.headCommit ?? loop.settings.baseCommit;
  const isSettledForGood = loop.status === "complete" || loop.status === "stopped";
  if (loop.attempt !== attempt || head !== onto || isSettledForGood) {
    return refuse(`${loop.id} has moved on`);
  }
  return accept(loop, { type: "attempt.saved", loop: loop.id, data: { attempt, commit } });
}

function iterationFinished(loop: Loop, command: Of<"finishIteration">): Decision {
  const { attempt, commit, verdict, progress, documents, conflicts } = command;
  const left = conflicts === undefined || conflicts.length === 0 ? {} : { conflicts };
  const iteration = loop.iteration + 1;
  assert(progress.iteration === iteration, `${loop.id}: progress of another iteration`);
  const finished: Event = {
    type: "iteration.finished",
    loop: loop.id,
    data: { attempt, iteration, commit, verdict, progress, ...left },
  };
  if (documents === undefined) return accept(loop, finished);
  return accept(loop, { type: "loop.documented", loop: loop.id, data: { documents } }, finished);
}

function attemptFinished(
  state: State,
  loop: Loop,
  outcome: AttemptOutcome,
  moment: Moment,
): Event[] {
  switch (outcome.type) {
    case "complete": {
      assert(loop.verdict?.passed === true, `${loop.id} is complete without a verdict`);
      assert(
        loop.verdict.commit === loop.headCommit,
        `${loop.id}: the verdict is of another commit`,
      );
      const done = [
        attemptEnded(loop, {}),
        to(loop, "complete", outcome.reason ?? null),
        ...ancestorsCompleted(state, loop, loop.verdict.also ?? []),
      ];
      return [...deliveredBy(loop, outcome), ...done];
    }
    case "queued":
    case "returned":
      return [attemptEnded(loop, {}), ...queueEnded(loop, outcome)];
    case "delegated":
      return [attemptEnded(loop, {}), ...handedOn(state, loop, outcome.children)];
    case "draft":
      return [attemptEnded(loop, {}), to(loop, "draft", null)];
    case "failed":
      return [
        attemptEnded(loop, {}),
        to(loop, "failed", outcome.reason),
        ...parentHeldUp(state, loop, "failed"),
      ];
    case "blocked": {
      const { on, reason, asked, until } = outcome;
      const more = { blockedOn: on, asked, ...(until === undefined ? {} : { until }) };
      return [attemptEnded(loop, {}), to(loop, "blocked", reason, more)];
    }
    case "interrupted": {
      const { during, reason, notBeforeAt } = outcome;
      if (outcome.crashed === true) return crashed(loop, outcome, moment);
      const end = attemptEnded(loop, { interruptedAt: during });
      return [end, to(loop, "pending", reason, { notBeforeAt })];
    }
    case "erred": {
      const { reason } = outcome;
      const failures = loop.failures + 1;
      const end = attemptEnded(loop, { erred: true, interruptedAt: `an error: ${reason}` });
      if (failures >= moment.failuresMax) {
        return [end, to(loop, "failed", reason), ...parentHeldUp(state, loop, "failed")];
      }
      const notBeforeAt = moment.now + backoffMs(failures, moment.jitter);
      return [end, to(loop, "pending", reason, { notBeforeAt })];
    }
    default:
      return unreachable(outcome);
  }
}

type Interrupted = Extract<AttemptOutcome, { type: "interrupted" }>;

/** It may be this very loop that ends daemons: it comes back later and later, and then no more. */
function crashed(loop: Loop, { during, reason, notBeforeAt }: Interrupted, moment: Moment) {
  const end = attemptEnded(loop, { interruptedAt: during, crashed: true });
  const next = afterCrash(loop.crashes + 1, moment);
  if ("blocked" in next) return [end, to(loop, "blocked", next.blocked, { blockedOn: "setup" })];
  return [end, to(loop, "pending", reason, { notBeforeAt: next.backoffUntil ?? notBeforeAt })];
}

interface EndChanges {
  readonly interruptedAt?: string;
  readonly erred?: boolean;
  readonly crashed?: boolean;
}

function attemptEnded(loop: Loop, changes: EndChanges): Event {
  const data = {
    attempt: loop.attempt,
    interruptedAt: null,
    erred: false,
    ...changes,
  };
  return { type: "attempt.ended", loop: loop.id, data };
}

function answerOf(loop: Loop, answer: readonly Event[] | string): Decision {
  return typeof answer === "string" ? refuse(answer) : accept(loop, ...answer);
}

function accept(loop: Loop, ...events: Event[]): Decision {
  return { ok: true, id: loop.id, events };
}

function refuse(reason: string): Decision {
  return { ok: false, reason };
}
