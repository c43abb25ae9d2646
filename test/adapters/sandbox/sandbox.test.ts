import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive } from "../../../src/adapters/process/tree.ts";
import {
  createSandbox,
  probeSandbox,
  type SrtSandbox,
} from "../../../src/adapters/sandbox/sandbox.ts";
import { SandboxUnavailable } from "../../../src/ports.ts";
import {
  isRoot,
  optionsFor,
  requestFor,
  runnerPath,
  type Stage,
  searchPath,
  setStage,
} from "./stage.ts";

const never = new AbortController().signal;
let stage: Stage;
let sandbox: SrtSandbox;

beforeAll(async () => {
  stage = setStage();
  sandbox = await createSandbox(optionsFor(stage));
});

afterAll(async () => {
  await sandbox.close();
  stage.remove();
});

/** Processes whose arguments hold `text`. */
function running(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
    } catch {
      return false;
    }
  });
}

/** Null for one that has ended, also where nobody reaps it. */
function nameOf(pid: string): string | null {
  if (!isAlive(Number(pid))) return null;
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return null;
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function until(isTrue: () => boolean, timeoutMs = 5000): Promise<boolean> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < timeoutMs) {
    if (isTrue()) return true;
    await sleep(20);
  }
  return isTrue();
}

describe("ends and limits", () => {
  test("tells an exit code, and both streams", async () => {
    const request = requestFor(stage, "echo out; echo err >&2; exit 7");
    const result = await sandbox.run(request, never);
    expect(result).toMatchObject({
      exitCode: 7,
      ended: "exited",
      stdout: "out\n",
      stderr: "err\n",
    });
    expect([...result.output.trim().split("\n")].sort()).toEqual(["err", "out"]);
  });

  test("lets scripts open their output by name", async () => {
    const command = "echo a > /dev/stderr; echo b | tee /dev/stderr > /dev/stdout";
    const result = await sandbox.run(requestFor(stage, command), never);
    expect(result).toMatchObject({ exitCode: 0, stdout: "b\n", stderr: "a\nb\n" });
  });

  test("ends a command that takes too long, with all it started", async () => {
    const command = "sleep 301.5 & setsid sleep 301.5 & (trap '' TERM INT; sleep 301.5)";
    const result = await sandbox.run(requestFor(stage, command, { timeoutMs: 300 }), never);
    expect(result).toMatchObject({ exitCode: null, ended: "timedOut" });
    expect(result.durationMs).toBeLessThan(1300);
    expect(running("301.5")).toEqual([]);
  });

  test("ends within a second of an abort", async () => {
    const abort = new AbortController();
    let abortedAt = Number.NaN;
    setTimeout(() => {
      abortedAt = performance.now();
      abort.abort();
    }, 1_000);
    const result = await sandbox.run(requestFor(stage, "echo a; sleep 302.5"), abort.signal);
    expect(result).toMatchObject({ exitCode: null, ended: "aborted", output: "a\n" });
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(running("302.5")).toEqual([]);
  });

  test("an abort before the start starts nothing", async () => {
    const result = await sandbox.run(requestFor(stage, "touch never"), AbortSignal.abort());
    expect(result.ended).toBe("aborted");
    expect(existsSync(join(stage.own, "never"))).toBe(false);
  });

  test("leaves no process behind when a command ends by itself", async () => {
    const leave =
      "(setsid sh -c 'setsid sleep 303.5 & sleep 303.5' &) ; sleep 303.5 & nohup sleep 303.5 >/dev/null 2>&1 &";
    const result = await sandbox.run(requestFor(stage, `${leave} exit 0`), never);
    expect(result).toMatchObject({ exitCode: 0, ended: "exited" });
    expect(running("303.5")).toEqual([]);
  });

  test("contains a fork storm", async () => {
    const command = "bomb() { bomb | bomb & }; bomb; sleep 20";
    const startedAt = performance.now();
    const result = await sandbox.run(requestFor(stage, command), never);
    expect(result).toMatchObject({ exitCode: null, ended: "processes" });
    // Contained, however long a busy machine takes to get rid of it.
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    expect(running("bomb() {")).toEqual([]);
  }, 90_000);

  test("leaves others room where a storm outruns the watch", async () => {
    const { output } = await sandbox.run(requestFor(stage, "ulimit -u"), never);
    const tasks = Number(output);
    expect(tasks).toBeGreaterThanOrEqual(1_024);
    expect(tasks).toBeLessThanOrEqual(Math.max(16_384, availableParallelism() * 2_048));
  });

  test("ends what takes too much memory", async () => {
    const command = 'python3 -c "b = bytearray(600 << 20); import time; time.sleep(20)"';
    const settings = { memoryBytesMax: 256 << 20 };
    const result = await sandbox.run(requestFor(stage, command, { settings }), never);
    expect(result).toMatchObject({ exitCode: null, ended: "memory" });
  });

  test("memory that is only reserved is nobody's business", async () => {
    const command =
      "node -e 'new WebAssembly.Memory({ initial: 1, maximum: 65536 }); console.log(1)'";
    const settings = { memoryBytesMax: 300 << 20 };
    const result = await sandbox.run(requestFor(stage, command, { settings }), never);
    expect(result).toMatchObject({ exitCode: 0, output: "1\n" });
  });

  test("a file does not grow over the bound, and nobody dumps core", async () => {
    const command =
      "truncate -s 3G big; dd if=/dev/zero of=big bs=1M count=1 seek=2500; ls -s big; ulimit -c; rm -f big";
    const { output } = await sandbox.run(requestFor(stage, command), never);
    expect(output).toMatch(/File size limit|File too large/);
    expect(output).toMatch(/^0$/m);
  });
});

