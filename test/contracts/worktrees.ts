import { describe, expect, test } from "vitest";
import type { CommitId, LoopId } from "../../src/core/loop.ts";
import type { WorktreeRequest, Worktrees } from "../../src/ports.ts";

/** A world with one repository whose base commit holds `a.txt` ("one\n") and `dir/b.txt`. */
export interface WorktreesSubject {
  readonly worktrees: Worktrees;
  readonly repo: string;
  readonly base: CommitId;
  /** As an agent's tool would; null deletes. */
  write(dir: string, path: string, text: string | null): Promise<void>;
  read(dir: string, path: string): Promise<string | null>;
  /** The commit of a branch of the user's repository. */
  branch(name: string): Promise<CommitId | null>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

/** What every implementation of Worktrees does. */
export function worktreesContract(name: string, begin: () => Promise<WorktreesSubject>): void {
  describe(`${name} keeps the contract of Worktrees`, () => {
    const scenario = (title: string, act: (subject: WorktreesSubject) => Promise<void>) =>
      test(title, async () => {
        const subject = await begin();
        await act(subject).finally(() => subject.close());
      });

    scenario("a new worktree holds the files of its head", async (subject) => {
      const workspace = await subject.worktrees.open(request(subject), never);
      expect(await subject.read(workspace.dir, "a.txt")).toBe("one\n");
      expect(workspace.writable).toContain(workspace.dir);
    });

    scenario("a snapshot holds what was added, changed and deleted", async (subject) => {
      const { worktrees, repo, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      await subject.write(workspace.dir, "new.txt", "new\n");
      await subject.write(workspace.dir, "dir/b.txt", null);
      const commit = await workspace.snapshot(base, "first\n");
      expect(await worktrees.changes(repo, base, commit)).toEqual([
        { path: "a.txt", status: "modified", oldPath: null },
        { path: "dir/b.txt", status: "deleted", oldPath: null },
        { path: "new.txt", status: "added", oldPath: null },
      ]);
      expect(await worktrees.file(repo, commit, "a.txt")).toBe("two\n");
      expect(await worktrees.file(repo, commit, "dir/b.txt")).toBeNull();
      expect(await worktrees.file(repo, commit, "dir")).toBeNull();
      expect(await worktrees.paths(repo, commit)).toEqual(["a.txt", "new.txt"]);
      expect(await worktrees.file(repo, base, "a.txt")).toBe("one\n");
    });

    scenario("a snapshot without a change is its parent", async (subject) => {
      const workspace = await subject.worktrees.open(request(subject), never);
      expect(await workspace.snapshot(subject.base, "nothing\n")).toBe(subject.base);
    });

    scenario("a diff is unified, and cut after a whole line", async (subject) => {
      const { worktrees, repo, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      const commit = await workspace.snapshot(base, "first\n");
      const whole = await worktrees.diff(repo, base, commit, 10_000);
      expect(whole).toContain("-one\n+two\n");
      const cut = await worktrees.diff(repo, base, commit, whole.length - 2);
      expect(whole.startsWith(cut)).toBe(true);
      expect(cut.endsWith("\n")).toBe(true);
      expect(cut.length).toBeLessThan(whole.length);
    });

    scenario("a diff names a file as a person does", async (subject) => {
      const { worktrees, repo, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "漢字 é.txt", "one\n");
      const commit = await workspace.snapshot(base, "first\n");
      expect(await worktrees.diff(repo, base, commit, 10_000)).toContain("+++ b/漢字 é.txt");
    });

    scenario("a reset makes the files equal a commit, in both directions", async (subject) => {
      const { base } = subject;
      const workspace = await subject.worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      await subject.write(workspace.dir, "new.txt", "new\n");
      const commit = await workspace.snapshot(base, "first\n");
      await subject.write(workspace.dir, "litter.txt", "litter\n");
      await workspace.reset(base);
      expect(await subject.read(workspace.dir, "a.txt")).toBe("one\n");
      expect(await subject.read(workspace.dir, "new.txt")).toBeNull();
      expect(await subject.read(workspace.dir, "litter.txt")).toBeNull();
      await workspace.reset(commit);
      expect(await subject.read(workspace.dir, "a.txt")).toBe("two\n");
      expect(await subject.read(workspace.dir, "new.txt")).toBe("new\n");
    });

    scenario("opening again finds the worktree, reset to the head", async (subject) => {
      const { worktrees, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      const head = await workspace.snapshot(base, "first\n");
      await subject.write(workspace.dir, "a.txt", "interrupted\n");
      const again = await worktrees.open({ ...request(subject), head }, never);
      expect(again.dir).toBe(workspace.dir);
      expect(await subject.read(again.dir, "a.txt")).toBe("two\n");
    });

    scenario("a fresh worktree is of one commit, apart, and gone when closed", async (subject) => {
      const { worktrees, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      const head = await workspace.snapshot(base, "first\n");
      await subject.write(workspace.dir, "a.txt", "three\n");
      const fresh = await worktrees.fresh({ ...request(subject), head }, never);
      expect(fresh.dir).not.toBe(workspace.dir);
      expect(await subject.read(fresh.dir, "a.txt")).toBe("two\n");
      await subject.write(fresh.dir, "a.txt", "build\n");
      expect(await subject.read(workspace.dir, "a.txt")).toBe("three\n");
      await fresh.close();
      expect(await subject.read(fresh.dir, "a.txt")).toBeNull();
    });

    scenario("delivering makes a branch once, and another beside one taken", async (subject) => {
      const { worktrees, repo, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      const first = await workspace.snapshot(base, "first\n");
      await subject.write(workspace.dir, "a.txt", "three\n");
      const second = await workspace.snapshot(first, "second\n");
      expect(await worktrees.deliver(repo, loop, first)).toBe("taskdaemon/1.1");
      expect(await worktrees.deliver(repo, loop, first)).toBe("taskdaemon/1.1");
      expect(await subject.branch("taskdaemon/1.1")).toBe(first);
      expect(await worktrees.deliver(repo, loop, second)).toBe("taskdaemon/1.1-2");
      expect(await subject.branch("taskdaemon/1.1-2")).toBe(second);
      expect(await subject.branch("taskdaemon/1.1")).toBe(first);
    });

    scenario("checkpoints outlive the worktree", async (subject) => {
      const { worktrees, repo, base } = subject;
      const workspace = await worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      const head = await workspace.snapshot(base, "first\n");
      await worktrees.remove(loop);
      await worktrees.remove(loop);
      expect(await subject.read(workspace.dir, "a.txt")).toBeNull();
      expect(await worktrees.file(repo, head, "a.txt")).toBe("two\n");
      const again = await worktrees.open({ ...request(subject), head }, never);
      expect(await subject.read(again.dir, "a.txt")).toBe("two\n");
    });

    scenario("the summary names checkpoints and changed files", async (subject) => {
      const workspace = await subject.worktrees.open(request(subject), never);
      await subject.write(workspace.dir, "a.txt", "two\n");
      await workspace.snapshot(subject.base, "make it two\n");
      const summary = await workspace.summary();
      expect(summary).toContain("make it two");
      expect(summary).toContain("a.txt");
    });
  });
}

const loop = "1.1" as LoopId;

function request({ repo, base }: WorktreesSubject): WorktreeRequest {
  const settings = { link: "auto", copy: [], setup: null, setupNetworkAllow: [] } as const;
  const sandbox = { level: "off", networkAllow: [], memoryBytesMax: 0, processesMax: 0 } as const;
  return { loop, repo, base, head: base, settings, sandbox };
}
