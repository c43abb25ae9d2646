import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { readFeed } from "../../src/host/reader.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import { fingerprint } from "../adapters/git/support.ts";
import { beside, killDaemon, list, show, until, withDaemon } from "./daemon-support.ts";
import {
  mostAtWork,
  redCommits,
  storyFiles,
  storyLoops,
  storyModel,
  storyRalphs,
  storyTitles,
  storyTree,
} from "./plan-story.ts";
import { type Desk, td } from "./program.ts";
import { deliveredBranches, removePlaces, shell } from "./support.ts";

afterAll(removePlaces);

/** The long one: TD_PLAN_KILLS=40. */
const kills = Number(process.env["TD_PLAN_KILLS"] ?? "5");
/** The log of an undisturbed run is longer than that, and deaths only make it longer. */
const logBytesAtLeast = 70_000;
const wholeMsMax = 150_000 + kills * 30_000;
vi.setConfig({ testTimeout: wholeMsMax + 60_000 });

test(`a plan outlives ${kills} violent ends of its daemon, and ends as without them`, () =>
  withDaemon(
    storyModel(),
    async (desk) => {
      const checkout = fingerprint(desk.repo);
      const moments = Array.from({ length: kills }, () => Math.random()).sort((a, b) => a - b);
      const killing = (over: AbortSignal) => killAt(desk, moments, over);
      const deaths = await beside(killing, async () => {
        await planAndApprove(desk);
        const isOver = async () => (await show(desk, "1")).status === "complete";
        await until("the plan is complete", isOver, wholeMsMax);
      });
      expect({ moments, deaths }).toEqual({ moments, deaths: kills });
      await expectAsWithout(desk);
      expect(fingerprint(desk.repo)).toEqual(checkout);
    },
    { files: storyFiles },
  ));

/** What a person does; who hears nothing from a dying daemon looks, and asks again. */
async function planAndApprove(desk: Desk): Promise<void> {
  const request = ["new-plan", "All of the words", "--validate", "./check.sh", "--detach"];
  const isAsked = async () => (await td(desk, request)).code === 0 || (await list(desk)).length > 0;
  await until("the plan is asked for", isAsked, wholeMsMax);
  const statusOf = async () => (await show(desk, "1")).status;
  await until("there is a draft", async () => (await statusOf()) === "draft", wholeMsMax);
  const isApproved = async () => {
    await td(desk, ["approve", "1"]);
    return (await statusOf()) !== "draft";
  };
  await until("the draft is approved", isApproved, wholeMsMax);
}

/** At random places of the log, so that a slow machine dies at the same ones. */
async function killAt(
  desk: Desk,
  moments: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  let deaths = 0;
  for (const moment of moments) {
    while (logBytes(desk) < moment * logBytesAtLeast) {
      if (signal.aborted) return deaths;
      await sleep(2);
    }
    await killDaemon(desk, { withGuardian: deaths % 2 === 1 });
    deaths += 1;
  }
  return deaths;
}

function logBytes({ home }: Desk): number {
  const dir = join(home, "store");
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => /^events-/.test(name)) : [];
  return names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

async function expectAsWithout(desk: Desk): Promise<void> {
  const { repo, home } = desk;
  expect((await list(desk)).map(({ id, status }) => [id, status]).sort()).toEqual(
    [...storyLoops].sort().map((id) => [id, "complete"]),
  );
  const branch = "taskdaemon/plan-1";
  expect(await deliveredBranches(repo)).toEqual([branch]);
  const tree = (await shell(repo, `git rev-parse '${branch}^{tree}'`)).trim();
  expect(tree).toBe(await storyTree(desk));
  const subjects = await shell(repo, `git log --format=%s main..${branch}`);
  expect(subjects.trim().split("\n").sort()).toEqual([...storyTitles].sort());
  expect(await redCommits(desk, `main..${branch}`)).toBe("");
  expect(await shell(repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
  expectOnce(await readFeed(home, 1));
}

/** Nothing was done twice, and what could run side by side did, as far as deaths let it. */
function expectOnce(events: readonly FeedEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  const of = (wanted: string) => events.filter(({ type }) => type === wanted);
  expect(of("loop.created").map(({ loop }) => loop)).toHaveLength(storyLoops.length);
  const delivered = of("loop.delivered").map(({ loop }) => loop);
  expect(delivered.sort()).toEqual(["1", ...storyRalphs].sort());
  const finished = of("iteration.finished").map(
    ({ loop, data }) => `${loop} ${(data as { iteration: number }).iteration}`,
  );
  expect(new Set(finished).size).toBe(finished.length);
  expect(mostAtWork(events)).toBeGreaterThan(1);
}
