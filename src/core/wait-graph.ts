import type { Loop, LoopId } from "./loop.ts";
import type { Message } from "./message.ts";
import type { State } from "./state.ts";

type Seen = Pick<State, "loops" | "mail">;

/** Whether a conversation stands still until this question is answered: an edge from asker to asked. */
export function isWaitedFor({ loops }: Seen, { kind, status, from, to, asking }: Message): boolean {
  if (kind !== "query" || asking === null || asking.toAttempt === null) return false;
  if (status !== "waiting" && status !== "delivered") return false;
  const asker = loops.get(from as LoopId);
  if (asker === undefined || asker.iteration + 1 !== asking.iteration) return false;
  return holds(asker, asking.attempt) && holds(loops.get(to), asking.toAttempt);
}

function holds(loop: Loop | undefined, attempt: number): boolean {
  return loop !== undefined && loop.status === "running" && loop.attempt === attempt;
}

/** The questions that a loop waits for. */
export function waitsOf(state: Seen, id: LoopId): readonly Message[] {
  if (state.mail.size === 0) return [];
  return [...state.mail.values()].filter((each) => each.from === id && isWaitedFor(state, each));
}

/** From `asked` along its waits to `asker`; null when a question between them closes no cycle. */
export function pathOfWaits(state: Seen, asked: LoopId, asker: LoopId): readonly LoopId[] | null {
  const cameFrom = new Map<LoopId, LoopId | null>([[asked, null]]);
  // Every loop is entered once.
  for (const id of cameFrom.keys()) {
    if (id === asker) return backFrom(cameFrom, id);
    for (const { to } of waitsOf(state, id)) if (!cameFrom.has(to)) cameFrom.set(to, id);
  }
  return null;
}

function backFrom(cameFrom: ReadonlyMap<LoopId, LoopId | null>, end: LoopId): readonly LoopId[] {
  const path: LoopId[] = [];
  for (let id: LoopId | null = end; id !== null; id = cameFrom.get(id) ?? null) path.unshift(id);
  return path;
}
