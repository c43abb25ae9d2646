import { unreachable } from "./assert.ts";
import type { Raise } from "./commands.ts";
import type { Event, StatusChange } from "./events.ts";
import { ancestorsFollow, delegatedAgain, ended, isLost } from "./hierarchy.ts";
import { isSettled, type Loop, type LoopId } from "./loop.ts";
import { freed, raised, raisedOnly, spentOf } from "./money.ts";
import { childrenOf, loopOf, type State } from "./state.ts";
import { to } from "./transition.ts";

/*
 * A person's word to a loop is for all that is below it. What a pause of its ancestor caught is
 * resumed with that ancestor; what a person had paused before stays paused.
 */

/** The events, or the sentence of the refusal. */
type Answer = readonly Event[] | string;

export function paused(state: State, loop: Loop): Answer {
  if (!mayPause(loop)) return `${loop.id} is ${loop.status}: there is nothing to pause`;
  return pausedTree(state, loop, loop.id);
}

/** What a person can do about a loop as it stands. */
function remedyOf({ id, status }: Loop): string {
  switch (status) {
    case "draft":
      return `td approve ${id}, or td reject ${id} --feedback "…"`;
    case "pending":
    case "blocked":
      return `td why ${id} says what it waits for`;
    case "running":
    case "delegated":
      return `it is at work, td logs ${id} -f follows it`;
    case "paused":
      return `td resume ${id}`;
    case "failed":
      return `td retry ${id}`;
    case "complete":
    case "stopped":
      return "it has ended, td run starts another";
    default:
      return unreachable(status);
  }
}

function mayPause(loop: Loop): boolean {
  return !isSettled(loop) && loop.status !== "paused" && loop.status !== "draft";
}

function pausedTree(state: State, loop: Loop, by: LoopId): Event[] {
  return [
    ...childrenOf(state, loop.id)
      .filter(mayPause)
      .flatMap((child) => pausedTree(state, child, by)),
    ...ended(loop, "paused by a person"),
    to(loop, "paused", loop.reason, loop.id === by ? {} : { by }),
  ];
}

export function resumed(state: State, loop: Loop, raise: Raise): Answer {
  const { id, status } = loop;
  if (status === "paused") {
    const { events, now } = resumedTree(state, loop, new Set([id, loop.pausedBy]));
    const above = isParent(loop) ? ancestorsFollow(state, now) : [];
    return [...raisedOnResume(state, loop, raise), ...events, ...above];
  }
  const events = raisedOnly(state, loop, raise);
  if (status !== "blocked") return events ?? `${id} is ${status}: ${remedyOf(loop)}`;
  switch (loop.blockedOn) {
    case "gate":
    case "question":
      return `${id} waits for an answer: td answer ${id} …`;
    case "child":
      return events ?? `${id} is held up (${loop.reason}): td retry ${id} tries that once more`;
    case "conflict": {
      const children = childrenOf(state, id);
      if (children.length > 0)
        return [...raised(loop, raise), ...delegatedAgain(loop, children).events];
      break;
    }
    case "budget": {
      // Who waited for a new day and lacks more than that is told so when it goes on.
      const spent = loop.blockedUntil === null ? spentOf(state, loop, raise) : null;
      if (spent !== null) return spent;
      break;
    }
    default:
  }
  return [...raised(loop, raise), to(loop, "pending", null), ...freed(state, loop)];
}

function raisedOnResume(state: State, loop: Loop, raise: Raise): readonly Event[] {
  if (!isParent(loop)) return raised(loop, raise);
  return raisedOnly(state, loop, raise) ?? [];
}

/** What happens to a loop and below it, and what it then is. */
interface Moved {
  readonly events: readonly Event[];
  readonly now: Loop;
}

/** Children first: where a parent stands follows from where they then are. */
function resumedTree(state: State, loop: Loop, by: ReadonlySet<LoopId | null>): Moved {
  const kin = childrenOf(state, loop.id).map((child): Moved => {
    const isCaught = child.status === "paused" && child.pausedBy !== null && by.has(child.pausedBy);
    return isCaught ? resumedTree(state, child, by) : { events: [], now: child };
  });
  const below = kin.flatMap(({ events }) => events);
  const { events, now } = isParent(loop)
    ? delegatedAgain(
        loop,
        kin.map((child) => child.now),
      )
    : resumedAlone(loop);
  return { events: [...below, ...events], now };
}

/** Paused while its children were at work: where it stands follows from them. */
function isParent({ pausedFrom, blockedOn }: Loop): boolean {
  return pausedFrom === "delegated" || blockedOn === "child";
}

/** Back to where it was; an attempt that was taken from it is not. */
function resumedAlone(loop: Loop): Moved {
  const from = loop.pausedFrom ?? "pending";
  const status = from === "running" ? "pending" : from;
  const { blockedOn, blockedUntil, gateAsked: asked } = loop;
  const on: Partial<StatusChange> =
    status === "blocked" && blockedOn !== null
      ? { blockedOn, asked, ...(blockedUntil === null ? {} : { until: blockedUntil }) }
      : {};
  return { events: [to(loop, status, loop.reason, on)], now: { ...loop, status } };
}

/** A loop that failed, or all that failed below one that is held up by it. */
export function retried(state: State, loop: Loop, raise: Raise): Answer {
  const { id, status } = loop;
  const isHeldUp = status === "blocked" && loop.blockedOn === "child";
  if (status !== "failed" && !isHeldUp) return `${id} is ${status}, not failed: ${remedyOf(loop)}`;
  const over = overAbove(state, loop);
  if (over !== null) return `${over.id} is ${over.status}: nothing below it goes on`;
  const { events, now } = retriedTree(state, loop, raise);
  if (events.length === 0) return `${id} is held up, and nothing below it failed: td why ${id}`;
  return [...events, ...ancestorsFollow(state, now)];
}

/** What is above it and has ended for good: its branch takes nothing up any more. */
function overAbove(state: State, { parent }: Loop): Loop | null {
  if (parent === null) return null;
  const above = loopOf(state, parent);
  return isOver(above) ? above : overAbove(state, above);
}

function isOver({ status }: Loop): boolean {
  return status === "stopped" || status === "complete";
}

function retriedTree(state: State, loop: Loop, raise: Raise): Moved {
  if (loop.status === "failed" && !loop.dropped) {
    const events = [...raised(loop, raise), to(loop, "pending", null)];
    return { events, now: { ...loop, status: "pending" } };
  }
  if (isOver(loop)) return { events: [], now: loop };
  const kin = childrenOf(state, loop.id).map((child) => retriedTree(state, child, {}));
  const below = kin.flatMap(({ events }) => events);
  const isHeldUp = loop.status === "blocked" && loop.blockedOn === "child";
  if (!isHeldUp || kin.some(({ now }) => isLost(now))) return { events: below, now: loop };
  const { events, now } = delegatedAgain(
    loop,
    kin.map((child) => child.now),
  );
  return { events: [...below, ...events], now };
}
