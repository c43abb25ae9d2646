import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeInputs, runNotifyCommand } from "../../../src/adapters/notify/command.ts";
import { findDesktop, showOnDesktop } from "../../../src/adapters/notify/desktop.ts";
import { NotifyFile } from "../../../src/adapters/notify/notify-file.ts";
import { isAlive } from "../../../src/adapters/process/tree.ts";

const never = new AbortController().signal;
const hostile = "$(touch pwned) `id` ; rm -rf / \" ' & <b>\n--help";
let dir = "";

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "td-notify-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const env = { PATH: "/usr/bin:/bin" };
const run = (command: string, body: string, signal = never) =>
  runNotifyCommand({ command, env, dir, id: "7-1" }, body, signal);

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, name), 0o755);
}

test("a command reads the JSON from its input, and none of it is a word of the command", async () => {
  const body = JSON.stringify({ text: hostile });
  expect(await run(`cat > ${dir}/got; env > ${dir}/env; pwd > ${dir}/where`, body)).toEqual({
    ok: true,
  });
  expect(await readFile(join(dir, "got"), "utf8")).toBe(body);
  expect(await readFile(join(dir, "where"), "utf8")).toBe("/\n");
  const names = (await readFile(join(dir, "env"), "utf8")).match(/^\w+(?==)/gm) ?? [];
  const shells = ["PWD", "SHLVL", "OLDPWD", "_"];
  expect(names.filter((name) => !shells.includes(name)).sort()).toEqual([
    "PATH",
    "TASKDAEMON_COMMAND",
  ]);
  expect((await readdir(dir)).sort()).toEqual(["env", "got", "where"]);
});

test("a command that fails is told by its last words", async () => {
  expect(await run("echo no such channel >&2; exit 3", "{}")).toEqual({
    ok: false,
    reason: "the command ended with exit code 3: no such channel",
    again: false,
  });
});

test("what a command leaves behind ends with it, and one that hangs ends when that is said", async () => {
  await run(`sleep 600 & echo $! > ${dir}/pid`, "{}");
  const pid = Number(await readFile(join(dir, "pid"), "utf8"));
  expect(isAlive(pid)).toBe(false);
  const halt = new AbortController();
  const running = run("sleep 600", "{}", halt.signal);
  await sleep(200);
  halt.abort();
  const { reason } = { reason: "", ...(await running) };
  expect(reason).toMatch(/^the command was ended \(aborted\)/);
});

test("what a killed daemon left of its inputs goes, and nothing else", async () => {
  for (const name of ["notify-7-1.json", "notify.json", "notify-x"]) {
    await writeFile(join(dir, name), "{}");
  }
  removeInputs(dir);
  expect((await readdir(dir)).sort()).toEqual(["notify-x", "notify.json"]);
});

test("a desktop is where its program is, and a session", async () => {
  const PATH = dir;
  const none = { ok: false, why: "there is no notify-send here" };
  expect(findDesktop({ PATH, DISPLAY: ":0" }, "linux")).toEqual(none);
  await program("notify-send", "exit 0");
  await program("osascript", "exit 0");
  expect(findDesktop({ PATH }, "linux")).toEqual({ ok: false, why: "there is no desktop session" });
  expect(findDesktop({ PATH, WAYLAND_DISPLAY: "w" }, "linux")).toMatchObject({ ok: true });
  expect(findDesktop({ PATH }, "darwin")).toMatchObject({ ok: true, kind: "osascript" });
});

test.each(["linux", "darwin"] as const)(
  "what is shown on %s are arguments, and no option",
  async (platform) => {
    const given = { PATH: dir, DISPLAY: ":0", ANTHROPIC_API_KEY: "hush" };
    const record = `for word; do printf '%s\\0' "$word"; done > ${dir}/got; env > ${dir}/env`;
    for (const name of ["notify-send", "osascript"]) await program(name, record);
    const desktop = findDesktop(given, platform);
    if (!desktop.ok) throw new Error(desktop.why);
    const note = { title: "TaskDaemon: 1 loop asks you", text: `-e ${hostile}`, urgent: true };
    expect(await showOnDesktop(desktop, note, given, never)).toEqual({ ok: true });
    const words = (await readFile(join(dir, "got"), "utf8")).split("\0").slice(0, -1);
    const shown =
      platform === "linux"
        ? note.text.replace("&", "&amp;").replace("<b>", "&lt;b&gt;")
        : note.text;
    expect(words.slice(-3)).toEqual(["--", note.title, shown]);
    expect(await readFile(join(dir, "env"), "utf8")).not.toContain("hush");
  },
);

test("a program that fails is told by its words", async () => {
  await program("notify-send", "echo no bus >&2; exit 1");
  const desktop = findDesktop({ PATH: dir, DISPLAY: ":0" }, "linux");
  if (!desktop.ok) throw new Error(desktop.why);
  const note = { title: "a", text: "b", urgent: false };
  expect(await showOnDesktop(desktop, note, {}, never)).toEqual({
    ok: false,
    reason: "notify-send: no bus",
    again: false,
  });
});

test("how far each channel has come is there after a restart; a broken file is none", async () => {
  const file = new NotifyFile(dir);
  expect(file.of("webhook")).toBeNull();
  await Promise.all([file.keep("webhook", 1), file.keep("command", 4), file.keep("webhook", 2)]);
  await file.keepAlerts(new Map([["disk", 5]]));
  const again = new NotifyFile(dir);
  expect([again.of("webhook"), again.of("command"), [...again.alerts]]).toEqual([
    2,
    4,
    [["disk", 5]],
  ]);
  await writeFile(join(dir, "notify.json"), '{"channels": {"webhook": "x"}, "alerts": 7');
  expect(new NotifyFile(dir).of("webhook")).toBeNull();
});
