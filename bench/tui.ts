/**
 * The screen with 5,000 loops, 200 updates and 20 keys a second, against what issue 5 promises, and
 * against Ink 8 with the same list, updates and keys.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { atMost, type Findings, type Row, row } from "./measure.ts";

const seconds = 30;
const secondsBeside = 15;
const runMsMax = 120_000;

interface Keys {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly keys: number;
}

interface Measured extends Keys {
  readonly corePercent: number;
  readonly kbPerSecond: number;
  readonly rssMb: number;
}

export async function benchTui(): Promise<Findings> {
  const ours = await measured<Measured & { firstFrameMs: number }>("tui-run.mjs", seconds);
  const tmux = await measured<Keys>("tui-tmux.mjs", secondsBeside);
  const ink = await measured<Measured>("tui-ink.mjs", secondsBeside, "defaults");
  const fast = await measured<Measured>("tui-ink.mjs", secondsBeside, "fast");
  return {
    rows: [...promised(ours, tmux), ...besideInk(ours, ink, fast)],
    notes: [
      `tui: 5,000 loops, 200 updates a second for ${seconds} s, ${ours.keys} keys; through tmux ${tmux.keys}`,
      `Ink 8: ${told(ink)}`,
      `Ink 8, incremental, 60 frames a second: ${told(fast)}`,
    ],
  };
}

function promised(ours: Measured & { readonly firstFrameMs: number }, tmux: Keys): readonly Row[] {
  const of = (value: number, baseline: number) => ({ ours: value, baseline });
  const { firstFrameMs, p50Ms, p99Ms, corePercent, kbPerSecond, rssMb } = ours;
  const first = of(firstFrameMs, 200);
  return [
    row("tui key to frame, median, of 10 ms", "ms", of(p50Ms, 10), atMost(1)),
    row("tui key to frame, p99, of 16 ms", "ms", of(p99Ms, 16), atMost(1)),
    row("tui key to frame through tmux, p99, of 50 ms", "ms", of(tmux.p99Ms, 50), atMost(1)),
    row("tui first frame since the process began, of 200 ms", "ms", first, atMost(1)),
    row("tui processor, of 15 % of a core", "% of a core", of(corePercent, 15), atMost(1)),
    row("tui bytes to the terminal, of 40 KB/s", "KB/s", of(kbPerSecond, 40), atMost(1)),
    row("tui memory, of 120 MB", "MB", of(rssMb, 120), atMost(1)),
  ];
}

/** Of Ink's two manners the better in each row. */
function besideInk(ours: Measured, ink: Measured, fast: Measured): readonly Row[] {
  const against = (name: string, unit: Row["unit"], of: keyof Measured) => {
    const both = { ours: ours[of], baseline: Math.min(ink[of], fast[of]) };
    return row(`tui against Ink 8, ${name}`, unit, both, null);
  };
  return [
    against("key to frame, median", "ms", "p50Ms"),
    against("key to frame, p99", "ms", "p99Ms"),
    against("processor", "% of a core", "corePercent"),
    against("bytes to the terminal", "KB/s", "kbPerSecond"),
    against("memory", "MB", "rssMb"),
  ];
}

function told({ p50Ms, p99Ms, corePercent, kbPerSecond, rssMb, keys }: Measured): string {
  const times = `key to frame ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)}`;
  const costs = `${corePercent.toFixed(0)} % of a core, ${kbPerSecond.toFixed(0)} KB/s`;
  return `${times}, ${costs}, ${rssMb.toFixed(0)} MB, ${keys} keys`;
}

/** In a process of its own, as a program in use runs; Ink holds its tongue where it sees CI. */
async function measured<T>(script: string, ...args: readonly (string | number)[]): Promise<T> {
  const all = [join(import.meta.dirname, script), ...args.map(String)];
  const env = { ...process.env, NODE_ENV: "production", CI: "" };
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, all, { env, timeout: runMsMax });
  return JSON.parse(stdout) as T;
}
