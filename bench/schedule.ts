import { performance } from "node:perf_hooks";
import { SeededRandom } from "../sim/random.ts";
import { type DispatchLimits, dispatch, whyWaiting } from "../src/core/dispatch.ts";
import { type LoopId, priorities } from "../src/core/loop.ts";
import { PendingIndex, type Queued } from "../src/core/pending.ts";
import { type Findings, median, quantile, type Row } from "./measure.ts";

/** How the pending are spread: many to a plan, or each a plan of its own, the dearest. */
const shapes = { "in 100 plans": 100, "each its own plan": Number.POSITIVE_INFINITY } as const;
const sizes = [5_000, 20_000, 100_000] as const;
const runningNow = 50;
const decisions = 60;
const agingMs = 1_800_000;

/**
 * A decision against sorting all pending loops, which is what scheduling without an index costs.
 * Three kinds: one slot is free, all fifty are (a start of the daemon), a loop changes its status.
 */
export function benchSchedule(): Findings {
  const rows: Row[] = [];
  for (const size of sizes) {
    const barMs = size > 20_000 ? 10 : 1;
    for (const [shape, plans] of Object.entries(shapes)) {
      const loops = pending(size, Math.min(plans, size));
      const index = indexOf(loops);
      const sorting = timed(() => [...loops].sort(byPriority));
      const name = `dispatch, ${size} pending ${shape}`;
      const add = (what: string, times: readonly number[]) => {
        const [ours, baseline] = [median(times), median(sorting)];
        const bar = { is: "atMost", ratio: barMs / baseline } as const;
        rows.push({
          name: `${name}, ${what}`,
          unit: "ms",
          ours,
          baseline,
          ratio: ours / baseline,
          bar,
        });
        rows.push({
          name: `${name}, ${what}, p90`,
          unit: "ms",
          ours: quantile(times, 0.9),
          baseline,
          ratio: quantile(times, 0.9) / baseline,
          bar: null,
        });
      };
      add(
        "1 slot",
        timed((now) => dispatch(index, now, limits(runningNow + 1))),
      );
      add(
        "50 slots",
        timed((now) => dispatch(index, now, limits(runningNow + 50))),
      );
      add("a put", putTimes(index, loops));
      add(
        "why",
        timed((now) => whyWaiting(index, now, limits(0))(loops[0]?.id as LoopId)).slice(50),
      );
    }
  }
  const notes = ["the bar is 1 ms up to 20,000 pending and 10 ms at 100,000, as a ratio here"];
  return { rows, notes };
}

function timed(call: (now: number) => unknown): number[] {
  return Array.from({ length: decisions }, (_, turn) => {
    const from = performance.now();
    call(4_000_000 + turn);
    return performance.now() - from;
  });
}

/** Every loop in turn is started and comes back. */
function putTimes(index: PendingIndex, loops: readonly Queued[]): number[] {
  return loops.slice(0, 1_000).map((loop) => {
    const running = { ...loop, status: "running", startedAt: 0 } as const;
    const from = performance.now();
    index.put(loop, running);
    index.put(running, loop);
    return (performance.now() - from) / 2;
  });
}

function limits(loops: number): DispatchLimits {
  const caps = { loops, perType: { ralph: 100_000 }, agingMs, retryAfterMaxMs: 60_000 };
  return { ...caps, parked: new Map(), short: new Set(), hold: null };
}

function indexOf(loops: readonly Queued[]): PendingIndex {
  const index = new PendingIndex();
  for (const loop of loops) index.put(null, loop);
  for (const [n, loop] of loops.slice(0, runningNow).entries()) {
    const id = `${loop.id}.${n + 1}` as LoopId;
    index.put(null, { ...loop, id, status: "running", startedAt: n });
  }
  return index;
}

/** Ready within the last hour, of mixed priorities, types and repositories. */
function pending(count: number, plans: number): Queued[] {
  const random = new SeededRandom(count);
  return Array.from({ length: count }, (_, n): Queued => {
    const plan = (n % plans) + 1;
    const id = (plans === count ? `${plan}` : `${plan}.${Math.floor(n / plans) + 1}`) as LoopId;
    const priority = priorities[random.between(0, 3)] ?? "normal";
    const facts = { status: "pending", dependsOn: [], reason: null, completedAt: null } as const;
    const models = { model: "sim/small", fallback: null, startedAt: null };
    const type = random.chance(0.8) ? "ralph" : "phase";
    const notBeforeAt = random.between(0, 3_600_000);
    return { id, type, priority, repo: `/repo/${plan % 5}`, notBeforeAt, ...facts, ...models };
  });
}

function byPriority(a: Queued, b: Queued): number {
  const urgency = priorities.indexOf(a.priority) - priorities.indexOf(b.priority);
  return urgency || a.notBeforeAt - b.notBeforeAt || (a.id < b.id ? -1 : 1);
}

if (import.meta.main) {
  const { rows, notes } = benchSchedule();
  console.table(rows.map(({ bar, ...row }) => ({ ...row, barRatio: bar?.ratio })));
  for (const note of notes) console.log(note);
}
