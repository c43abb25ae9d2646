import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { verifyStore } from "../../src/adapters/store/repair.ts";
import { readFeed } from "../../src/host/reader.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { untilNobody } from "./daemon-support.ts";
import { daemonsOf, killIfThere, namesIn } from "./processes.ts";
import {
  type Desk,
  jsonOf,
  loopOf,
  makeDesk,
  type Running,
  runJson,
  startTd,
  td,
} from "./program.ts";
import {
  bash,
  deliveredBranches,
  done,
  fileAt,
  loopTimeoutMs,
  read,
  removePlaces,
  scripted,
  shell,
  write,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs, maxConcurrency: 3 });
afterAll(removePlaces);

/** More lives: TD_SEEDS=50. Always the same moments for the same seed, as far as clocks allow. */
const { TD_SEEDS = "10" } = process.env;
const seeds = Array.from({ length: Number(TD_SEEDS) }, (_, index) => index + 1);

const files = {
  "sum.txt": "minus\n",
  "check.sh": "#!/bin/sh\necho checking\nsleep 0.1\ngrep -q plus sum.txt\n",
};

const model: Policy = (request) => {
  const reply = scripted(
    [[read("sum.txt")], [write("sum.txt", "times\n")], [bash("sleep 0.1; ls")], [done]],
    [[read("sum.txt"), bash("echo noted > notes.txt")], [write("sum.txt", "by\n")], [done]],
    [[read("sum.txt")], [write("sum.txt", "plus\n"), bash("sleep 0.1")], [done]],
  )(request);
  return reply === null ? null : { ...reply, "latency-ms": 20 };
};

test.concurrent.each(seeds)("seed %i: what is killed goes on and loses nothing", async (seed) => {
  const mock = await startMockLlm({ policy: model });
  try {
    await liveThrough(await makeDesk({ modelUrl: mock.url, files }), diceOf(seed));
  } finally {
    await mock.close();
  }
});

const killsMax = 3;

