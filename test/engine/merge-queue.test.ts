import { expect, test } from "vitest";
import type { LoopId, LoopSettings } from "../../src/core/loop.ts";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import { calls, finished, type Runs, SmallWorld, says, type Wishes } from "./small-world.ts";

const toMain: Partial<LoopSettings> = { deliver: "merge", target: "main" };

/** Says what a loop does in the first turn of its n-th conversation; then it is finished. */
type Deeds = (loop: string, conversation: number, request: LlmRequest) => LlmReply;

async function world(deeds: Deeds, runs: Runs, more: Wishes = {}): Promise<SmallWorld> {
  const conversations = new Map<string, number>();
  const script = (request: LlmRequest) => {
    if (request.messages.length > 1) return finished;
    const loop = /loop (\S+)/.exec(request.system)?.[1] ?? "";
    const count = (conversations.get(loop) ?? 0) + 1;
    conversations.set(loop, count);
    return deeds(loop, count, request);
  };
  const small = await SmallWorld.start({ script, runs, ...more });
  small.disk.repository.branches.set("main", small.base);
  return small;
}

function creates(path: string, content: string): LlmReply {
  return calls(["write", { path, content }]);
}

function rewrites(path: string, content: string): LlmReply {
  return calls(["read", { path }], ["write", { path, content }]);
}

const filesOf = (small: SmallWorld, commit: string) =>
  Object.fromEntries(small.disk.repository.tree(commit));

const mainOf = (small: SmallWorld) => small.disk.repository.branches.get("main") ?? "";

function promptOf({ messages }: LlmRequest): string {
  const [part] = messages[0]?.content ?? [];
  return part?.type === "text" ? part.text : "";
}

/** Every commit of the branch, newest first. */
function commitsOf(small: SmallWorld): string[] {
  const commits: string[] = [];
  for (let at: string | null = mainOf(small); at !== null; at = small.disk.repository.parent(at)) {
    commits.push(at);
  }
  return commits;
}

/** A person's commit on main. */
function commitByHand(small: SmallWorld, files: Record<string, string>): string {
  const { repository } = small.disk;
  const at = mainOf(small);
  const commit = repository.commit(new Map([...repository.tree(at), ...Object.entries(files)]), at);
  repository.branches.set("main", commit);
  return commit;
}

const anyNew: Runs = (files) => (files.has("a.txt") || files.has("b.txt") ? 0 : 1);
/** Either is right, both are wrong, unless b.txt knows of a.txt. */
const notBoth: Runs = (files) => {
  if (files.has("a.txt") && files.get("b.txt") === "alone") return { exitCode: 1, output: "both!" };
  return anyNew(files, {} as never);
};

test("work on a target that stands still is merged by the verdict it has", async () => {
  const small = await world(() => creates("a.txt", "a"), anyNew);
  const id = await small.create(toMain);
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "complete", merge: null, branch: null });
  expect(loop.delivered).toEqual({ to: "main", commit: mainOf(small) });
  expect(loop.verdict?.commit).toBe(loop.headCommit);
  expect(loop.headCommit).toBe(mainOf(small));
  // The base, the worktree and a fresh one.
  expect(small.commands).toHaveLength(3);
  expect(commitsOf(small)).toHaveLength(2);
  await small.stop();
});

test("two that are green alone and red together: the second hears of it, the target never", async () => {
  const seen: string[] = [];
  const small = await world((loop, conversation, request) => {
    if (loop === "1") return creates("a.txt", "a");
    seen.push(promptOf(request));
    return conversation === 1 ? creates("b.txt", "alone") : rewrites("b.txt", "with a");
  }, notBoth);
  const [first, second] = [await small.create(toMain), await small.create(toMain)];
  await small.rest(first);
  const loop = await small.rest(second);
  expect(loop).toMatchObject({ status: "complete", iteration: 2 });
  expect(seen[1]).toContain("Your work passes by itself, but not together");
  expect(seen[1]).toContain("both!");
  for (const commit of commitsOf(small).slice(0, -1)) {
    expect(notBoth(small.disk.repository.tree(commit), {} as never)).toBe(0);
  }
  expect(filesOf(small, mainOf(small))).toMatchObject({ "a.txt": "a", "b.txt": "with a" });
  await small.stop();
});

