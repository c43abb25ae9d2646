import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { FeedEvent, IterationRecord } from "../../src/protocol/door.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { sh } from "../adapters/git/support.ts";
import { expectDone, show, until, withDaemon } from "./daemon-support.ts";
import {
  allOfThem,
  mostAtWork,
  redCommits,
  storyFiles,
  storyModel,
  storyRalphs,
  storyTitles,
  storyTree,
  words,
} from "./plan-story.ts";
import { type Desk, feed, jsonOf, td } from "./program.ts";
import { done, read, removePlaces, shell, type Turn, write } from "./support.ts";

vi.setConfig({ testTimeout: 300_000 });
afterAll(removePlaces);

const wholeMsMax = 240_000;
const files = {
  "check.sh": "#!/bin/sh\n! grep -q wrong words/*.txt\n",
  "words/start.txt": "start\n",
};

function commitByHand(repo: string, path: string): string {
  return sh(
    repo,
    `echo person > ${path}; git add ${path}; git commit -qm 'by hand'; git rev-parse HEAD`,
  ).trim();
}

/** The first iteration is not good enough, and while it is at work a person commits. */
function moving(desk: () => Desk, told: (commit: string) => void): Policy {
  const turns: readonly (readonly Turn[])[] = [
    [[write("words/loop.txt", "wrong\n")], [done]],
    [[read("words/loop.txt"), read("person.txt")], [write("words/loop.txt", "loop\n")], [done]],
  ];
  let isMoved = false;
  return ({ text, turn }) => {
    const iteration = Number(/, iteration (\d+) of at most /.exec(text)?.[1] ?? 0);
    if (!isMoved) told(commitByHand(desk().repo, "person.txt"));
    isMoved = true;
    const step = turns[iteration - 1]?.[turn] ?? [done];
    return {
      tools: step.flatMap((part) =>
        typeof part === "string" ? [] : [{ name: part.name, input: { ...part.input } }],
      ),
    };
  };
}

test("a loop at work stands on a person's commit within one iteration", async () => {
  let at: Desk | null = null;
  let theirs = "";
  await withDaemon(
    moving(
      () => at as Desk,
      (commit) => {
        theirs = commit;
      },
    ),
    async (desk) => {
      at = desk;
      const argv = ["--json", "run", "ralph", "A word", "--validate", "./check.sh"];
      const loop = jsonOf<LoopView>(await expectDone(td(desk, argv)));
      expect(loop).toMatchObject({ status: "complete", iteration: 2, baseCommit: theirs });
      const events = await feed(desk);
      const order = events.flatMap(({ type }) =>
        /^(?:iteration\.(?:started|finished)|loop\.rebased)$/.test(type) ? [type] : [],
      );
      expect(order).toEqual([
        ...["iteration.started", "iteration.finished", "loop.rebased"],
        ...["iteration.started", "iteration.finished"],
      ]);
      const branch = await shell(desk.repo, "git show taskdaemon/1:person.txt");
      expect(branch).toBe("person\n");
    },
    { files },
  );
});

test("a plan takes up what main becomes, its loops with it, and goes to main as a whole", () =>
  withDaemon(
    storyModel(),
    async (desk) => {
      const { repo } = desk;
      const argv = ["--json", "new-plan", "All of the words", "--validate", "./check.sh"];
      await expectDone(td(desk, [...argv, "--yes", "--deliver", "merge", "--detach"]));
      await until("some of it is merged", async () => delivered(await feed(desk)) > 0, wholeMsMax);
      const theirs = commitByHand(repo, "person.txt");
      const isOver = async () => (await show(desk, "1")).status === "complete";
      await until("the plan is complete", isOver, wholeMsMax);
      const plan = await show(desk, "1");
      expect(plan).toMatchObject({ branch: "taskdaemon/plan-1", delivered: { to: "main" } });
      // The checkout, which is on main, went along; nothing in it was left behind.
      expect(await shell(repo, "git status --porcelain; git rev-parse HEAD")).toBe(
        `${plan.delivered?.commit}\n`,
      );
      const tree = (await shell(repo, "git rev-parse 'main^{tree}'")).trim();
      expect(tree).toBe(await storyTree(desk, { "person.txt": "person\n" }));
      expect(await redCommits(desk, "main")).toBe("");
      expectTakenUp(await feed(desk), theirs);
      expect(mostAtWork(await feed(desk))).toBeGreaterThanOrEqual(words.length);
      await expectSpecChecked(desk);
      const subjects = (await shell(repo, "git log --format=%s main")).trim().split("\n");
      expect(subjects.filter((line) => storyTitles.includes(line)).sort()).toEqual(
        [...storyTitles].sort(),
      );
      expect(subjects).toContain("Take up main");
    },
    { files: storyFiles, config: "queue:\n  poll: 1s\n" },
  ));

/** What its first spec asks for was run with its last part, and held nobody up before. */
async function expectSpecChecked(desk: Desk): Promise<void> {
  const codes: (number | null)[] = [];
  for (const id of storyRalphs) {
    const told = await expectDone(td(desk, ["--json", "replay", id]));
    const { iterations } = jsonOf<{ readonly iterations: readonly IterationRecord[] }>(told);
    const entries = iterations.flatMap((record) => record.entries);
    for (const entry of entries) {
      if (entry.type === "validation" && entry.command === allOfThem) codes.push(entry.exitCode);
    }
  }
  expect(codes.at(-1)).toBe(0);
  expect(codes.every((code) => code === 0)).toBe(true);
}

function delivered(events: readonly FeedEvent[]): number {
  return events.filter(({ type }) => type === "loop.delivered").length;
}

/** While the plan was at work: before its last ralph was merged, not only at its own delivery. */
function expectTakenUp(events: readonly FeedEvent[], theirs: string): void {
  const ownBranch = ({ type, loop, data }: FeedEvent) =>
    type === "loop.queued" && loop === "1" && (data as { target: string }).target !== "main";
  const takenUp = events.findIndex(ownBranch);
  const last = events.findLastIndex(({ type, loop }) => type === "loop.delivered" && loop !== "1");
  expect(takenUp).toBeGreaterThan(0);
  expect(takenUp).toBeLessThan(last);
  expect(theirs).toMatch(/^[0-9a-f]{40}$/);
}
