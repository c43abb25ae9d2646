import type { Event } from "./events.ts";
import { ancestorsCompleted, parentHeldUp } from "./hierarchy.ts";
import type { Loop } from "./loop.ts";
import type { State } from "./state.ts";
import { to } from "./transition.ts";

/*
 * A level is checked with its last part, by the verdict on that (core/checks.ts). Where it is whole
 * without such a verdict, because a child was dropped or nothing new was planned, its check runs by
 * itself: it waits, delegated, in a queue of its plan's branch, and has no attempt.
 */

/** Red, a person is needed: nobody is at work there who could mend it. */
export function levelChecked(state: State, loop: Loop, problem: string | null): Event[] {
  const { id } = loop;
  if (problem === null) {
    return [to(loop, "complete", null), ...ancestorsCompleted(state, loop, [])];
  }
  const reason = `all below it is complete, but ${problem}: td add ${id} "…" for what is missing, td reject ${id} --feedback "…" to plan it anew, or td retry ${id} to check it once more`;
  const held = to(loop, "blocked", reason, { blockedOn: "child" });
  return [held, ...parentHeldUp(state, loop, "is held up")];
}