test("a person's commit in the middle: the loop stands on it from its next iteration on", async () => {
  let hand = "";
  const small = await world((_, conversation) => {
    if (conversation > 1) return creates("a.txt", "a");
    hand = commitByHand(small, { "person.txt": "mine" });
    return says("nothing yet");
  }, anyNew);
  const id = await small.create({ ...toMain, follows: true });
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "complete", iteration: 2 });
  expect(loop.settings.baseCommit).toBe(hand);
  const rebased = small.events("loop.rebased");
  expect(rebased[0]).toMatchObject({ data: { base: hand, conflicts: [] } });
  expect(filesOf(small, mainOf(small))).toMatchObject({ "person.txt": "mine", "a.txt": "a" });
  await small.stop();
});

const good: Runs = (files) => (files.get("src.txt")?.includes("good") === true ? 0 : 1);

/** While the loop is at work a person changes the very line that it changes. */
async function inConflict(second: (request: LlmRequest) => LlmReply) {
  const small = await world((_, conversation, request) => {
    if (conversation > 1) return second(request);
    commitByHand(small, { "src.txt": "good, says the person" });
    return rewrites("src.txt", "good");
  }, good);
  return { small, id: await small.create(toMain) };
}

test("a conflict is put right by one iteration that finds the markers", async () => {
  let prompt = "";
  const { small, id } = await inConflict((request) => {
    prompt = promptOf(request);
    return rewrites("src.txt", "good, say both");
  });
  const loop = await small.rest(id);
  expect(prompt).toContain("src.txt");
  expect(prompt).toContain("conflict markers");
  expect(loop).toMatchObject({ status: "complete", iteration: 2, conflicts: [] });
  expect(filesOf(small, mainOf(small))["src.txt"]).toBe("good, say both");
  await small.stop();
});

test("a conflict that stays is a person's, and goes on after their fix", async () => {
  const { small, id } = await inConflict(() => says("I cannot."));
  const blocked = await small.rest(id);
  expect(blocked).toMatchObject({ status: "blocked", blockedOn: "conflict", iteration: 2 });
  expect(blocked.reason).toContain("td shell 1");
  const before = mainOf(small);
  await small.ask({ type: "resume", id, raise: {} });
  expect(await small.rest(id)).toMatchObject({ status: "blocked", blockedOn: "conflict" });
  small.disk.repository.worktrees.get("/worktrees/1")?.set("src.txt", "good, by hand");
  const asked = small.requests.length;
  await small.ask({ type: "resume", id, raise: {} });
  const loop = await small.rest(id);
  expect(loop.status).toBe("complete");
  expect(small.requests).toHaveLength(asked);
  expect(small.disk.repository.parent(mainOf(small))).toBe(before);
  expect(filesOf(small, mainOf(small))["src.txt"]).toBe("good, by hand");
  await small.stop();
});

test("fifty that finish at once merge one by one in order of arrival, and hold no slot", async () => {
  const small = await world(
    (loop) => creates(`${loop}.txt`, loop),
    (files) => (files.size > 2 ? 0 : 1),
    { runningMax: 50 },
  );
  const ids: LoopId[] = [];
  for (let count = 0; count < 50; count += 1) ids.push(await small.create(toMain));
  let slots = 0;
  let waitingMax = 0;
  small.states.subscribe(() => {
    const loops = [...small.states.state.loops.values()];
    const merging = loops.filter(({ status, merge }) => status === "running" && merge !== null);
    slots = Math.max(slots, merging.length);
    waitingMax = Math.max(
      waitingMax,
      loops.filter(({ status, merge }) => status === "pending" && merge !== null).length,
    );
  });
  for (const id of ids) expect((await small.rest(id)).status).toBe("complete");
  const arrived = small.events("loop.queued").map(({ loop }) => loop);
  const merged = small.events("loop.delivered").map(({ loop }) => loop);
  expect(merged).toEqual(arrived);
  expect(slots).toBe(1);
  expect(waitingMax).toBeGreaterThan(30);
  expect(commitsOf(small)).toHaveLength(51);
  expect(small.disk.repository.tree(mainOf(small)).size).toBe(52);
  await small.stop();
});