async function liveThrough(desk: Desk, dice: () => number): Promise<void> {
  const seen = new Map<number, FeedEvent>();
  const printed = new Set<string>();
  const kills = 1 + Math.floor(dice() * killsMax);
  for (let kill = 1; kill <= kills; kill += 1) {
    const loop = await loopOnDisk(desk);
    if (loop?.status === "complete") break;
    const running = startTd(desk, loop === null ? runArgs : resumeArgs(loop.id));
    await momentOf(dice, desk, seen, running);
    running.kill("SIGKILL");
    for (const { pid } of await daemonsOf(desk.place)) killIfThere(pid, "SIGKILL");
    const { stdout } = await running.ended;
    if (stdout !== "") printed.add(jsonOf<LoopView>(await running.ended).id);
    expect((await verifyStore(desk.home)).problems).toEqual([]);
    await watch(desk, seen);
  }
  const view = await carryThrough(desk);
  const events = await readFeed(desk.home, 1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  for (const [seq, event] of seen) expect(events[seq - 1]).toEqual(event);
  for (const id of printed) expect(id).toBe(view.id);
  await expectWhole(desk, view);
  await expectNothingLeft(desk);
}

const runArgs = [...runJson, "--validate", "./check.sh"];
const resumeArgs = (id: string) => ["--json", "run", "--resume", id];

/** What `td list` shows of a home that nobody has open. */
async function loopOnDisk(desk: Desk): Promise<LoopView | null> {
  const told = await td(desk, ["--json", "list"]);
  expect(told.code).toBe(0);
  const loops = jsonOf<LoopView[]>(told);
  expect(loops.length).toBeLessThanOrEqual(1);
  return loops[0] ?? null;
}

/** To the end, without anybody killing it: the first try must do. */
async function carryThrough(desk: Desk): Promise<LoopView> {
  const loop = await loopOnDisk(desk);
  if (loop?.status === "complete") return loop;
  const told = await td(desk, loop === null ? runArgs : resumeArgs(loop.id));
  expect(told).toMatchObject({ code: 0 });
  return loopOf(told);
}

async function expectWhole({ repo, home, ...desk }: Desk, view: LoopView): Promise<void> {
  expect(view).toMatchObject({ id: "1", status: "complete", reason: null, iteration: 3 });
  expect(await deliveredBranches(repo)).toEqual(["taskdaemon/1"]);
  expect(await fileAt(repo, "taskdaemon/1", "sum.txt")).toBe("plus\n");
  expect(await fileAt(repo, "taskdaemon/1", "notes.txt")).toBe("noted\n");
  expect(await shell(repo, "git rev-parse taskdaemon/1")).toBe(`${view.headCommit}\n`);
  expect(await shell(repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
  expect(await shell(repo, "git status --porcelain")).toBe("");
  expect(await shell(repo, "find .git -name '*.lock' -o -name '*.keep' -o -name 'tmp_*'")).toBe("");
  const verified = await td({ repo, home, ...desk }, ["--json", "store", "verify"]);
  expect(verified).toMatchObject({ code: 0 });
}

/** What a kill after the end left behind goes with the next run. */
async function expectNothingLeft(desk: Desk): Promise<void> {
  const { home, place } = desk;
  for (const args of [["restart"], [...runArgs, "--dry-run"], ["stop"]]) {
    expect(await td(desk, args)).toMatchObject({ code: 0 });
  }
  await untilNobody(desk);
  for (const dir of ["fresh", "worktrees", "sandbox-temp"]) {
    expect([dir, await namesIn(join(home, dir))]).toEqual([dir, []]);
  }
  expect(await namesIn(join(place, "tmp"))).toEqual([]);
}

// ── moments ──────────────────────────────────────────────────────────────────────────────────

const lifeMs = 5_000;
const afterMs = 120;
const waitMsMax = 20_000;

/** Moments that last too short for chance to find them often. */
const marks: readonly ((event: FeedEvent) => boolean)[] = [
  ({ type }) => type === "loop.created",
  ({ type }) => type === "attempt.started",
  ({ type }) => type === "loop.prepared",
  ({ type }) => type === "iteration.started",
  ({ type }) => type === "budget.reserved",
  ({ type }) => type === "budget.settled",
  ({ type }) => type === "iteration.finished",
  passes,
  passes,
  ({ type }) => type === "loop.delivered",
];

function passes({ type, data }: FeedEvent): boolean {
  return type === "iteration.finished" && (data as { verdict: { passed: boolean } }).verdict.passed;
}

/** Resolves when the time has come, with all that a reader saw meanwhile; or at the process's end. */
async function momentOf(
  dice: () => number,
  desk: Desk,
  seen: Map<number, FeedEvent>,
  running: Running,
): Promise<void> {
  const isByTime = dice() < 0.4;
  const mark = marks[Math.floor(dice() * marks.length)] ?? passes;
  const times = 1 + Math.floor(dice() * 3);
  const pauseMs = dice() * (isByTime ? lifeMs : afterMs);
  let isOver = false;
  const end = running.ended.then(() => {
    isOver = true;
  });
  if (!isByTime) {
    const since = seen.size;
    const until = Date.now() + waitMsMax;
    let count = 0;
    while (!isOver && count < times && Date.now() < until) {
      await watch(desk, seen);
      count = [...seen.values()].slice(since).filter(mark).length;
      if (count > 0 && mark === passes) break;
      await setTimeout(5);
    }
  }
  await Promise.race([setTimeout(pauseMs), end]);
  await watch(desk, seen);
}

/** Reads what is new in the log, as `td events` does, beside its writer. */
async function watch(desk: Desk, seen: Map<number, FeedEvent>): Promise<void> {
  const events = await readFeed(desk.home, seen.size + 1);
  for (const event of events) seen.set(event.seq, event);
}

/** The same numbers in [0, 1) for the same seed. */
function diceOf(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
