/** A thousand loops at once: the built program, its daemon, real git and sandbox, a slow model. */
import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "../src/host/control.ts";
import { openLagMeter } from "../src/host/lag.ts";
import type { Door } from "../src/protocol/door.ts";
import {
  atLeast,
  atMost,
  type Findings,
  median,
  quantile,
  type Row,
  row,
  withPlace,
} from "./measure.ts";
import { startSlowModel } from "./slow-model.ts";

const { TD_BENCH_LOOPS = "1000", TD_BENCH_AT_ONCE = "10000" } = process.env;
const loops = Number(TD_BENCH_LOOPS);
/** Fewer than the loops: the others wait for a slot, and what is measured is a daemon in its stride. */
const atOnce = Number(TD_BENCH_AT_ONCE);
const replyMs = 2_000;
const wordsTokens = 200;
const lookMs = 500;
/** How often `td status` is run as a person would, besides. */
const commandEvery = 20;
const tellEvery = 60;
const minutesMax = 60;

const megabyte = 2 ** 20;
const rssBarBytes = 1_000 * megabyte;
const lagBarMs = 100;
const statusBarMs = 100;
const batchBarMs = 2_000;
/** Of the durable writes 99 in 100. */
const writeBarMs = 10;

const config = `concurrency:
  loops: ${atOnce}
llm:
  providers:
    anthropic:
      concurrency: 10000
`;

const run = promisify(execFile);
const program = fileURLToPath(new URL("../bin/td.mjs", import.meta.url));

interface Desk {
  readonly repo: string;
  readonly td: (...args: readonly string[]) => Promise<string>;
  readonly door: Door;
}

/** What was seen of the daemon while it worked. */
interface Seen {
  readonly rssBytes: number[];
  readonly lagMs: number[];
  /** Of this process, which does next to nothing: what the machine itself is late by. */
  readonly idleLagMs: number[];
  readonly statusMs: number[];
  readonly commandMs: number[];
  readonly nodeMs: number[];
  readonly running: number[];
  readonly streams: number[];
  wallMs: number;
  ends: Readonly<Record<string, number>>;
}

export async function benchThousand(): Promise<Findings> {
  const model = await startSlowModel({ replyMs, wordsTokens, path: "sum.txt", content: "plus\n" });
  try {
    // Not in the temporary directory: where that is memory, a sync costs nothing.
    return await withPlace((place) => measure(place, model.url), import.meta.dirname);
  } finally {
    await model.close();
  }
}

async function measure(place: string, modelUrl: string): Promise<Findings> {
  const home = join(place, "home");
  const { repo, td } = await furnish(place, home, modelUrl);
  try {
    await td("start");
    const door = await connect(home);
    if (door === null) throw new Error("the daemon does not answer");
    const batchMs = await acceptAll({ repo, td, door }, place);
    const seen = await watch({ repo, td, door });
    return findings(seen, { batchMs, writes: await writesOf(door) });
  } finally {
    await td("stop", "--now").catch(() => "");
  }
}

/** A repository whose check is red until the model has written a word. */
async function furnish(place: string, home: string, modelUrl: string) {
  const repo = join(place, "repo");
  for (const dir of [repo, home]) await mkdir(dir, { mode: 0o711 });
  await writeFile(join(home, "taskdaemon.yml"), config, { mode: 0o600 });
  await writeFile(join(repo, "sum.txt"), "minus\n");
  await writeFile(join(repo, "check.sh"), "#!/bin/sh\ngrep -q plus sum.txt\n");
  await chmod(join(repo, "check.sh"), 0o755);
  const { PATH = "" } = process.env;
  const env = {
    PATH,
    HOME: place,
    LANG: "C.UTF-8",
    ANTHROPIC_API_KEY: "key-of-no-account",
    ANTHROPIC_BASE_URL: modelUrl,
  };
  const who = ["-c", "user.name=You", "-c", "user.email=you@example.org"];
  const git = (...args: readonly string[]) => run("git", [...who, ...args], { cwd: repo, env });
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "start");
  const td = async (...args: readonly string[]) => {
    const all = [program, "--home", home, ...args];
    const options = { cwd: repo, env, maxBuffer: 64 * megabyte };
    return (await run(process.execPath, all, options)).stdout;
  };
  return { repo, td };
}

async function acceptAll({ td }: Desk, place: string): Promise<number> {
  const file = join(place, "batch.jsonl");
  const line = JSON.stringify({ type: "ralph", task: "Mend it.", validate: "./check.sh" });
  await writeFile(file, `${line}\n`.repeat(loops));
  const startedAt = performance.now();
  await td("run", "--batch", file, "--detach");
  return performance.now() - startedAt;
}

