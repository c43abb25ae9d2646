/** What people and machines do to a loop at work: it goes on or says what to do, and others do not notice. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import {
  expectDone,
  hasFile,
  show,
  signFiles,
  until,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { killIfThere, type Process, processesOf } from "./processes.ts";
import { type Desk, loopOf, td } from "./program.ts";
import {
  bash,
  deliveredBranches,
  done,
  fileAt,
  loopTimeoutMs,
  read,
  removePlaces,
  sampleRepository,
  scripted,
  shell,
  write,
} from "./support.ts";

vi.setConfig({ testTimeout: 2 * loopTimeoutMs, maxConcurrency: 2 });
afterAll(removePlaces);

const run = promisify(execFile);
const runArgs = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh", "--detach"];

const turnsAfter = (command: string) =>
  scripted([
    [read("sum.txt"), bash(`echo begun > begun.txt; ${command}`)],
    [write("sum.txt", "plus\n")],
    [done],
  ]);
const held = turnsAfter("touch held; while [ -e held ]; do sleep 0.1; done");
const free = turnsAfter("true");

/** First turns that last until they are let go: however slow a machine is, nobody comes too late. */
function holding() {
  let isFree = false;
  const policy: Policy = (request) => (isFree ? free : held)(request);
  const letGo = async ({ home }: Desk, ids: readonly string[]) => {
    isFree = true;
    for (const id of ids) await rm(join(home, "worktrees", id, "tree/held"), { force: true });
  };
  return { policy, letGo };
}

const untilHeld = (desk: Desk, id: string) =>
  until("the turn has begun", () => hasFile(desk, id, "held"));

interface Scene {
  readonly desk: Desk;
  readonly id: string;
  letGo(): Promise<void>;
}

/** In the middle of their first turn: a loop, and one of another repository, which nothing happens to. */
function atWork(body: (scene: Scene) => Promise<void>): Promise<void> {
  const { policy, letGo } = holding();
  return withDaemon(policy, async (desk) => {
    const other = await sampleRepository(signFiles);
    const { id } = loopOf(await expectDone(td(desk, runArgs)));
    const bystander = loopOf(await expectDone(td(desk, runArgs, { cwd: other }))).id;
    for (const each of [id, bystander]) await untilHeld(desk, each);
    await body({ desk, id, letGo: () => letGo(desk, [id, bystander]) });
    await untilStatus(desk, bystander, "complete");
    expect(await show(desk, bystander)).toMatchObject({ attempt: 1, iteration: 1 });
    expect(await fileAt(other, `taskdaemon/${bystander}`, "sum.txt")).toBe("plus\n");
    await expectDone(td(desk, ["stop"]));
  });
}

