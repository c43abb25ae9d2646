import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type PurgeRequest, removeTraces, survey } from "../../../src/adapters/git/purge.ts";
import { pinPrefixOf } from "../../../src/adapters/git/shadow.ts";
import { loopId, makeScene, never, type Scene, sh } from "./support.ts";

async function scene(): Promise<Scene> {
  const made = await makeScene();
  onTestFinished(made.close);
  return made;
}

const isRoot = process.getuid?.() === 0;
const refs = (repo: string) =>
  sh(repo, "git for-each-ref --format='%(refname)'").trim().split("\n");

async function purge(request: PurgeRequest) {
  const { traces, skipped } = await survey(request);
  for (const each of traces) await removeTraces(each, request);
  return { kept: traces.flatMap(({ kept }) => kept), skipped };
}

test("a purge leaves the repository as if we had never been there", async () => {
  const { worktrees, request, repo, base, home } = await scene();
  const before = sh(repo, "find .git -type d | sort");
  const { loop } = request();
  await worktrees.open(request(), never);
  const name = await worktrees.deliver(repo, loop, base);
  const cut = `tmp_objdir-taskdaemon-${pinPrefixOf(home).split("/").at(-1)}-${loop}`;
  mkdirSync(join(repo, ".git", "objects", cut, "pack"), { recursive: true });
  const keep = join(repo, ".git", "objects", "pack", "pack-1.keep");
  writeFileSync(keep, `taskdaemon refs/taskdaemon/loops/${loop}\n`);
  const common = { home, isRoot, loops: [loop], repos: [repo] };
  expect(await purge({ ...common, branches: [] })).toEqual({ kept: [], skipped: [] });
  expect(refs(repo)).toEqual(["refs/heads/main", `refs/heads/${name}`]);
  const branches = [{ repo, name, commits: [base] }];
  expect(await purge({ ...common, branches })).toEqual({ kept: [], skipped: [] });
  expect(refs(repo)).toEqual(["refs/heads/main"]);
  expect(sh(repo, "find .git -type d | sort")).toBe(before);
  expect(sh(repo, "find .git -name '*.keep'")).toBe("");
});

test("branches and pins of others stay, and so does what a person uses or went on with", async () => {
  const { worktrees, request, repo, base, home, dir } = await scene();
  const loops = ["1", "2", "3", "4"].map(loopId);
  const other = "refs/taskdaemon/0000000000000000/x";
  await worktrees.open(request(), never);
  for (const loop of loops) await worktrees.deliver(repo, loop, base);
  sh(repo, `git update-ref ${other} ${base}; git worktree add -q ../used taskdaemon/2`);
  sh(repo, "git switch -q taskdaemon/3; git commit -q --allow-empty -m mine; git switch -q main");
  const branches = ["1", "2", "3"].map((id) => ({
    ...{ repo, name: `taskdaemon/${id}`, commits: [base] },
  }));
  branches.push({ repo, name: "main", commits: [base] });
  const done = await purge({ home, isRoot, loops, repos: [repo], branches });
  expect(done).toEqual({
    kept: [
      `taskdaemon/2 stays: it is checked out in ${join(dir, "used")}`,
      "taskdaemon/3 stays: it has commits that no loop of this home made",
    ],
    skipped: [],
  });
  expect(refs(repo)).toEqual([
    "refs/heads/main",
    "refs/heads/taskdaemon/2",
    "refs/heads/taskdaemon/3",
    "refs/heads/taskdaemon/4",
    other,
  ]);
});

test("a repository that is gone, or is none any more, is told and holds nothing up", async () => {
  const { worktrees, request, repo, home, dir } = await scene();
  await worktrees.open(request(), never);
  const none = join(dir, "none");
  mkdirSync(none);
  rmSync(repo, { recursive: true });
  const told = await purge({ home, isRoot, loops: [], repos: [repo, none], branches: [] });
  expect(told).toEqual({
    kept: [],
    skipped: [
      `${repo}/.git is gone: nothing is removed there`,
      `${none} is not in a git repository. Run git init, or name another.`,
    ],
  });
});
