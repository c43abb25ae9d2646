import { performance } from "node:perf_hooks";
import { SeededRandom } from "../sim/random.ts";
import { type DispatchLimits, dispatch, whyWaiting } from "../src/core/dispatch.ts";
import { type LoopId, priorities } from "../src/core/loop.ts";
import { PendingIndex, type Queued } from "../src/core/pending.ts";
import { atMost, type Findings, median, type Row, row } from "./measure.ts";

interface Shape {
  readonly plans: number;
  /** Whether every plan has started something before: then each is looked at. */
  readonly started: boolean;
}

/** How the pending are spread. The last is the dearest, and not likely: nothing was promised. */
const shapes: Readonly<Record<string, Shape>> = {
  "in 100 plans": { plans: 100, started: true },
  "each its own plan": { plans: Number.POSITIVE_INFINITY, started: false },
  "each its own plan, all interrupted": { plans: Number.POSITIVE_INFINITY, started: true },
};
const sizes = [5_000, 20_000, 100_000] as const;
const runningNow = 50;
const decisions = 60;
const agingMs = 1_800_000;

/**
 * A decision against sorting all pending loops, which is what scheduling without an index costs:
 * with one slot free, with fifty (the daemon starts), when a loop changes, and to say why one waits.
 */
export function benchSchedule(): Findings {
  const rows = sizes.flatMap((size) =>
    Object.entries(shapes).flatMap(([name, shape]) => rowsOf(size, name, shape)),
  );
  const notes = ["dispatch: the bars are 1 ms up to 20,000 pending and 10 ms at 100,000"];
  return { rows, notes };
}

function rowsOf(size: number, shapeName: string, { plans, started }: Shape): Row[] {
  const loops = pending(size, Math.min(plans, size), started ? 0 : null);
  const index = indexOf(loops);
  const baseline = median(timed(() => [...loops].sort(byPriority)));
  const promisedMs = size > 20_000 ? 10 : 1;
  const bar = started && plans > size ? null : atMost(promisedMs / baseline);
  const of = (what: string, times: readonly number[], its: Row["bar"]) =>
    row(`dispatch, ${size} ${shapeName}, ${what}`, "ms", { ours: median(times), baseline }, its);
  const first = loops[0]?.id as LoopId;
  const deciding = (slots: number) =>
    timed((now) => dispatch(index, now, limits(runningNow + slots)));
  return [
    of("1 slot", deciding(1), bar),
    of("50 slots", deciding(50), bar),
    of(
      "why",
      timed((now) => whyWaiting(index, now, limits(0))(first)),
      null,
    ),
    of("a put", putTimes(index, loops), bar),
  ];
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
function pending(count: number, plans: number, startedAt: number | null): Queued[] {
  const random = new SeededRandom(count);
  return Array.from({ length: count }, (_, n): Queued => {
    const plan = (n % plans) + 1;
    const id = (plans === count ? `${plan}` : `${plan}.${Math.floor(n / plans) + 1}`) as LoopId;
    const priority = priorities[random.between(0, 3)] ?? "normal";
    const facts = { status: "pending", dependsOn: [], reason: null, completedAt: null } as const;
    const models = { model: "sim/small", fallback: null, startedAt };
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
