import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../src/adapters/process/capture.ts";
import { Hand } from "../../../src/adapters/process/hand.ts";
import { type ProcessRequest, SpawnFailed } from "../../../src/adapters/process/run.ts";
import { isAlive } from "../../../src/adapters/process/tree.ts";
import { processesOf } from "../../e2e/processes.ts";

const never = new AbortController().signal;
const asIs = (text: string) => text;
const waitMsMax = 20_000;

let place = "";
let hand: Hand;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "td-hand-"));
  hand = new Hand({ node: process.execPath, home: place });
});

afterEach(async () => {
  await hand.close();
  await rm(place, { recursive: true, force: true });
});

const program = (name: string, ...args: readonly string[]) => ({
  program: name,
  args,
  cwd: place,
  env: {},
});

function command(script: string, more: Partial<ProcessRequest> = {}): ProcessRequest {
  return {
    argv: ["/bin/sh", "-c", script],
    cwd: place,
    env: { PATH: "/usr/bin:/bin" },
    uid: null,
    timeoutMs: 60_000,
    outputBytesMax: 10_000,
    limits: { memoryBytesMax: 1e9, processesMax: 50 },
    inputFile: null,
    pipes: null,
    mark: `TASKDAEMON_COMMAND=${place}`,
    ...more,
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await isSo()); waitedMs += 20) {
    if (waitedMs > waitMsMax) throw new Error("it never was so");
    await sleep(20);
  }
}

const pidIn = async (name: string) =>
  Number(await readFile(join(place, name), "utf8").catch(() => ""));

async function handPid(): Promise<number> {
  const found = (await processesOf(place)).find((each) =>
    /hand-main\.ts --home/.test(each.command),
  );
  if (found === undefined) throw new Error("there is no hand");
  return found.pid;
}

test("tells what a program said, to the byte, and how it ended", async () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const input = bytes.repeat(4_000);
  const copied = await hand.program({ ...program("cat"), input }, never);
  expect(copied.exitCode).toBe(0);
  expect(copied.stdout === input).toBe(true);
  const failed = await hand.program(program("sh", "-c", "echo why >&2; exit 7"), never);
  expect([failed.exitCode, failed.stderr]).toEqual([7, "why\n"]);
});

test("many at once are told apart", async () => {
  const numbers = Array.from({ length: 50 }, (_, n) => n);
  const all = await Promise.all(
    numbers.map((n) => hand.program(program("sh", "-c", `sleep 0.0${n % 7}; echo ${n}`), never)),
  );
  expect(all.map(({ stdout }) => Number(stdout))).toEqual(numbers);
});

test("a command has nothing of the daemon's environment, and its output can be redacted", async () => {
  process.env["TD_SECRET_OF_TEST"] = "hunter2";
  const end = await hand.process(command("env; echo hunter2"), never);
  const env = textOf(end.stdout, asIs);
  expect(env).not.toContain("TD_SECRET_OF_TEST");
  expect(textOf(end.stdout, (text) => text.replaceAll("hunter2", "•"))).toContain("•\n");
  const inside = await readFile(`/proc/${await handPid()}/environ`, "utf8");
  expect(inside).toBe("");
});

test("an abort ends a command and all that it started", async () => {
  const halt = new AbortController();
  const ending = hand.process(command("sleep 600 & echo $! > pid; wait"), halt.signal);
  await until(async () => (await pidIn("pid")) > 0);
  halt.abort();
  expect((await ending).ended).toBe("aborted");
  expect(isAlive(await pidIn("pid"))).toBe(false);
});

test("what cannot start is told as such", async () => {
  const missing = command("", { argv: ["/nowhere/sh"] });
  await expect(hand.process(missing, never)).rejects.toThrow(SpawnFailed);
});

test("killed, it fails what was under way, and the next order starts another", async () => {
  await hand.program(program("true"), never);
  const first = await handPid();
  const broken = hand.program(program("sleep", "600"), never);
  const told = expect(broken).rejects.toThrow("the process that starts programs ended");
  kill(first, "SIGKILL");
  await told;
  const again = await hand.program(program("echo", "again"), never);
  expect(again.stdout).toBe("again\n");
  expect(await handPid()).not.toBe(first);
});

test("let go, it ends a model's commands and itself", async () => {
  const ending = hand.process(command("sleep 600 & echo $! > pid; wait"), never);
  const told = expect(ending).rejects.toThrow("ended");
  await until(async () => (await pidIn("pid")) > 0);
  const pid = await handPid();
  await hand.close();
  await told;
  expect([isAlive(pid), isAlive(await pidIn("pid"))]).toEqual([false, false]);
});
