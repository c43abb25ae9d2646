import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { kill } from "node:process";
import { afterAll, expect, test, vi } from "vitest";
import { connect } from "../../src/host/control.ts";
import {
  askDaemon,
  expectDone,
  guardianOf,
  hasFile,
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
import { jsonOf, startTd, td } from "./program.ts";
import { loopTimeoutMs, removePlaces } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs, maxConcurrency: 2 });
afterAll(removePlaces);

test.concurrent("HUP reads the configuration again, and a broken one changes nothing", () =>
  withDaemon(
    mending,
    async (desk) => {
      const file = join(desk.home, "taskdaemon.yml");
      const guardian = await guardianOf(desk);
      const pid = pidOf(desk);
      const slots = async () => (await askDaemon(desk, (door) => door.queue()))?.slots;
      expect((await slots())?.max).toBe(3);
      await writeFile(file, "concurrency: { loops: 7 }\nqueue: { max: 1 }\n");
      kill(guardian, "SIGHUP");
      await until("seven slots", async () => (await slots())?.max === 7);
      await writeFile(file, "concurrency: { loops: many }\n");
      kill(pid ?? 0, "SIGHUP");
      await until("it says so", async () => (await status(desk)).config.problem !== null);
      expect((await status(desk)).config.problem).toMatch(
        /last good one holds: .*taskdaemon\.yml:1:/,
      );
      expect((await td(desk, ["status"])).stdout).toMatch(/^config .*taskdaemon\.yml/m);
      expect((await slots())?.max).toBe(7);
      expect(await readFile(join(desk.home, "logs", "daemon.log"), "utf8")).toContain(
        "the configuration is broken: the last good one holds",
      );
      await writeFile(file, "concurrency: { loops: 9 }\n");
      kill(guardian, "SIGHUP");
      await until("nine slots", async () => (await slots())?.max === 9);
      expect((await status(desk)).config.problem).toBe(null);
      expect(pidOf(desk)).toBe(pid);
    },
    { config: "concurrency: { loops: 3 }\n" },
  ));

test.concurrent("a configuration that was read again holds for the next loop and at the gates", () =>
  withDaemon(mending, async (desk) => {
    expect(await runDetached(desk)).toMatchObject({ maxIterations: 100 });
    await untilStatus(desk, "1", "complete");
    const gates = async () =>
      (await status(desk)).providers.map(({ name, concurrency }) => [name, concurrency]);
    expect(await gates()).toEqual([["anthropic", null]]);
    const text = "iteration: { max: 12 }\nllm: { providers: { anthropic: { concurrency: 3 } } }\n";
    await writeFile(join(desk.home, "taskdaemon.yml"), text);
    kill(pidOf(desk) ?? 0, "SIGHUP");
    await until("it was read", async () => {
      const log = await readFile(join(desk.home, "logs", "daemon.log"), "utf8");
      return log.includes("the configuration was read again");
    });
    expect(await gates()).toEqual([["anthropic", 3]]);
    expect(await runDetached(desk)).toMatchObject({ maxIterations: 12 });
    await untilStatus(desk, "2", "complete");
  }));

test.concurrent("a full queue takes back no loop either that rests", () =>
  withDaemon(
    slow(mending, 60_000),
    async (desk) => {
      const { id } = await runDetached(desk);
      await untilStatus(desk, id, "running");
      await expectDone(td(desk, ["pause", id]));
      const second = await runDetached(desk);
      await untilStatus(desk, second.id, "running");
      await runDetached(desk);
      for (const args of [
        ["resume", id],
        ["run", "--resume", id],
        ["run", "ralph", "x", "--detach"],
      ]) {
        expect(await td(desk, args)).toMatchObject({
          code: 7,
          stderr: expect.stringMatching(/the queue is full: 1 loops wait/),
        });
      }
      expect(await show(desk, id)).toMatchObject({ status: "paused" });
      await expectDone(td(desk, ["stop", "--now"]));
    },
    { config: "concurrency: { loops: 1 }\nqueue: { max: 1 }\n" },
  ));

test.concurrent("a daemon whose home is removed says so and ends, and nobody brings it back", () =>
  withDesk(mending, async (desk) => {
    const foreground = startTd(desk, ["start", "--foreground"]);
    await until("it serves", async () => (await connect(desk.home)) !== null);
    await rename(desk.home, `${desk.home}-gone`);
    const told = await foreground.ended;
    expect(told).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^td: .*home was removed: its daemon ends$/m),
    });
    await expectDone(td(desk, ["start"]));
    await rm(desk.home, { recursive: true, force: true });
    await untilNobody(desk);
    expect(existsSync(join(desk.home, "store"))).toBe(false);
  }));

test.concurrent("numbers that now belong to other programs are nobody of ours", () =>
  withDesk(mending, async (desk) => {
    await mkdir(desk.home, { mode: 0o711 });
    for (const name of ["daemon.pid", "guardian.pid"]) {
      await writeFile(join(desk.home, name), `${process.pid}\n`);
    }
    expect(await td(desk, ["stop"])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/no daemon serves/),
    });
    await expectDone(td(desk, ["start"]));
    await untilStatus(desk, (await runDetached(desk)).id, "complete");
    await expectDone(td(desk, ["stop"]));
  }));

test.concurrent("an attached run outlives a kill and a restart of its daemon, and ends right", () =>
  withDaemon(longTurn, async (desk) => {
    const running = startTd(desk, [
      "--json",
      "run",
      "ralph",
      "Mend it.",
      "--validate",
      "./check.sh",
    ]);
    await until("the turn has begun", () => hasFile(desk, "1", "begun.txt"));
    const pid = pidOf(desk) ?? 0;
    kill(pid, "SIGKILL");
    await until("it says so", () => running.stderr().includes("the daemon is gone: waiting up to"));
    await until("it is back", () => running.stderr().includes("the daemon is back"));
    expect(pidOf(desk)).not.toBe(pid);
    await expectDone(td(desk, ["restart", "--now"]));
    const told = await running.ended;
    expect(told.stderr).toMatch(/the daemon (stopped|is gone): waiting.*the daemon is back/s);
    expect(told.code).toBe(0);
    expect(jsonOf(told)).toMatchObject({ id: "1", status: "complete" });
  }));

test.concurrent("a daemon without the key says how it gets one, and a restart gives it", () =>
  withDesk(mending, async (desk) => {
    await expectDone(td(desk, ["start"], { env: { ANTHROPIC_API_KEY: undefined } }));
    const args = ["--json", "run", "ralph", "Mend it.", "--validate", "./check.sh"];
    const refused = await td(desk, args);
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /No API key .*restart the daemon with ANTHROPIC_API_KEY set \(td restart\)/,
      ),
    });
    await expectDone(td(desk, ["restart"]));
    expect(jsonOf(await expectDone(td(desk, args)))).toMatchObject({ status: "complete" });
  }));
