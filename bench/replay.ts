/** What a restart costs with a long life behind it, and what a snapshot costs while one goes on. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { argv, cpuUsage, execPath, memoryUsage } from "node:process";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import { listSnapshots } from "../src/adapters/store/snapshot-file.ts";
import type { Event, Transaction } from "../src/core/events.ts";
import type { LoopId, Verdict } from "../src/core/loop.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, quantile, row } from "./measure.ts";

const loops = 10_000;
const iterations = 6;
const turns = 7;
const unawaited = 5_000;

/** What a child process tells. */
interface Restart {
  readonly openMs: number;
  /** Of the processor; the wall clock also counts what else the machine does. */
  readonly openCpuMs: number;
  readonly heapMb: number;
  readonly rssMb: number;
  readonly snapshotMs: number;
  readonly snapshotMb: number;
  readonly appendP99Ms: number;
  readonly appendP99BesideMs: number;
  readonly loopDelayMaxMs: number;
}

export async function benchReplay(): Promise<Findings> {
  // Not in the temporary directory: where that is memory, a sync costs nothing.
  const home = await mkdtemp(join(import.meta.dirname, ".replay-"));
  try {
    const events = await live(home);
    const whole = await restart(home);
    const fast = await restart(home);
    const million = events / 1_000_000;
    const delay = { ours: whole.appendP99BesideMs, baseline: whole.appendP99Ms };
    return {
      rows: [
        row("restart without a snapshot", "ms", { ours: whole.openMs, baseline: 8_000 }, atMost(1)),
        row("restart from a snapshot", "ms", { ours: fast.openMs, baseline: 1_000 }, atMost(1)),
        row("append beside a snapshot, p99", "ms", delay, null),
      ],
      notes: [
        `processor time of a restart, starting node included: ${whole.openCpuMs.toFixed(0)} ms without a snapshot, ${fast.openCpuMs.toFixed(0)} ms with one`,
        `${million.toFixed(2)} million events of ${loops} loops; at rest ${fast.heapMb.toFixed(0)} MB of heap, ${fast.rssMb.toFixed(0)} MB in all`,
        `a snapshot: ${whole.snapshotMs.toFixed(0)} ms for ${whole.snapshotMb.toFixed(1)} MB; the event loop was held up for at most ${whole.loopDelayMaxMs.toFixed(1)} ms`,
      ],
    };
  } finally {
    await rm(home, { recursive: true });
  }
}

/** A process of its own, as a restart is: nothing is warm. It leaves a snapshot behind. */
async function restart(home: string): Promise<Restart> {
  const { stdout } = await promisify(execFile)(execPath, [import.meta.filename, home]);
  return JSON.parse(stdout) as Restart;
}

async function measure(home: string): Promise<Restart> {
  const startMs = performance.now();
  const store = await openTaskStore({ home });
  const outside = {
    clock: { now: () => 1, sleepUntil: () => Promise.resolve() },
    random: { next: () => 0.5 },
    store,
  };
  const states = await StateManager.open(outside, 5);
  const openMs = performance.now() - startMs;
  const { user, system } = cpuUsage();
  const openCpuMs = (user + system) / 1000;
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, rss } = memoryUsage();
  const alone = await appendsBeside(states, setImmediate());
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const snapshotStartMs = performance.now();
  const snapshot = states.snapshot();
  delay.enable();
  const beside = await appendsBeside(states, snapshot);
  delay.disable();
  const snapshotMs = performance.now() - snapshotStartMs;
  const newest = (await listSnapshots(join(home, "store")))[0];
  const snapshotMb = newest === undefined ? 0 : (await stat(newest.file)).size / 1e6;
  await states.close();
  await store.close();
  return {
    openMs,
    openCpuMs,
    heapMb: heapUsed / 1e6,
    rssMb: rss / 1e6,
    snapshotMs,
    snapshotMb,
    appendP99Ms: quantile(alone, 0.99),
    appendP99BesideMs: quantile(beside, 0.99),
    loopDelayMaxMs: delay.max / 1e6,
  };
}

