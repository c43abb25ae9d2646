/** `npm run bench`: every benchmark, its ratio to a named baseline of the same run, and its bar. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchGit } from "./git.ts";
import { benchIteration } from "./iteration.ts";
import { benchLimits } from "./limits.ts";
import { atMost, type Findings, type Row, row } from "./measure.ts";
import { benchNumbers } from "./numbers.ts";
import { benchReplay } from "./replay.ts";
import { benchSandbox } from "./sandbox.ts";
import { benchSchedule } from "./schedule.ts";
import { benchStore } from "./store.ts";
import { benchStream } from "./stream.ts";
import { benchStreams } from "./streams.ts";
import { benchSubmit } from "./submit.ts";
import { benchThousand } from "./thousand.ts";
import { benchTui } from "./tui.ts";
import { benchVersion } from "./version.ts";

const benches: Readonly<Record<string, () => Promise<Findings>>> = {
  store: benchStore,
  submit: benchSubmit,
  stream: async () => streamFindings(await benchStream()),
  sandbox: async () => {
    const baselines = { "our sandbox": "bare bubblewrap" };
    return timesFindings("sandbox", await benchSandbox(), baselines);
  },
  git: async () => {
    const baselines = {
      "snapshot of one changed file": "plain git add and commit of the same",
      "fresh, opened and closed": "plain git worktree add and remove",
      "merge of one changed file, its validation aside": "plain git worktree add and remove",
    };
    return timesFindings("git", await benchGit(), baselines);
  },
  iteration: benchIteration,
  limits: benchLimits,
  version: benchVersion,
  replay: benchReplay,
  schedule: async () => benchSchedule(),
  numbers: benchNumbers,
  thousand: benchThousand,
  streams: benchStreams,
  tui: benchTui,
};

/** Takes too long to be run unasked. */
const onlyByName = ["thousand", "streams"];

/** How much worse than recorded a ratio may be, before `--check` says no. */
const tolerance = 0.25;
/** The slowest hundredth is much less steady than the middle. */
const toleranceOfTails = 0.6;
/** Other work on the machine makes things look worse, not better: what is bad is looked at again. */
const looksMax = 3;

const recordFile = join(import.meta.dirname, "baseline.json");

type Recorded = Readonly<Record<string, number>>;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      check: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
    },
  });
  const { only } = values;
  const isWanted = (name: string) =>
    only === undefined ? !onlyByName.includes(name) : name === only;
  const names = Object.keys(benches).filter(isWanted);
  if (names.length === 0) {
    console.error(`there is ${Object.keys(benches).join(", ")}, and no ${only}`);
    return 2;
  }
  const recorded = JSON.parse(readFileSync(recordFile, "utf8")) as Recorded;
  const rows: Row[] = [];
  for (const name of names) {
    const looks = values.check ? looksMax : 1;
    rows.push(...(await look(name, recorded, looks)));
  }
  if (values.record) record(rows, recorded);
  const wrongs = rows.flatMap((each) => wrongOf(each, recorded) ?? []);
  if (values.check) for (const wrong of wrongs) console.log(`✗ ${wrong}`);
  return values.check && wrongs.length > 0 ? 1 : 0;
}

/** Runs one benchmark, again while something is wrong; keeps the best of each row. */
async function look(name: string, recorded: Recorded, looks: number): Promise<readonly Row[]> {
  let best: readonly Row[] = [];
  for (let n = 0; n < looks; n += 1) {
    console.log(`\n── ${name} ${n === 0 ? "" : `(again, ${n + 1} of ${looks}) `}──`);
    const { rows, notes } = (await benches[name]?.()) ?? { rows: [], notes: [] };
    best = rows.map((found) =>
      better(
        found,
        best.find((known) => known.name === found.name),
      ),
    );
    console.log(table(best, recorded));
    for (const note of notes) console.log(`\n${note}`);
    if (best.every((each) => wrongOf(each, recorded) === null)) break;
  }
  return best;
}

function better(found: Row, known: Row | undefined): Row {
  if (known === undefined) return found;
  const isHigher = found.ratio > known.ratio;
  return isHigher === isHigherBetter(found) ? found : known;
}

function isHigherBetter({ unit }: Row): boolean {
  return unit === "per s";
}

function holds({ ratio, bar }: Row): boolean {
  if (bar === null) return true;
  return bar.is === "atLeast" ? ratio >= bar.ratio : ratio <= bar.ratio;
}

function wrongOf(each: Row, recorded: Recorded): string | null {
  const { name, ratio, bar } = each;
  if (bar !== null && !holds(each)) {
    const words = bar.is === "atLeast" ? "at least" : "at most";
    return `${name}: ${ratio.toFixed(2)}, and the bar is ${words} ${bar.ratio.toFixed(2)}`;
  }
  const before = recorded[name];
  if (before === undefined) return null;
  const worse = isHigherBetter(each) ? before / ratio : ratio / before;
  const allowed = 1 + (/p99/.test(name) ? toleranceOfTails : tolerance);
  if (worse <= allowed) return null;
  return `${name}: ${ratio.toFixed(2)}, and it was ${before}: more than ${allowed} times worse`;
}

function record(rows: readonly Row[], recorded: Recorded): void {
  const found = rows.map(({ name, ratio }) => [name, Math.round(ratio * 100) / 100] as const);
  const all = { ...recorded, ...Object.fromEntries(found) };
  writeFileSync(recordFile, `${JSON.stringify(all, null, 2)}\n`);
}

function table(rows: readonly Row[], recorded: Recorded): string {
  const head = ["", "ours", "baseline", "unit", "ratio", "recorded", "bar", ""];
  const lines = rows.map((each) => {
    const { name, unit, ours, baseline, ratio, bar } = each;
    const sign = bar?.is === "atLeast" ? "≥" : "≤";
    return [
      name,
      figure(ours),
      figure(baseline),
      unit,
      ratio.toFixed(2),
      recorded[name]?.toFixed(2) ?? "",
      bar === null ? "" : `${sign} ${bar.ratio.toFixed(2)}`,
      bar === null ? "" : holds(each) ? "✓" : "✗",
    ];
  });
  const all = [head, ...lines];
  const widths = head.map((_, at) => Math.max(...all.map((line) => line[at]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function streamFindings({ cpuUsPerEvent: ours, ratio }: Awaited<ReturnType<typeof benchStream>>) {
  const baseline = ours / ratio;
  return { rows: [row("stream, CPU per event", "µs", { ours, baseline }, atMost(1.5))], notes: [] };
}

interface Times {
  readonly name: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Rows against the baselines that are named; what has none is only told. */
function timesFindings(
  of: string,
  times: readonly Times[],
  baselines: Readonly<Record<string, string>>,
): Findings {
  const p50Of = (wanted: string | undefined) => times.find(({ name }) => name === wanted)?.p50Ms;
  const rows = times.flatMap(({ name, p50Ms }) => {
    const baseline = p50Of(baselines[name]);
    return baseline === undefined
      ? []
      : [row(`${of}, ${name}`, "ms", { ours: p50Ms, baseline }, null)];
  });
  const told = times.map(({ name, p50Ms, p95Ms }) => `${name} ${p50Ms} (p95 ${p95Ms})`);
  return { rows, notes: [`ms: ${told.join(" · ")}`] };
}

process.exitCode = await main();
