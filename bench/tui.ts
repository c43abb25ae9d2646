/** The screen with 5,000 loops, 200 updates and 20 keys a second, against what issue 5 promises. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { atMost, type Findings, row } from "./measure.ts";

const seconds = 30;
const script = join(import.meta.dirname, "tui-run.mjs");

interface Measured {
  readonly firstFrameMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly corePercent: number;
  readonly kbPerSecond: number;
  readonly rssMb: number;
  readonly keys: number;
}

export async function benchTui(): Promise<Findings> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [script, String(seconds)]);
  const measured = JSON.parse(stdout) as Measured;
  const { firstFrameMs, p50Ms, p99Ms, corePercent, kbPerSecond, rssMb, keys } = measured;
  const of = (ours: number, baseline: number) => ({ ours, baseline });
  return {
    rows: [
      row("tui key to frame, median, of 10 ms", "ms", of(p50Ms, 10), atMost(1)),
      row("tui key to frame, p99, of 16 ms", "ms", of(p99Ms, 16), atMost(1)),
      row(
        "tui first frame since the process began, of 200 ms",
        "ms",
        of(firstFrameMs, 200),
        atMost(1),
      ),
      row("tui processor, of 15 % of a core", "% of a core", of(corePercent, 15), atMost(1)),
      row("tui bytes to the terminal, of 40 KB/s", "KB/s", of(kbPerSecond, 40), atMost(1)),
      row("tui memory, of 120 MB", "MB", of(rssMb, 120), atMost(1)),
    ],
    notes: [`tui: 5,000 loops, 200 updates a second for ${seconds} s, ${keys} keys`],
  };
}
