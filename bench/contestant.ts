/** One log and its writers, in a process that contest.ts started: each takes its turn when told to. */
import { on } from "node:events";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { quantile, withPlace } from "./measure.ts";

/** Ours; a bare log that makes the same records JSON, as any must; one that is given ready bytes. */
export type Role = "ours" | "json" | "bytes";
export const roles: readonly Role[] = ["ours", "json", "bytes"];

/** The bare ones do one write and one fdatasync for all that wait. */
export interface Contestant {
  /** Does the n-th piece of work of a writer; resolves once it is durable. */
  append(writer: number, n: number): Promise<unknown>;
  close(): Promise<void>;
}

/** Appends a second of a turn, and at the end milliseconds: the p99 of all turns. */
export type Answer = number;

/** So long that a turn holds some garbage collections, and the burst that it begins with is little. */
const appendsPerTurn: ReadonlyMap<number, number> = new Map([
  [1, 400],
  [50, 20_000],
  [500, 100_000],
]);

/** How many writers there are, and how much each of them appends in a turn. */
export const crowds = [...appendsPerTurn].map(([writers, appends]) => ({
  name: `${writers} writer${writers === 1 ? "" : "s"}`,
  writers,
  each: appends / writers,
}));

export type Crowd = (typeof crowds)[number];

type Open = (role: Role, place: string, crowd: Crowd) => Promise<Contestant>;

/** Whether this process is to compete(): `node FILE compete ROLE CROWD`. */
export const isContestant = process.argv[2] === "compete";

/** Answers "warm" and "turn" with how fast it went, "end" with the p99; then it is done. */
export async function compete(open: Open): Promise<void> {
  const [role, crowdName] = process.argv.slice(3);
  const crowd = crowds.find(({ name }) => name === crowdName);
  if (crowd === undefined) throw new Error(`no crowd ${crowdName}`);
  const work = async (place: string) => {
    const contestant = await open(role as Role, place, crowd);
    await serve(contestant, crowd);
    await contestant.close();
  };
  // Not in the temporary directory: where that is memory, a sync costs nothing.
  await withPlace(work, import.meta.dirname);
  if (process.connected) process.disconnect();
}

async function serve(contestant: Contestant, crowd: Crowd): Promise<void> {
  const latencies: Float64Array[] = [];
  // Who started it may be gone: then there is nobody to answer, and the place is still removed.
  for await (const [what] of on(process, "message", { close: ["disconnect"] })) {
    if (what === "end") {
      const all = latencies.flatMap((turn) => [...turn]);
      process.send?.(quantile(all, 0.99) satisfies Answer);
      return;
    }
    const turn = new Float64Array(crowd.writers * crowd.each);
    const seconds = await takeTurn(contestant, crowd, turn);
    if (what === "turn") latencies.push(turn);
    process.send?.((turn.length / seconds) satisfies Answer);
  }
}

/** Fills `latencies` with milliseconds; resolves with the seconds that it all took. */
async function takeTurn(
  contestant: Contestant,
  { writers, each }: Crowd,
  latencies: Float64Array,
): Promise<number> {
  const writer = async (index: number) => {
    for (let n = 0; n < each; n += 1) {
      const from = performance.now();
      await contestant.append(index, n);
      latencies[index * each + n] = performance.now() - from;
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, index) => writer(index)));
  return (performance.now() - from) / 1000;
}
