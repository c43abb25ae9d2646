import { isSettled, type Loop, type LoopId } from "./loop.ts";
import { childrenOf, type State } from "./state.ts";

/** Everybody of the same plan; a loop of no plan has the others of the repository that are in none. */
export function peersOf(state: State, loop: Loop): readonly Loop[] {
  const plan = planOf(state, loop);
  return [...state.loops.values()].filter(
    (other) =>
      other.id !== loop.id &&
      other.repo === loop.repo &&
      !isDeaf(other) &&
      planOf(state, other) === plan,
  );
}

/** Whether there is anybody to talk to. */
export function hasCompany(state: State, loop: Loop): boolean {
  if (childrenOf(state, loop.id).some((child) => !isDeaf(child))) return true;
  const plan = planOf(state, loop);
  for (const other of state.loops.values()) {
    if (other.id === loop.id || other.repo !== loop.repo || isDeaf(other)) continue;
    if (planOf(state, other) === plan) return true;
  }
  return false;
}

/** Least privilege: what is below it, and what is beside it in the same plan. Never what is above. */
export function mayStop(state: State, by: Loop, target: Loop): boolean {
  if (isUnder(target.id, by.id)) return true;
  return by.parent === target.parent && planOf(state, by) === planOf(state, target);
}

function planOf(state: State, { id, parent }: Loop): string | null {
  if (parent === null && childrenOf(state, id).length === 0) return null;
  return id.split(".", 1)[0] ?? id;
}

export function isUnder(id: LoopId, above: LoopId): boolean {
  return id.startsWith(`${above}.`);
}

/** Nobody reads there any more: its conversations are over, unless a person starts it again. */
export function isDeaf(loop: Loop): boolean {
  return isSettled(loop) || loop.status === "delegated";
}
