import fc from "fast-check";
import { expect, test } from "vitest";
import type { Loop, LoopId, LoopSettings } from "../../src/core/loop.ts";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import { calls, failuresMax, finished, type Runs, SmallWorld, type Wishes } from "./small-world.ts";

const toMain: Partial<LoopSettings> = { deliver: "merge", target: "main" };

const loopIn = ({ system }: LlmRequest) => /loop (\S+)/.exec(system)?.[1] ?? "";

/** Every loop writes a file of its name; `again` is what it does once it came back. */
async function crowd(runs: Runs, more: Wishes & { readonly again?: string }): Promise<SmallWorld> {
  const met = new Set<string>();
  const script = (request: LlmRequest) => {
    if (request.messages.length > 1) return finished;
    const loop = loopIn(request);
    const path = met.has(loop) ? (more.again ?? "again.txt") : `${loop}.txt`;
    met.add(loop);
    return calls(["write", { path, content: loop }]);
  };
  const small = await SmallWorld.start({ script, runs, runningMax: 50, ...more });
  small.disk.repository.branches.set("main", small.base);
  return small;
}

async function createAll(small: SmallWorld, count: number): Promise<LoopId[]> {
  const ids: LoopId[] = [];
  while (ids.length < count) ids.push(await small.create(toMain));
  return ids;
}

const mainOf = (small: SmallWorld) => small.disk.repository.branches.get("main") ?? "";

/** What main has got, oldest first: the file that each commit brought. */
function broughtTo(small: SmallWorld): string[] {
  const { repository } = small.disk;
  const brought: string[] = [];
  for (let at = mainOf(small); at !== small.base; ) {
    const before = repository.parent(at) ?? small.base;
    const [first, last] = [repository.tree(before), repository.tree(at)];
    brought.unshift([...last.keys()].filter((path) => !first.has(path)).join());
    at = before;
  }
  return brought;
}

/** Where main has stood. */
function watchMain(small: SmallWorld): Set<string> {
  const seen = new Set([small.base]);
  small.states.subscribe(() => seen.add(mainOf(small)));
  return seen;
}

/** Runs of the command for a merge: of files that nobody has made alone. */
const inMerges = () => {
  const runs: number[] = [];
  const note = (files: ReadonlyMap<string, string>) => {
    const count = [...files.keys()].filter((path) => /^\d+\.txt$/.test(path)).length;
    if (count > 1) runs.push(count);
  };
  return { runs, note };
};

test("one run of the command brings all that wait to their branch", async () => {
  const { runs, note } = inMerges();
  const small = await crowd(
    (files) => {
      note(files);
      return files.size > 2 ? 0 : 1;
    },
    { mergeBatchMax: 4 },
  );
  const seen = watchMain(small);
  const ids = await createAll(small, 9);
  for (const id of ids) {
    const { status, headCommit, settings } = await small.rest(id);
    expect(status).toBe("complete");
    expect(small.disk.repository.parent(headCommit ?? "")).toBe(settings.baseCommit);
  }
  // The first one finds nobody waiting, or those that came with it.
  expect(runs.length).toBeLessThanOrEqual(3);
  expect(broughtTo(small).toSorted()).toEqual(ids.map((id) => `${id}.txt`));
  expect(seen.size).toBeLessThanOrEqual(4);
  expect(small.events("loop.delivered")).toHaveLength(9);
  await small.stop();
});

test("of four that are red together three land and one hears why", async () => {
  const red: Runs = (files) => {
    if (files.has("3.txt") && files.has("2.txt") && !files.has("mended.txt")) {
      return { exitCode: 1, output: "2 and 3!" };
    }
    return files.size > 2 ? 0 : 1;
  };
  const small = await crowd(red, { mergeBatchMax: 4, again: "mended.txt" });
  const seen = watchMain(small);
  const ids = await createAll(small, 4);
  for (const id of ids) expect(await small.rest(id)).toMatchObject({ status: "complete" });
  const [back, ...more] = small
    .events("loop.rebased")
    .flatMap((event) => (event.type === "loop.rebased" && event.data.progress ? [event] : []));
  expect(more).toEqual([]);
  expect(["2", "3"]).toContain(back?.loop);
  expect(back?.data.progress?.feedback).toContain("2 and 3!");
  for (const commit of seen) {
    const files = small.disk.repository.tree(commit);
    expect(commit === small.base || red(files, {} as never)).not.toMatchObject({ exitCode: 1 });
  }
  expect(broughtTo(small).join().split(",").toSorted()).toEqual(
    [...ids.map((id) => `${id}.txt`), "mended.txt"].toSorted(),
  );
  await small.stop();
});

