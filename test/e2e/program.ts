/** The program as users have it: a process with arguments, an environment and an exit code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFeed } from "../../src/host/reader.ts";
import type { Reply } from "../../src/mock-llm/scenario.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { FeedEvent } from "../../src/protocol/door.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { type Files, makePlace, sampleRepository } from "./support.ts";

/** What `node` runs. */
export const program = fileURLToPath(new URL("../../bin/td.mjs", import.meta.url));

/** An ordinary key in form, so that only its value gives it away. */
export const keyValue = "key-of-no-account";

/** Where one person works: a home, a repository and an environment. */
export interface Desk {
  readonly place: string;
  readonly home: string;
  readonly repo: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface DeskOptions {
  readonly modelUrl: string;
  readonly files?: Files;
  /** Text of the user-level taskdaemon.yml. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A fresh home beside a fresh repository. */
export async function makeDesk({ modelUrl, files, config, env }: DeskOptions): Promise<Desk> {
  const repo = await sampleRepository(files ?? sumFiles);
  const place = await makePlace();
  const home = join(place, "home");
  if (config !== undefined) {
    await mkdir(home, { mode: 0o711 });
    await writeFile(join(home, "taskdaemon.yml"), config, { mode: 0o600 });
  }
  // Of its own, so that what is left there is ours; whoever the program runs as may use it.
  const TMPDIR = join(place, "tmp");
  await mkdir(TMPDIR);
  await chmod(TMPDIR, 0o1777);
  return { place, home, repo, env: { ...personEnvironment(place, modelUrl), TMPDIR, ...env } };
}

/** All that the program and its commands see of the machine; node of this process first. */
function personEnvironment(userHome: string, modelUrl: string): Record<string, string> {
  const { PATH = "" } = process.env;
  return {
    PATH: [dirname(process.execPath), PATH].join(delimiter),
    LANG: "C.UTF-8",
    HOME: userHome,
    ANTHROPIC_API_KEY: keyValue,
    ANTHROPIC_BASE_URL: modelUrl,
  };
}

/** A repository whose one test is red until `a - b` becomes `a + b`. */
export const sumFiles: Files = {
  "package.json": JSON.stringify({
    name: "sum",
    version: "1.0.0",
    type: "module",
    scripts: { test: "node --test" },
  }),
  "sum.js": "export const sum = (a, b) => a - b;\n",
  "test/sum.test.js": `import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "../sum.js";
test("adds", () => assert.equal(sum(1, 2), 3));
`,
};

/** How a process ended, and all that it said. */
export interface Told {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Told>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** What runs before the program: another node, another user. */
  readonly command?: readonly string[];
}

/** Starts `td --home … args` in the desk's repository. */
export function startTd(desk: Desk, args: readonly string[], options: StartOptions = {}): Running {
  const [file = process.execPath, ...before] = options.command ?? [process.execPath, program];
  const child = spawn(file, [...before, "--home", desk.home, ...args], {
    cwd: options.cwd ?? desk.repo,
    env: { ...desk.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  const ended = once(child, "close").then(
    ([code, signal]): Told => ({ code, signal, stdout, stderr }),
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} did not start`);
  return {
    pid,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
  };
}

/** Runs the program to its end. */
export function td(desk: Desk, args: readonly string[], options?: StartOptions): Promise<Told> {
  return startTd(desk, args, options).ended;
}

const task = "Make the tests pass.";
export const runJson = ["--json", "run", "ralph", task] as const;

/** The one JSON value on stdout. */
export function jsonOf<Value>({ stdout, stderr, code }: Told): Value {
  try {
    return JSON.parse(stdout) as Value;
  } catch (cause) {
    throw new Error(`no JSON but ${JSON.stringify(stdout)} (${code}); ${stderr}`, { cause });
  }
}

export function loopOf(told: Told): LoopView {
  return jsonOf<LoopView>(told);
}

/** The whole feed as `td events` has it, read beside whoever writes. */
export function feed(desk: Desk): Promise<readonly FeedEvent[]> {
  return readFeed(desk.home, 1);
}

/** The same model, with something the matter with each of its first answers. */
export function failing(policy: Policy, faults: readonly Reply["fault"][]): Policy {
  const left = [...faults];
  return (request) => {
    const fault = left.shift();
    const reply = policy(request);
    return fault === undefined || reply === null ? reply : { ...reply, fault };
  };
}
