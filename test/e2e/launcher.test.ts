import { execFile } from "node:child_process";
import { cp, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test, vi } from "vitest";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { processesOf } from "./processes.ts";
import { type Desk, loopOf, makeDesk, runJson, startTd, td } from "./program.ts";
import {
  bash,
  done,
  edit,
  loopTimeoutMs,
  makePlace,
  read,
  removePlaces,
  scripted,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The package as it is installed, built by itself: another test may be building too. */
async function install(): Promise<string> {
  const place = await makePlace();
  for (const name of ["bin", "loops", "package.json"]) {
    await cp(join(root, name), join(place, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(place, "node_modules"));
  await run(process.execPath, [join(root, "scripts", "bundle.mjs"), join(place, "dist")]);
  return join(place, "bin", "td.mjs");
}

/** A node on this machine that is too old for the program itself. */
async function findOldNode(): Promise<string | null> {
  for (const dir of new Set([...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"])) {
    const node = join(dir, "node");
    const version = await run(node, ["--version"]).then(
      ({ stdout }) => stdout,
      () => "",
    );
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
    if (major === undefined) continue;
    if (Number(major) < 22 || (Number(major) === 22 && Number(minor) < 19)) return node;
  }
  return null;
}

test("the program that an old node started dies with its launcher, and its loop goes on", async (context) => {
  const node = await findOldNode();
  if (node === null) return context.skip("no node here is too old");
  const command = [node, await install()];
  const fix = edit("sum.js", "a - b", "a + b");
  const policy = scripted([[read("sum.js")], [bash("sleep 3")], [fix], [done]]);
  const mock = await startMockLlm({ policy });
  try {
    const desk = await makeDesk({ modelUrl: mock.url });
    const launcher = startTd(desk, runJson, { command });
    await vi.waitFor(() => expect(mock.journal()).toHaveLength(2), { timeout: 30_000 });
    await vi.waitFor(async () => expect((await commandsOf(desk)).join()).toContain("sleep 3"));
    launcher.kill("SIGKILL");
    const clients = async () => (await commandsOf(desk)).filter((line) => line.includes(" run "));
    await vi.waitFor(async () => expect(await clients()).toEqual([]), { timeout: 5_000 });
    const told = await td(desk, ["--json", "run", "--resume", "1"], { command });
    expect(told.code).toBe(0);
    expect(loopOf(told)).toMatchObject({ status: "complete", attempt: 1 });
  } finally {
    await mock.close();
  }
});

async function commandsOf({ place }: Desk): Promise<readonly string[]> {
  return (await processesOf(place)).map(({ command }) => command);
}

test("Ctrl-C at an old node's launcher interrupts the program, which says how to go on", async (context) => {
  const node = await findOldNode();
  if (node === null) return context.skip("no node here is too old");
  const command = ["setsid", "--wait", node, await install()];
  const mock = await startMockLlm({ policy: () => ({ text: "…", "latency-ms": 60_000 }) });
  try {
    const desk = await makeDesk({ modelUrl: mock.url });
    const running = startTd(desk, runJson, { command });
    await vi.waitFor(() => expect(mock.journal()).toHaveLength(1), { timeout: 30_000 });
    // A terminal signals the whole group.
    const processes = await processesOf(desk.place);
    const leader = processes.find(({ command: line }) => line.startsWith(node));
    expect(leader).toBeDefined();
    process.kill(-(leader?.pid ?? 0), "SIGINT");
    const told = await running.ended;
    expect(told.code).toBe(130);
    expect(told.stderr).toContain("td run --resume 1");
  } finally {
    await mock.close();
  }
});
