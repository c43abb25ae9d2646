import { unreachable } from "./assert.ts";
import type { ChildBrief } from "./commands.ts";
import type { Decision } from "./decide.ts";
import type { Document } from "./documents.ts";
import type { Event } from "./events.ts";
import {
  ancestorsFollow,
  childrenCreated,
  ended,
  handedOn,
  isLost,
  parentFreed,
  parentReleased,
  stopped,
} from "./hierarchy.ts";
import { isSettled, type Loop, type LoopId } from "./loop.ts";
import { childrenOf, loopOf, type State } from "./state.ts";
import { to } from "./transition.ts";

/** What people may ask about plans, at any level, while the rest goes on. */
export type PipelineCommand =
  | { readonly type: "approve"; readonly id: LoopId }
  | { readonly type: "reject"; readonly id: LoopId; readonly feedback: string }
  | { readonly type: "drop"; readonly id: LoopId }
  | { readonly type: "addChild"; readonly id: LoopId; readonly document: Document }
  /** A person's own version of a draft's documents, checked. */
  | { readonly type: "edit"; readonly id: LoopId; readonly documents: readonly Document[] }
  | {
      readonly type: "editBrief";
      readonly id: LoopId;
      readonly title: string;
      readonly brief: string;
    };

export function pipelineDecided(state: State, loop: Loop, command: PipelineCommand): Decision {
  switch (command.type) {
    case "approve":
      return approved(state, loop);
    case "reject":
      return rejected(state, loop, command.feedback);
    case "drop":
      return dropped(state, loop);
    case "addChild":
      return added(state, loop, command.document);
    case "edit":
      return edited(loop, command.documents);
    case "editBrief":
      return briefEdited(loop, command);
    default:
      return unreachable(command);
  }
}

/** Approval and the children it sets to work are one decision. */
function approved(state: State, loop: Loop): Decision {
  if (loop.status !== "draft") {
    return refuse(`${loop.id} is ${loop.status}: only a draft waits for approval`);
  }
  if (loop.documents.length === 0) return accept(loop, to(loop, "pending", null));
  return accept(loop, ...handedOn(state, loop, briefsOf(state, loop, { approvedBy: "person" })));
}

/** Who has read the very text of the documents: only a person's eyes allow a change of the gate. */
interface Trust {
  readonly approvedBy: "person" | "nobody";
}

/** What the documents ask for, less what children have completed of the very same. */
export function briefsOf(state: State, loop: Loop, { approvedBy }: Trust): readonly ChildBrief[] {
  const finished = childrenOf(state, loop.id).filter(
    ({ status, dropped }) => status === "complete" && !dropped,
  );
  const work = loop.documents.flatMap((document) => {
    if (document.becomes === null) return [];
    const done = finished.some(
      (child) => child.document === document.name && child.brief === document.text,
    );
    return done ? [] : [{ ...document, becomes: document.becomes }];
  });
  return work.map((document) => {
    const after = document.dependsOn.map((name) => work.findIndex((each) => each.name === name));
    const { becomes: type, title, text, name, touches, priority, validate } = document;
    return {
      type,
      title,
      brief: text,
      after: after.filter((position) => position >= 0),
      document: name,
      touches,
      ...(document.model === undefined ? {} : { model: document.model }),
      ...(document.limits === undefined ? {} : { limits: document.limits }),
      ...(priority === null ? {} : { priority }),
      ...(validate === null ? {} : { validate }),
      ...(approvedBy === "person" ? { allowGateChange: document.allowGateChange } : {}),
    };
  });
}

/** A draft, or a level whose children are at work, is refined once more with what a person says. */
function rejected(state: State, loop: Loop, feedback: string): Decision {
  const { id, status } = loop;
  if (feedback.trim() === "")
    return refuse("a rejection says what has to be different: give it as --feedback");
  const event: Event = { type: "loop.rejected", loop: id, data: { feedback } };
  if (status === "draft") return accept(loop, event, to(loop, "pending", null));
  const isHeldUp = status === "blocked" && loop.blockedOn === "child";
  if (loop.documents.length === 0 || (status !== "delegated" && !isHeldUp)) {
    return refuse(`${id} is ${status}: only a draft, or what has been handed on, can be rejected`);
  }
  const open = childrenOf(state, id).filter(
    (child) => child.status !== "complete" && !child.dropped,
  );
  const reason = "planned anew by a person";
  const held = isHeldUp ? [] : [to(loop, "blocked", reason, { blockedOn: "child" })];
  return accept(
    loop,
    ...open.flatMap((child) => takenOut(state, child)),
    ...held,
    event,
    to({ ...loop, status: "blocked" }, "pending", reason),
    ...parentReleased(state, loop),
  );
}

const droppedByPerson = { reason: "dropped", interruptedAt: "dropped by a person" };

