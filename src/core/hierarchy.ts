import { assert } from "./assert.ts";
import { checksOf } from "./checks.ts";
import type { ChildBrief } from "./commands.ts";
import type { Created, Event } from "./events.ts";
import { rootIdOf } from "./ledger.ts";
import { isSettled, type Loop, type LoopId, type LoopSettings } from "./loop.ts";
import { planBranch } from "./merge-events.ts";
import { childrenOf, loopOf, type State } from "./state.ts";
import { to } from "./transition.ts";

/** What a loop hands on to its children; nothing, where all of it is complete already. */
export function handedOn(state: State, loop: Loop, briefs: readonly ChildBrief[]): Event[] {
  const delegated = to(loop, "delegated", null);
  if (briefs.length > 0) return [...childrenCreated(state, loop, briefs), delegated];
  const kept = childrenOf(state, loop.id).filter((child) => !child.dropped);
  assert(kept.length > 0, `${loop.id} delegates to nobody`);
  const isOpen = kept.some((child) => child.status !== "complete");
  assert(!isOpen, `${loop.id} hands nothing on while a child is open`);
  const { events, isDone } = wholeNow({ ...loop, status: "delegated" }, []);
  return [delegated, ...events, ...(isDone ? ancestorsCompleted(state, loop, []) : [])];
}

/** Children may wait for earlier siblings only, so a cycle cannot be written down. */
export function childrenCreated(
  state: State,
  parent: Loop,
  briefs: readonly ChildBrief[],
): Event[] {
  const before = state.children.get(parent.id)?.length ?? 0;
  return briefs.map((brief, index) => {
    assert(
      brief.after.every((position) => position < index),
      `${parent.id}: child ${index} waits for a later one`,
    );
    const siblings = brief.after.map((position) => childId(parent, before + position));
    const dependsOn = [...(brief.afterLoops ?? []), ...siblings];
    const data = { ...inherited(parent, brief), dependsOn };
    return { type: "loop.created", loop: childId(parent, before + index), data };
  });
}

function inherited(parent: Loop, brief: ChildBrief): Omit<Created, "dependsOn"> {
  const {
    type,
    title,
    brief: task,
    document,
    touches,
    validate,
    allowGateChange,
    model,
    limits,
  } = brief;
  const gateAllowed = [...new Set([...parent.gateAllowed, ...(allowGateChange ?? [])])];
  return {
    repo: parent.repo,
    settings: {
      ...withCheck(parent.settings, validate),
      ...(model === undefined ? {} : { model }),
      ...limits,
    },
    priority: brief.priority ?? parent.priority,
    parent: parent.id,
    status: "pending",
    type,
    title,
    brief: task,
    ...(document === undefined ? {} : { document }),
    ...(touches === undefined ? {} : { touches }),
    ...(gateAllowed.length === 0 ? {} : { gateAllowed }),
    ...(parent.approved ? { approved: true } : {}),
  };
}

/** A document's own check comes after the configured command; those above: core/checks.ts. */
function withCheck(settings: LoopSettings, validate: string | undefined): LoopSettings {
  const { also: _, ...gate } = settings.gate;
  return { ...settings, gate: validate === undefined ? gate : { ...gate, also: [validate] } };
}

/** How a loop looks to its parent; `gone` was dropped. */
type Standing = "complete" | "open" | "lost" | "gone";

function standingOf(loop: Loop): Standing {
  if (loop.dropped) return "gone";
  if (loop.status === "complete") return "complete";
  // A pause does not end it: who is paused in this state is blocked again when it goes on.
  const isAtRest = loop.status === "blocked" || loop.status === "paused";
  const isHeldUp = isAtRest && loop.blockedOn === "child";
  return loop.status === "failed" || loop.status === "stopped" || isHeldUp ? "lost" : "open";
}

/** What moves above a loop that is now of this standing, which the state does not show yet. */
function ancestorsMoved(state: State, loop: Loop, standing: Standing, why: Why): Event[] {
  if (loop.parent === null) return [];
  const parent = loopOf(state, loop.parent);
  const isHeldUp = parent.status === "blocked" && parent.blockedOn === "child";
  if (parent.status !== "delegated" && !isHeldUp) return [];
  const others = childrenOf(state, parent.id).filter((child) => child.id !== loop.id);
  const all = [standing, ...others.map(standingOf)].filter((each) => each !== "gone");
  if (all.every((each) => each === "complete")) {
    return levelWhole(state, parent, why);
  }
  if (all.includes("lost")) {
    if (isHeldUp) return [];
    const reason = heldUpReason(parent, loop, why);
    const held = to(parent, "blocked", reason, { blockedOn: "child" });
    const above = { ...why, leaf: why.leaf ?? loop.id };
    return [held, ...ancestorsMoved(state, parent, "lost", above)];
  }
  if (!isHeldUp) return [];
  return [to(parent, "delegated", null), ...ancestorsMoved(state, parent, "open", why)];
}

