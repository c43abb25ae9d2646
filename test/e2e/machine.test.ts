import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, type TestContext, test, vi } from "vitest";
import { type MockLlm, startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { jsonOf, loopOf, makeDesk, program, runJson, type Told, td } from "./program.ts";
import {
  deliveredBranches,
  done,
  edit,
  loopTimeoutMs,
  makePlace,
  read,
  removePlaces,
  scripted,
  shell,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });

const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
/** The same in each iteration, as a full disk may cost one. */
const work = [[read("sum.js")], [edit("sum.js", "a - b", "a + b")], [done]];
const honest = scripted(work, work, work);
let mock: MockLlm;

beforeAll(async () => {
  mock = await startMockLlm({ policy: honest });
});
afterAll(async () => {
  await mock.close();
  for (const dir of mounted.splice(0)) await run("umount", ["--lazy", dir]);
  await removePlaces();
});

function expectRefusal({ code, stdout, stderr }: Told, exitCode: number, says: RegExp): void {
  expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringMatching(says) });
  expect(stderr).not.toMatch(/^\s+at |internal error/m);
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect(stdout).toBe("");
}

function expectComplete(told: Told): LoopView {
  const view = loopOf(told);
  expect(view).toMatchObject({ status: "complete", reason: null });
  expect(told.code).toBe(0);
  return view;
}

// ── programs ─────────────────────────────────────────────────────────────────────────────────

test("without bubblewrap nothing runs, and the remedy is said", async () => {
  const desk = await makeDesk({ modelUrl: mock.url });
  const bin = join(desk.place, "bin");
  await mkdir(bin);
  for (const name of await readdir("/usr/bin")) {
    if (name !== "bwrap") await symlink(join("/usr/bin", name), join(bin, name));
  }
  const PATH = [dirname(process.execPath), bin].join(delimiter);
  expectRefusal(
    await td(desk, runJson, { env: { PATH } }),
    5,
    /no sandbox: bubblewrap not found; \S/,
  );
  expect(jsonOf(await td(desk, ["--json", "list"]))).toEqual([]);
});

test("without git nothing runs, and the remedy is said", async (context) => {
  needsMounts(context);
  const desk = await makeDesk({ modelUrl: mock.url });
  const hide = 'mount -t tmpfs none /usr/bin && exec "$@"';
  const command = ["unshare", "--mount", "sh", "-c", hide, "sh", process.execPath, program];
  expectRefusal(await td(desk, runJson, { command }), 5, /git is not installed: install git 2\.39/);
});

// ── the home ─────────────────────────────────────────────────────────────────────────────────

test("a home that cannot be made is refused", async () => {
  const desk = await makeDesk({ modelUrl: mock.url });
  const file = join(desk.place, "file");
  await writeFile(file, "");
  const told = await td({ ...desk, home: join(file, "home") }, runJson);
  expectRefusal(told, 3, /file\/home cannot be used: a part of the path is no directory/);
});

test("a home on a read-only disk is refused, and can still be read", async (context) => {
  needsMounts(context);
  const desk = await makeDesk({ modelUrl: mock.url, env: withoutFloor });
  await mountAt(desk.home, "size=800m");
  expectComplete(await td(desk, runJson));
  await td(desk, ["stop"]);
  await run("mount", ["-o", "remount,ro", desk.home]);
  expectRefusal(await td(desk, runJson), 3, /home cannot be used: the disk is read-only/);
  expect(jsonOf(await td(desk, ["--json", "list"]))).toMatchObject([{ status: "complete" }]);
});

test("on a read-only disk no home is made", async (context) => {
  needsMounts(context);
  const desk = await makeDesk({ modelUrl: mock.url });
  await mountAt(desk.home, "size=8m,ro");
  const none = { ...desk, home: join(desk.home, "none", "yet") };
  const says = /none.*: it cannot be made: the disk is read-only/;
  for (const args of [["start"], runJson]) expectRefusal(await td(none, args), 3, says);
  const doctor = await td(none, ["doctor"]);
  expect(doctor).toMatchObject({ code: 1, stdout: expect.stringMatching(says) });
});

test("a small disk blocks before any work, and more of it lets the loop go on", async (context) => {
  needsMounts(context);
  const desk = await makeDesk({ modelUrl: mock.url, env: withoutFloor });
  await mountAt(desk.home, "size=64m");
  const told = await td(desk, runJson);
  expect(told.code).toBe(5);
  expect(loopOf(told)).toMatchObject({ status: "blocked", blockedOn: "setup", iteration: 0 });
  expect(loopOf(told).reason).toMatch(/Only \d+ MB are free/);
  await run("mount", ["-o", "remount,size=800m", desk.home]);
  expectComplete(await td(desk, ["--json", "run", "--resume", "1"]));
});

