import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/commands.ts";
import type { LoopId } from "../../src/core/loop.ts";
import { StoreBroken, WorktreeError } from "../../src/ports.ts";
import { calls, finished, honest, type Script, SmallWorld, writes } from "./small-world.ts";

const good: Script = (_, call) => (call === 1 ? writes("good") : finished);

/** A step of the attempt at which it can be interrupted, and how to know that it is there. */
const moments = [
  {
    moment: "a model call",
    start: () => SmallWorld.start({ script: (_, call) => (call === 1 ? writes("half") : "hang") }),
    isThere: (small: SmallWorld) => small.requests.length === 2,
    during: "iteration 1, turn 2",
  },
  {
    moment: "a command of the model",
    start: () =>
      SmallWorld.start({
        script: (_, call) =>
          call === 1 ? writes("half") : calls(["bash", { command: "sleep 99" }]),
        runs: (files, request) =>
          request.command === "sleep 99" ? "hang" : honest(files, request),
      }),
    isThere: (small: SmallWorld) =>
      small.commands.some(({ command }) => command === "sleep 99") && small.busy > 0,
    during: "iteration 1, turn 2",
  },
  {
    moment: "the validation",
    start: () =>
      SmallWorld.start({
        script: (_, call) => (call === 1 ? writes("half") : finished),
        runs: (files) => (files.get("src.txt") === "half" ? "hang" : 1),
      }),
    isThere: (small: SmallWorld) =>
      small.commands.some(({ cwd }) => cwd.startsWith("/worktrees")) && small.busy > 0,
    during: "iteration 1, its validation",
  },
] as const;

describe.each(moments)("during $moment", ({ start, isThere, during }) => {
  test.each(["pause", "stop"] as const)("a %s ends it at once", async (type) => {
    const small = await start();
    const id = await small.create();
    await small.until(id, () => isThere(small));
    await small.pass(10);
    expect(small.busy).toBe(1);
    const command: Command = { type, id };
    await small.ask(command);
    await small.pass(100);
    expect(small.busy).toBe(0);
    const { status, reservations, failures } = small.states.state.loops.get(id) ?? {};
    expect([status, reservations, failures]).toEqual([
      type === "pause" ? "paused" : "stopped",
      [],
      0,
    ]);
  });

  test("a graceful stop of the daemon keeps the work, and it goes on from there", async () => {
    const small = await start();
    const id = await small.create();
    await small.until(id, () => isThere(small));
    await small.stop();
    const loop = small.disk.state.loops.get(id);
    expect(loop).toMatchObject({ status: "pending", failures: 0, interruptedAt: during });
    const head = loop?.headCommit ?? "";
    expect(small.disk.repository.tree(head).get("src.txt")).toBe("half");
    await small.restart();
    await small.until(id, ({ attempt, iteration }) => attempt === 2 && iteration === 0);
    const [again] = small.requests.slice(-1);
    await small.until(id, () => small.requests.at(-1) !== again);
    expect(small.requests.at(-1)?.messages[0]?.content[0]).toMatchObject({
      text: expect.stringContaining(during),
    });
  });
});

describe("a pause", () => {
  test("keeps the work of the attempt, also when the loop was resumed at once", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("half") : call === 2 ? "hang" : finished),
    });
    const id = await small.create({ iterationsMax: 1 });
    await small.until(id, () => small.requests.length === 2);
    await small.ask({ type: "pause", id });
    await small.ask({ type: "resume", id, raise: {} });
    await small.rest(id);
    const head = small.states.state.loops.get(id)?.headCommit ?? "";
    expect(small.disk.repository.tree(head).get("src.txt")).toBe("half");
    expect(small.busy).toBe(0);
  });
});

describe("a delivery", () => {
  test("is complete with the branch of its head, and the worktree goes", async () => {
    const small = await SmallWorld.start({ script: good });
    const id = await small.create();
    const loop = await small.rest(id);
    await small.pass(1_000);
    expect(loop).toMatchObject({
      status: "complete",
      branch: "taskdaemon/1",
      delivered: { to: "taskdaemon/1", commit: loop.headCommit },
      verdict: { passed: true, commit: loop.headCommit },
    });
    expect(small.disk.repository.worktrees.size).toBe(0);
  });

  test("is left out when nobody wants one", async () => {
    const small = await SmallWorld.start({ script: good });
    const id = await small.create({ deliver: "none" });
    expect(await small.rest(id)).toMatchObject({ status: "complete", delivered: null });
    expect(small.disk.repository.deliveredBranches()).toEqual([]);
  });

  test("that a crash cut from its record is made once", async () => {
    const small = await SmallWorld.start({ script: good });
    const id = await small.create({ iterationsMax: 1 });
    await small.until(id, () => small.disk.repository.deliveredBranches().length === 1);
    expect(small.disk.state.loops.get(id)?.status).toBe("running");
    await small.restart();
    const calledBefore = small.requests.length;
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "complete", attempt: 2, iteration: 1 });
    expect(small.disk.repository.deliveredBranches()).toEqual(["taskdaemon/1"]);
    expect(small.disk.repository.branches.get("taskdaemon/1")).toBe(loop.headCommit);
    expect(small.requests).toHaveLength(calledBefore);
  });

  test("that fails is tried again without another conversation", async () => {
    let failures = 2;
    const small = await SmallWorld.start({
      script: good,
      git: (what) => {
        if (what !== "deliver" || failures === 0) return;
        failures -= 1;
        throw new Error("the ref is locked");
      },
    });
    const id = await small.create({ iterationsMax: 1 });
    expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 3, iteration: 1 });
    expect(small.requests).toHaveLength(2);
  });
});