async function expectDelivered({ desk, id }: Pick<Scene, "desk" | "id">): Promise<LoopView> {
  await untilStatus(desk, id, "complete");
  expect(await deliveredBranches(desk.repo)).toEqual([`taskdaemon/${id}`]);
  expect(await fileAt(desk.repo, `taskdaemon/${id}`, "sum.txt")).toBe("plus\n");
  expect(await shell(desk.repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
  return show(desk, id);
}

/** The shadow of the desk's repository. */
async function shadowOf({ home, repo }: Desk): Promise<string> {
  for (const name of await readdir(join(home, "shadows"))) {
    const shadow = join(home, "shadows", name);
    const of = await readFile(join(shadow, "taskdaemon-repository"), "utf8");
    if (of === join(repo, ".git")) return shadow;
  }
  throw new Error(`${repo} has no shadow`);
}

test.concurrent("a model's command that is killed is told to the model, and the loop goes on", () =>
  atWork(async (scene) => {
    const { desk, id } = scene;
    const there = await processesOf(join(desk.home, "worktrees", id, "tree"));
    const commands = there.filter(({ command }) => /^\S*\b(bash|sh|sleep) /.test(command));
    expect(commands.length).toBeGreaterThan(0);
    for (const { pid } of commands) killIfThere(pid, "SIGKILL");
    await scene.letGo();
    expect(await expectDelivered(scene)).toMatchObject({ attempt: 1 });
    const names = await shell(desk.repo, `git ls-tree --name-only taskdaemon/${id}`);
    expect(names).toBe("begun.txt\ncheck.sh\nsum.txt\n");
  }));

test.concurrent("the process that starts programs is killed, and all goes on", () => {
  const { policy, letGo } = holding();
  return withDaemon(policy, async (desk) => {
    const { id } = loopOf(await expectDone(td(desk, runArgs)));
    await untilHeld(desk, id);
    const isHand = ({ command }: Process) => /hand-main\.[jt]s --home/.test(command);
    const hands = (await processesOf(desk.place)).filter(isHand);
    expect(hands.length).toBe(1);
    for (const { pid } of hands) killIfThere(pid, "SIGKILL");
    await letGo(desk, [id]);
    await expectDelivered({ desk, id });
    await expectDone(td(desk, ["stop"]));
  });
});

test.concurrent("a worktree that is deleted is made again", () =>
  atWork(async (scene) => {
    const { desk, id } = scene;
    await rm(join(desk.home, "worktrees", id), { recursive: true, force: true });
    await scene.letGo();
    await expectDelivered(scene);
  }));

test.concurrent("checkpoints and pins that are deleted are no end", () =>
  atWork(async (scene) => {
    const { desk } = scene;
    const refs = "git for-each-ref --format='delete %(refname)' refs/taskdaemon";
    await shell(desk.repo, `${refs} | git update-ref --stdin`);
    await shell(await shadowOf(desk), `${refs} | GIT_DIR=. git update-ref --stdin`);
    await scene.letGo();
    await expectDelivered(scene);
  }));

test.concurrent("the branch it began on is deleted, and its commit with it", () =>
  atWork(async (scene) => {
    const { desk } = scene;
    const empty = "git commit-tree -m other $(git hash-object -t tree -w /dev/null)";
    await shell(
      desk.repo,
      `git update-ref refs/heads/other $(${empty}); git symbolic-ref HEAD refs/heads/other;
       git branch -D main; git reflog expire --expire=now --all; git gc --quiet --prune=now`,
    );
    await scene.letGo();
    await untilStatus(desk, scene.id, "complete");
    expect(await fileAt(desk.repo, `taskdaemon/${scene.id}`, "sum.txt")).toBe("plus\n");
  }));

test.concurrent("a repository that is moved away is asked for, and moved back it goes on", () =>
  atWork(async (scene) => {
    const { desk, id } = scene;
    await rename(desk.repo, `${desk.repo}-away`);
    await scene.letGo();
    const elsewhere = { ...desk, repo: desk.place };
    await untilStatus(elsewhere, id, "blocked");
    expect(await show(elsewhere, id)).toMatchObject({
      blockedOn: "setup",
      reason: expect.stringMatching(/is not there.*move it back/s),
    });
    await rename(`${desk.repo}-away`, desk.repo);
    await expectDone(td(desk, ["resume", id]));
    await expectDelivered(scene);
  }));

async function lockAt(...parts: readonly string[]): Promise<string> {
  const lock = join(...parts);
  await mkdir(join(lock, ".."), { recursive: true });
  await writeFile(lock, "");
  return lock;
}

test.concurrent("a lock that a dead git of ours left behind goes when it is old enough", () =>
  atWork(async (scene) => {
    const { desk, id } = scene;
    const shadow = await shadowOf(desk);
    for (const name of ["1.lock", "head.lock"]) {
      await lockAt(shadow, "refs", "taskdaemon", "loops", id, name);
    }
    await lockAt(desk.repo, ".git", "index.lock");
    await scene.letGo();
    await expectDelivered(scene);
    await rm(join(desk.repo, ".git", "index.lock"));
  }));

test.concurrent("a lock of the user's own is named, and once it is gone the loop goes on", () =>
  atWork(async (scene) => {
    const { desk, id } = scene;
    const lock = await lockAt(desk.repo, ".git", "refs", "heads", "taskdaemon", `${id}.lock`);
    await scene.letGo();
    await untilStatus(desk, id, "blocked");
    const { blockedOn, reason } = await show(desk, id);
    expect([blockedOn, reason]).toEqual(["setup", expect.stringContaining(lock)]);
    await rm(lock);
    await expectDone(td(desk, ["resume", id]));
    await expectDelivered(scene);
  }));

test.concurrent("a full /tmp is no concern of a loop", async (context) => {
  const mayMount = await run("unshare", ["--mount", "true"]).then(
    () => true,
    () => false,
  );
  if (!mayMount) return context.skip("a disk of its own needs the right to mount");
  await atWork(async (scene) => {
    const { TMPDIR = "" } = scene.desk.env;
    await run("mount", ["-t", "tmpfs", "-o", "size=64k", "none", TMPDIR]);
    try {
      await shell(TMPDIR, "cat /dev/zero > filler || true");
      await scene.letGo();
      await expectDelivered(scene);
    } finally {
      await run("umount", ["--lazy", TMPDIR]);
    }
  });
});