test("a full disk is one line, and what was there is there when space is free", async (context) => {
  needsMounts(context);
  const desk = await makeDesk({ modelUrl: mock.url, env: withoutFloor });
  await mountAt(desk.home, "size=800m");
  expectComplete(await td(desk, runJson));
  fill(desk.home);
  expectRefusal(await td(desk, runJson), 1, /the disk is full/);
  expect(jsonOf(await td(desk, ["--json", "list"]))).toMatchObject([{ status: "complete" }]);
  await rm(join(desk.home, "filler"));
  expect(expectComplete(await td(desk, runJson))).toMatchObject({ id: "2" });
});

test("a disk that fills up under a loop ends the run, and the loop goes on from there", async (context) => {
  needsMounts(context);
  const homes: string[] = [];
  const filling = await startMockLlm({
    policy: (request) => {
      if (request.turn === 1) for (const home of homes.splice(0)) fill(home);
      return honest(request);
    },
  });
  try {
    const desk = await makeDesk({ modelUrl: filling.url, env: withoutFloor });
    await mountAt(desk.home, "size=800m");
    homes.push(desk.home);
    const told = await td(desk, runJson);
    // Whether the log's last block has room decides who meets it first.
    expect([1, 4, 5]).toContain(told.code);
    expect(told.stdout + told.stderr).toMatch(
      /the disk is full|out of diskspace|no space left|Only \d+ MB are free/i,
    );
    expect(told.stderr).not.toMatch(/^\s+at |internal error/m);
    await rm(join(desk.home, "filler"));
    expect(await td(desk, ["--json", "store", "verify"])).toMatchObject({ code: 0 });
    expectComplete(await td(desk, ["--json", "run", "--resume", "1"]));
  } finally {
    await filling.close();
  }
});

// ── users ────────────────────────────────────────────────────────────────────────────────────

test("an ordinary user needs no rights for a whole run", async (context) => {
  if (!isRoot) return context.skip("only root can become another user");
  const uid = 12_345;
  const desk = await makeDesk({ modelUrl: mock.url });
  const userHome = join(desk.place, "user");
  await mkdir(userHome);
  await chmod(dirname(desk.repo), 0o755);
  await run("chown", ["-R", `${uid}:${uid}`, desk.repo, userHome]);
  const home = join(userHome, ".local", "state", "taskdaemon");
  const mine = { ...desk, home, env: { ...desk.env, HOME: userHome } };
  const user = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const told = await td(mine, runJson, { command: [...user, process.execPath, program] });
  expectComplete(told);
  expect(await shell(userHome, "find . ! -uid 12345 | head")).toBe("");
  expect(await shell(desk.repo, "find . ! -uid 12345 | head")).toBe("");
});

test("root works in a repository that nobody else may look into", async (context) => {
  if (!isRoot) return context.skip("only root has such places");
  const place = await mkdtemp("/root/td-e2e-");
  const home = await mkdtemp("/var/lib/td-e2e-");
  try {
    const desk = await makeDesk({ modelUrl: mock.url });
    const repo = join(place, "repo");
    await run("cp", ["-a", desk.repo, repo]);
    await chmod(place, 0o700);
    await chmod(home, 0o700);
    expectComplete(await td({ ...desk, repo, home }, runJson));
    expect(await deliveredBranches(repo)).toEqual(["taskdaemon/1"]);
    expect(await shell(repo, "find . ! -uid 0 | head")).toBe("");
  } finally {
    await rm(place, { recursive: true, force: true });
    await rm(home, { recursive: true, force: true });
  }
});

// ── disks ────────────────────────────────────────────────────────────────────────────────────

/** On these small disks loops start for all that: what happens then is the question. */
const withoutFloor = { TASKDAEMON_DAEMON_DISK_FREE: "1MB" };
const mounted: string[] = [];
let mayMount = false;

beforeAll(async () => {
  if (!isRoot) return;
  const dir = await makePlace();
  mayMount = await run("unshare", ["--mount", "mount", "-t", "tmpfs", "none", dir]).then(
    () => true,
    () => false,
  );
});

function needsMounts(context: TestContext): void {
  if (!mayMount) context.skip("a disk of its own needs the right to mount");
}

async function mountAt(dir: string, options: string): Promise<void> {
  await mkdir(dir, { mode: 0o711 });
  await run("mount", ["-t", "tmpfs", "-o", options, "none", dir]);
  mounted.push(dir);
}

/** Leaves not one byte. At once: the model waits. */
function fill(dir: string): void {
  const zeros = Buffer.alloc(1_000_000);
  const file = openSync(join(dir, "filler"), "w");
  try {
    for (;;) writeSync(file, zeros);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
}