describe("when the world fails", () => {
  test("it is tried again after a backoff, and failed when it goes on so", async () => {
    const small = await SmallWorld.start({
      git: (what) => {
        if (what === "open") throw new Error("index.lock exists");
      },
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({
      status: "failed",
      reason: "index.lock exists",
      attempt: 3,
      failures: 3,
    });
    expect(small.clock.now()).toBeGreaterThan(3_000);
  });

  test("what a person must mend blocks at once", async () => {
    const small = await SmallWorld.start({
      git: (what) => {
        if (what === "open") throw new WorktreeError("the base commit is gone: run git fetch");
      },
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({
      status: "blocked",
      blockedOn: "setup",
      reason: "the base commit is gone: run git fetch",
      attempt: 1,
    });
  });

  test("a worktree that cannot be removed is told and changes nothing", async () => {
    const small = await SmallWorld.start({
      script: good,
      git: (what) => {
        if (what === "remove") throw new Error("the disk is read-only");
      },
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({ status: "complete" });
    await small.pass(1_000);
    expect(small.failure).toBeNull();
    expect(small.seen).toContainEqual(
      expect.objectContaining({
        text: "its worktree was not removed: the disk is read-only",
      }),
    );
  });

  test("work that cannot be saved does not take the question with it", async () => {
    const small = await SmallWorld.start({
      script: () => calls(["ask_person", { question: "Which one?" }]),
      git: (what) => {
        if (what === "snapshot") throw new Error("no space left");
      },
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({
      status: "blocked",
      blockedOn: "question",
      reason: "Which one?",
    });
  });

  test("a broken log ends the daemon, and nothing goes on acting", async () => {
    const small = await SmallWorld.start({ script: () => writes("bad") });
    const id = await small.create();
    await small.until(id, () => small.requests.length === 1);
    small.breakDisk();
    await expect(small.rest(id)).rejects.toThrow(StoreBroken);
    await small.pass(1_000);
    const requests = small.requests.length;
    await small.pass(60_000);
    expect([small.busy, small.requests.length]).toEqual([0, requests]);
  });
});

test("a loop whose type is not there is blocked, with its name", async () => {
  const small = await SmallWorld.start({});
  const id = await small.createOf("gardener");
  expect(await small.rest(id)).toMatchObject({
    status: "blocked",
    blockedOn: "setup",
    reason: "there is no loop type gardener: put its files back, then td resume 1",
  });
});

test("no more run than there are slots, and the next starts as soon as one is free", async () => {
  const small = await SmallWorld.start({ script: () => "hang" });
  const ids: LoopId[] = [];
  for (let n = 0; n < 4; n += 1) ids.push(await small.create());
  await small.pass(5_000);
  const running = () =>
    [...small.states.state.loops.values()].flatMap(({ id, status }) =>
      status === "running" ? [id] : [],
    );
  expect(running()).toEqual([ids[0], ids[1]]);
  await small.ask({ type: "stop", id: ids[0] as LoopId });
  await small.pass(200);
  expect(running()).toEqual([ids[1], ids[2]]);
});

test("what is created while another loop is being started starts at once", async () => {
  const small = await SmallWorld.start({ script: () => "hang" });
  await Promise.all([small.create(), small.create()]);
  await small.pass(100);
  expect([...small.states.state.loops.values()].map(({ status }) => status)).toEqual([
    "running",
    "running",
  ]);
});

test("a crash in the middle counts no failure and hands the loop back", async () => {
  const small = await SmallWorld.start({
    script: (_, call) => (call === 1 ? "hang" : call === 2 ? writes("good") : finished),
  });
  const id = await small.create();
  await small.until(id, () => small.requests.length === 1);
  const [reserved] = small.disk.state.loops.get(id)?.reservations ?? [];
  await small.restart();
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "complete", attempt: 2, failures: 0 });
  expect(loop.usage.outputTokens).toBeGreaterThanOrEqual(reserved?.tokens ?? Infinity);
});
