/** One iteration with everything real but the model, part by part, beside the least it could be. */
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { unrecorded } from "../src/adapters/audit/unrecorded.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import { unlimited } from "../src/core/admission.ts";
import type { LoopId } from "../src/core/loop.ts";
import { loopOf } from "../src/core/state.ts";
import { runAttempt } from "../src/engine/attempt.ts";
import { Gates } from "../src/engine/gates.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { Living } from "../src/host/living.ts";
import { makeWorld } from "../src/host/world.ts";
import type { LlmReply, Models } from "../src/ports/llm.ts";
import type { World } from "../src/ports.ts";
import { openBareLoop } from "./bare-loop.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, median, quantile, row, rowOfRounds, withPlace } from "./measure.ts";
import { plant } from "./repository.ts";
import { type Span, Stopwatch, timedWorld } from "./stopwatch.ts";

const loops = 12;
/** Of each loop: iterations that end red, then one that ends green. */
const reds = 3;
const warmLoops = 2;
/** A builtin of the shell, like `true`: yes once the model wrote the file. */
const command = "test -e green";

export async function benchIteration(): Promise<Findings> {
  return withPlace(async (place) => {
    const repo = join(place, "repo");
    const base = await plant(repo);
    const home = join(place, "home");
    mkdirSync(home, { mode: 0o711 });
    return measure(place, home, repo, base);
  });
}

async function measure(place: string, home: string, repo: string, base: string): Promise<Findings> {
  const store = await openTaskStore({ home });
  const { PATH } = process.env;
  const around = {
    env: { PATH: `${dirname(process.execPath)}:${PATH}`, LANG: "C.UTF-8" },
    userHome: userInfo().homedir,
    cwd: repo,
    pid: process.pid,
    euid: process.geteuid?.() ?? null,
    platform: process.platform,
    version: "0.0.0",
    self: [process.execPath, ""] as const,
  };
  const watch = () => undefined;
  const living = new Living(around, home, repo);
  const real = await makeWorld({ around, home, living, store, audit: () => unrecorded, watch });
  const stopwatch = new Stopwatch();
  const world = timedWorld({ ...real.world, models: instantModels() }, stopwatch);
  const bare = await openBareLoop(join(place, "bare"), repo, base);
  try {
    const states = await StateManager.open(world, 5);
    const samples: Samples = { red: [], green: [], whole: [], bare: [], bareProcesses: [] };
    for (let n = 0; n < loops; n += 1) {
      await runLoop(world, states, stopwatch, repo, base, samples);
      const times: number[] = [];
      stopwatch.clear();
      for (let k = 0; k <= reds; k += 1) times.push(await bare.iterate());
      samples.bare.push(median(times));
      samples.bareProcesses.push(stopwatch.processes / (reds + 1));
      if (n + 1 === warmLoops) for (const list of Object.values(samples)) list.length = 0;
    }
    return findings(samples);
  } finally {
    stopwatch.close();
    await bare.close();
    await real.close();
    await store.close();
  }
}

/** One entry a loop, but `red`, which has one an iteration. */
interface Samples {
  readonly red: Span[];
  readonly green: Span[];
  /** A loop's first attempt without its iterations: opening, baseline, delivery, removal. */
  readonly whole: Span[];
  readonly bare: number[];
  readonly bareProcesses: number[];
}

async function runLoop(
  world: World,
  states: StateManager,
  stopwatch: Stopwatch,
  repo: string,
  base: string,
  samples: Samples,
): Promise<void> {
  const words = { type: "ralph", title: "a task", brief: "do it", priority: "normal" } as const;
  const created = await states.submit({
    type: "createLoop",
    loop: {
      ...words,
      parent: null,
      dependsOn: [],
      repo,
      settings: { ...loopSettings({ base, command }), iterationsMax: reds + 1 },
      status: "pending",
    },
  });
  if (!created.ok || created.id === null) throw new Error(`no loop: ${JSON.stringify(created)}`);
  const { id } = created;
  await states.submit({ type: "startAttempt", id, owner: "bench" });
  const patience = { retryAfterMaxMs: 1000, triesMax: 1 };
  const gates = new Gates(world, () => unlimited);
  const gatesOf = (provider: string) => [gates.shared(provider)];
  const drain = new AbortController().signal;
  const engine = { world, states, patience, drain, gatesOf, dayUsd: () => null };
  stopwatch.clear();
  const startedAt = performance.now();
  await runAttempt(engine, id as LoopId, 1, new AbortController().signal);
  const whole = { from: startedAt, to: performance.now() };
  const loop = loopOf(states.state, id as LoopId);
  if (loop.status !== "complete") throw new Error(`the loop is ${loop.status}: ${loop.reason}`);
  const iterations = stopwatch.iterations();
  // The first one has no checkpoint to tell of: not yet the steady state.
  samples.red.push(...iterations.slice(1, reds));
  samples.green.push(...iterations.slice(reds));
  samples.whole.push(stopwatch.outside(whole));
}

