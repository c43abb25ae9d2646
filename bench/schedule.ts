import { SeededRandom } from "../sim/random.ts";
import { type DispatchLimits, dispatch, lineUp } from "../src/core/dispatch.ts";
import type { Event } from "../src/core/events.ts";
import { type Loop, type LoopId, priorities } from "../src/core/loop.ts";
import { PendingIndex } from "../src/core/pending.ts";
import { apply, emptyState, type MutableState } from "../src/core/state.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, median, type Row, row } from "./measure.ts";

/** How the pending are spread over plans; the last is the dearest, and not likely. */
const shapes: Readonly<Record<string, number>> = {
  "of no plan": 0,
  "in 100 plans": 100,
  "each in a plan": Number.POSITIVE_INFINITY,
};
const sizes = [5_000, 100_000] as const;
const repositories = 5;
const decisions = 60;
const now = 4_000_000;

/** A decision against sorting all that is pending, which is what it costs without an index. */
export function benchSchedule(): Findings {
  const rows = sizes.flatMap((size) =>
    Object.entries(shapes).flatMap(([name, plans]) => rowsOf(size, name, plans)),
  );
  return { rows, notes: ["the bars are 1 ms at 5,000 pending loops and 10 ms at 100,000"] };
}

function rowsOf(size: number, shape: string, plans: number): Row[] {
  const state = pending(size, Math.min(plans, size));
  const index = new PendingIndex(state, () => true);
  const loops = [...state.loops.values()];
  const baseline = median(timed(() => [...loops].sort(byPriority)));
  const bar = atMost((size > 20_000 ? 10 : 1) / baseline);
  const of = (what: string, times: readonly number[], its: Row["bar"]) =>
    row(`schedule, ${size} ${shape}, ${what}`, "ms", { ours: median(times), baseline }, its);
  const slots = (free: number) => timed(() => dispatch(index, now, limits(index.running + free)));
  const changes = loops.slice(0, 1_000).map(({ id }) => timeOf(() => index.see(id)));
  return [
    of("a change", changes, bar),
    of("1 slot", slots(1), bar),
    of("50 slots", slots(50), bar),
    of("the first 1,000", timed(() => lineUp(index, now, limits(0), 1_000)).slice(0, 9), null),
  ];
}

function timed(call: () => unknown): number[] {
  return Array.from({ length: decisions }, () => timeOf(call));
}

function timeOf(call: () => unknown): number {
  const from = performance.now();
  call();
  return performance.now() - from;
}

function limits(loops: number): DispatchLimits {
  const caps = { loops, perType: { ralph: 1_000_000 }, agingMs: 300_000, retryAfterMaxMs: 60_000 };
  return { ...caps, parked: new Map(), hold: null };
}

/** Ready within the last hour, of mixed priorities and types, in a few repositories. */
function pending(count: number, plans: number): MutableState {
  const random = new SeededRandom(count);
  const settings = loopSettings({ base: "b".repeat(40), command: "true" });
  const state = emptyState();
  for (let n = 0; n < count; n += 1) {
    const plan = plans === 0 ? n : n % plans;
    const parent = plans === 0 ? null : (`${plan + 1}` as LoopId);
    const id = (parent === null ? `${n + 1}` : `${parent}.${Math.floor(n / plans) + 1}`) as LoopId;
    const priority = priorities[random.between(0, 3)] ?? "normal";
    const type = random.chance(0.8) ? "ralph" : "phase";
    const words = { title: "t", brief: "b", repo: `/repo/${plan % repositories}` };
    const shape = { type, parent, priority, dependsOn: [], status: "pending" } as const;
    const event: Event = { type: "loop.created", loop: id, data: { ...shape, ...words, settings } };
    apply(state, event, random.between(0, 3_600_000));
  }
  return state;
}

function byPriority(a: Loop, b: Loop): number {
  const urgency = priorities.indexOf(a.priority) - priorities.indexOf(b.priority);
  return urgency || a.notBeforeAt - b.notBeforeAt || (a.id < b.id ? -1 : 1);
}
