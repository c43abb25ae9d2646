import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WorktreeError } from "../../../src/ports.ts";
import {
  fingerprint,
  loopId,
  makeScene,
  never,
  plainRepository,
  type Scene,
  type SceneOptions,
  sh,
} from "./support.ts";

async function scene(options: SceneOptions = {}): Promise<Scene> {
  const made = await makeScene(options);
  onTestFinished(made.close);
  return made;
}

function refs(home: string): string {
  const [shadow = ""] = readdirSync(join(home, "shadows"));
  return sh(join(home, "shadows", shadow), "git for-each-ref --format='%(refname:lstrip=3)'");
}

describe("work is not lost", () => {
  test("a reset keeps unsaved work under a ref; a second one keeps that too", async () => {
    const { worktrees, request, repo, base, home, write } = await scene();
    const workspace = await worktrees.open(request(), never);
    await write(workspace.dir, "a.txt", "first\n");
    await workspace.reset(base);
    await write(workspace.dir, "a.txt", "second\n");
    await worktrees.open(request(), never);
    expect(refs(home)).toBe("1.1/head\n1.1/interrupted-1\n1.1/interrupted-2\n");
    const [shadow = ""] = readdirSync(join(home, "shadows"));
    const show = "git show refs/taskdaemon/loops/1.1/interrupted-1:a.txt";
    expect(sh(join(home, "shadows", shadow), show)).toBe("first\n");
    expect(await worktrees.file(repo, base, "a.txt")).toBe("one\n");
  });

  test("every checkpoint keeps a ref of its own", async () => {
    const { worktrees, request, base, home, write } = await scene();
    const workspace = await worktrees.open(request(), never);
    await write(workspace.dir, "a.txt", "1\n");
    const first = await workspace.snapshot(base, "1\n");
    await workspace.reset(base);
    await write(workspace.dir, "a.txt", "2\n");
    await workspace.snapshot(base, "2\n");
    await workspace.reset(first);
    expect(refs(home)).toBe("1.1/1\n1.1/2\n1.1/head\n");
  });

  test("a torn index, a lock and half a file of a killed daemon do no harm", async () => {
    const { worktrees, request, base, home, write } = await scene();
    const first = await worktrees.open(request(), never);
    await write(first.dir, "a.txt", "work\n");
    const dir = join(home, "worktrees", "1.1");
    truncateSync(join(dir, "index"), 40);
    writeFileSync(join(dir, "index.lock"), "");
    writeFileSync(join(dir, "loop.json.making"), "{");
    const again = await worktrees.open(request(), never);
    expect(readFileSync(join(again.dir, "a.txt"), "utf8")).toBe("one\n");
    expect(refs(home)).toContain("1.1/interrupted-1");
    truncateSync(join(dir, "index"), 0);
    await write(again.dir, "a.txt", "work\n");
    const commit = await again.snapshot(base, "x\n");
    expect(await worktrees.changes(request().repo, base, commit)).toHaveLength(1);
  });

  test("a worktree goes to the trash whole, and comes back as it was", async () => {
    const { worktrees, request, base, write, home } = await scene();
    const workspace = await worktrees.open(request(), never);
    await write(workspace.dir, "a.txt", "unsaved\n");
    const before = fingerprint(workspace.dir);
    await worktrees.remove(request().loop);
    expect(refs(home)).toContain("1.1/interrupted-1");
    const [entry] = await worktrees.listTrash();
    expect(entry).toMatchObject({ loop: "1.1", isFilesOnly: false });
    expect(await worktrees.emptyTrash(60_000)).toBe(0);
    expect(await worktrees.restoreTrash(entry?.id ?? "")).toBe("1.1");
    expect(fingerprint(workspace.dir)).toEqual(before);
    await worktrees.remove(request().loop);
    await worktrees.open(request({ head: base }), never);
    const [again] = await worktrees.listTrash();
    await expect(worktrees.restoreTrash(again?.id ?? "")).rejects.toThrow(/has a worktree already/);
    await expect(worktrees.restoreTrash("9-9")).rejects.toThrow(/td trash list/);
    expect(await worktrees.emptyTrash(0)).toBe(1);
    expect(await worktrees.listTrash()).toEqual([]);
  });

  test("after a crash fresh worktrees are deleted, and those of unknown loops trashed", async () => {
    const { worktrees, request, home } = await scene();
    const known = await worktrees.open(request(), never);
    await worktrees.open(request({ loop: loopId("2") }), never);
    await worktrees.fresh(request(), never);
    await worktrees.reap(new Set([loopId("1.1")]));
    expect(readdirSync(join(home, "fresh"))).toEqual([]);
    expect(readdirSync(join(home, "worktrees"))).toEqual(["1.1"]);
    expect((await worktrees.listTrash()).map(({ loop }) => loop)).toEqual(["2"]);
    expect(existsSync(known.dir)).toBe(true);
  });
});