describe("output", () => {
  test("a gigabyte of output does not grow the daemon", async () => {
    const before = process.memoryUsage().rss;
    const command = "echo first; head -c 1G /dev/zero; echo; echo last";
    const result = await sandbox.run(requestFor(stage, command), never);
    expect(result.output.startsWith("first\n\0")).toBe(true);
    expect(result.output.endsWith("\0\nlast\n")).toBe(true);
    expect(result.output).toMatch(/\[… \d+ bytes left out …\]/);
    expect(result.output.length).toBeLessThan(21_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });

  test("takes secrets out, also one that comes in two pieces", async () => {
    const command = "printf hunter2; sleep 0.2; echo -secret";
    const result = await sandbox.run(requestFor(stage, command), never);
    expect(result.output).toBe("[redacted]\n");
    expect(result.stdout).toBe("[redacted]\n");
  });
});

describe("places", () => {
  test("temporary files of a command are gone when it ended; its HOME stays", async () => {
    await sandbox.run(
      requestFor(stage, "mkdir -p /tmp/a/b; touch ~/kept; chmod 000 /tmp/a"),
      never,
    );
    const { output } = await sandbox.run(requestFor(stage, "ls -A /tmp ~"), never);
    expect(output).toContain("kept");
    expect(output).not.toContain("a\n");
    expect(
      readdirSync(join(stage.home, "sandbox-temp")).filter((n) => !/seccomp|pipes/.test(n)),
    ).toEqual([]);
  });

  test.runIf(isRoot)("works below /root and with any name", async () => {
    const base = mkdtempSync("/root/td 'quote\" – 日本 ");
    const hidden = setStage({ base });
    const other = await createSandbox(optionsFor(hidden));
    const command =
      "pwd; cat code.txt; ls -A /root; test -d ~/../../../../repo/.git/objects && echo objects";
    const result = await other.run(requestFor(hidden, command), never);
    expect(result.output).toBe(`${hidden.own}\ncode\n${base.split("/").pop()}\nobjects\n`);
    await other.close();
    hidden.remove();
  });

  test("shows toolchains that PATH names below a hidden home, and nothing beside them", async () => {
    const home = stage.userHome;
    for (const [path, text] of [
      [".cargo/bin/tool", "#!/bin/sh\necho tool; cat ~/../../../../.cargo/credentials.toml"],
      [".cargo/credentials.toml", "token"],
      ["node/lib/data", "data"],
      ["node/bin/node-tool", '#!/bin/sh\ncat "$(dirname "$0")/../lib/data"'],
    ] as const) {
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), text, { mode: 0o755 });
    }
    const PATH = `${join(home, ".cargo/bin")}:${join(home, "node/bin")}:${searchPath}`;
    const other = await createSandbox({
      ...optionsFor(stage),
      home: join(stage.base, "other home"),
      env: { PATH },
    });
    const { stdout, stderr } = await other.run(requestFor(stage, "tool; node-tool"), never);
    expect(stdout).toBe("tool\ndata");
    expect(stderr).toMatch(/^cat: .*No such file or directory\n$/);
    await other.close();
  });
});

test("a second sandbox of the same home comes and goes without harm to the first", async () => {
  expect(await probeSandbox(optionsFor(stage))).toMatchObject({ level: "bubblewrap" });
  const result = await sandbox.run(requestFor(stage, "echo still here"), never);
  expect(result.output).toBe("still here\n");
});

