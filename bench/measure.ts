/** What every benchmark here has in common: rows, medians, and places to work in. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One measured fact. The ratio is what counts: both sides come from the same run. */
export interface Row {
  /** Of the benchmark and the case: `submit 50 writers, throughput`. */
  readonly name: string;
  readonly unit:
    | "ms"
    | "per s"
    | "µs"
    | "MB"
    | "kB"
    | "KB/s"
    | "% of a core"
    | "share"
    | "loops"
    | "processes"
    | "requests"
    | "tokens";
  readonly ours: number;
  readonly baseline: number;
  readonly ratio: number;
  /** Null where nothing was promised. */
  readonly bar: Bar | null;
}

export interface Bar {
  /** Throughput must be at least this share, times and costs at most. */
  readonly is: "atLeast" | "atMost";
  readonly ratio: number;
}

export const atLeast = (ratio: number): Bar => ({ is: "atLeast", ratio });
export const atMost = (ratio: number): Bar => ({ is: "atMost", ratio });

/** What a benchmark found, and what it says of it besides. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

export function row(
  name: string,
  unit: Row["unit"],
  { ours, baseline }: { ours: number; baseline: number },
  bar: Bar | null,
): Row {
  return { name, unit, ours, baseline, ratio: ours / baseline, bar };
}

/**
 * From rounds in which both took their turn: the medians, and the median of the rounds' ratios,
 * which other work on the machine moves less than either side.
 */
export function rowOfRounds(
  name: string,
  unit: Row["unit"],
  { ours, baseline }: { ours: readonly number[]; baseline: readonly number[] },
  bar: Bar | null,
): Row {
  const ratios = ours.map((value, round) => value / (baseline[round] ?? Number.NaN));
  return { name, unit, ours: median(ours), baseline: median(baseline), ratio: median(ratios), bar };
}

export function quantile(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: Iterable<number>): number => quantile(values, 0.5);

/** A new directory that a sandbox's user can reach; gone afterwards. */
export async function withPlace<T>(
  body: (place: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  const place = await mkdtemp(join(parent, ".td-bench-"));
  await chmod(place, 0o711);
  try {
    return await body(place);
  } finally {
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}
