import type { AttemptOutcome, Command } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Event } from "./events.ts";
import { rootIdOf } from "./ledger.ts";
import { levelChecked } from "./level-check.ts";
import { type CommitId, isSettled, type Loop, type LoopId } from "./loop.ts";
import { isOwnBranch, isWholeCheck, planBranch } from "./merge-events.ts";
import { childrenOf, loopOf, type State } from "./state.ts";
import { to } from "./transition.ts";

/** Where a loop's work has to be merged before it is complete; null where it is not. */
export function targetOf({ id, parent, settings }: Loop): string | null {
  if (parent !== null) return planBranch(rootIdOf({ id, parent }));
  return settings.deliver === "merge" ? (settings.target ?? null) : null;
}

/** Whether it waits for its turn to be merged, or is just being merged. */
export function isMerging({ status, merge }: Loop): boolean {
  return merge !== null && (status === "pending" || status === "running");
}

/** The queue of its own branch, in which a plan takes up what its target has become. */
export function isUpdate({ id, merge }: Loop): boolean {
  return merge !== null && merge.as === undefined && merge.target === planBranch(id);
}

/** A plan that is to be delivered, or brought up to date; or complete work a person wants merged. */
export function isDelivery(state: State, loop: Loop): boolean {
  if (loop.merge === null) return false;
  if (loop.status === "complete") return true;
  if (loop.status !== "delegated") return false;
  return isUpdate(loop) || isWhole(state, loop);
}

function isWhole(state: State, loop: Loop): boolean {
  return childrenOf(state, loop.id).every((child) => child.dropped || child.status === "complete");
}

export type MergeCommand =
  /** A person, or the watcher of targets, wants it in the queue of a branch. */
  | {
      readonly type: "queueMerge";
      readonly id: LoopId;
      readonly target: string;
      /** A pull request instead. */
      readonly as?: "pr";
    }
  | {
      readonly type: "claimBranch";
      readonly id: LoopId;
      readonly branch: string;
      readonly commit: CommitId;
    }
  | { readonly type: "finishDelivery"; readonly id: LoopId; readonly result: DeliveryResult };

export type DeliveryResult =
  | { readonly type: "delivered"; readonly to: string; readonly commit: CommitId }
  /** It is on its branch, and that has a pull request, or the reason says why not. */
  | {
      readonly type: "proposed";
      readonly to: string;
      readonly commit: CommitId;
      readonly url: string | null;
      readonly reason: string | null;
    }
  /** The plan's branch holds by now what its target had. */
  | { readonly type: "updated"; readonly branch: string; readonly commit: CommitId }
  | { readonly type: "refused"; readonly reason: string | null }
  /** What a level's document asks for has run on all that its children have made. */
  | { readonly type: "checked"; readonly problem: string | null }
  /** A plan needs a person before it can be delivered. */
  | { readonly type: "blocked"; readonly reason: string };

const mergeCommands: ReadonlySet<string> = new Set(["queueMerge", "claimBranch", "finishDelivery"]);

export function isMergeCommand(command: Command): command is MergeCommand {
  return mergeCommands.has(command.type);
}

export function mergeDecided(state: State, loop: Loop, command: MergeCommand): Decision {
  switch (command.type) {
    case "queueMerge":
      return command.as === "pr"
        ? proposalQueued(loop, command.target)
        : queuedByPerson(loop, command.target);
    case "claimBranch": {
      if (isSettled(loop)) return refuse(`${loop.id} is ${loop.status}`);
      return accept(loop, branched(loop.id, command.branch, command.commit));
    }
    case "finishDelivery":
      return deliveryFinished(state, loop, command.result);
    default:
      return command satisfies never;
  }
}

function queuedByPerson(loop: Loop, target: string): Decision {
  const { id, status, merge, delivered } = loop;
  const isPlanUpdate = status === "delegated" && target === planBranch(id);
  if (status !== "complete" && !isPlanUpdate) {
    return refuse(`${id} is ${status}: only complete work can be merged`);
  }
  if (merge !== null) return refuse(`${id} waits for its merge into ${merge.target} already`);
  if (delivered?.to === target) return refuse(`${id} is on ${target} already`);
  return accept(loop, queued(id, target));
}

function proposalQueued(loop: Loop, target: string): Decision {
  const { id, status, merge, delivered, pullRequest } = loop;
  if (status !== "complete") {
    return refuse(`${id} is ${status}: only complete work can have a pull request`);
  }
  if (pullRequest !== null) return refuse(`${id} has its pull request already: ${pullRequest}`);
  if (merge !== null) return refuse(`${id} is in the queue of ${merge.target} already`);
  if (delivered !== null && !isOwnBranch(delivered.to)) {
    return refuse(`${id} is on ${delivered.to} already`);
  }
  return accept(loop, queued(id, target, "pr"));
}

/** What was delivered before stays so; what was not is by now. */
function proposed(
  { id, delivered }: Loop,
  { to: branch, commit, url, reason }: Extract<DeliveryResult, { type: "proposed" }>,
): Event[] {
  const data = { to: branch, commit };
  const isKnown = delivered?.to === branch && delivered.commit === commit;
  const event: Event[] = isKnown ? [] : [{ type: "loop.delivered", loop: id, data }];
  if (url === null) event.push({ type: "loop.undelivered", loop: id, data: { reason } });
  return [...event, ...withUrl(id, url ?? undefined)];
}

function withUrl(loop: LoopId, url: string | undefined): Event[] {
  return url === undefined ? [] : [{ type: "loop.proposed", loop, data: { url } }];
}

