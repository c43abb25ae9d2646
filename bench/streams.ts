/** Thousands of streams in flight: engine, log, gate, client and HTTP for real; git and sandbox apart. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SimRepository, SimWorktrees, simDocuments, simFiles } from "../sim/git.ts";
import { simTypes } from "../sim/pipeline.ts";
import { SimPullRequests } from "../sim/pull-requests.ts";
import { SimTargets } from "../sim/targets.ts";
import { SimToolServers } from "../sim/tool-servers.ts";
import { unrecorded } from "../src/adapters/audit/unrecorded.ts";
import { AnthropicClient } from "../src/adapters/llm/anthropic.ts";
import { createTransport } from "../src/adapters/llm/transport.ts";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import { FileTranscripts } from "../src/adapters/store/transcripts.ts";
import { unlimited } from "../src/core/admission.ts";
import { Gates } from "../src/engine/gates.ts";
import { reconcile } from "../src/engine/loop-manager.ts";
import { Scheduler } from "../src/engine/scheduler.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { systemClock } from "../src/host/clock.ts";
import { ToolRefusal, type World } from "../src/ports.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, type Row, row, withPlace } from "./measure.ts";
import { type SlowModel, startSlowModel } from "./slow-model.ts";

/** Streams at once, and loops in all: enough of them to be told from starting and warming up. */
const crowds = [
  { atOnce: 50, loops: 600 },
  { atOnce: 500, loops: 2_000 },
  { atOnce: 5_000, loops: 10_000 },
] as const;
const replyMs = 2_000;
const wordsTokens = 80;
const warmLoops = 200;
const neverMs = 600_000;
const crowdMsMax = 300_000;
/** Unbounded, V8 fills what the machine has before it collects; this shows what is needed. */
const heapMbMax = 700;
const megabyte = 2 ** 20;
const random = { next: () => Math.random() };

interface Life {
  readonly cpuMsPerLoop: number;
  readonly rssBytes: number;
  readonly inFlightMax: number;
  readonly complete: number;
}

export async function benchStreams(): Promise<Findings> {
  const model = await startSlowModel({ replyMs, wordsTokens, path: "src.txt", content: "good" });
  try {
    const lives: Life[] = [];
    for (const crowd of crowds) lives.push(await live(crowd, model));
    return findings(lives);
  } finally {
    await model.close();
  }
}

function live(crowd: { atOnce: number; loops: number }, model: SlowModel): Promise<Life> {
  return withPlace(
    async (place) => {
      const args = ["live", String(crowd.atOnce), String(crowd.loops), model.url, place];
      const execArgv = [...process.execArgv, `--max-old-space-size=${heapMbMax}`];
      const child = fork(fileURLToPath(import.meta.url), args, { execArgv });
      const [told] = (await Promise.race([once(child, "message"), died(child)])) as [Life];
      console.log(crowd.atOnce, told);
      return told;
    },
    import.meta.dirname,
  );
}

async function died(child: ChildProcess): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`it ended with ${code}`);
}

function findings(lives: readonly Life[]): Findings {
  const [few] = lives;
  const rows = lives.flatMap(({ cpuMsPerLoop, rssBytes }, at): Row[] => {
    const name = `${crowds[at]?.atOnce} streams at once`;
    const memory = { ours: rssBytes / megabyte, baseline: 1_000 };
    const cpu = { ours: cpuMsPerLoop, baseline: few?.cpuMsPerLoop ?? Number.NaN };
    return [
      row(`${name}, memory at most`, "MB", memory, atMost(1)),
      row(`${name}, CPU of a loop`, "ms", cpu, atMost(1.15)),
    ];
  });
  const told = lives.map(
    ({ inFlightMax, complete }) => `${complete} complete, ${inFlightMax} streams at most`,
  );
  return { rows, notes: [told.join(" · ")] };
}

// ── the process that is measured ─────────────────────────────────────────────────────────────

