import { describe, expect, test } from "vitest";
import type { CommitId, LoopId } from "../../src/core/loop.ts";
import type { Combining, Targets } from "../../src/ports/targets.ts";

/** A repository with a branch `main` at `base`, which no checkout has. */
export interface TargetsSubject {
  readonly targets: Targets;
  readonly repo: string;
  readonly base: CommitId;
  /** A person's commit of files (null removes one) on top of another; it moves no branch. */
  commit(parent: CommitId, files: Readonly<Record<string, string | null>>): Promise<CommitId>;
  files(commit: CommitId): Promise<Readonly<Record<string, string>>>;
  parents(commit: CommitId): Promise<readonly CommitId[]>;
  /** Checks `main` out in the user's own directory; resolves to it. With changes in the way. */
  checkOut(options: { readonly inTheWay: boolean }): Promise<string>;
  close(): Promise<void>;
}

const common = { "same.txt": "same\n", "a.txt": "one\n" };

/** What every implementation of Targets does. The base holds `same.txt` and `a.txt`. */
export function targetsContract(name: string, begin: () => Promise<TargetsSubject>): void {
  describe(`${name} keeps the contract of Targets`, () => {
    const scenario = (title: string, act: (subject: TargetsSubject) => Promise<void>) =>
      test(title, async () => {
        const subject = await begin();
        await act(subject).finally(() => subject.close());
      });

    scenario("a tip is where a branch stands, and nobody has it", async (subject) => {
      const { targets, repo, base } = subject;
      expect(await targets.tip(repo, "main")).toEqual({ commit: base, checkout: null });
      expect(await targets.tip(repo, "nowhere")).toBeNull();
    });

    scenario("work on a base that has not moved is one commit of its files", async (subject) => {
      const { targets, base } = subject;
      const first = await subject.commit(base, { "a.txt": "two\n" });
      const head = await subject.commit(first, { "new.txt": "new\n" });
      const combined = await targets.combine(combining(subject, { head, onto: base }));
      expect(combined.type).toBe("clean");
      expect(await subject.parents(combined.commit)).toEqual([base]);
      const files = { ...common, "a.txt": "two\n", "new.txt": "new\n" };
      expect(await subject.files(combined.commit)).toEqual(files);
    });

    scenario("work and a branch that moved are put together", async (subject) => {
      const { targets, repo, base } = subject;
      const head = await subject.commit(base, { "a.txt": "two\n" });
      const onto = await subject.commit(base, { "b.txt": "theirs\n", "same.txt": null });
      const combined = await targets.combine(combining(subject, { head, onto }));
      expect(combined.type).toBe("clean");
      expect(await subject.parents(combined.commit)).toEqual([onto]);
      expect(await subject.files(combined.commit)).toEqual({
        "a.txt": "two\n",
        "b.txt": "theirs\n",
      });
      expect(await targets.sameFiles(repo, combined.commit, head)).toBe(false);
      expect(await targets.sameFiles(repo, combined.commit, combined.commit)).toBe(true);
      expect(await targets.isCombined(repo, combined.commit)).toBe(true);
      for (const theirs of [head, onto, base]) {
        expect(await targets.isCombined(repo, theirs)).toBe(false);
      }
    });

    scenario("work that the branch has already adds nothing", async (subject) => {
      const head = await subject.commit(subject.base, { "a.txt": "two\n" });
      const onto = await subject.commit(subject.base, { "a.txt": "two\n", "b.txt": "b\n" });
      const combined = await subject.targets.combine(combining(subject, { head, onto }));
      expect(combined).toEqual({ type: "clean", commit: onto });
    });

    scenario("a conflict names its files and leaves markers in them", async (subject) => {
      const head = await subject.commit(subject.base, { "a.txt": "mine\n", "new.txt": "new\n" });
      const onto = await subject.commit(subject.base, { "a.txt": "theirs\n" });
      const combined = await subject.targets.combine(combining(subject, { head, onto }));
      expect(combined).toMatchObject({ type: "conflict", paths: ["a.txt"] });
      expect(await subject.parents(combined.commit)).toEqual([onto]);
      const files = await subject.files(combined.commit);
      expect(files["a.txt"]).toMatch(/<<<<<<< .*theirs\n.*=======\n.*mine\n.*>>>>>>> /s);
      expect(files["new.txt"]).toBe("new\n");
    });

    scenario("a merge has both sides as parents", async (subject) => {
      const { targets, repo } = subject;
      const onto = await subject.commit(subject.base, { "b.txt": "b\n" });
      const head = await subject.commit(subject.base, { "a.txt": "two\n" });
      const combined = await targets.combine(combining(subject, { head, onto, as: "merge" }));
      expect(combined.type).toBe("clean");
      expect(await subject.parents(combined.commit)).toEqual([onto, head]);
      expect(await targets.contains(repo, combined.commit, head)).toBe(true);
      expect(await targets.contains(repo, head, combined.commit)).toBe(false);
      expect(await targets.contains(repo, head, head)).toBe(true);
    });

    scenario("a branch moves from where it is thought to be, or not at all", async (subject) => {
      const { targets, repo, base } = subject;
      const [one, other] = [
        await subject.commit(base, { "a.txt": "1\n" }),
        await subject.commit(base, { "a.txt": "2\n" }),
      ];
      expect(await targets.move(repo, "main", base, one)).toEqual({ type: "moved" });
      expect(await targets.move(repo, "main", base, other)).toEqual({ type: "stale" });
      expect(await targets.tip(repo, "main")).toMatchObject({ commit: one });
      expect(await targets.move(repo, "taskdaemon/plan-1", null, one)).toEqual({ type: "moved" });
      expect(await targets.move(repo, "taskdaemon/plan-1", null, other)).toEqual({ type: "stale" });
      expect(await targets.freeName(repo, "taskdaemon/plan-1")).toBe("taskdaemon/plan-1-2");
      expect(await targets.freeName(repo, "taskdaemon/plan-2")).toBe("taskdaemon/plan-2");
    });

    scenario("what a person has checked out moves with the checkout only", async (subject) => {
      const { targets, repo, base } = subject;
      const to = await subject.commit(base, { "a.txt": "two\n" });
      const dir = await subject.checkOut({ inTheWay: false });
      expect(await targets.tip(repo, "main")).toEqual({ commit: base, checkout: dir });
      expect(await targets.move(repo, "main", base, to)).toEqual({ type: "stale" });
      expect(await targets.fastForward(repo, "main", dir, to)).toEqual({ type: "moved" });
      expect(await targets.tip(repo, "main")).toEqual({ commit: to, checkout: dir });
      const aside = await subject.commit(base, { "a.txt": "aside\n" });
      expect(await targets.fastForward(repo, "main", dir, aside)).toEqual({ type: "stale" });
    });

    scenario("changes in the way are left alone, and the branch with them", async (subject) => {
      const { targets, repo, base } = subject;
      const to = await subject.commit(base, { "a.txt": "two\n" });
      const dir = await subject.checkOut({ inTheWay: true });
      const moved = await targets.fastForward(repo, "main", dir, to);
      expect(moved).toMatchObject({ type: "refused" });
      expect(await targets.tip(repo, "main")).toEqual({ commit: base, checkout: dir });
    });
  });
}

function combining(
  { repo, base }: TargetsSubject,
  more: Pick<Combining, "head" | "onto"> & Partial<Combining>,
): Combining {
  const loop = "1.1" as LoopId;
  return {
    loop,
    repo,
    base,
    message: "make it two\n\nTaskDaemon loop 1.1",
    as: "one commit",
    ...more,
  };
}