test("who is in conflict with one of its batch is sent back, and the others go on", async () => {
  const met = new Set<string>();
  const script = (request: LlmRequest) => {
    if (request.messages.length > 1) return finished;
    const loop = loopIn(request);
    if (loop !== "2" && loop !== "3")
      return calls(["write", { path: `${loop}.txt`, content: "x" }]);
    if (!met.has(loop)) {
      met.add(loop);
      return calls(["read", { path: "src.txt" }], ["write", { path: "src.txt", content: loop }]);
    }
    return calls(["read", { path: "src.txt" }], ["write", { path: "src.txt", content: "both" }]);
  };
  const runs: Runs = (files) => (files.size > 2 || files.get("src.txt") !== "bad" ? 0 : 1);
  const small = await SmallWorld.start({ script, runs, runningMax: 50, mergeBatchMax: 4 });
  small.disk.repository.branches.set("main", small.base);
  const ids = await createAll(small, 5);
  for (const id of ids) expect(await small.rest(id)).toMatchObject({ status: "complete" });
  const files = small.disk.repository.tree(mainOf(small));
  expect([...files.keys()].toSorted()).toEqual(
    ["1.txt", "4.txt", "5.txt", "check.sh", "src.txt"].toSorted(),
  );
  expect(files.get("src.txt")).toBe("both");
  await small.stop();
});

test("a crash at any moment of a batch neither loses nor repeats any of it", async () => {
  let cuts = 0;
  for (let at = 1; at === cuts + 1; at += 1) {
    let steps = 0;
    let isCut = false;
    const small = await crowd((files) => (files.size > 2 ? 0 : 1), {
      mergeBatchMax: 4,
      git: () => {
        const loops = [...(small?.states?.state.loops.values() ?? [])];
        if (loops.some(({ merge }) => merge !== null)) steps += 1;
        if (steps !== at || isCut) return;
        isCut = true;
        throw new Error("cut");
      },
    });
    const ids = await createAll(small, 4);
    const [last = "" as LoopId] = ids.slice(-1);
    await small.until(last, () => isCut, 60_000);
    if (isCut) cuts += 1;
    await small.restart();
    for (const id of ids) expect(await small.rest(id)).toMatchObject({ status: "complete" });
    expect(broughtTo(small).toSorted()).toEqual(ids.map((id) => `${id}.txt`));
    await small.stop();
  }
  expect(cuts).toBeGreaterThan(12);
});

test("what was laid and never brought anywhere is judged again, alone or with others", async () => {
  let isCut = false;
  const isLaid = (loop: Loop) => loop.verdict?.judgedAt !== undefined;
  // The third one mends what the second breaks, or the second does so itself once it knows.
  const runs: Runs = (files) => {
    const isMended = files.has("3.txt") || files.has("again.txt");
    const isRed = files.has("1.txt") && files.has("2.txt") && !isMended;
    return !isRed && files.size > 2 ? 0 : 1;
  };
  const small = await crowd(runs, {
    mergeBatchMax: 3,
    git: (what) => {
      const loops = [...(small?.states?.state.loops.values() ?? [])];
      if (what !== "move" || isCut || !loops.every(isLaid)) return;
      isCut = true;
      throw new Error("cut");
    },
  });
  small.hold = { on: "disk", reason: "so that all wait for one another" };
  const ids = await createAll(small, 3);
  small.hold = null;
  await small.until(ids[0] as LoopId, () => isCut);
  expect(isCut).toBe(true);
  await small.restart();
  await small.ask({ type: "pause", id: ids[2] as LoopId });
  for (const id of ids.slice(0, 2)) await small.rest(id);
  const isGreen = () => runs(small.disk.repository.tree(mainOf(small)), {} as never) === 0;
  expect(isGreen()).toBe(true);
  await small.ask({ type: "resume", id: ids[2] as LoopId, raise: {} });
  for (const id of ids) expect(await small.rest(id)).toMatchObject({ status: "complete" });
  expect(isGreen()).toBe(true);
  await small.stop();
});

test("a target with changes in the way gets nothing, and each rests on its branch as judged", async () => {
  const runs: Runs = (files) => (files.size > 2 ? 0 : 1);
  const small = await crowd(runs, { mergeBatchMax: 4 });
  small.disk.repository.checkouts.set("/repo", { branch: "main", isDirty: true });
  const ids = await createAll(small, 3);
  for (const id of ids) {
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "complete", delivered: null, branch: `taskdaemon/${id}` });
    const { verdict, headCommit } = loop;
    expect(verdict?.judgedAt ?? headCommit).toBe(headCommit);
  }
  expect(mainOf(small)).toBe(small.base);
  await small.stop();
});

