/** A log of ours against bare ones, in turn, under writers who each wait for their last append. */
import { performance } from "node:perf_hooks";
import { atLeast, atMost, quantile, type Row, rowOfRounds } from "./measure.ts";

/** Does the n-th piece of work of a writer; resolves once it is durable. */
export type Append = (writer: number, n: number) => Promise<unknown>;

/** The bare ones do one write and one fdatasync for all that wait. */
export interface Contest {
  readonly ours: Append;
  /** Is given the same records and makes them JSON, as any log must. */
  readonly json: Append;
  /** Is given the bytes that we leave, ready. */
  readonly bytes: Append;
}

/** Many short turns: what else the machine does hits all alike. */
const turns = 36;
const warmTurns = 6;
const appendsPerTurn: ReadonlyMap<number, number> = new Map([
  [1, 200],
  [50, 2_500],
  [500, 10_000],
]);

/** How many writers there are, and how much each of them appends in a turn. */
export const crowds = [...appendsPerTurn].map(([writers, appends]) => ({
  name: `${writers} writer${writers === 1 ? "" : "s"}`,
  writers,
  each: appends / writers,
}));

export type Crowd = (typeof crowds)[number];

/** Ours against JSON has the bar; what ready bytes would take is told beside it. */
export async function contest(
  name: string,
  crowd: Crowd,
  { least, contestants }: { readonly least: number; readonly contestants: Contest },
): Promise<readonly Row[]> {
  const { ours, json, bytes } = await takeTurns(contestants, crowd);
  const speed = (baseline: Turns) => ({ ours: ours.perSecond, baseline: baseline.perSecond });
  const tail = { ours: ours.p99Ms, baseline: json.p99Ms };
  const inMeans = { ours: meansOf(ours, crowd), baseline: meansOf(json, crowd) };
  return [
    rowOfRounds(name, "per s", speed(json), atLeast(least)),
    rowOfRounds(`${name}, p99`, "ms", tail, null),
    rowOfRounds(`${name}, p99 in means`, "means", inMeans, atMost(1.5)),
    rowOfRounds(`${name}, against ready bytes`, "per s", speed(bytes), null),
  ];
}

/**
 * The p99 of each turn in mean latencies. Where every writer waits for its last append the mean is
 * writers divided by throughput (Little's law): the plain p99 would say once more how fast it goes.
 */
function meansOf({ perSecond, p99Ms }: Turns, { writers }: Crowd): number[] {
  return p99Ms.map((ms, n) => ms / ((1_000 * writers) / (perSecond[n] ?? Number.NaN)));
}

/** The n-th figures of all contestants are of the same time. */
interface Turns {
  readonly perSecond: number[];
  readonly p99Ms: number[];
}

async function takeTurns(
  contestants: Contest,
  crowd: Crowd,
): Promise<Record<keyof Contest, Turns>> {
  const names = ["ours", "json", "bytes"] as const;
  const empty = (): Turns => ({ perSecond: [], p99Ms: [] });
  const found = { ours: empty(), json: empty(), bytes: empty() };
  for (let turn = 0; turn < turns; turn += 1) {
    // Each goes first in its turn.
    for (let step = 0; step < names.length; step += 1) {
      const name = names[(turn + step) % names.length] ?? "ours";
      const { perSecond, p99Ms } = await takeTurn(contestants[name], crowd);
      if (turn < warmTurns) continue;
      found[name].perSecond.push(perSecond);
      found[name].p99Ms.push(p99Ms);
    }
  }
  return found;
}

interface Turn {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function takeTurn(append: Append, { writers, each }: Crowd): Promise<Turn> {
  const latencies = new Float64Array(writers * each);
  const writer = async (index: number) => {
    for (let n = 0; n < each; n += 1) {
      const from = performance.now();
      await append(index, n);
      latencies[index * each + n] = performance.now() - from;
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, index) => writer(index)));
  const seconds = (performance.now() - from) / 1000;
  return { perSecond: latencies.length / seconds, p99Ms: quantile(latencies, 0.99) };
}
