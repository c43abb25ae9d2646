import type { Decision } from "./decide.ts";
import type { Created, Event } from "./events.ts";
import type { LoopId } from "./loop.ts";
import type { State } from "./state.ts";
import { problemsOf } from "./validate.ts";

/** One of several loops that are asked for at once. */
export interface Asked {
  readonly loop: Created;
  /** Those before it, by position from 0, that it waits for besides. */
  readonly afterEarlier: readonly number[];
}

export type CreationCommand =
  | { readonly type: "createLoop"; readonly loop: Created }
  /** All of them or none, in one transaction. */
  | { readonly type: "createLoops"; readonly asked: readonly Asked[] };

/** What one loop may wait for. */
export const dependenciesMax = 1_000;

export function isCreation(command: { readonly type: string }): command is CreationCommand {
  return command.type === "createLoop" || command.type === "createLoops";
}

/** `id` is that of a single loop. */
export function creationDecided(state: State, command: CreationCommand): Decision {
  const isOne = command.type === "createLoop";
  const asked = isOne ? [{ loop: command.loop, afterEarlier: [] }] : command.asked;
  if (asked.length === 0) return { ok: false, reason: "nothing is asked for" };
  const ids = asked.map((_, index) => String(state.rootsCreated + 1 + index) as LoopId);
  const events: Event[] = [];
  for (const [index, each] of asked.entries()) {
    const earlier = each.afterEarlier.map((position) => ids.slice(0, index)[position]);
    const problem = problemOf(state, each.loop, earlier);
    if (problem !== null) {
      return { ok: false, reason: isOne ? problem : `${problem} (request ${index + 1})` };
    }
    const waitsFor = [...each.loop.dependsOn, ...earlier] as readonly LoopId[];
    const data = { ...each.loop, dependsOn: [...new Set(waitsFor)] };
    events.push({ type: "loop.created", loop: ids[index] as LoopId, data });
  }
  return { ok: true, id: isOne ? (ids[0] ?? null) : null, events };
}

function problemOf(
  state: State,
  loop: Created,
  earlier: readonly (LoopId | undefined)[],
): string | null {
  if (loop.parent !== null) return `${loop.parent} begets its children itself`;
  const [problem] = problemsOf(loop);
  if (problem !== undefined) return problem;
  const unknown = loop.dependsOn.find((id) => !state.loops.has(id));
  if (unknown !== undefined) return `there is no loop ${unknown} to wait for: td list shows all`;
  if (earlier.includes(undefined)) return "it waits for one that does not come before it";
  const count = loop.dependsOn.length + earlier.length;
  if (count <= dependenciesMax) return null;
  return `a loop waits for at most ${dependenciesMax} others, not ${count}`;
}
