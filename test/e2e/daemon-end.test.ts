import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import {
  expectDone,
  mending,
  pidOf,
  runDetached,
  show,
  slow,
  until,
  untilNobody,
  untilStatus,
  withDaemon,
} from "./daemon-support.ts";
import { type Desk, jsonOf, makeDesk, program, td } from "./program.ts";
import { loopTimeoutMs, removePlaces, shell } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const refsOf = async ({ repo }: Desk) =>
  (await shell(repo, "git for-each-ref --format='%(refname)'")).trim().split("\n");

test("after a purge nothing of this home is left, and all of another's", () =>
  withDaemon(mending, async (desk) => {
    const other = { ...desk, home: join(desk.place, "other") };
    const fresh = await refsOf(desk);
    for (const one of [desk, other]) {
      await untilStatus(one, (await runDetached(one)).id, "complete");
    }
    expect(await td(desk, ["purge"])).toMatchObject({ code: 2 });
    expect(await refsOf(desk)).toEqual(
      expect.arrayContaining(["refs/heads/taskdaemon/1", "refs/heads/taskdaemon/1-2"]),
    );
    const told = await expectDone(td(desk, ["--json", "purge", "--yes", "--branches"]));
    expect(jsonOf(told)).toEqual({ removed: true, home: desk.home, kept: [], failed: [] });
    expect(existsSync(desk.home)).toBe(false);
    const refs = await refsOf(desk);
    expect(refs).not.toContain("refs/heads/taskdaemon/1");
    expect(refs).toContain("refs/heads/taskdaemon/1-2");
    expect(refs.filter((name) => name.startsWith("refs/taskdaemon/"))).toHaveLength(1);
    const again = await runDetached(other);
    await untilStatus(other, again.id, "complete");
    await expectDone(td(other, ["purge", "--yes", "--branches"]));
    expect(await refsOf(desk)).toEqual(fresh);
    await untilNobody(desk);
    const left = readdirSync(desk.place).filter((name) => name !== "tmp");
    expect([left, readdirSync(join(desk.place, "tmp"))]).toEqual([[], []]);
    expect(await shell(desk.repo, "git fsck --strict --no-dangling 2>&1")).toBe("");
  }));

test("a purge goes past a repository that is gone, and says so", () =>
  withDaemon(mending, async (desk) => {
    await untilStatus(desk, (await runDetached(desk)).id, "complete");
    const gone = `${desk.repo}-gone`;
    await rename(desk.repo, gone);
    await mkdir(desk.repo);
    const told = await expectDone(td(desk, ["purge", "--yes"]));
    expect(told.stderr).toContain(`${join(desk.repo, ".git")} is gone: nothing is removed there\n`);
    expect(existsSync(desk.home)).toBe(false);
    await rm(desk.repo, { recursive: true });
    await rename(gone, desk.repo);
  }));

test.runIf(process.getuid?.() === 0)(
  "what another user left in a home is told, and root removes the rest",
  async () => {
    const desk = await makeDesk({ modelUrl: "http://127.0.0.1:9" });
    const command = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"];
    await shell(desk.place, "mkdir -p home/store home/worktrees/1 home/logs && touch home/lock");
    await shell(desk.place, "echo x > home/worktrees/1/kept; chmod 711 home");
    await shell(desk.place, "chown -R 1234:1234 home; chown -R 65534:65534 home/worktrees/1");
    await shell(desk.place, "chmod 755 .");
    const purge = ["purge", "--yes"] as const;
    const told = await td(desk, purge, {
      command: [...command, process.execPath, program],
      cwd: "/",
    });
    expect(told).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /could not be removed: worktrees: .*Permission denied.*what is left is in .*as root/s,
      ),
    });
    expect(readdirSync(desk.home).sort()).toEqual(["lock", "store", "worktrees"]);
    await expectDone(td(desk, purge));
    expect(existsSync(desk.home)).toBe(false);
  },
);

test("td stop --now ends a daemon whose attempt hangs beyond any word, and its loop goes on", () =>
  withDaemon(
    slow(mending, 2_000),
    async (desk) => {
      const first = await runDetached(desk);
      const second = await runDetached(desk);
      const isAtWork = async () => (await show(desk, first.id)).stage === "working";
      await until("the first one has its worktree", isAtWork);
      // Whoever reads this waits for a writer that never comes, and no signal reaches them.
      await shell(desk.repo, "mkfifo .git/shallow");
      await expectDone(td(desk, ["stop", first.id]));
      await untilStatus(desk, second.id, "running");
      const pid = pidOf(desk);
      const from = Date.now();
      await expectDone(td(desk, ["stop", "--now"]));
      expect(Date.now() - from).toBeLessThan(60_000);
      await rm(join(desk.repo, ".git", "shallow"));
      await until("it is gone", () => !existsSync(`/proc/${pid}`));
      await expectDone(td(desk, ["start"]));
      await untilStatus(desk, second.id, "complete");
      expect(await show(desk, second.id)).toMatchObject({ attempt: 2, iteration: 1 });
    },
    { config: "concurrency: { loops: 1 }\n" },
  ));