/** Its merge is cut off at the n-th step in git, and the daemon with it. */
async function cutAt(at: number, prepare: (small: SmallWorld) => void) {
  let steps = 0;
  let isCut = false;
  const small = await world(() => creates("a.txt", "a"), anyNew, {
    git: (what) => {
      const isMerging = small?.states?.state.loops.get("1" as LoopId)?.merge != null;
      if (isMerging && what !== "") steps += 1;
      if (steps !== at || isCut) return;
      isCut = true;
      throw new Error("cut");
    },
  });
  prepare(small);
  const id = await small.create(toMain);
  await small.until(id, () => isCut, 60_000);
  await small.restart();
  return { small, loop: await small.rest(id) };
}

const anyMoment = Array.from({ length: 16 }, (_, index) => index + 1);

test("a crash at any moment of a merge neither loses nor repeats it", async () => {
  for (const at of anyMoment) {
    const { small, loop } = await cutAt(at, (world) => {
      commitByHand(world, { "person.txt": "mine" });
    });
    expect(loop.status).toBe("complete");
    expect(filesOf(small, mainOf(small))).toMatchObject({ "a.txt": "a", "person.txt": "mine" });
    expect(commitsOf(small)).toHaveLength(3);
    await small.stop();
  }
});

test("a crash at any moment leaves one branch of work that its target does not take", async () => {
  for (const at of anyMoment) {
    const { small, loop } = await cutAt(at, ({ disk: { repository } }) => {
      repository.checkouts.set("/repo", { branch: "main", isDirty: true });
    });
    expect(loop).toMatchObject({ status: "complete", branch: "taskdaemon/1" });
    const { branches } = small.disk.repository;
    expect([...branches.keys()]).toEqual(["main", "taskdaemon/1"]);
    expect(filesOf(small, branches.get("taskdaemon/1") ?? "")).toMatchObject({ "a.txt": "a" });
    await small.stop();
  }
});

test("a branch that somebody has gone on from is left to them", async () => {
  const small = await world(() => creates("a.txt", "a"), anyNew);
  const { repository } = small.disk;
  repository.checkouts.set("/repo", { branch: "main", isDirty: true });
  const theirs = repository.commit(new Map([["theirs.txt", "theirs"]]), small.base);
  repository.branches.set("taskdaemon/1", theirs);
  const loop = await small.rest(await small.create(toMain));
  expect(loop).toMatchObject({ status: "complete", branch: "taskdaemon/1-2" });
  expect(repository.branches.get("taskdaemon/1")).toBe(theirs);
  await small.stop();
});

test("a target that is checked out with changes in the way is left alone, and the work is kept", async () => {
  const small = await world(() => creates("a.txt", "a"), anyNew);
  small.disk.repository.checkouts.set("/repo", { branch: "main", isDirty: true });
  const id = await small.create(toMain);
  const loop = await small.rest(id);
  expect(loop).toMatchObject({ status: "complete", delivered: null, branch: "taskdaemon/1" });
  expect(loop.reason).toContain("files are in the way");
  expect(mainOf(small)).toBe(small.base);
  small.disk.repository.checkouts.set("/repo", { branch: "main", isDirty: false });
  await small.ask({ type: "queueMerge", id, target: "main" });
  const merged = await small.until(id, ({ delivered }) => delivered !== null, 60_000);
  expect(merged.delivered).toEqual({ to: "main", commit: mainOf(small) });
  expect(merged).toMatchObject({ status: "complete", reason: null, branch: "taskdaemon/1" });
  await small.stop();
});