/** Red wherever two who are at odds meet, until one of them has been mended. */
function atOdds(pairs: readonly (readonly [number, number])[]): Runs {
  return (files) => {
    const isWhole = (n: number) => files.has(`${n}.txt`) && !files.has(`mended-${n}.txt`);
    const met = pairs.find((pair) => pair.every(isWhole));
    if (met !== undefined) return { exitCode: 1, output: `${met.join(" and ")}!` };
    return files.size > 2 ? 0 : 1;
  };
}

const exitCodeOf = (runs: Runs, files: ReadonlyMap<string, string>) => {
  const ran = runs(files, {} as never);
  return typeof ran === "object" ? ran.exitCode : ran;
};

const several = 8;
const member = fc.integer({ min: 1, max: several });
const life = fc.record({
  batchMax: fc.integer({ min: 2, max: 8 }),
  pairs: fc.uniqueArray(
    fc.tuple(member, member).filter(([a, b]) => a < b),
    { maxLength: 4 },
  ),
  /** Steps of git at which it fails: fewer than one loop may suffer in a row and go on. */
  failing: fc.uniqueArray(fc.integer({ min: 20, max: 300 }), { maxLength: failuresMax - 1 }),
  isCrashing: fc.boolean(),
  /** At which of its steps a person commits to main, and pauses somebody. */
  byHandAt: fc.integer({ min: 20, max: 300 }),
  paused: member,
});

interface Life {
  readonly batchMax: number;
  readonly pairs: readonly (readonly [number, number])[];
  readonly failing: readonly number[];
  readonly isCrashing: boolean;
  readonly byHandAt: number;
  readonly paused: number;
}

test("whoever is at odds with whom, and whatever fails: nobody is lost, none twice, main is green", async () => {
  await fc.assert(fc.asyncProperty(life, live), { numRuns: 60 });
}, 60_000);

async function live({ batchMax, pairs, paused, ...at }: Life): Promise<void> {
  const runs = atOdds(pairs);
  let steps = 0;
  const small: SmallWorld = await SmallWorld.start({
    script: (request) => mending(small, request),
    ...{ runs, runningMax: 50, mergeBatchMax: batchMax },
    git: () => {
      steps += 1;
      if (at.failing.includes(steps)) throw new Error("git failed");
    },
  });
  small.disk.repository.branches.set("main", small.base);
  const ids = await createAll(small, several);
  const stood = new Set<string>();
  for (let wait = 0, before = 0; wait < waitsMax && !isAtRest(small); wait += 1) {
    await small.pass(500);
    const isNow = (step: number) => before < step && step <= steps;
    if (isNow(at.byHandAt)) await meddle(small, String(paused) as LoopId);
    if (at.isCrashing && at.failing.some(isNow)) await small.restart();
    before = steps;
    stood.add(mainOf(small));
  }
  for (const id of ids) expect(await small.rest(id)).toMatchObject({ status: "complete" });
  stood.delete(small.base);
  for (const commit of [...stood, mainOf(small)]) {
    expect(exitCodeOf(runs, small.disk.repository.tree(commit))).toBe(0);
  }
  const brought = broughtTo(small).flatMap((paths) => paths.split(","));
  const own = brought.filter((path) => /^\d/.test(path));
  expect(own.toSorted()).toEqual(ids.map((id) => `${id}.txt`));
  await small.stop();
}

const waitsMax = 2_000;

/** A loop writes a file of its name, and once that is there, that it has mended something. */
function mending(small: SmallWorld, request: LlmRequest): LlmReply {
  if (request.messages.length > 1) return finished;
  const loop = loopIn(request);
  const files = small.disk.repository.worktrees.get(`/worktrees/${loop}`);
  const isAgain = files?.has(`${loop}.txt`) === true;
  const path = isAgain ? `mended-${loop}.txt` : `${loop}.txt`;
  return calls(["write", { path, content: loop }]);
}

function isAtRest({ states }: SmallWorld): boolean {
  const loops = [...states.state.loops.values()];
  return loops.every(({ status }) => status !== "pending" && status !== "running");
}

/** A person commits to main, and takes somebody out for a moment. */
async function meddle(small: SmallWorld, id: LoopId): Promise<void> {
  const { repository } = small.disk;
  const tree = new Map([...repository.tree(mainOf(small)), ["person.txt", "mine"]]);
  repository.branches.set("main", repository.commit(tree, mainOf(small)));
  await small.ask({ type: "pause", id });
  await small.ask({ type: "resume", id, raise: {} });
}
