import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath, geteuid } from "node:process";
import { fileURLToPath } from "node:url";
import type { SandboxOptions } from "../../../src/adapters/sandbox/ground.ts";
import type { LoopId } from "../../../src/core/loop.ts";
import type { CommandRequest, CommandResult } from "../../../src/ports.ts";

const sandboxUid = 65534;
export const isRoot = geteuid?.() === 0;
export const nodeDir = dirname(execPath);
export const searchPath = `${nodeDir}:/usr/local/bin:/usr/bin:/bin`;
export const canary = "canary-7f3a9c";

/** A person's machine in small: home with secrets, repository, daemon home with two loops. */
export interface Stage {
  readonly base: string;
  readonly userHome: string;
  readonly repo: string;
  readonly home: string;
  readonly own: string;
  readonly other: string;
  remove(): void;
}

export function setStage(options: { owner?: number; base?: string } = {}): Stage {
  const base = options.base ?? mkdtempSync(join(tmpdir(), "td sandbox ü "));
  const stage = {
    base,
    userHome: join(base, "person"),
    repo: join(base, "person/repo"),
    home: join(base, "person/state/taskdaemon"),
    own: join(base, "person/state/taskdaemon/worktrees/1"),
    other: join(base, "person/state/taskdaemon/worktrees/2"),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
  const file = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  file(join(stage.userHome, ".ssh/id_ed25519"), canary);
  file(join(stage.userHome, ".bashrc"), "# mine\n");
  file(join(stage.home, "key"), canary);
  file(join(stage.own, "code.txt"), "code\n");
  file(join(stage.other, "code.txt"), canary);
  mkdirSync(stage.repo, { recursive: true });
  spawnSync("git", ["init", "-q", "-b", "main", stage.repo]);
  file(join(stage.repo, "code.txt"), canary);
  chmodSync(base, 0o711);
  if (options.owner !== undefined) {
    spawnSync("chown", ["-R", `${options.owner}:${options.owner}`, base]);
  } else if (isRoot) {
    for (const dir of [stage.own, stage.other]) {
      chownSync(dir, sandboxUid, sandboxUid);
      chownSync(join(dir, "code.txt"), sandboxUid, sandboxUid);
    }
  }
  return stage;
}

export function optionsFor(stage: Stage): SandboxOptions {
  return {
    home: stage.home,
    uid: sandboxUid,
    redact: (text) => text.replaceAll("hunter2-secret", "[redacted]"),
    concurrency: "auto",
    env: { PATH: searchPath, LANG: "C.UTF-8", ANTHROPIC_API_KEY: canary },
    userHome: stage.userHome,
  };
}

export function requestFor(
  stage: Stage,
  command: string,
  more: Partial<Omit<CommandRequest, "settings">> & {
    readonly settings?: Partial<CommandRequest["settings"]>;
  } = {},
): CommandRequest {
  return {
    loop: "1" as LoopId,
    command,
    cwd: stage.own,
    writable: [stage.own],
    readable: [join(stage.repo, ".git/objects")],
    env: {},
    unixSockets: false,
    timeoutMs: 15_000,
    outputBytesMax: 20_000,
    ...more,
    settings: {
      level: "required",
      networkAllow: [],
      memoryBytesMax: 1024 ** 3,
      processesMax: 100,
      ...more.settings,
    },
  };
}

/** A program that runs a sandbox in its own process. */
export const runnerPath = fileURLToPath(new URL("./runner.ts", import.meta.url));

export type Run = (request: CommandRequest) => Promise<CommandResult>;

/** A sandbox in a process of another user, that is told what to run line by line. */
export function runnerAs(
  uid: number,
  options: SandboxOptions,
): { run: Run; close: () => Promise<void> } {
  const child = spawn(execPath, [runnerPath, JSON.stringify({ ...options, redact: null })], {
    uid,
    gid: uid,
    cwd: "/",
    env: { PATH: searchPath, HOME: options.userHome },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting: ((result: CommandResult) => void)[] = [];
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) waiting.shift()?.(JSON.parse(line));
  });
  return {
    run: (request) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    close: () =>
      new Promise((resolve) => {
        child.once("close", () => resolve());
        child.stdin.end();
      }),
  };
}
