import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import type { QueueView } from "../../src/protocol/status.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { askDaemon, expectDone, killDaemon, list, until, withDaemon } from "./daemon-support.ts";
import { type Desk, feed, jsonOf, td } from "./program.ts";
import { done, removePlaces, shell, type Turn, write } from "./support.ts";

afterAll(removePlaces);

/** The long one: TD_CROWD=50 TD_CROWD_KILLS=5. */
const { TD_CROWD = "10", TD_CROWD_KILLS = "1" } = process.env;
const count = Number(TD_CROWD);
const kills = Number(TD_CROWD_KILLS);
const isLong = count > 10;
const loopMsMax = 15_000;
const wholeMsMax = 120_000 + count * loopMsMax + kills * 30_000;
vi.setConfig({ testTimeout: wholeMsMax + 60_000 });

const files = {
  "check.sh": "#!/bin/sh\nsleep 0.2\nls words/*.txt >/dev/null\n",
  "words/start.txt": "start\n",
};

/** Nobody is finished before all are at work; a late one comes when the others wait to be merged. */
function crowd(): Policy {
  const begun = new Set<string>();
  return ({ text, turn }) => {
    const word = /```task\n(.*)\n/.exec(text)?.[1] ?? "";
    begun.add(word);
    const step: Turn = [[write(`words/${word}.txt`, `${word}\n`)]][turn] ?? [done];
    const tools = step.flatMap((part) =>
      typeof part === "string" ? [] : [{ name: part.name, input: { ...part.input } }],
    );
    const isAlone = begun.size < count;
    return { tools, "latency-ms": isAlone ? waitMs : latencyMs };
  };
}

const latencyMs = 50;
/** Ends of the daemon in a row that cost a loop no time. */
const forgivenMax = 2;
const waitMs = 3_000;
const killMsMax = 600;

test(`${count} that are finished at once are merged in their order, through ${kills} kills`, () =>
  withDaemon(
    crowd(),
    async (desk) => {
      await shell(desk.repo, "git checkout --quiet --detach");
      const ids = await createAll(desk);
      await until("a queue has formed", async () => (await waiting(desk)).length > 2, wholeMsMax);
      // All slots were theirs: who waits to be merged has given its own back.
      const late = await start(desk, "late");
      await expectLateBesideQueue(desk, late);
      for (let death = 1; death <= kills; death += 1) await killInMerge(desk);
      const isOver = async () => (await list(desk)).every(({ status }) => status === "complete");
      await until("all are complete", isOver, wholeMsMax);
      await expectWhole(desk, [...ids, late]);
      if (isLong) process.stdout.write(`${JSON.stringify(longestWait(await feed(desk)))}\n`);
    },
    { files, config: `concurrency:\n  loops: ${count}\n` },
  ));

const options = { validate: "./check.sh", deliver: "merge" } as const;

async function createAll(desk: Desk): Promise<readonly string[]> {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ type: "ralph", task: `word-${index}`, ...options }),
  );
  const argv = ["--json", "run", "--batch", "-", "--detach"];
  const told = await expectDone(td(desk, argv, { stdin: lines.join("\n") }));
  return jsonOf<LoopView[]>(told).map(({ id }) => id);
}

async function start(desk: Desk, task: string): Promise<string> {
  const argv = ["--json", "run", "ralph", task, "--validate", options.validate];
  const told = await expectDone(td(desk, [...argv, "--deliver", options.deliver, "--detach"]));
  return jsonOf<LoopView>(told).id;
}

async function queue(desk: Desk): Promise<QueueView> {
  const view = await askDaemon(desk, (door) => door.queue());
  return view ?? jsonOf<QueueView>(await expectDone(td(desk, ["--json", "queue"])));
}

async function waiting(desk: Desk): Promise<readonly string[]> {
  return (await queue(desk)).merges.flatMap(({ waiting: ids }) => ids);
}

async function expectLateBesideQueue(desk: Desk, late: string): Promise<void> {
  const isPast = async () => {
    const { running, merges, slots } = await queue(desk);
    const inQueue = new Set(merges.flatMap(({ waiting: ids }) => ids));
    expect(running.filter(({ id }) => inQueue.has(id))).toEqual([]);
    expect(slots.used).toBe(running.length);
    return running.some(({ id }) => id === late) || inQueue.has(late);
  };
  await until("the late one is at work", isPast, wholeMsMax);
}

/** Some time after an attempt at a merge has begun; the guardian starts another daemon. */
async function killInMerge(desk: Desk): Promise<void> {
  const merging = async () => (await queue(desk)).merges.some((lane) => lane.merging !== null);
  await until("one is being merged", merging, wholeMsMax);
  await sleep(Math.random() * killMsMax);
  await killDaemon(desk, { withGuardian: false });
}

async function expectWhole(desk: Desk, ids: readonly string[]): Promise<void> {
  const { repo } = desk;
  const events = await feed(desk);
  const delivered = events.filter(({ type }) => type === "loop.delivered");
  expect(delivered.map(({ loop }) => loop).sort()).toEqual([...ids].sort());
  // With one priority no age counts otherwise; who came in the same millisecond came together.
  const steady = arrivals(events, oftenCrashed(events));
  expect(steady.length).toBeGreaterThanOrEqual(ids.length - kills / forgivenMax);
  expect(steady).toEqual([...steady].sort());
  const commits = (await shell(repo, "git log --reverse --format=%H main")).trim().split("\n");
  expect(commits.slice(1)).toEqual(
    delivered.map(({ data }) => (data as { commit: string }).commit),
  );
  const names = await shell(repo, "git ls-tree --name-only main words/ | wc -l");
  expect(Number(names)).toBe(ids.length + 1);
  expect(await shell(repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
}

/** When they came to the queue, in the order in which they were merged. */
function arrivals(
  events: readonly FeedEvent[],
  without: ReadonlySet<string | null>,
): readonly string[] {
  const since = new Map<string | null, string>();
  for (const { type, loop, at } of events) if (type === "loop.queued") since.set(loop, at);
  return events.flatMap(({ type, loop }) =>
    type === "loop.delivered" && !without.has(loop) ? [since.get(loop) ?? "never"] : [],
  );
}

/** Whom more ends of the daemon met at work than are forgiven: they come later, after a backoff. */
function oftenCrashed(events: readonly FeedEvent[]): ReadonlySet<string | null> {
  const crashes = new Map<string | null, number>();
  for (const { type, loop, data } of events) {
    const isCrash = type === "attempt.ended" && (data as { crashed?: boolean }).crashed === true;
    if (isCrash) crashes.set(loop, (crashes.get(loop) ?? 0) + 1);
  }
  return new Set([...crashes].flatMap(([loop, count]) => (count > forgivenMax ? [loop] : [])));
}

interface Wait {
  readonly merged: number;
  readonly longestMs: number;
  readonly eachMs: number;
}

function longestWait(events: readonly FeedEvent[]): Wait {
  const since = new Map<string | null, number>();
  let longestMs = 0;
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  for (const { type, loop, at } of events) {
    const now = Date.parse(at);
    if (type === "loop.queued") since.set(loop, now);
    if (type !== "loop.delivered") continue;
    longestMs = Math.max(longestMs, now - (since.get(loop) ?? now));
    first = Math.min(first, since.get(loop) ?? now);
    last = now;
  }
  const merged = since.size;
  return { merged, longestMs, eachMs: Math.round((last - first) / merged) };
}
