import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lockHome } from "../../src/adapters/store/home.ts";
import { describePurge, purge } from "../../src/host/purge.ts";
import { socketOf } from "../../src/host/socket.ts";
import type { Surroundings } from "../../src/host/surroundings.ts";

const no = { branches: false };

function person(): { readonly around: Surroundings; readonly dir: string } {
  const dir = mkdtempSync(join(tmpdir(), "td-purge-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const around: Surroundings = {
    // Nobody is root here: the unit of the machine is not ours to look at.
    ...{ env: {}, userHome: dir, cwd: dir, pid: process.pid, version: "0" },
    platform: "darwin",
    euid: process.geteuid?.() ?? null,
    self: ["/usr/bin/node", "/opt/td.js"],
  };
  return { around, dir };
}

async function makeHome(home: string): Promise<void> {
  await (await lockHome(home)).release();
  mkdirSync(join(home, "worktrees", "1"), { recursive: true });
}

test("what is no home of ours is refused whatever it is, and nothing in it is touched", async () => {
  const { around, dir } = person();
  const repo = join(dir, "repo");
  await makeHome(repo);
  mkdirSync(join(repo, ".git"));
  const plain = join(dir, "plain");
  mkdirSync(join(plain, "store"), { recursive: true });
  const file = join(dir, "file");
  writeFileSync(file, "");
  await makeHome(dir);
  const link = join(dir, "link");
  symlinkSync(dir, link);
  const refusal = /not a home of TaskDaemon|belongs to user/;
  for (const home of [dir, repo, plain, file, link]) {
    await expect(purge(around, home, no)).rejects.toThrow(refusal);
  }
  for (const home of ["/", "/etc", dirname(dir), dir, repo, plain, file, link]) {
    await expect(describePurge(around, home, no)).rejects.toThrow(refusal);
  }
  await expect(purge(around, join(dir, "nowhere"), no)).rejects.toThrow(/is not there/);
  expect(readdirSync(dir).sort()).toEqual([
    ...["file", "link", "lock", "plain", "repo", "store", "worktrees"],
  ]);
  expect(readdirSync(repo).sort()).toEqual([".git", "lock", "store", "worktrees"]);
});

test("links out of the home are not followed, and what is not ours stays with the home", async () => {
  const { around, dir } = person();
  const home = join(dir, "home");
  const outside = join(dir, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "precious"), "");
  await makeHome(home);
  symlinkSync(outside, join(home, "trash"));
  symlinkSync(outside, join(home, "worktrees", "1", "out"));
  writeFileSync(join(home, "notes.txt"), "");
  const view = await describePurge(around, home, no);
  const ours = ["lock", "store", "trash", "worktrees"];
  expect(view.entries).toEqual(ours.map((name) => join(home, name)));
  expect(await purge(around, home, no)).toEqual({
    home,
    kept: [
      `${join(home, "notes.txt")} stays: TaskDaemon did not make it`,
      `${outside} stays: ${join(home, "trash")} was only a link to it`,
    ],
    failed: [],
  });
  expect(readdirSync(home)).toEqual(["notes.txt"]);
  expect(readdirSync(outside)).toEqual(["precious"]);
});

test("what a daemon keeps for screens and notifications goes with the home", async () => {
  const { around, dir } = person();
  const home = join(dir, "home");
  await makeHome(home);
  const kept = ["dashboard.port", "dashboard.token", "keys.json", "notify.json", "notify-7-1.json"];
  for (const name of kept) writeFileSync(join(home, name), "");
  expect(await purge(around, home, no)).toEqual({ home, kept: [], failed: [] });
  expect(existsSync(home)).toBe(false);
});

test("a home with a long path loses its socket elsewhere too", async () => {
  const { around, dir } = person();
  const home = join(dir, "x".repeat(120));
  await makeHome(home);
  const socket = socketOf(home);
  mkdirSync(dirname(socket), { mode: 0o700 });
  writeFileSync(socket, "");
  expect(await purge(around, home, no)).toMatchObject({ failed: [] });
  expect([existsSync(home), existsSync(dirname(socket))]).toEqual([false, false]);
});

test("a home that somebody has open is not purged under their hands", async () => {
  const { around, dir } = person();
  const home = join(dir, "home");
  await makeHome(home);
  const lock = await lockHome(home);
  onTestFinished(() => lock.release());
  await expect(purge(around, home, no)).rejects.toThrow(/home/);
  expect(readdirSync(home).sort()).toEqual(["lock", "store", "worktrees"]);
});