/** Stops what is left of a child, and nobody counts it any more. */
function takenOut(state: State, child: Loop): Event[] {
  const isOpen = !isSettled(child) || child.status === "failed";
  const end = isOpen ? stopped(state, child, droppedByPerson) : [];
  return [...end, { type: "loop.dropped", loop: child.id, data: {} }];
}

function dropped(state: State, loop: Loop): Decision {
  const { id, parent, status } = loop;
  if (parent === null) return refuse(`${id} is nobody's child: td stop ${id} ends it`);
  if (loop.dropped) return refuse(`${id} was dropped already`);
  if (status === "complete") return refuse(`${id} is complete: its work is done`);
  const siblings = childrenOf(state, parent).filter((child) => child.id !== id && !child.dropped);
  if (siblings.length === 0) {
    return refuse(`${id} is all that is left of ${parent}: td stop ${parent} ends it`);
  }
  if (isSettled(loopOf(state, parent)))
    return refuse(`${parent} has ended: nothing is left to drop`);
  return accept(
    loop,
    ...takenOut(state, loop),
    ...[...state.loops.values()].flatMap((other) => freed(other, id)),
    ...parentFreed(state, loop),
  );
}

function freed(other: Loop, gone: LoopId): Event[] {
  if (isSettled(other) || !other.dependsOn.includes(gone)) return [];
  const dependsOn = other.dependsOn.filter((id) => id !== gone);
  return [{ type: "loop.freed", loop: other.id, data: { dependsOn } }];
}

/** One more child for a level that is at work: a person wrote it, so what it allows is allowed. */
function added(state: State, loop: Loop, document: Document): Decision {
  const { id, status } = loop;
  const isHeldUp = status === "blocked" && loop.blockedOn === "child";
  if (status !== "delegated" && !isHeldUp) {
    return refuse(`${id} is ${status}: children are added to what has been handed on`);
  }
  const siblings = childrenOf(state, id).filter((child) => !child.dropped);
  const { name, becomes, title, text, touches, priority, validate, allowGateChange } = document;
  if (becomes === null)
    return refuse(`${id} has no children of its own: td add takes a plan, a spec or a phase`);
  if (siblings.some((child) => child.document === name)) {
    return refuse(`${id} has a child from ${name} already: give the document another name`);
  }
  const afterLoops: LoopId[] = [];
  for (const wanted of document.dependsOn) {
    const sibling = siblings.find((child) => child.document === wanted || child.id === wanted);
    if (sibling === undefined) {
      const known = siblings.map((child) => child.document ?? child.id).join(", ");
      return refuse(`depends-on: ${id} has no child ${wanted} (it has ${known})`);
    }
    afterLoops.push(sibling.id);
  }
  const brief: ChildBrief = {
    ...{ type: becomes, title, brief: text, after: [], afterLoops, document: name, touches },
    ...(document.model === undefined ? {} : { model: document.model }),
    ...(document.limits === undefined ? {} : { limits: document.limits }),
    ...(priority === null ? {} : { priority }),
    ...(validate === null ? {} : { validate }),
    allowGateChange,
  };
  const hope = isHeldUp && !siblings.some(isLost) ? hopeOf(state, loop) : [];
  return accept(loop, ...childrenCreated(state, loop, [brief]), ...hope);
}

/** What held it up was no child that is lost: a new one may be what was missing. */
function hopeOf(state: State, loop: Loop): Event[] {
  return [to(loop, "delegated", null), ...ancestorsFollow(state, { ...loop, status: "delegated" })];
}

function edited(loop: Loop, documents: readonly Document[]): Decision {
  const { id, status } = loop;
  if (status !== "draft") {
    return refuse(`${id} is ${status}: only a draft's documents can be edited`);
  }
  return accept(loop, { type: "loop.documented", loop: id, data: { documents } });
}

/** Before it has anything of its own, a loop can still be told something else. */
function briefEdited(
  loop: Loop,
  { title, brief }: Extract<PipelineCommand, { type: "editBrief" }>,
): Decision {
  const { id, status } = loop;
  if (isSettled(loop) && status !== "failed") {
    return refuse(`${id} is ${status}: only work that has not ended can be told anew`);
  }
  if (status === "draft" || status === "delegated") {
    return refuse(`${id} is ${status}: its documents say by now what it means`);
  }
  const end = ended(loop, "a change of its task by a person");
  const again = status === "running" ? [to(loop, "pending", "its task was edited")] : [];
  return accept(loop, ...end, ...again, { type: "loop.edited", loop: id, data: { title, brief } });
}

function accept(loop: Loop, ...events: Event[]): Decision {
  return { ok: true, id: loop.id, events };
}

function refuse(reason: string): Decision {
  return { ok: false, reason };
}
