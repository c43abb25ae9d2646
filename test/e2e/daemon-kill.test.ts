import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { readFeed } from "../../src/host/reader.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import {
  expectDone,
  killDaemon,
  list,
  signFiles,
  slow,
  until,
  untilNobody,
  withDaemon,
} from "./daemon-support.ts";
import { namesIn } from "./processes.ts";
import { type Desk, jsonOf, td } from "./program.ts";
import {
  deliveredBranches,
  done,
  fileAt,
  read,
  removePlaces,
  scripted,
  shell,
  write,
} from "./support.ts";

afterAll(removePlaces);

/** The long one: TD_DAEMON_KILLS=100 TD_DAEMON_LOOPS=50. */
const { TD_DAEMON_KILLS = "10", TD_DAEMON_LOOPS = "12" } = process.env;
const kills = Number(TD_DAEMON_KILLS);
const count = Number(TD_DAEMON_LOOPS);
const lifeMsMax = 4_000;
/** A guardian waits for longer and longer, on a machine that has other work. */
const deathMsMax = 60_000;
const loopMsMax = 15_000;
const restMs = (kills + count) * loopMsMax;
vi.setConfig({ testTimeout: kills * deathMsMax + restMs });

const model = slow(
  scripted(
    [[read("sum.txt")], [write("sum.txt", "times\n")], [done]],
    [[read("sum.txt")], [write("sum.txt", "plus\n")], [done]],
  ),
  100,
);

test(`${count} loops outlive ${kills} violent ends of their daemon`, () =>
  withDaemon(
    model,
    async (desk) => {
      const told = new Set((await createAll(desk)).map(({ id }) => id));
      for (let death = 1; death <= kills; death += 1) {
        // One is asked for while the daemon may die: told or not, it is there whole or not at all.
        const asking = sleep(Math.random() * lifeMsMax).then(() => td(desk, runArgs));
        await sleep(Math.random() * lifeMsMax);
        await killDaemon(desk, { withGuardian: death % 2 === 0 });
        const { stdout } = await asking;
        if (stdout !== "") told.add((JSON.parse(stdout) as LoopView).id);
        const known = new Set((await list(desk)).map(({ id }) => id));
        expect([...told].filter((id) => !known.has(id))).toEqual([]);
      }
      const isAtRest = async () => (await list(desk)).every(({ status }) => isOver(status));
      await until("all are at rest", isAtRest, restMs);
      const ids = (await list(desk)).map(({ id }) => id);
      await expectWhole(desk, ids);
      await expectDone(td(desk, ["stop"]));
      await expectNothingLeft(desk);
    },
    { files: signFiles, config: "concurrency:\n  loops: 4\n" },
  ));

const runArgs = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh", "--detach"];
const isOver = (status: string) => !["pending", "running"].includes(status);

async function createAll(desk: Desk): Promise<readonly LoopView[]> {
  const line = JSON.stringify({ type: "ralph", task: "Mend it.", validate: "./check.sh" });
  const stdin = `${line}\n`.repeat(count);
  const told = await expectDone(td(desk, ["--json", "run", "--batch", "-", "--detach"], { stdin }));
  const loops = jsonOf<LoopView[]>(told);
  expect(loops.length).toBe(count);
  return loops;
}

async function expectWhole(desk: Desk, ids: readonly string[]): Promise<void> {
  const { repo, home } = desk;
  const unfinished = (await list(desk)).filter(({ status }) => status !== "complete");
  expect(unfinished).toEqual([]);
  const events = await readFeed(home, 1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const delivered = events.filter(({ type }) => type === "loop.delivered");
  expect(delivered.map(({ loop }) => loop).sort()).toEqual([...ids].sort());
  const branches = ids.map((id) => `taskdaemon/${id}`);
  expect([...(await deliveredBranches(repo))].sort()).toEqual(branches.sort());
  for (const { id, headCommit } of await list(desk)) {
    const branch = `taskdaemon/${id}`;
    expect(await fileAt(repo, branch, "sum.txt")).toBe("plus\n");
    expect(await shell(repo, `git rev-parse '${branch}'`)).toBe(`${headCommit}\n`);
  }
  expect(await shell(repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
  expect(await shell(repo, "git status --porcelain")).toBe("");
  await expectDone(td(desk, ["store", "verify"]));
}

/** What a death after the last loop's end left behind goes with the next run. */
async function expectNothingLeft(desk: Desk): Promise<void> {
  await expectDone(td(desk, ["start"]));
  await expectDone(td(desk, ["run", "ralph", "Nothing.", "--validate", "true", "--dry-run"]));
  await expectDone(td(desk, ["stop"]));
  await untilNobody(desk);
  for (const dir of ["fresh", "worktrees", "sandbox-temp"]) {
    expect([dir, await namesIn(join(desk.home, dir))]).toEqual([dir, []]);
  }
  for (const name of await namesIn(desk.home)) expect(name).not.toMatch(/\.(?:pid|sock)$/);
}