/** Times of submits, at least some, until `other` is done. */
async function appendsBeside(states: StateManager, other: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let isDone = false;
  const done = other.then(() => {
    isDone = true;
  });
  const loop = [...states.state.loops.values()][0];
  if (loop === undefined) throw new Error("there is no loop");
  const words = { type: loop.type, title: loop.title, brief: loop.brief, priority: loop.priority };
  const { repo, settings } = loop;
  const created = { ...words, parent: null, dependsOn: [], repo, settings, status: "pending" };
  while (!isDone || times.length < 100) {
    const startMs = performance.now();
    await states.submit({ type: "createLoop", loop: { ...created, status: "pending" } });
    times.push(performance.now() - startMs);
  }
  await done;
  return times;
}

/** Writes the log of a long life; resolves to its number of events. */
async function live(home: string): Promise<number> {
  const store = await openTaskStore({ home });
  let appends: Promise<void>[] = [];
  for (const transaction of lives()) {
    appends.push(store.append(transaction));
    if (appends.length < unawaited) continue;
    await Promise.all(appends);
    appends = [];
  }
  await Promise.all(appends);
  await store.close();
  return store.seq - 1;
}

/** All loops side by side, as far as their first half goes; a log is seldom one loop after another. */
function* lives(): Generator<Transaction> {
  let seq = 1;
  let at = 1_700_000_000_000;
  for (let first = 1; first <= loops; first += 50) {
    const group = Array.from({ length: 50 }, (_, n) => life(first + n));
    for (let open = group; open.length > 0; ) {
      const next: Generator<readonly Event[]>[] = [];
      for (const one of open) {
        const step = one.next();
        if (step.done === true) continue;
        at += 3;
        yield { seq, at, events: step.value };
        seq += step.value.length;
        next.push(one);
      }
      open = next;
    }
  }
}

function* life(number: number): Generator<readonly Event[]> {
  const loop = String(number) as LoopId;
  const settings = loopSettings({ base: commitOf(1), command: "npm test" });
  const words = { title: `task ${number}`, brief: "Make the parser faster. ".repeat(12) };
  const shape = { type: "ralph", parent: null, priority: "normal", dependsOn: [] } as const;
  const data = { ...shape, ...words, repo: "/home/someone/project", settings, status: "pending" };
  yield [{ type: "loop.created", loop, data: { ...data, status: "pending" } }];
  yield [
    { type: "loop.status", loop, data: { from: "pending", to: "running", reason: null } },
    { type: "attempt.started", loop, data: { attempt: 1, owner: "host:1234" } },
  ];
  for (let iteration = 1; iteration <= iterations; iteration += 1) {
    yield* work(loop, number, iteration);
  }
  yield [
    { type: "attempt.ended", loop, data: { attempt: 1, interruptedAt: null, erred: false } },
    { type: "loop.status", loop, data: { from: "running", to: "complete", reason: null } },
  ];
}

function* work(loop: LoopId, number: number, iteration: number): Generator<readonly Event[]> {
  const commit = commitOf(number * 100 + iteration);
  const passed = iteration === iterations;
  yield [{ type: "iteration.started", loop, data: { iteration, model: "anthropic/some" } }];
  for (let turn = 0; turn < turns; turn += 1) {
    const name = `1/${iteration}/${turn}`;
    const tokens = { inputTokens: 1_234, outputTokens: 812, cacheReadTokens: 9_120 };
    const usage = { ...tokens, cacheWriteTokens: 120, costUsd: 0.0213, requests: 1 };
    yield [{ type: "budget.reserved", loop, data: { turn: name, tokens: 32_000, usd: 0.4 } }];
    yield [{ type: "budget.settled", loop, data: { turn: name, usage } }];
  }
  const evidence = { runner: "vitest", ran: 120, failed: passed ? 0 : 2, skipped: 0 };
  const outcome = { passed, exitCode: passed ? 0 : 1, durationMs: 4_321 };
  const verdict: Verdict = { ...outcome, command: "npm test", commit, evidence, note: null };
  const feedback = passed ? "" : " FAIL test/parser.test.ts > reads a number\n".repeat(16);
  const files = { filesChanged: ["src/parser.ts"], fingerprint: commit };
  const progress = { ...outcome, ...files, iteration, feedback };
  yield [
    {
      type: "iteration.finished",
      loop,
      data: { attempt: 1, iteration, commit, verdict, progress },
    },
  ];
}

function commitOf(number: number): string {
  return number.toString(16).padStart(40, "0");
}

if (import.meta.main) {
  const home = argv[2];
  if (home === undefined) {
    const { rows, notes } = await benchReplay();
    console.table(rows);
    for (const note of notes) console.log(note);
  } else {
    console.log(JSON.stringify(await measure(home)));
  }
}