describe("a person is told what to do when", () => {
  const told = async (act: Promise<unknown>, words: RegExp) => {
    const error = await act.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(WorktreeError);
    expect((error as Error).message).toMatch(words);
  };

  test("the directory is no repository, a bare one, or has no commit", async () => {
    const { worktrees, dir } = await scene();
    const at = (name: string) => join(dir, name);
    mkdirSync(at("empty"));
    sh(dir, "git init -q --bare bare.git; git init -q unborn");
    await told(worktrees.resolveRepo(at("empty")), /not in a git repository/);
    await told(worktrees.resolveRepo(at("missing")), /not there/);
    await told(worktrees.resolveRepo(at("bare.git")), /bare/);
    await told(worktrees.resolveRepo(at("unborn")), /no commit yet/);
    await told(worktrees.resolveCommit(at("repo"), "nope"), /no commit named nope/);
    await told(worktrees.resolveCommit(at("repo"), "--help"), /no commit named --help/);
  });

  test("the repository moved, or lost the base commit", async () => {
    const { worktrees, request, repo, dir } = await scene();
    const missing = "1".repeat(40);
    await told(
      worktrees.open(request({ base: missing, head: missing }), never),
      /does not have commit/,
    );
    await told(worktrees.open(request({ head: missing }), never), /checkpoint 1{12} is not in/);
    await worktrees.open(request(), never);
    renameSync(repo, join(dir, "moved"));
    await told(worktrees.open(request(), never), /not there.*move it back/);
    renameSync(join(dir, "moved"), repo);
    await worktrees.open(request(), never);
  });

  test("there is no room", async () => {
    const small = await scene({ diskQuotaBytes: 10 });
    await told(small.worktrees.open(small.request(), never), /quota.*td trash empty/);
    const full = await scene({ freeBytesMin: Number.MAX_SAFE_INTEGER });
    await told(full.worktrees.fresh(full.request(), never), /are free/);
  });

  test("a branch named taskdaemon is in the way of a delivery", async () => {
    const { worktrees, request, repo, base } = await scene({
      script: `${plainRepository}\ngit branch taskdaemon`,
    });
    await told(worktrees.deliver(repo, request().loop, base), /git branch -m taskdaemon/);
  });
});

test("a delivery does not take a branch that is checked out and unborn", async () => {
  const { worktrees, request, repo, base } = await scene();
  sh(repo, "git symbolic-ref HEAD refs/heads/taskdaemon/1.1");
  expect(await worktrees.deliver(repo, request().loop, base)).toBe("taskdaemon/1.1-2");
});

test("a person's shell has a git directory that no agent wrote", async () => {
  const { worktrees, request, dir, home } = await scene();
  const workspace = await worktrees.open(request(), never);
  const canary = join(dir, "canary");
  appendFileSync(join(home, "worktrees/1.1/git/config"), `[core]\n\tfsmonitor = touch ${canary}\n`);
  writeFileSync(join(workspace.dir, "a.txt"), "two\n");
  const entry = await worktrees.shellEntry(request().loop);
  expect(entry.dir).toBe(workspace.dir);
  expect(sh(entry.dir, "git status --porcelain; git log --format=%s", entry.env)).toBe(
    " M a.txt\nbase\n",
  );
  expect(existsSync(canary)).toBe(false);
});

test("the state of the checkout is told as a person would", async () => {
  const { worktrees, repo, base } = await scene();
  expect(await worktrees.checkoutState(repo)).toEqual({
    ...{ head: base, branch: "main", changedFiles: 0, untrackedFiles: 0, inProgress: null },
  });
  sh(repo, "echo x > a.txt; echo y > new; git checkout -q --detach; touch .git/MERGE_HEAD");
  expect(await worktrees.checkoutState(repo)).toEqual({
    ...{ head: base, branch: null, changedFiles: 1, untrackedFiles: 1, inProgress: "merge" },
  });
});

test("many loops open at once in a repository that was never seen", async () => {
  const { worktrees, request } = await scene();
  const loops = Array.from({ length: 8 }, (_, n) => loopId(`3.${n + 1}`));
  const opened = await Promise.all(loops.map((loop) => worktrees.open(request({ loop }), never)));
  expect(new Set(opened.map(({ dir }) => dir)).size).toBe(8);
});

test.runIf(process.getuid?.() === 0)(
  "what root writes in a user's repository is theirs",
  async () => {
    const { worktrees, request, repo, base, write, dir } = await scene({ uid: 65534 });
    sh(dir, "chown -R 1234:1234 repo");
    const workspace = await worktrees.open(request(), never);
    await write(workspace.dir, "a.txt", "two\n");
    const head = await workspace.snapshot(base, "x\n");
    await worktrees.deliver(repo, request().loop, head);
    expect(sh(repo, "find . ! -uid 1234")).toBe("");
    expect(sh(repo, "git -c safe.directory='*' show taskdaemon/1.1:a.txt")).toBe("two\n");
  },
);
