import { existsSync } from "node:fs";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { kill } from "node:process";
import { afterAll, expect, test, vi } from "vitest";
import { isAlive } from "../../src/adapters/process/tree.ts";
import type { StatusView } from "../../src/protocol/status.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import {
  expectDone,
  guardianOf,
  hasFile,
  list,
  longTurn,
  mending,
  pidOf,
  runDetached,
  show,
  slow,
  status,
  until,
  untilNobody,
  untilStatus,
  withDaemon,
  withDesk,
} from "./daemon-support.ts";
import { killIfThere, type Process, processesOf } from "./processes.ts";
import { type Desk, jsonOf, startTd, td } from "./program.ts";
import { bash, done, fileAt, loopTimeoutMs, removePlaces, scripted, shell } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs, maxConcurrency: 2 });
afterAll(removePlaces);

/** A loop in the middle of its long turn. */
async function inLongTurn(desk: Desk): Promise<string> {
  const { id } = await runDetached(desk);
  await until("the turn has begun", async () => hasFile(desk, id, "begun.txt"));
  return id;
}

// ── start, status, stop ──────────────────────────────────────────────────────────────────────

test.concurrent("start answers before it returns, status tells, stop leaves nothing", () =>
  withDesk(mending, async (desk) => {
    const before = await td(desk, ["--json", "status"]);
    expect([before.code, jsonOf(before)]).toEqual([4, { running: false }]);
    expect(await td(desk, ["ping"])).toMatchObject({ code: 4, stderr: /td start/ });
    const started = await expectDone(td(desk, ["--json", "start"]));
    expect(await td(desk, ["--json", "ping"])).toMatchObject({ code: 0 });
    expect(await td(desk, ["start"])).toMatchObject({ code: 4, stderr: /serves .* already/ });
    const view = jsonOf<StatusView>(await expectDone(td(desk, ["--json", "status"])));
    expect(jsonOf(started)).toEqual({ running: true, pid: view.pid });
    expect(view).toMatchObject({
      running: true,
      pid: pidOf(desk),
      version: expect.any(String),
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      uptimeSeconds: expect.any(Number),
      rssBytes: expect.any(Number),
      eventLoopLagMs: expect.any(Number),
      store: { seq: 0, bytes: expect.any(Number) },
      loops: { running: 0, pending: 0, complete: 0 },
      providers: [],
    });
    for (const name of ["daemon.pid", "daemon.sock", "logs/daemon.log", "logs/guardian.log"]) {
      expect([name, (await stat(join(desk.home, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect((await stat(desk.home)).mode & 0o077 & ~0o011).toBe(0);
    const stopped = await expectDone(td(desk, ["--json", "stop"]));
    expect(jsonOf(stopped)).toEqual({ running: false });
    for (const name of ["daemon.pid", "daemon.sock"]) {
      expect([name, existsSync(join(desk.home, name))]).toEqual([name, false]);
    }
    expect(await td(desk, ["stop"])).toMatchObject({ code: 4 });
    await untilNobody(desk);
  }));

test.concurrent("a repository's own limit holds its loops back, until it is lifted", () =>
  withDaemon(longTurn, async (desk) => {
    const config = join(desk.repo, "taskdaemon.yml");
    await writeFile(config, "concurrency: { loops: 1 }\n");
    const first = await runDetached(desk);
    const args = ["run", "ralph", "Mend it.", "--validate", "./check.sh"];
    const attached = startTd(desk, args);
    const known = async () => (await list(desk)).length === 2;
    await until("the second is known", known);
    const second = { id: "2" };
    await until("the first is at work", async () => hasFile(desk, first.id, "begun.txt"));
    const limit = "1 of at most 1 loops of this repository run already";
    expect((await expectDone(td(desk, ["why", second.id]))).stdout).toContain(limit);
    const isTold = async () => attached.stderr().includes(limit);
    await until("who is attached to it knows as well", isTold);
    await writeFile(config, "concurrency: { loops: 2 }\n");
    await expectDone(attached.ended);
  }));

test.concurrent("two that start at once make one daemon", () =>
  withDesk(mending, async (desk) => {
    const told = await Promise.all([td(desk, ["start"]), td(desk, ["start"])]);
    expect(told.map(({ code }) => code).sort()).toEqual([0, 4]);
    await status(desk);
  }));

test.concurrent("two detached runs at once are both carried out by one daemon", () =>
  withDesk(mending, async (desk) => {
    const loops = await Promise.all([runDetached(desk), runDetached(desk)]);
    expect(loops.map(({ id }) => id).sort()).toEqual(["1", "2"]);
    for (const { id } of loops) await untilStatus(desk, id, "complete");
  }));

test.concurrent("stop finishes the turn under way, and the loop goes on after the next start", () =>
  withDaemon(longTurn, async (desk) => {
    const id = await inLongTurn(desk);
    await expectDone(td(desk, ["stop"]));
    expect(hasFile(desk, id, "kept.txt")).toBe(true);
    expect(await show(desk, id)).toMatchObject({ status: "pending", iteration: 0 });
    await untilNobody(desk);
    await expectDone(td(desk, ["start"]));
    await untilStatus(desk, id, "complete");
    expect(await fileAt(desk.repo, `taskdaemon/${id}`, "kept.txt")).toBe("kept\n");
  }));

test.concurrent("stop --now interrupts within two seconds; restart goes on", () =>
  withDaemon(longTurn, async (desk) => {
    const id = await inLongTurn(desk);
    const pid = pidOf(desk) ?? 0;
    const before = Date.now();
    const stopping = startTd(desk, ["stop", "--now"]);
    await until("the daemon is gone", () => !isAlive(pid));
    // The client's own start is in it, on a machine that has other work.
    expect(Date.now() - before).toBeLessThan(4_000);
    expect(await stopping.ended).toMatchObject({ code: 0 });
    expect(await show(desk, id)).toMatchObject({ status: "pending" });
    await untilNobody(desk);
    await expectDone(td(desk, ["restart"]));
    const first = pidOf(desk);
    await expectDone(td(desk, ["restart", "--now"]));
    expect(pidOf(desk)).not.toBe(first);
    await untilStatus(desk, id, "complete");
  }));

/** Outlasts whatever a busy machine takes to ask something meanwhile. */
const longerTurn = scripted([[bash("echo begun > begun.txt; sleep 300")], [done]]);

test.concurrent("TERM drains, the second TERM interrupts", () =>
  withDaemon(longerTurn, async (desk) => {
    const guardian = await guardianOf(desk);
    const id = await inLongTurn(desk);
    kill(guardian, "SIGTERM");
    await until("it drains", async () => (await status(desk)).draining);
    const refused = await td(desk, ["run", "ralph", "Too late.", "--detach"]);
    expect(refused).toMatchObject({ code: 7, stderr: /stop/ });
    kill(guardian, "SIGTERM");
    await untilNobody(desk);
    expect(await show(desk, id)).toMatchObject({ status: "pending" });
    expect(pidOf(desk)).toBe(null);
  }));

// ── accidents ────────────────────────────────────────────────────────────────────────────────

test.concurrent("a killed daemon is started again by its guardian, one told to stop is not", () =>
  withDaemon(slow(mending, 500), async (desk) => {
    const { id } = await runDetached(desk);
    const pid = pidOf(desk) ?? 0;
    kill(pid, "SIGKILL");
    await until("another serves", () => ![null, pid].includes(pidOf(desk)));
    await untilStatus(desk, id, "complete");
    kill(pidOf(desk) ?? 0, "SIGTERM");
    await untilNobody(desk);
  }));

test.concurrent("stop ends a guardian that waits to start its daemon again", () =>
  withDaemon(mending, async (desk) => {
    const guardian = await guardianOf(desk);
    // The second time it waits longer.
    for (let kills = 0; kills < 3; kills += 1) {
      const pid = pidOf(desk) ?? 0;
      killIfThere(pid, "SIGKILL");
      if (kills < 2) await until("another serves", () => ![null, pid].includes(pidOf(desk)));
    }
    await expectDone(td(desk, ["stop"]));
    await until("the guardian is gone", () => !isAlive(guardian));
    expect(await td(desk, ["status"])).toMatchObject({ code: 4 });
  }));

test.concurrent("what a killed daemon left behind is in nobody's way", () =>
  withDaemon(mending, async (desk) => {
    kill(await guardianOf(desk), "SIGKILL");
    kill(pidOf(desk) ?? 0, "SIGKILL");
    await untilNobody(desk);
    expect(existsSync(join(desk.home, "daemon.sock"))).toBe(true);
    expect(await td(desk, ["--json", "status"])).toMatchObject({ code: 4 });
    expect(await td(desk, ["list"])).toMatchObject({ code: 0 });
    expect(await td(desk, ["stop"])).toMatchObject({ code: 4 });
    await expectDone(td(desk, ["start"]));
    await untilStatus(desk, (await runDetached(desk)).id, "complete");
  }));

test.concurrent("a home whose path is too long for a socket has its daemon all the same", () =>
  withDesk(mending, async (desk) => {
    const home = join(desk.place, "h".repeat(120));
    await mkdir(home, { mode: 0o711 });
    const far = { ...desk, home };
    await expectDone(td(far, ["start"]));
    await untilStatus(far, (await runDetached(far)).id, "complete");
    // Wherever who asks has its temporary files.
    const told = await td(far, ["status"], { env: { TMPDIR: desk.place } });
    expect(told).toMatchObject({ code: 0 });
    await expectDone(td(far, ["stop"]));
  }));

test.concurrent("a broken configuration is one clear line, and no daemon", () =>
  withDesk(mending, async (desk) => {
    await mkdir(desk.home, { mode: 0o711 });
    await writeFile(join(desk.home, "taskdaemon.yml"), "queue:\n  max: many\n");
    const told = await td(desk, ["start"]);
    expect(told).toMatchObject({ code: 3, stdout: "", stderr: /^td: .*taskdaemon\.yml:2:/ });
    expect(told.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
    expect(told.stderr).not.toContain("td: td:");
    await untilNobody(desk);
  }));

test.concurrent("a repository that vanished blocks its own loops alone", () =>
  withDaemon(slow(mending, 500), async (desk) => {
    const other = await makeOther(desk);
    const here = await runDetached(desk);
    const there = await runDetached(other);
    await untilStatus(desk, here.id, "complete");
    await untilStatus(desk, there.id, "complete");
    const lost = await lostLoop(desk, other);
    await expectDone(td(desk, ["start"]));
    await untilStatus(desk, lost, "blocked");
    await untilStatus(desk, (await runDetached(desk)).id, "complete");
    expect((await list(desk)).length).toBe(4);
  }));

/** A second repository of the same home. */
async function makeOther(desk: Desk): Promise<Desk> {
  const repo = join(desk.place, "other");
  await mkdir(repo);
  await shell(desk.place, `cp -a '${desk.repo}/.' '${repo}'`);
  return { ...desk, repo };
}

/** A pending loop of a repository that is then moved away. */
async function lostLoop(desk: Desk, other: Desk): Promise<string> {
  const { id } = await runDetached(other);
  await expectDone(td(desk, ["stop", "--now"]));
  await rename(other.repo, `${other.repo}-gone`);
  return id;
}

// ── runs and control ─────────────────────────────────────────────────────────────────────────

test.concurrent("Ctrl-C on an attached run says that the daemon goes on, and it does", () =>
  withDaemon(longTurn, async (desk) => {
    const running = startTd(desk, ["run", "ralph", "Mend it.", "--validate", "./check.sh"]);
    await until("the turn has begun", () => hasFile(desk, "1", "begun.txt"));
    running.kill("SIGINT");
    expect(await running.ended).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/the daemon goes on with 1: .*td logs 1 -f/),
    });
    await untilStatus(desk, "1", "complete");
  }));

test.concurrent("an attached run ends with its loop, and hears when its daemon stops", () =>
  withDaemon(longTurn, async (desk) => {
    const args = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh"];
    const first = await expectDone(td(desk, args));
    expect(jsonOf(first)).toMatchObject({ id: "1", status: "complete" });
    const second = startTd(desk, args);
    await until("the turn has begun", () => hasFile(desk, "2", "begun.txt"));
    await expectDone(td(desk, ["stop", "--now"]));
    const { code, stderr } = await second.ended;
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(/loop 2 goes on when it starts again/),
    });
  }));

test.concurrent("a batch is accepted as a whole or not at all", () =>
  withDaemon(mending, async (desk) => {
    const good = { type: "ralph", task: "Mend it.", validate: "./check.sh" };
    const batch = (...lines: readonly unknown[]) => {
      const stdin = lines.map((line) => JSON.stringify(line)).join("\n");
      return td(desk, ["--json", "run", "--batch", "-", "--detach"], { stdin });
    };
    const bad: readonly [unknown, number, RegExp][] = [
      [{ ...good, type: undefined }, 3, /:3: type/],
      [{ ...good, owner: "me" }, 3, /:3: .*owner/],
      [{ ...good, repo: join(desk.place, "nowhere") }, 2, /:3: .*nowhere/],
      [{ ...good, type: "nothing" }, 8, /:3: .*nothing/],
      [{ ...good, after: "99" }, 8, /:3: .*no loop 99/],
    ];
    for (const [line, code, says] of bad) {
      const told = await batch(good, good, line);
      expect({ ...told, line }).toMatchObject({ code, stderr: expect.stringMatching(says), line });
    }
    expect(await batch()).toMatchObject({ code: 3, stderr: expect.stringMatching(/no line/) });
    expect(await list(desk)).toEqual([]);
    const other = await makeOther(desk);
    const accepted = await expectDone(batch(good, { ...good, repo: other.repo }));
    const loops = jsonOf<LoopView[]>(accepted);
    expect(loops.map(({ id, repo }) => [id, repo])).toEqual([
      ["1", desk.repo],
      ["2", other.repo],
    ]);
    for (const { id } of loops) await untilStatus(desk, id, "complete");
  }));

test.concurrent("pause, resume and stop act on a loop that runs, and leave no process", () =>
  withDaemon(longTurn, async (desk) => {
    const id = await inLongTurn(desk);
    const paused = await expectDone(td(desk, ["--json", "pause", id]));
    expect(jsonOf(paused)).toMatchObject({ id, status: "paused" });
    await untilNoCommand(desk);
    const resumed = await expectDone(td(desk, ["run", "--resume", id, "--detach"]));
    expect(resumed.stdout).toBe(`${id}\n`);
    await untilStatus(desk, id, "running");
    const stopped = await expectDone(td(desk, ["--json", "stop", id]));
    expect(jsonOf(stopped)).toMatchObject({ id, status: "stopped" });
    await untilNoCommand(desk);
    expect(await td(desk, ["resume", id])).toMatchObject({ code: 2 });
    expect(await td(desk, ["stop", "9"])).toMatchObject({ code: 8 });
    expect(await show(desk, id)).toMatchObject({ status: "stopped" });
  }));

/** Nothing of the loop runs any more: only daemon and guardian do. */
function untilNoCommand({ place }: Desk): Promise<void> {
  const isOurs = ({ command }: Process) => / daemon |hand-main/.test(command);
  return until("only the daemon is left", async () =>
    (await processesOf(place)).every((found) => isOurs(found)),
  );
}

test.concurrent("an answer lets a blocked loop go on", () =>
  withDaemon(scripted([["I have nothing more to do."]]), async (desk) => {
    const { id } = await runDetached(desk);
    await untilStatus(desk, id, "blocked");
    const answered = await expectDone(td(desk, ["--json", "answer", id, "Look at sum.txt."]));
    expect(jsonOf<LoopView>(answered).status).not.toBe("blocked");
    await untilStatus(desk, id, "blocked");
  }));
