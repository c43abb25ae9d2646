import { expect, test } from "vitest";
import type { LoopSettings } from "../../src/core/loop.ts";
import type { LlmRequest } from "../../src/ports/llm.ts";
import { calls, finished, SmallWorld, type Wishes } from "./small-world.ts";

const toReview: Partial<LoopSettings> = { deliver: "pr", target: "main" };

function world(more: Wishes): Promise<SmallWorld> {
  const script = ({ messages }: LlmRequest) =>
    messages.length > 1 ? finished : calls(["write", { path: "a.txt", content: "a" }]);
  return SmallWorld.start({ script, runs: (files) => (files.has("a.txt") ? 0 : 1), ...more });
}

const requestsOf = (small: SmallWorld) => [...small.disk.repository.pullRequests.entries()];

test("what has passed is on its branch, and that has a pull request", async () => {
  const small = await world({});
  const loop = await small.rest(await small.create(toReview));
  expect(loop).toMatchObject({ status: "complete", reason: null, branch: "taskdaemon/1" });
  expect(loop.delivered).toEqual({ to: "taskdaemon/1", commit: loop.headCommit });
  expect(requestsOf(small)).toEqual([["taskdaemon/1", loop.pullRequest]]);
  await small.stop();
});

test("what cannot be proposed is complete with the reason, and a person can ask again", async () => {
  let isDown = true;
  const small = await world({
    git: (what) => {
      if (what === "push" && isDown) throw new Error("the network is down");
    },
  });
  const id = await small.create(toReview);
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "complete", pullRequest: null, branch: "taskdaemon/1" });
  expect(loop.reason).toBe(
    "there is no pull request: the network is down; once that is mended: td merge 1 --pr",
  );
  const again = { type: "queueMerge", id, target: "main", as: "pr" } as const;
  await small.ask(again);
  const still = await small.until(id, ({ merge }) => merge === null, 60_000);
  expect(still).toMatchObject({ pullRequest: null, delivered: loop.delivered });
  expect(still.reason).toContain("the network is down");
  isDown = false;
  await small.ask(again);
  const proposed = await small.until(id, ({ pullRequest }) => pullRequest !== null, 60_000);
  expect(proposed).toMatchObject({ status: "complete", reason: null, delivered: loop.delivered });
  expect(await small.ask(again)).toMatchObject({ ok: false });
  expect(requestsOf(small)).toEqual([["taskdaemon/1", proposed.pullRequest]]);
  await small.stop();
});

test("a crash at any step leaves one branch and one pull request", async () => {
  for (let at = 1; at <= 12; at += 1) {
    let steps = 0;
    let isCut = false;
    const small = await world({
      git: (what) => {
        const isPast = what === "deliver" || steps > 0;
        if (isPast) steps += 1;
        if (steps === at && !isCut) {
          isCut = true;
          throw new Error("cut");
        }
      },
    });
    const id = await small.create(toReview);
    await small.until(id, ({ status }) => isCut || status === "complete", 60_000);
    await small.restart();
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "complete", delivered: { to: "taskdaemon/1" } });
    if (loop.pullRequest === null) {
      await small.ask({ type: "queueMerge", id, target: "main", as: "pr" });
      await small.until(id, ({ merge }) => merge === null, 60_000);
    }
    expect(requestsOf(small)).toHaveLength(1);
    await small.stop();
  }
});
