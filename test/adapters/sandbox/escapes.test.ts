import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type SrtSandbox } from "../../../src/adapters/sandbox/sandbox.ts";
import { attempts, type Outside } from "./attempts.ts";
import {
  canary,
  isRoot,
  nodeDir,
  optionsFor,
  type Run,
  requestFor,
  runnerAs,
  type Stage,
  searchPath,
  setStage,
} from "./stage.ts";

const ordinaryUid = 23_456;
const servers: Server[] = [];
const hostTemp = mkdtempSync(join(tmpdir(), "td-host-"));
const victim = spawn("sleep", ["600"], { env: { CANARY: canary } });
let outside: Outside;

async function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(where, resolve));
  servers.push(server);
  return server;
}

beforeAll(async () => {
  const tcp = (await listen(0)).address();
  const socketPath = join(hostTemp, "host.sock");
  await listen(socketPath);
  spawnSync("chmod", ["-R", "777", hostTemp]);
  const port = typeof tcp === "object" && tcp !== null ? tcp.port : 0;
  outside = { port, socketPath, hostTemp, victimPid: victim.pid ?? 0 };
});

afterAll(() => {
  victim.kill("SIGKILL");
  for (const server of servers) server.close();
  for (const path of [hostTemp, "/dev/shm/td-escape-test"])
    rmSync(path, { recursive: true, force: true });
});

function restore(): void {
  for (const path of [join(hostTemp, "left"), "/dev/shm/td-escape-test"])
    rmSync(path, { force: true });
}

describe("the probes themselves work outside of the sandbox", () => {
  for (const attempt of attempts.filter(({ control }) => control === "outside")) {
    test(attempt.name, () => {
      const stage = setStage();
      const { stdout } = spawnSync("bash", ["-c", attempt.command(stage, outside)], {
        cwd: stage.own,
        encoding: "utf8",
      });
      expect(attempt.succeeded(stage, stdout, outside)).toBe(true);
      stage.remove();
      restore();
    });
  }
});

function refusesAll(
  start: (stage: Stage) => Promise<{ run: Run; close: () => unknown }>,
  owner?: number,
) {
  let stage: Stage;
  let sandbox: { run: Run; close: () => unknown };
  beforeAll(async () => {
    stage = setStage(owner === undefined ? {} : { owner });
    sandbox = await start(stage);
  });
  afterAll(async () => {
    await sandbox.close();
    stage.remove();
    restore();
  });

  test("runs commands: they write their worktree, /tmp and HOME", async () => {
    const command =
      "echo a > made && echo b > /tmp/b && echo c > ~/c && cat made /tmp/b ~/c && id -u";
    const result = await sandbox.run(requestFor(stage, command));
    expect(result).toMatchObject({ exitCode: 0, ended: "exited" });
    expect(result.output).toMatch(/^a\nb\nc\n[1-9]\d*\n$/);
  });

  test("shows no key in the environment", async () => {
    const { output } = await sandbox.run(requestFor(stage, "env"));
    expect(output).toContain("HOME=");
    expect(output).not.toContain(canary);
  });

  for (const attempt of attempts) {
    test(`a command cannot ${attempt.name}`, async () => {
      const result = await sandbox.run(requestFor(stage, attempt.command(stage, outside)));
      expect(result.ended).toBe("exited");
      expect(result.output).not.toContain("rejected:");
      expect(attempt.succeeded(stage, result.output, outside)).toBe(false);
    });
  }

  test("with Unix sockets allowed, those of the machine are still not there", async () => {
    const connect = attempts.find(({ name }) => name === "connect to a Unix socket of the machine");
    const command = connect?.command(stage, outside) ?? "";
    const result = await sandbox.run(requestFor(stage, command, { unixSockets: true }));
    expect(result.output).toMatch(/FileNotFoundError/);
  });
}

const never = new AbortController().signal;

async function inProcess(stage: Stage): Promise<{ run: Run; close: () => unknown }> {
  const sandbox: SrtSandbox = await createSandbox(optionsFor(stage));
  expect(sandbox.probe).toMatchObject({ level: "bubblewrap", problem: null });
  return { run: (request) => sandbox.run(request, never), close: () => sandbox.close() };
}

describe(isRoot ? "as root, with the user id dropped" : "as an ordinary user", () => {
  refusesAll(inProcess);
});

describe.runIf(isRoot && isOpenToAll(nodeDir) && isOpenToAll(import.meta.dirname))(
  "as an ordinary user (root gave up its rights)",
  () => {
    refusesAll(async (stage) => runnerAs(ordinaryUid, optionsFor(stage)), ordinaryUid);
  },
);

function isOpenToAll(dir: string): boolean {
  const { status } = spawnSync("test", ["-r", dir, "-a", "-x", dir], {
    uid: ordinaryUid,
    gid: ordinaryUid,
    env: { PATH: searchPath },
  });
  accessSync(dir, constants.R_OK);
  return status === 0;
}
