/** A log of ours against bare ones, in turn, under writers who each wait for their last append. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type Answer, type Crowd, crowds, type Role, roles } from "./contestant.ts";
import { atLeast, atMost, type Row, row, rowOfRounds } from "./measure.ts";

/** What else the machine does hits all alike, as they take turns. */
const turns = 18;
const warmTurns = 3;

/**
 * For each crowd of writers: ours against JSON has the bars; what ready bytes would take is told
 * beside it. `file` is a module that competes when it is run as contestant.ts says.
 */
export async function contests(name: string, file: string, least: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const crowd of crowds) rows.push(...(await contest(name, file, { crowd, least })));
  return rows;
}

async function contest(
  name: string,
  file: string,
  { crowd, least }: { readonly crowd: Crowd; readonly least: number },
): Promise<readonly Row[]> {
  const { ours, json, bytes } = await takeTurns(file, crowd);
  const speed = (baseline: Result) => ({ ours: ours.perSecond, baseline: baseline.perSecond });
  const tail = { ours: ours.p99Ms, baseline: json.p99Ms };
  const title = `${name}, ${crowd.name}`;
  return [
    rowOfRounds(title, "per s", speed(json), atLeast(least)),
    row(`${title}, p99`, "ms", tail, atMost(1.5)),
    rowOfRounds(`${title}, against ready bytes`, "per s", speed(bytes), null),
  ];
}

interface Result {
  /** The n-th figures of all contestants are of the same time. */
  readonly perSecond: readonly number[];
  /** Of all appends in all turns but the warm ones. */
  readonly p99Ms: number;
}

async function takeTurns(file: string, crowd: Crowd): Promise<Record<Role, Result>> {
  // Each in a process of its own: nobody stands still to collect what another has thrown away.
  const start = (role: Role) => ({
    child: fork(file, ["compete", role, crowd.name]),
    perSecond: [] as number[],
  });
  const found = { ours: start("ours"), json: start("json"), bytes: start("bytes") };
  for (let turn = 0; turn < turns; turn += 1) {
    // Each goes first in its turn.
    for (let step = 0; step < roles.length; step += 1) {
      const { child, perSecond } = found[roles[(turn + step) % roles.length] ?? "ours"];
      const isWarm = turn < warmTurns;
      const answer = await ask(child, isWarm ? "warm" : "turn");
      if (!isWarm) perSecond.push(answer);
    }
  }
  const end = async ({ child, perSecond }: ReturnType<typeof start>): Promise<Result> => {
    const ended = once(child, "exit");
    const p99Ms = await ask(child, "end");
    await ended;
    return { perSecond, p99Ms };
  };
  return {
    ours: await end(found.ours),
    json: await end(found.json),
    bytes: await end(found.bytes),
  };
}

async function ask(child: ChildProcess, what: "warm" | "turn" | "end"): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  const died = once(child, "exit", { signal }).then(() => {
    throw new Error("a contestant died");
  });
  died.catch(() => undefined);
  const answered = once(child, "message", { signal }) as Promise<[Answer]>;
  child.send(what);
  const [answer] = await Promise.race([answered, died]);
  over.abort();
  return answer;
}