function deliveryFinished(state: State, loop: Loop, result: DeliveryResult): Decision {
  if (!isDelivery(state, loop)) return refuse(`${loop.id} has moved on`);
  if (isWholeCheck(loop)) return accept(loop, ...levelChecked(state, loop, problemIn(result)));
  const isDone = loop.status === "complete" || isUpdate(loop);
  const done = isDone ? [] : [to(loop, "complete", null)];
  const left: Event = { type: "loop.undelivered", loop: loop.id, data: { reason: null } };
  switch (result.type) {
    case "delivered": {
      const { to: branch, commit } = result;
      const event: Event = { type: "loop.delivered", loop: loop.id, data: { to: branch, commit } };
      return accept(loop, event, ...done);
    }
    case "proposed":
      return accept(
        loop,
        ...proposed(loop, result),
        ...(isDone ? [] : [to(loop, "complete", result.reason)]),
      );
    case "updated": {
      const moved = branched(loop.id, result.branch, result.commit);
      return accept(loop, moved, ...(isUpdate(loop) ? [left] : []));
    }
    case "checked":
      return refuse(`${loop.id} has moved on`);
    case "refused": {
      const { reason } = result;
      const complete = isDone ? [] : [to(loop, "complete", reason)];
      return accept(loop, { ...left, data: { reason } }, ...complete);
    }
    case "blocked": {
      if (isDone) return accept(loop, { ...left, data: { reason: result.reason } });
      return accept(loop, left, to(loop, "blocked", result.reason, { blockedOn: "conflict" }));
    }
    default:
      return result satisfies never;
  }
}

/** Null where the check has passed. */
function problemIn(result: DeliveryResult): string | null {
  if (result.type === "checked") return result.problem;
  const reason = "reason" in result ? result.reason : null;
  return `it could not be checked as a whole: ${reason ?? "it was interrupted"}`;
}

function queued(loop: LoopId, target: string, as?: "pr"): Event {
  return { type: "loop.queued", loop, data: as === undefined ? { target } : { target, as } };
}

function branched(loop: LoopId, branch: string, commit: CommitId): Event {
  return { type: "loop.branched", loop, data: { branch, commit } };
}

type Ended = Extract<AttemptOutcome, { type: "queued" | "returned" }>;

/** An attempt that ends with its loop in a queue, or back from it. */
export function queueEnded(loop: Loop, outcome: Ended): Event[] {
  if (outcome.type === "returned") {
    const left: Event = { type: "loop.undelivered", loop: loop.id, data: { reason: null } };
    return [left, to(loop, "pending", outcome.reason)];
  }
  const { target, notBeforeAt } = outcome;
  const wait = loop.merge?.target === target ? [] : [queued(loop.id, target)];
  return [...wait, to(loop, "pending", `waits to be merged into ${target}`, { notBeforeAt })];
}

/** Where its work is by now; what a loop of a plan has merged is what the plan has come to. */
export function deliveredBy(
  loop: Loop,
  { delivered, tip, pullRequest, reason }: Extract<AttemptOutcome, { type: "complete" }>,
): Event[] {
  const { id, parent, merge } = loop;
  if (delivered === null) {
    const left: Event = { type: "loop.undelivered", loop: id, data: { reason: reason ?? null } };
    return merge === null ? [] : [left];
  }
  const { to: branch, commit } = delivered;
  const plan = parent === null ? [] : [branched(rootIdOf(loop), branch, tip ?? commit)];
  return [
    { type: "loop.delivered", loop: id, data: delivered },
    ...withUrl(id, pullRequest),
    ...plan,
  ];
}

/** A plan that is complete by this decision is delivered first: its branch at once, the rest later. */
export function withPlanDelivery(state: State, decision: Decision): Decision {
  if (!decision.ok || !decision.events.some(isClimbed)) return decision;
  const events = decision.events.flatMap((event) =>
    isClimbed(event) ? deliveryOf(state, decision.events, event.loop, event) : [event],
  );
  return { ...decision, events };
}

/** Complete because all below it is. */
function isClimbed(event: Event): event is Extract<Event, { type: "loop.status" }> {
  return (
    event.type === "loop.status" && event.data.to === "complete" && event.data.from === "delegated"
  );
}

function deliveryOf(state: State, all: readonly Event[], id: LoopId, completion: Event): Event[] {
  const loop = loopOf(state, id);
  const isAnswered = all.some(
    ({ type, loop: of }) => of === id && (type === "loop.delivered" || type === "loop.undelivered"),
  );
  if (loop.parent !== null || isAnswered) return [completion];
  const last = all.findLast(({ type, loop: of }) => type === "loop.branched" && of === id);
  const branch =
    last?.type === "loop.branched" ? last.data : { branch: loop.branch, commit: loop.tip };
  if (branch.branch === null || branch.commit === null) return [completion];
  const { deliver, target } = loop.settings;
  const isLater = (deliver === "merge" || deliver === "pr") && target !== undefined;
  if (isLater) return [queued(id, target, deliver === "pr" ? "pr" : undefined)];
  const data = { to: branch.branch, commit: branch.commit };
  return deliver === "none"
    ? [completion]
    : [{ type: "loop.delivered", loop: id, data }, completion];
}

function accept(loop: Loop, ...events: Event[]): Decision {
  return { ok: true, id: loop.id, events };
}

function refuse(reason: string): Decision {
  return { ok: false, reason };
}
