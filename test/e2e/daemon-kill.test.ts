import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { verifyStore } from "../../src/adapters/store/repair.ts";
import { readFeed } from "../../src/host/reader.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import {
  expectDone,
  guardianOf,
  list,
  pidOf,
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

vi.setConfig({ testTimeout: 600_000 });
afterAll(removePlaces);

/** More deaths: TD_DAEMON_KILLS=50. */
const { TD_DAEMON_KILLS = "5" } = process.env;
const kills = Number(TD_DAEMON_KILLS);
const count = 12;
const lifeMsMax = 4_000;

const model = slow(
  scripted(
    [[read("sum.txt")], [write("sum.txt", "times\n")], [done]],
    [[read("sum.txt")], [write("sum.txt", "plus\n")], [done]],
  ),
  100,
);

test(`twelve loops outlive ${kills} violent ends of their daemon`, () =>
  withDaemon(
    model,
    async (desk) => {
      const loops = await createAll(desk);
      const ids = loops.map(({ id }) => id);
      for (let death = 1; death <= kills; death += 1) {
        await setTimeout(Math.random() * lifeMsMax);
        await killDaemon(desk, death % 2 === 0);
        const after = await list(desk);
        expect(after.map(({ id }) => id).sort()).toEqual([...ids].sort());
      }
      await until("all are complete", async () =>
        (await list(desk)).every(({ status }) => status === "complete"),
      );
      await expectWhole(desk, ids);
      await expectDone(td(desk, ["stop"]));
      await expectNothingLeft(desk);
    },
    { files: signFiles, config: "concurrency:\n  loops: 4\n" },
  ));

async function createAll(desk: Desk): Promise<readonly LoopView[]> {
  const line = JSON.stringify({ type: "ralph", task: "Mend it.", validate: "./check.sh" });
  const stdin = `${line}\n`.repeat(count);
  const told = await expectDone(td(desk, ["--json", "run", "--batch", "-", "--detach"], { stdin }));
  const loops = jsonOf<LoopView[]>(told);
  expect(loops.length).toBe(count);
  return loops;
}

/** Its guardian starts another; without one, a person does. */
async function killDaemon(desk: Desk, withGuardian: boolean): Promise<void> {
  const pid = pidOf(desk);
  if (pid === null) throw new Error("no daemon has the home");
  if (withGuardian) kill(await guardianOf(desk), "SIGKILL");
  kill(pid, "SIGKILL");
  expect((await verifyStore(desk.home)).problems).toEqual([]);
  if (withGuardian) await expectDone(td(desk, ["start"]));
  else {
    const isBack = async () => (await td(desk, ["ping"])).code === 0 && pidOf(desk) !== pid;
    await until("another serves", isBack);
  }
}

async function expectWhole(desk: Desk, ids: readonly string[]): Promise<void> {
  const { repo, home } = desk;
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