describe("where nothing can confine", () => {
  test("says what is missing and how to get it", async () => {
    const bin = mkdtempSync(join(tmpdir(), "td-bin-"));
    const options = { ...optionsFor(stage), home: join(stage.base, "bare"), env: { PATH: bin } };
    const bare = await createSandbox(options);
    const run = bare.run(requestFor(stage, "touch ran"), never);
    await expect(run).rejects.toThrow(SandboxUnavailable);
    await expect(bare.run(requestFor(stage, "true"), never)).rejects.toThrow(
      /bubblewrap.*(apt|dnf|pacman|apk|zypper|package manager)/,
    );
    expect(existsSync(join(stage.own, "ran"))).toBe(false);
    expect((await probeSandbox(options)).networkProblem).toMatch(/bubblewrap|socat/);
    await bare.close();
    rmSync(bin, { recursive: true });
  });

  test.runIf(isRoot)("refuses to give commands the user id of root", async () => {
    const probe = await probeSandbox({
      ...optionsFor(stage),
      home: join(stage.base, "zero"),
      uid: 0,
    });
    expect(probe.problem).toMatch(/uid/);
  });

  test("switched off, commands still have their own environment, HOME and end", async () => {
    const settings = { level: "off" } as const;
    const command = "env; id -u; (setsid sleep 304.5 &); sleep 304.5 & echo done";
    const result = await sandbox.run(requestFor(stage, command, { settings }), never);
    expect(result).toMatchObject({ exitCode: 0, ended: "exited" });
    expect(result.output).toContain(`HOME=${join(stage.home, "sandbox-home/1")}`);
    expect(result.output).not.toContain("ANTHROPIC");
    expect(running("304.5")).toEqual([]);
  });

  test("switched off, a command does not name others to be killed", async () => {
    const bystander = spawn("sleep", ["305.5"]);
    const settings = { level: "off" } as const;
    const command = `echo '{"child-pid": ${bystander.pid}}' >&3`;
    const result = await sandbox.run(requestFor(stage, command, { settings }), never);
    expect(result).toMatchObject({ exitCode: 0, ended: "exited" });
    expect(bystander.kill()).toBe(true);
    await new Promise((resolve) => bystander.once("exit", resolve));
    expect(bystander.signalCode).toBe("SIGTERM");
  });
});

describe("network", () => {
  test("reaches an allowed host, each command with its own list", async () => {
    const server = createServer((request, response) =>
      response.end(`hello ${request.headers.host}`),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const curl = (host: string) => `curl -sS -m 5 --noproxy '' http://${host}:${port}/ 2>&1`;
    const run = (command: string, networkAllow: string[]) =>
      sandbox.run(requestFor(stage, command, { settings: { networkAllow } }), never);
    const [allowed, denied, none] = await Promise.all([
      run(curl("localhost"), ["localhost"]),
      run(curl("localhost"), ["example.org"]),
      run(curl("localhost"), []),
    ]);
    expect(allowed?.output).toContain("hello localhost");
    expect(denied?.output).not.toContain("hello");
    expect(none?.output).not.toContain("hello");
    server.close();
  });

  test("where there is none, a package manager says so at once", async () => {
    const run = (command: string, networkAllow: string[]) =>
      sandbox.run(requestFor(stage, command, { settings: { networkAllow } }), never);
    // Of three tries the last would come after 70 s: long after the command's end.
    const install = await run("npm install left-pad 2>&1", []);
    expect(install).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/EAI_AGAIN|ENOTFOUND/),
    });
    expect((await run("env", ["localhost"])).output).not.toContain("npm_config_fetch_retries");
  });
});

describe("a daemon that is killed", () => {
  const killedWhen = async (
    isTime: (child: ChildProcess, duration: string) => Promise<unknown>,
  ) => {
    const own = setStage();
    const options = optionsFor(own);
    const duration = `${300 + Math.random()}`;
    const child = spawn(execPath, [runnerPath, JSON.stringify({ ...options, redact: null })], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    const settings = { networkAllow: ["example.org"] };
    for (const command of [
      `sleep ${duration}`,
      `(setsid sleep ${duration} &) ; sleep ${duration}`,
    ]) {
      child.stdin.write(`${JSON.stringify(requestFor(own, command, { settings }))}\n`);
      child.stdin.write(`${JSON.stringify(requestFor(own, command))}\n`);
    }
    expect(await until(() => running(duration).length > 0)).toBe(true);
    await isTime(child, duration);
    const died = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await died;
    // A bubblewrap whose parent died before it was told to go on waits for ever, and runs nothing.
    const commands = () =>
      running(duration).filter((pid) => nameOf(pid) !== "bwrap" && nameOf(pid) !== null);
    const areGone = await until(() => commands().length === 0);
    return { areGone, own, options, left: () => running(duration) };
  };

  test("takes its commands with it, and the next one clears up", async () => {
    const sleeping = (duration: string) =>
      running(duration).filter((pid) => nameOf(pid) === "sleep");
    const { areGone, own, options } = await killedWhen((_child, duration) =>
      until(() => sleeping(duration).length >= 6),
    );
    expect(areGone).toBe(true);
    const orphans = () => running("UNIX-LISTEN:").filter((pid) => parentOf(pid) === 1);
    const orphaned = orphans();
    const next = await createSandbox(options);
    expect(await until(() => orphaned.every((pid) => nameOf(pid) === null))).toBe(true);
    expect(orphaned.length).toBeGreaterThan(0);
    const temps = readdirSync(join(own.home, "sandbox-temp"));
    expect(temps.filter((name) => !name.startsWith(`${process.pid}-`))).toEqual([]);
    await next.close();
    own.remove();
  });

  test.each([0, 2, 4, 6, 8, 12])("takes one that is starting with it (%i ms)", async (delayMs) => {
    const { areGone, own, options, left } = await killedWhen(() => sleep(delayMs));
    expect(areGone).toBe(true);
    const next = await createSandbox(options);
    expect(await until(() => left().length === 0)).toBe(true);
    await next.close();
    own.remove();
  });
});
