import type { Event, Transaction } from "../../../src/core/events.ts";
import { apply, emptyState, type MutableState } from "../../../src/core/state.ts";
import type { TaskStore } from "../../../src/ports.ts";
import { brief, id } from "../../given.ts";

/** A log that can be replayed: loops are created, and attempts on them begin. */
export function livesOf(count: number, seq = 1): Transaction[] {
  let next = seq;
  return Array.from({ length: count }, (_, index) => {
    const loop = id(String(1 + Math.floor((next - 1) / 5)));
    const begun = (next - 1) % 5 > 0;
    const events: Event[] = begun
      ? [{ type: "attempt.started", loop, data: { attempt: next, owner: "a" } }]
      : [{ type: "loop.created", loop, data: brief({ title: `loop ${loop}` }) }];
    if (begun && next % 5 === 3) {
      events.push({ type: "loop.raised", loop, data: { iterationsMax: next } });
    }
    const transaction = { seq: next, at: 1_700_000_000_000 + index + seq, events };
    next += events.length;
    return transaction;
  });
}

export function lastSeqOf(transactions: readonly Transaction[]): number {
  const last = transactions.at(-1);
  return last === undefined ? 0 : last.seq + last.events.length - 1;
}

/** The state as a restart finds it: the snapshot, if any, and what follows it. */
export async function replayed(store: TaskStore): Promise<MutableState> {
  const restored = await store.restore();
  const state = restored?.state ?? emptyState();
  for await (const { events, at } of store.read(restored?.seq ?? 0)) {
    for (const event of events) apply(state, event, at);
  }
  return state;
}
