/** Start-up: `td --version`, `td status` and `td list` beside a bare node, and what a process weighs. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openTaskStore } from "../src/adapters/store/jsonl-task-store.ts";
import type { CommitId } from "../src/core/loop.ts";
import { StateManager } from "../src/engine/state-manager.ts";
import { systemClock } from "../src/host/clock.ts";
import { loopSettings } from "./loop-settings.ts";
import { atMost, type Findings, quantile, rowOfRounds, withPlace } from "./measure.ts";

const rounds = 60;
const warmRounds = 4;
const loopsListed = 20;
const td = join(import.meta.dirname, "..", "bin", "td.mjs");
const base: CommitId = "0".repeat(40);

export async function benchVersion(): Promise<Findings> {
  return withPlace(async (place) => {
    const home = join(place, "home");
    const served = join(place, "served");
    await fill(home);
    const times = withDaemon(served, () =>
      takeTurns({
        bare: ["-e", "0"],
        version: [td, "--version"],
        status: [td, "--home", served, "status"],
        list: [td, "--home", home, "list"],
      }),
    );
    const of = (who: string) => times.get(who) ?? [];
    const baseline = of("bare");
    const rows = [
      rowOfRounds("td --version", "ms", { ours: of("version"), baseline }, atMost(1.3)),
      rowOfRounds("td status", "ms", { ours: of("status"), baseline }, atMost(3.5)),
      rowOfRounds("td list", "ms", { ours: of("list"), baseline }, null),
    ];
    const least = ["bare", "version", "status", "list"].map(
      (who) => `${who} ${quantile(of(who), 0).toFixed(1)}`,
    );
    return {
      rows,
      notes: [`least of ${rounds}, ms: ${least.join(", ")}`, loaded(home), memory(home)],
    };
  });
}

/** All in turn, so that what else the machine does hits all alike. */
function takeTurns(commands: Readonly<Record<string, readonly string[]>>): Map<string, number[]> {
  const times = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
  for (let round = -warmRounds; round < rounds; round += 1) {
    for (const [name, args] of Object.entries(commands)) {
      const from = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      if (round >= 0) times.get(name)?.push(performance.now() - from);
    }
  }
  return times;
}

/** A daemon with nothing to do: what is measured is who asks. */
function withDaemon<T>(home: string, body: () => T): T {
  const say = (...args: readonly string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [td, "--home", home, ...args]);
    if (status !== 0) throw new Error(`td ${args[0]} ended with ${status}: ${stderr}`);
  };
  say("start");
  try {
    return body();
  } finally {
    say("stop", "--now");
  }
}

async function fill(home: string): Promise<void> {
  const store = await openTaskStore({ home });
  const states = await StateManager.open(
    { clock: systemClock, random: { next: () => 0.5 }, store },
    5,
  );
  for (let n = 0; n < loopsListed; n += 1) {
    await states.submit({
      type: "createLoop",
      loop: {
        ...{ type: "ralph", title: `task ${n}`, brief: "do it", priority: "normal" },
        ...{ parent: null, dependsOn: [], repo: "/repo", status: "pending" },
        settings: loopSettings({ base, command: "npm test" }),
      },
    });
  }
  await store.close();
}

/** Runs inside of the process that is asked: keeps what it loads, and tells when it ends. */
const witness = `
  import { registerHooks } from "node:module";
  const urls = [];
  registerHooks({ load: (url, given, next) => (urls.push(url), next(url, given)) });
  const tell = () => console.error("TOLD " + JSON.stringify({ urls, rss: process.memoryUsage().rss }));
  process.on("exit", tell);
`;

interface Told {
  readonly urls: readonly string[];
  readonly rss: number;
}

function told(...args: readonly string[]): Told {
  const script = `data:text/javascript,${encodeURIComponent(witness)}`;
  const { stderr } = spawnSync(process.execPath, ["--import", script, ...args], {
    encoding: "utf8",
  });
  const line = /^TOLD (.*)$/m.exec(stderr)?.[1];
  if (line === undefined) throw new Error(`the process told nothing: ${stderr}`);
  return JSON.parse(line) as Told;
}

function memory(home: string): string {
  const [list, bare] = [told(td, "--home", home, "list"), told("-e", "0")];
  const inMegabytes = ({ rss }: Told) => (rss / 1_000_000).toFixed(0);
  return `memory at its end: td list ${inMegabytes(list)} MB, bare node ${inMegabytes(bare)} MB`;
}

/** How many modules of which package `td list` loads. */
function loaded(home: string): string {
  const packages = new Map<string, number>();
  for (const url of told(td, "--home", home, "list").urls) {
    const name =
      /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? /\/(dist|bin)\//.exec(url)?.[1];
    if (name !== undefined) packages.set(name, (packages.get(name) ?? 0) + 1);
  }
  const list = [...packages].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
  return `modules that td list loads: ${list.join(", ")}`;
}

if (import.meta.main) {
  const { rows, notes } = await benchVersion();
  console.table(rows);
  for (const note of notes) console.log(note);
}