/** Writes a file in its first turn, the one that turns the loop green in the last iteration. */
function instantModels(): Models {
  let calls = 0;
  const usage = {
    ...{ inputTokens: 1000, outputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0 },
    ...{ costUsd: null, requests: 1 },
  };
  const complete = async (): Promise<LlmReply> => {
    calls += 1;
    if (calls % 2 === 0)
      return { content: [{ type: "text", text: "Done." }], stopReason: "endTurn", usage };
    const iteration = (calls - 1) / 2;
    const isLast = iteration % (reds + 1) === reds;
    const path = isLast ? "green" : `src/made-${iteration}.js`;
    const input = { path, content: `export const made = ${iteration};\n` };
    const content = [{ type: "toolCall", id: `call-${calls}`, name: "write", input }] as const;
    return { content, stopReason: "toolUse", usage };
  };
  const price = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 };
  const model = { provider: "bench", name: "instant", price, outputTokensMax: 4096 };
  return { resolve: () => ({ ...model, client: { complete } }) };
}

function findings({ red, green, whole, bare, bareProcesses }: Samples): Findings {
  const lasting = (spans: readonly Span[]) => spans.map(({ ms }) => ms);
  const redOfLoop = bare.map((_, at) => {
    const from = at * (reds - 1);
    return median(lasting(red.slice(from, from + reds - 1)));
  });
  // 150 ms where the bare loop takes 23.
  const bar = atMost(150 / 23);
  const baseline = bare;
  const processRow = (name: string, spans: readonly Span[]) => {
    const ours = median(spans.map(({ processes }) => processes));
    const started = { ours, baseline: median(bareProcesses) };
    return row(`${name}, programs started`, "processes", started, null);
  };
  return {
    rows: [
      rowOfRounds("iteration, green", "ms", { ours: lasting(green), baseline }, bar),
      rowOfRounds("iteration, red", "ms", { ours: redOfLoop, baseline }, null),
      processRow("iteration, green", green),
      processRow("iteration, red", red),
      rowOfRounds("loop but its iterations", "ms", { ours: lasting(whole), baseline }, null),
    ],
    notes: [
      partsOf("green iteration with its fresh verdict", green),
      partsOf("red iteration", red),
      partsOf("loop but its iterations", whole),
      `bare loop: ${median(bare).toFixed(1)} ms (p10 ${quantile(bare, 0.1).toFixed(1)})`,
    ],
  };
}

function partsOf(title: string, spans: readonly Span[]): string {
  const names = new Set(spans.flatMap(({ parts }) => [...parts.keys()]));
  const lines = [...names].map((name) => {
    const ms = median(spans.map(({ parts }) => parts.get(name)?.ms ?? 0));
    const least = quantile(
      spans.map(({ parts }) => parts.get(name)?.ms ?? 0),
      0.1,
    );
    const count = median(spans.map(({ parts }) => parts.get(name)?.count ?? 0));
    return {
      ms,
      text: `  ${name.padEnd(34)} ${ms.toFixed(1).padStart(7)} ms (p10 ${least.toFixed(1).padStart(6)})  ${count}×`,
    };
  });
  const all = spans.map(({ ms }) => ms);
  const total = `${median(all).toFixed(1)} ms (p10 ${quantile(all, 0.1).toFixed(1)})`;
  const sorted = lines.sort((a, b) => b.ms - a.ms).map(({ text }) => text);
  return [`${title}: ${total}, median of ${spans.length}`, ...sorted].join("\n");
}

if (import.meta.main) {
  const { rows, notes } = await benchIteration();
  console.table(rows);
  for (const note of notes) console.log(`\n${note}`);
}