function levelWhole(state: State, level: Loop, why: Why): Event[] {
  const { events, isDone } = wholeNow(level, why.passed ?? []);
  if (isDone) return [...events, ...ancestorsMoved(state, level, "complete", why)];
  return level.status === "delegated"
    ? events
    : [...events, ...ancestorsMoved(state, level, "open", why)];
}

/** All below a level is complete: so is it, once its own check has passed on all of that. */
function wholeNow(level: Loop, passed: readonly string[]): { events: Event[]; isDone: boolean } {
  const delegated: Loop = { ...level, status: "delegated" };
  const isHeldUp = level.status === "blocked";
  const events = isHeldUp ? [to(level, "delegated", null)] : [];
  const isOwed = checksOf(level).some(({ command }) => !passed.includes(command));
  if (!isOwed) return { events: [...events, to(delegated, "complete", null)], isDone: true };
  const data = { target: planBranch(rootIdOf(level)), as: "check" } as const;
  return { events: [...events, { type: "loop.queued", loop: level.id, data }], isDone: false };
}

interface Why {
  /** What became of the loop that is lost. */
  readonly what: string;
  /** That loop, for those further up. */
  readonly leaf?: LoopId;
  /** Checks that have passed on all that is complete by now. */
  readonly passed?: readonly string[];
}

/** Names what can still be done: try it again, go on without it, plan it anew. */
function heldUpReason(parent: Loop, child: Loop, { what, leaf }: Why): string {
  const lost = leaf ?? child.id;
  const retry = what === "failed" ? `td retry ${lost}, ` : "";
  const through = leaf === undefined ? "" : ` (in ${child.id})`;
  return `its child ${lost}${through} ${what}: ${retry}td drop ${lost} to go on without it, or td reject ${parent.id} --feedback "…" to plan it anew`;
}

/** Completion climbs: a parent is done when the last of its children is. */
export function ancestorsCompleted(state: State, loop: Loop, passed: readonly string[]): Event[] {
  return ancestorsMoved(state, loop, "complete", { what: "is complete", passed });
}

/** A child that will not complete by itself holds up its parents, and says so there. */
export function parentHeldUp(state: State, loop: Loop, what: string): Event[] {
  if (loop.dropped) return [];
  return ancestorsMoved(state, loop, "lost", { what });
}

/** A child that is tried again gives its parents hope, unless another still holds them up. */
export function parentReleased(state: State, loop: Loop): Event[] {
  return ancestorsMoved(state, loop, "open", { what: "goes on" });
}

/** Nobody waits for a dropped child any more. */
export function parentFreed(state: State, loop: Loop): Event[] {
  return ancestorsMoved(state, loop, "gone", { what: "was dropped" });
}

/** Where a parent that is not at work itself stands again, its children being as `kin` says. */
export function delegatedAgain(
  loop: Loop,
  kin: readonly Loop[],
): { readonly events: readonly Event[]; readonly now: Loop } {
  const delegated: Loop = { ...loop, status: "delegated", blockedOn: null };
  const first = to(loop, "delegated", null);
  const children = kin.filter((child) => !child.dropped);
  if (children.every((child) => child.status === "complete")) {
    const { events, isDone } = wholeNow(delegated, []);
    const now: Loop = isDone ? { ...delegated, status: "complete" } : delegated;
    return { events: [first, ...events], now };
  }
  const lost = children.find(isLost);
  if (lost === undefined) return { events: [first], now: delegated };
  const reason = heldUpReason(loop, lost, lossOf(lost));
  const events = [first, to(delegated, "blocked", reason, { blockedOn: "child" })];
  return { events, now: { ...loop, status: "blocked", blockedOn: "child" } };
}

/** What moves above a loop that is now as given, which the state does not show yet. */
export function ancestorsFollow(state: State, now: Loop): Event[] {
  return ancestorsMoved(state, now, standingOf(now), lossOf(now));
}

export function isLost(loop: Loop): boolean {
  return standingOf(loop) === "lost";
}

function lossOf({ status, blockedOn }: Loop): Why {
  return { what: blockedOn === "child" ? "is held up" : status };
}

/** Stopping a loop stops everything under it that is not yet settled, leaves first. */
export function stopped(state: State, loop: Loop, stopping: Stopping = byPerson): Event[] {
  const open = childrenOf(state, loop.id).filter((child) => !isSettled(child));
  return [
    ...open.flatMap((child) => stopped(state, child, stopping)),
    ...ended(loop, stopping.interruptedAt),
    to(loop, "stopped", stopping.reason),
  ];
}

interface Stopping {
  readonly reason: string;
  readonly interruptedAt: string;
}

const byPerson: Stopping = { reason: "stopped", interruptedAt: "stopped by a person" };

/** Whoever takes a running loop from its attempt ends the attempt in the same decision. */
export function ended(loop: Loop, interruptedAt: string): Event[] {
  if (loop.status !== "running") return [];
  const { attempt } = loop;
  const data = { attempt, interruptedAt, erred: false };
  return [{ type: "attempt.ended", loop: loop.id, data }];
}

function childId(parent: Loop, index: number): LoopId {
  return `${parent.id}.${index + 1}` as LoopId;
}
