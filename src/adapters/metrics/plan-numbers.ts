import { isSettled, type Loop, type LoopStatus, type Millis } from "../../core/loop.ts";
import { childrenOf, type State } from "../../core/state.ts";

/** All loops of one plan together. */
export interface PlanNumbers {
  readonly plan: string;
  readonly costUsd: number;
  readonly tokens: number;
  readonly iterations: number;
  readonly attempts: number;
  /** From its creation to its end, or to now. */
  readonly seconds: number;
  /** Complete ones of those that ended; null while none has. */
  readonly successRatio: number | null;
  readonly loops: Readonly<Partial<Record<LoopStatus, number>>>;
}

/** Older ones are in `td show` and `td report`: a label may not take values without end. */
const plansMax = 50;

/** The newest plans; from the state, so that a restart changes nothing. */
export function numbersOfPlans(state: State, now: Millis): readonly PlanNumbers[] {
  const roots = [...state.loops.values()].filter(
    ({ id, type, parent }) => parent === null && (type === "plan" || state.children.has(id)),
  );
  return roots.slice(-plansMax).map((root) => numbersOf(state, root, now));
}

function numbersOf(state: State, root: Loop, now: Millis): PlanNumbers {
  const family = familyOf(state, root);
  const loops: Partial<Record<LoopStatus, number>> = {};
  for (const { status } of family) loops[status] = (loops[status] ?? 0) + 1;
  const ended = family.filter(isSettled).length;
  const sum = (of: (loop: Loop) => number) => family.reduce((all, loop) => all + of(loop), 0);
  const endAt = isSettled(root) ? root.updatedAt : now;
  return {
    plan: root.id,
    costUsd: sum(({ usage }) => usage.costUsd ?? 0),
    tokens: sum(({ usage }) => {
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
      return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
    }),
    iterations: sum(({ iteration }) => iteration),
    attempts: sum(({ attempt }) => attempt),
    seconds: Math.max(0, endAt - root.createdAt) / 1_000,
    successRatio: ended === 0 ? null : (loops.complete ?? 0) / ended,
    loops,
  };
}

/** The root and all below it. */
function familyOf(state: State, root: Loop): readonly Loop[] {
  const family = [root];
  for (const loop of family) family.push(...childrenOf(state, loop.id));
  return family;
}