async function lead(atOnce: number, loops: number, baseUrl: string, place: string): Promise<Life> {
  const home = join(place, "home");
  await mkdir(home);
  const flight = { now: 0, max: 0 };
  const repository = new SimRepository();
  const world = await worldOf(home, baseUrl, repository, flight);
  const states = await StateManager.open(world, 5);
  const over = new AbortController();
  const crew = crewOf(world, states);
  const limits = { runningMax: atOnce, perType: {}, agingMs: neverMs, retryAfterMaxMs: neverMs };
  const scheduler = new Scheduler(
    { ...crew, hold: () => null },
    { ...limits, pollMs: neverMs, wants: () => true },
  );
  const working = reconcile(crew, scheduler, over.signal);
  let rssBytes = 0;
  const rest = async (count: number) => {
    const isOver = () =>
      [...states.state.loops.values()].filter(({ status }) => status === "complete").length >=
      count;
    for (const end = Date.now() + crowdMsMax; !isOver(); ) {
      if (Date.now() > end) throw new Error(`${flight.max} streams at most, and no end`);
      await sleep(250);
      rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
    }
  };
  await createLoops(states, repository.base, warmLoops);
  await rest(warmLoops);
  const before = process.cpuUsage();
  await createLoops(states, repository.base, loops);
  await rest(warmLoops + loops);
  const { user, system } = process.cpuUsage(before);
  over.abort("it is over");
  await working;
  await states.close();
  await world.store.close();
  return {
    cpuMsPerLoop: (user + system) / 1_000 / loops,
    rssBytes,
    inFlightMax: flight.max,
    complete: loops,
  };
}

function crewOf(world: World, states: StateManager) {
  const gates = new Gates({ clock: systemClock, random }, () => unlimited);
  const drain = new AbortController().signal;
  const patience = { retryAfterMaxMs: neverMs, triesMax: 3 };
  const gatesOf = (provider: string) => [gates.shared(provider)];
  const engine = { world, states, patience, drain, gatesOf, dayUsd: () => null };
  return {
    states,
    clock: systemClock,
    random,
    owner: "bench",
    drain,
    engineOf: async () => engine,
  };
}

async function createLoops(states: StateManager, base: string, count: number): Promise<void> {
  const words = { type: "ralph", title: "a task", brief: "Mend it.", priority: "normal" } as const;
  const settings = { ...loopSettings({ base, command: "check" }), deliver: "none" as const };
  const loop = {
    ...words,
    parent: null,
    dependsOn: [],
    repo: "/repo",
    settings,
    status: "pending",
  } as const;
  const all = Array.from({ length: count }, () => states.submit({ type: "createLoop", loop }));
  for (const { ok } of await Promise.all(all)) if (!ok) throw new Error("a loop was refused");
}

async function worldOf(
  home: string,
  baseUrl: string,
  repository: SimRepository,
  flight: { now: number; max: number },
): Promise<World> {
  const endpoint = { provider: "anthropic", baseUrl, apiKey: "key-of-no-account" };
  const fetch = createTransport();
  const client = new AnthropicClient({
    ...endpoint,
    stallTimeoutMs: neverMs,
    fetch,
    now: Date.now,
  });
  const complete: AnthropicClient["complete"] = async (...given) => {
    flight.now += 1;
    flight.max = Math.max(flight.max, flight.now);
    return client.complete(...given).finally(() => {
      flight.now -= 1;
    });
  };
  const price = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 };
  const model = { provider: "anthropic", name: "m", price, outputTokensMax: 4_096 };
  const redact = (text: string) => text;
  const step = async () => undefined;
  const ran = { ended: "exited", output: "", stdout: "", stderr: "", durationMs: 1 } as const;
  return {
    clock: systemClock,
    random,
    store: await openTaskStore({ home }),
    transcripts: new FileTranscripts(home, redact),
    audit: unrecorded,
    models: { resolve: () => ({ ...model, client: { complete } }) },
    sandbox: {
      run: async ({ cwd }) => {
        const isGood = repository.worktrees.get(cwd)?.get("src.txt") === "good";
        return { ...ran, exitCode: isGood ? 0 : 1 };
      },
      forget: async () => undefined,
    },
    worktrees: new SimWorktrees(repository, { step }),
    targets: new SimTargets(repository, { step }),
    pullRequests: new SimPullRequests(repository, { step }),
    fileSystem: { files: (dir) => simFiles(repository, dir) },
    documents: simDocuments(repository),
    fetcher: { fetch: () => Promise.reject(new ToolRefusal("there is no network")) },
    toolServers: new SimToolServers({}),
    loopTypes: simTypes,
    hooks: { run: async () => null },
    mergeBatchMax: 1,
    watch: () => undefined,
    redact,
  };
}

if (process.argv[2] === "live") {
  const [, , , atOnce, loops, url = "", place = ""] = process.argv;
  process.send?.(await lead(Number(atOnce), Number(loops), url, place));
  process.disconnect();
} else if (import.meta.main) {
  const { rows, notes } = await benchStreams();
  console.table(rows);
  console.log(notes.join("\n"));
}
