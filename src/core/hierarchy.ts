import { assert } from "./assert.ts";
import type { ChildBrief } from "./commands.ts";
import type { Event } from "./events.ts";
import type { Loop, LoopId } from "./loop.ts";
import { childrenOf, loopOf, type State } from "./state.ts";
import { to } from "./transition.ts";

/** Children may wait for earlier siblings only, so a cycle cannot be written down. */
export function childrenCreated(parent: Loop, briefs: readonly ChildBrief[]): Event[] {
  assert(briefs.length > 0, `${parent.id} delegates to nobody`);
  return briefs.map(({ type, title, brief, after }, index) => {
    assert(
      after.every((position) => position < index),
      `${parent.id}: child ${index} waits for a later one`,
    );
    const dependsOn = after.map((position) => childId(parent, position));
    const { repo, settings, priority } = parent;
    const shared = { repo, settings, priority, parent: parent.id, status: "pending" } as const;
    const data = { ...shared, type, title, brief, dependsOn };
    return { type: "loop.created", loop: childId(parent, index), data };
  });
}

/** Completion climbs: a parent is done when the last of its children is. */
export function ancestorsCompleted(state: State, loop: Loop): Event[] {
  if (loop.parent === null) return [];
  const parent = loopOf(state, loop.parent);
  const siblings = childrenOf(state, parent.id).filter((child) => child.id !== loop.id);
  const done = siblings.every((child) => child.status === "complete");
  if (!done || parent.status !== "delegated") return [];
  return [to(parent, "complete", null), ...ancestorsCompleted(state, parent)];
}

/** A child that will not complete by itself holds up its parent, and says so there. */
export function parentHeldUp(state: State, loop: Loop, what: string): Event[] {
  if (loop.parent === null) return [];
  const parent = loopOf(state, loop.parent);
  if (parent.status !== "delegated") return [];
  const reason = `its child ${loop.id} ${what}`;
  return [to(parent, "blocked", reason, { blockedOn: "child" })];
}

/** A child that is tried again gives its parent hope, unless another still holds it up. */
export function parentReleased(state: State, loop: Loop): Event[] {
  if (loop.parent === null) return [];
  const parent = loopOf(state, loop.parent);
  if (parent.status !== "blocked" || parent.blockedOn !== "child") return [];
  const others = childrenOf(state, parent.id).filter((child) => child.id !== loop.id);
  if (others.some(({ status }) => status === "failed" || status === "stopped")) return [];
  return [to(parent, "delegated", null)];
}

/** Where a paused parent stands, whatever its children did meanwhile. */
export function delegatedAgain(state: State, loop: Loop): Event[] {
  const first = to(loop, "delegated", null);
  const parent: Loop = { ...loop, status: "delegated" };
  const children = childrenOf(state, loop.id);
  if (children.every((child) => child.status === "complete")) {
    return [first, to(parent, "complete", null), ...ancestorsCompleted(state, loop)];
  }
  const lost = children.find(({ status }) => status === "failed" || status === "stopped");
  if (lost === undefined) return [first];
  const reason = `its child ${lost.id} is ${lost.status}`;
  return [first, to(parent, "blocked", reason, { blockedOn: "child" })];
}

function childId(parent: Loop, index: number): LoopId {
  return `${parent.id}.${index + 1}` as LoopId;
}