/** Looks at it until the last loop has ended. */
async function watch({ td, door }: Desk): Promise<Seen> {
  const seen: Seen = {
    ...{ rssBytes: [], lagMs: [], idleLagMs: [], statusMs: [], commandMs: [], nodeMs: [] },
    ...{ running: [], streams: [], wallMs: 0, ends: {} },
  };
  const idle = openLagMeter();
  const startedAt = performance.now();
  for (let n = 1; performance.now() - startedAt < minutesMax * 60_000; n += 1) {
    const askedAt = performance.now();
    const status = await door.status();
    seen.statusMs.push(performance.now() - askedAt);
    seen.rssBytes.push(status.rssBytes);
    seen.lagMs.push(status.eventLoopLagMs);
    seen.idleLagMs.push(idle.lagMs());
    seen.running.push(status.loops["running"] ?? 0);
    seen.streams.push(status.providers.reduce((sum, { inFlight }) => sum + inFlight, 0));
    seen.ends = status.loops;
    if (n % tellEvery === 0) tell(seen, performance.now() - startedAt);
    if ((status.loops["pending"] ?? 0) + (status.loops["running"] ?? 0) === 0) break;
    if (n % commandEvery === 0) {
      seen.commandMs.push(await timed(() => td("status")));
      seen.nodeMs.push(await timed(() => run(process.execPath, ["-e", "0"])));
    }
    await sleep(lookMs);
  }
  idle.close();
  seen.wallMs = performance.now() - startedAt;
  return seen;
}

function tell({ ends, rssBytes, lagMs }: Seen, sinceMs: number): void {
  const { running = 0, complete = 0 } = ends;
  const mb = Math.round((rssBytes.at(-1) ?? 0) / megabyte);
  const seconds = Math.round(sinceMs / 1_000);
  console.log(
    `${seconds} s: ${running} run, ${complete} complete; ${mb} MB, late ${lagMs.at(-1)} ms`,
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

interface Ours {
  readonly batchMs: number;
  readonly writes: { readonly share: number; readonly count: number };
}

/** How many batches of events the daemon wrote, and which share of them within the bar. */
async function writesOf(door: Door): Promise<Ours["writes"]> {
  const { metrics } = await door.metrics();
  const series = metrics.find(({ name }) => name === "taskdaemon_store_write_seconds")?.series[0];
  const within = series?.buckets?.find(({ le }) => Number(le) === writeBarMs / 1_000)?.count ?? 0;
  const count = series?.value ?? 0;
  return { share: within / count, count };
}

function findings(seen: Seen, { batchMs, writes }: Ours): Findings {
  const bar = atMost(1);
  const { complete = 0 } = seen.ends;
  const rows: readonly Row[] = [
    row(`${loops} loops, complete`, "loops", { ours: complete, baseline: loops }, atLeast(1)),
    row(
      `${loops} loops, memory at most`,
      "MB",
      { ours: Math.max(...seen.rssBytes) / megabyte, baseline: rssBarBytes / megabyte },
      bar,
    ),
    row(
      `${loops} loops, event loop p99`,
      "ms",
      { ours: Math.max(...seen.lagMs), baseline: lagBarMs },
      bar,
    ),
    row(
      `${loops} loops, status p99`,
      "ms",
      { ours: quantile(seen.statusMs, 0.99), baseline: statusBarMs },
      bar,
    ),
    row(
      `${loops} loops, durable writes within ${writeBarMs} ms`,
      "share",
      { ours: writes.share, baseline: 0.99 },
      atLeast(1),
    ),
    row(`${loops} loops accepted`, "ms", { ours: batchMs, baseline: batchBarMs }, bar),
  ];
  const notes = [
    `${Math.round(seen.wallMs / 1_000)} s; most at once: ${Math.max(...seen.running)} loops, ${Math.max(...seen.streams)} streams`,
    `${writes.count} durable writes, ${(100 * writes.share).toFixed(2)} % within ${writeBarMs} ms`,
    `status over the socket: median ${median(seen.statusMs).toFixed(1)} ms, worst ${Math.max(...seen.statusMs).toFixed(0)}`,
    `td status as a command: median ${median(seen.commandMs).toFixed(0)} ms, a bare node ${median(seen.nodeMs).toFixed(0)}`,
    `event loop p99 of a half minute: median ${median(seen.lagMs).toFixed(1)} ms; of an idle process beside it ${median(seen.idleLagMs).toFixed(1)}, worst ${Math.max(...seen.idleLagMs).toFixed(1)}`,
  ];
  return { rows, notes };
}

if (import.meta.main) {
  const { rows, notes } = await benchThousand();
  console.table(rows);
  for (const note of notes) console.log(note);
}
