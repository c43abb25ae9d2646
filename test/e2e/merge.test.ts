import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { sh } from "../adapters/git/support.ts";
import { expectDone, list, show, until, withDaemon } from "./daemon-support.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import { done, read, removePlaces, shell, type Turn, write } from "./support.ts";

vi.setConfig({ testTimeout: 300_000 });
afterAll(removePlaces);

/**
 * Some word is in words/, and `left` and `right` do not go together. The check names neither file:
 * who added one that it names would have changed the gate.
 */
const files = {
  "check.sh":
    '#!/bin/sh\nls words/*.txt >/dev/null || exit 1\nif ls words | grep -q left && grep -qs alone words/r*.txt; then echo "left and right collide"; exit 1; fi\n',
  "shared.txt": "one\ntwo\nthree\n",
};

/** Turns by the task and the iteration; after them the model claims to be finished. */
function model(turns: (task: string, iteration: number, text: string) => readonly Turn[]): Policy {
  return ({ text, turn }) => {
    const task = /```task\n(.*)\n/.exec(text)?.[1] ?? "";
    const iteration = Number(/, iteration (\d+) of at most /.exec(text)?.[1] ?? 0);
    const calls = (turns(task, iteration, text)[turn] ?? [done]).filter(
      (part) => typeof part !== "string",
    );
    return { tools: calls.map(({ name, input }) => ({ name, input: { ...input } })) };
  };
}

async function start(desk: Desk, task: string): Promise<string> {
  const options = ["--validate", "./check.sh", "--deliver", "merge", "--detach"];
  const told = await expectDone(td(desk, ["--json", "run", "ralph", task, ...options]));
  return jsonOf<LoopView>(told).id;
}

async function rest(desk: Desk, id: string): Promise<LoopView> {
  const isAtWork = ({ status }: LoopView) => ["pending", "running"].includes(status);
  await until(`${id} rests`, async () => !isAtWork(await show(desk, id)));
  return show(desk, id);
}

/** The check on every commit of main after the first, each in a clone of its own. */
async function redCommits({ repo, place }: Desk): Promise<string> {
  return shell(
    repo,
    `git clone -q . '${place}/clone-red'; cd '${place}/clone-red'
     for commit in $(git rev-list main | head -n -1); do
       git checkout -q $commit; ./check.sh >/dev/null || echo $commit; done`,
  );
}

test("two that are green alone and red together: the target stays green at every commit", () => {
  /** What the second one is told, by iteration. */
  const told = new Map<number, string>();
  return withDaemon(
    model((task, iteration, text) => {
      if (task === "left") return [[write("words/left.txt", "left\n")]];
      told.set(iteration, text);
      return [
        iteration === 1 ? [write("words/right.txt", "alone\n")] : [read("words/right.txt")],
        [write("words/right.txt", "with left\n")],
      ].slice(0, iteration);
    }),
    async (desk) => {
      await shell(desk.repo, "git checkout -q --detach");
      const ids = [await start(desk, "left"), await start(desk, "right")];
      const ends = [await rest(desk, ids[0] ?? ""), await rest(desk, ids[1] ?? "")];
      expect(ends.map(({ status }) => status)).toEqual(["complete", "complete"]);
      expect(ends.map(({ delivered }) => delivered?.to)).toEqual(["main", "main"]);
      expect(await redCommits(desk)).toBe("");
      expect(told.get(2)).toContain("left and right collide");
      expect(await shell(desk.repo, "git show main:words/right.txt")).toBe("with left\n");
      expect(await shell(desk.repo, "git log --format=%s main")).toMatch(
        /^(right\nleft|left\nright)\nstart\n$/,
      );
    },
    { files },
  );
});

test("of four in a batch that is red one goes back, and three are brought by few runs", () => {
  let at: Desk | null = null;
  const policy = model((task, iteration) => {
    const others = iteration === 1 ? [] : [[read("words/right.txt")]];
    // Whichever of the two comes second is sent back.
    if (iteration > 1) return [...others, [write("words/right.txt", "both\n")]];
    return [[write(`words/${task}.txt`, "alone\n")]];
  });
  const byHand = "touch person.txt; git add -A; git commit -qm person; git checkout -q --detach";
  return withDaemon(
    (request) => {
      // So that the first one has to be judged anew, which takes its time.
      if (at !== null) sh(at.repo, byHand);
      at = null;
      return policy(request);
    },
    async (desk) => {
      at = desk;
      const first = await start(desk, "first");
      const isMerging = async () => (await show(desk, first)).merging === "main";
      await until("the first one is merged", isMerging);
      const tasks = ["left", "one", "right", "two"];
      const ids = await Promise.all(tasks.map((task) => start(desk, task)));
      const ends: LoopView[] = [];
      for (const id of [first, ...ids]) ends.push(await rest(desk, id));
      expect(ends.map(({ status, reason }) => [status, reason])).toEqual(
        ends.map(() => ["complete", null]),
      );
      const inBatch = ends.filter(({ verdict }) => verdict?.note?.includes("judged in a batch"));
      expect(inBatch.length).toBeGreaterThan(1);
      expect(ends.map(({ iteration }) => iteration).toSorted()).toEqual([1, 1, 1, 1, 2]);
      const subjects = (await shell(desk.repo, "git log --format=%s main")).trim().split("\n");
      expect(subjects.toSorted()).toEqual([...tasks, "first", "person", "start"].toSorted());
      expect(await redCommits(desk)).toBe("");
    },
    { files: { ...files, "check.sh": slowAtFirst }, config: "git:\n  merge-batch: 4\n" },
  );
});

/** Only the merge of the first one is slow: meanwhile the others come to wait. */
const slowAtFirst = files["check.sh"].replace(
  "\n",
  '\n[ ! -f person.txt ] || [ "$(ls words)" != first.txt ] || sleep 8\n',
);

test("main is checked out and moves with the checkout; what is not committed stays", () =>
  withDaemon(
    model(() => [[write("words/a.txt", "a\n")]]),
    async (desk) => {
      await writeFile(join(desk.repo, "shared.txt"), "mine\n");
      const loop = await rest(desk, await start(desk, "a"));
      expect(loop).toMatchObject({ status: "complete", delivered: { to: "main" } });
      expect(
        (await shell(desk.repo, "git status --porcelain; git rev-parse HEAD")).split("\n"),
      ).toEqual([" M shared.txt", loop.delivered?.commit ?? "", ""]);
      expect(await shell(desk.repo, "cat words/a.txt shared.txt")).toBe("a\nmine\n");
    },
    { files },
  ));

/** While the first turn is at work, a person commits to the very lines that the loop changes. */
function inConflict(desk: () => Desk, second: readonly Turn[]): Policy {
  let isBegun = false;
  const policy = model((_, iteration) =>
    iteration === 1
      ? [
          [read("shared.txt")],
          [write("shared.txt", "one\nloop\nthree\n"), write("words/a.txt", "a\n")],
        ]
      : second,
  );
  return (request) => {
    const script =
      "printf 'one\\nperson\\nthree\\n' > shared.txt; git commit -qam person; git checkout -q --detach";
    if (!isBegun) sh(desk().repo, script);
    isBegun = true;
    return policy(request);
  };
}

test("a conflict with a person's commit is put right by the model", async () => {
  let at: Desk | null = null;
  const policy = inConflict(
    () => at as Desk,
    [[read("shared.txt")], [write("shared.txt", "one\nperson and loop\nthree\n")]],
  );
  await withDaemon(
    policy,
    async (desk) => {
      at = desk;
      const loop = await rest(desk, await start(desk, "a"));
      expect(loop).toMatchObject({ status: "complete", iteration: 2, delivered: { to: "main" } });
      expect(await shell(desk.repo, "git show main:shared.txt")).toBe(
        "one\nperson and loop\nthree\n",
      );
      expect(await shell(desk.repo, "git log --format=%s main")).toBe("a\nperson\nstart\n");
    },
    { files },
  );
});

test("a conflict that the model leaves waits for a person, and goes on after the fix", async () => {
  let at: Desk | null = null;
  await withDaemon(
    inConflict(() => at as Desk, []),
    async (desk) => {
      at = desk;
      const id = await start(desk, "a");
      expect(await rest(desk, id)).toMatchObject({ status: "blocked", blockedOn: "conflict" });
      const why = await expectDone(td(desk, ["why", id]));
      expect(why.stdout).toContain(`td shell ${id}, then td resume ${id}`);
      const dir = (await expectDone(td(desk, ["shell", id, "--print"]))).stdout.trim();
      expect(await shell(dir, "cat shared.txt")).toContain("<<<<<<<");
      await writeFile(join(dir, "shared.txt"), "one\nby hand\nthree\n");
      await expectDone(td(desk, ["resume", id]));
      const loop = await rest(desk, id);
      expect(loop).toMatchObject({ status: "complete", delivered: { to: "main" } });
      expect(await shell(desk.repo, "git show main:shared.txt")).toBe("one\nby hand\nthree\n");
    },
    { files },
  );
});

test("td merge brings a delivered branch to main, and says what stands in the way", () =>
  withDaemon(
    model((task) => [
      [write(`words/${task}.txt`, "word\n")],
      [read("shared.txt")],
      [write("shared.txt", `${task}\n`)],
    ]),
    async (desk) => {
      await shell(desk.repo, "git checkout -q --detach");
      const run = ["run", "ralph", "--validate", "./check.sh"];
      await expectDone(td(desk, [...run, "a"]));
      await expectDone(td(desk, [...run, "b"]));
      const merged = await expectDone(td(desk, ["merge", "1"]));
      expect(merged.stdout).toMatch(/^merged {2}1 {2}into main/);
      const refused = await td(desk, ["merge", "2"]);
      expect([refused.code, refused.stdout]).toEqual([
        5,
        expect.stringContaining("git merge taskdaemon/2"),
      ]);
      expect((await td(desk, ["merge", "1"])).stderr).toContain("1 is on main already");
      const loops = await list(desk);
      expect(loops.map(({ branch, delivered }) => [branch, delivered?.to])).toEqual([
        ["taskdaemon/1", "main"],
        ["taskdaemon/2", "taskdaemon/2"],
      ]);
      expect(await redCommits(desk)).toBe("");
    },
    { files },
  ));
