import { isSettled, type Loop, type LoopId } from "../core/loop.ts";
import type { State } from "../core/state.ts";
import { timeOf } from "./loop-view.ts";

/** A loop that waits for a person's word. */
export interface QuestionView {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  /** What it is about: `question gate stuck`. */
  readonly about: string;
  readonly question: string;
  /** How many other loops cannot end before this one goes on. */
  readonly holdsUp: number;
  readonly askedAt: string;
}

const answerable: readonly (string | null)[] = ["question", "gate", "stuck"];

/** The inbox: what holds up most comes first, then what has waited longest. */
export function questions(state: State): readonly QuestionView[] {
  const asking = [...state.loops.values()].filter(
    ({ status, blockedOn }) => status === "blocked" && answerable.includes(blockedOn),
  );
  if (asking.length === 0) return [];
  const waiting = waitingFor(state);
  return asking
    .map((loop) => ({ loop, holdsUp: heldUpBy(waiting, loop.id) }))
    .sort(
      (a, b) =>
        b.holdsUp - a.holdsUp ||
        a.loop.updatedAt - b.loop.updatedAt ||
        (a.loop.id < b.loop.id ? -1 : 1),
    )
    .map(({ loop, holdsUp }) => questionView(loop, holdsUp));
}

function questionView(loop: Loop, holdsUp: number): QuestionView {
  const { id, type, title, blockedOn, reason, updatedAt } = loop;
  const about = blockedOn ?? "question";
  const question = reason ?? "no question was recorded";
  return { id, type, title, about, question, holdsUp, askedAt: timeOf(updatedAt) };
}

/** By loop: who waits for it, as a parent or as one that comes after it. */
function waitingFor({ loops }: State): ReadonlyMap<LoopId, readonly LoopId[]> {
  const waiting = new Map<LoopId, LoopId[]>();
  for (const loop of loops.values()) {
    if (isSettled(loop)) continue;
    for (const id of loop.dependsOn) waiting.set(id, [...(waiting.get(id) ?? []), loop.id]);
    const { parent } = loop;
    if (parent !== null) waiting.set(loop.id, [...(waiting.get(loop.id) ?? []), parent]);
  }
  return waiting;
}

function heldUpBy(waiting: ReadonlyMap<LoopId, readonly LoopId[]>, id: LoopId): number {
  const held = new Set<LoopId>([id]);
  // Every loop is entered once.
  for (const each of held) for (const next of waiting.get(each) ?? []) held.add(next);
  return held.size - 1;
}
