import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fingerprint } from "../adapters/git/support.ts";
import {
  type Attempt,
  decoy,
  type Outside,
  reached,
  stories,
  straggler,
} from "./escape-attempts.ts";
import {
  bash,
  done,
  fileAt,
  type LoopRun,
  makePlace,
  removePlaces,
  runLoop,
  sampleRepository,
  scripted,
  shell,
} from "./support.ts";

const storyTimeoutMs = 300_000;
vi.setConfig({ testTimeout: storyTimeoutMs, hookTimeout: storyTimeoutMs });

const isRoot = process.geteuid?.() === 0;
const sandboxUid = 65_534;
const ordinaryUid = 23_456;

const files = {
  "answer.txt": "41\n",
  "hidden.txt": "as it was\n",
  "check.sh": '#!/bin/sh\n[ "$(cat answer.txt)" = 42 ] || { echo wrong; exit 1; }\n',
};
const validation = "validation:\n  stuck-after: 10\n";
const config = `${validation}# ${decoy}\nsandbox:\n  processes: 100\n`;
/** The loop's worktree as an honest one would be: nothing planted, and the work done. */
const repair =
  "chmod -R u+rwX .; find . -mindepth 1 -maxdepth 1 ! -name .git ! -name '*.txt' ! -name check.sh -exec rm -rf {} +; rm -f onmain; echo 'as it was' > hidden.txt; echo 42 > answer.txt; ls -A";

// ── what lies outside ────────────────────────────────────────────────────────────────────────

const servers: Server[] = [];
let victim: ChildProcess;
let outside: Outside;
let visitors = 0;
const homes: string[] = [];

async function listen(where: number | string): Promise<Server> {
  const server = createServer((socket) => {
    visitors += 1;
    socket.on("error", () => socket.destroy());
    socket.end();
  });
  server.listen(where);
  await once(server, "listening");
  servers.push(server);
  return server;
}

/** All of it may be written by anybody: nothing but the sandbox is in the way. */
async function setOutside(): Promise<Outside> {
  const person = join(await makePlace(), "person");
  await mkdir(person);
  await writeFile(join(person, "key"), `${decoy}\n`);
  const address = (await listen(0)).address();
  const socketPath = join(person, "..", "host.sock");
  await listen(socketPath);
  const env = { CANARY: decoy };
  victim = spawn("sleep", ["600"], {
    env,
    ...(isRoot ? { uid: sandboxUid, gid: sandboxUid } : {}),
  });
  await once(victim, "spawn");
  const repo = await sampleRepository(files);
  const other = await runLoop({
    repo,
    validate: "./check.sh",
    iterationsMax: 1,
    model: scripted(),
  });
  for (const path of [person, repo]) spawnSync("chmod", ["-R", "a+rwX", path]);
  await chmod(socketPath, 0o777);
  return {
    ...{ person, repo, socketPath },
    otherTree: join(other.home, "worktrees", "1", "tree"),
    port: typeof address === "object" && address !== null ? address.port : 0,
    victimPid: victim.pid ?? 0,
  };
}

beforeAll(async () => {
  outside = await setOutside();
});

afterAll(async () => {
  victim.kill("SIGKILL");
  for (const server of servers) server.close();
  // Deeper than a path may be long.
  for (const home of homes) spawnSync("rm", ["-rf", join(home, "sandbox-home")]);
  await removePlaces();
  for (const path of ["/tmp/td-escape-left", "/dev/shm/td-escape-left"]) {
    spawnSync("rm", ["-f", path]);
  }
});

function stragglers(): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`sleep\0${straggler}`);
    } catch {
      return false; // It has just ended.
    }
  });
}

/** Everything that an escape would change, in one value. */
async function world({ person, otherTree, repo }: Outside): Promise<object> {
  const script = `git for-each-ref --format='%(refname) %(objectname)' | grep -v taskdaemon
    git fsck --full --strict 2>&1`;
  return {
    person: fingerprint(person),
    otherTree: fingerprint(otherTree),
    repo: fingerprint(repo),
    git: await shell(repo, script),
    kernel: ["core_pattern", "hostname"].map((name) =>
      readFileSync(`/proc/sys/kernel/${name}`, "utf8"),
    ),
    left: places.filter((path) => existsSync(path)),
    stragglers: stragglers(),
    victim: victim.exitCode ?? victim.signalCode,
    visitors,
  };
}

const places = [
  ...["/tmp/td-escape-left", "/dev/shm/td-escape-left", "/td-escape", "/etc/td-escape"],
  ...["/usr/bin/td-escape", "/etc/cron.d/td-escape"],
];

// ── the attempts ─────────────────────────────────────────────────────────────────────────────

interface Tried {
  readonly text: string;
  readonly refusals: readonly boolean[];
}

/** What the tools answered, attempt by attempt: calls and answers come in one order. */
function answersOf(
  { records }: LoopRun,
  played: readonly (readonly Attempt[])[],
): ReadonlyMap<string, Tried> {
  const answers = new Map<string, Tried>();
  for (const [index, attempts] of played.entries()) {
    const entries = records.get(index + 1)?.entries ?? [];
    const results = entries.flatMap((entry) => (entry.type === "toolResult" ? [entry] : []));
    for (const { name, calls } of attempts) {
      const own = results.splice(0, calls(outside).length);
      expect(own, `all calls of "${name}" were answered`).toHaveLength(calls(outside).length);
      const text = own.map((result) => result.text).join("\n");
      answers.set(name, { text, refusals: own.map(({ isError }) => isError) });
    }
  }
  return answers;
}

const turnsOf = (attempts: readonly Attempt[]) => attempts.map(({ calls }) => calls(outside));

describe(isRoot ? "as root, with the user id dropped" : "as an ordinary user", () => {
  let run: LoopRun;
  let before: object;
  let answers: ReadonlyMap<string, Tried>;

  beforeAll(async () => {
    before = await world(outside);
    const [first = [], second = []] = stories;
    run = await runLoop({
      repo: outside.repo,
      validate: "./check.sh",
      config,
      model: scripted(turnsOf(first), [...turnsOf(second), [bash(repair)], [done]]),
    });
    homes.push(run.home);
    answers = answersOf(run, stories);
  });

  for (const { name, refused, planted } of stories.flat()) {
    test(`a model cannot ${name}`, () => {
      const tried = answers.get(name);
      expect(planted !== undefined && existsSync(planted(outside))).toBe(false);
      expect(tried?.text).not.toContain(reached);
      expect(tried?.text).not.toContain(decoy);
      if (refused) expect(tried?.refusals).not.toContain(false);
    });
  }

  test("nothing outside has changed, nobody was reached, and nothing goes on running", async () => {
    expect(await world(outside)).toEqual(before);
    expect(run.checkout.after).toEqual(run.checkout.before);
  });

  test("no key came into a prompt, a transcript or the log", async () => {
    const asked = JSON.stringify(run.journal.map(({ body }) => body));
    expect(asked.includes(decoy)).toBe(false);
    const found = spawnSync("grep", ["-rlF", decoy, run.home], { encoding: "utf8" });
    // A version that can be brought back is the file as it was.
    const elsewhere = found.stdout
      .trim()
      .split("\n")
      .filter((file) => !/\/config\/files\/\w+$/.test(file));
    expect(elsewhere).toEqual([join(run.home, "taskdaemon.yml")]);
  });

  test("the home holds what it should, and its configuration is as it was", () => {
    expect(readFileSync(join(run.home, "taskdaemon.yml"), "utf8")).toBe(config);
    expect(readdirSync(dirname(run.home))).toEqual(["home"]);
    expect(readdirSync(join(run.home, "worktrees"))).toEqual([]);
    expect(readdirSync(join(run.home, "sandbox-temp"))).toEqual([]);
    expect(readdirSync(join(run.home, "fresh"))).toEqual([]);
  });

  test("a change that the agent's index hides is in the checkpoint", () => {
    expect(run.records.get(1)?.diff).toContain("-as it was\n+changed");
  });

  test("the loop ends as any other, and delivers the work alone", async () => {
    expect(run.view).toMatchObject({ status: "complete", reason: null, iteration: 2 });
    expect(await fileAt(outside.repo, String(run.view.branch), "answer.txt")).toBe("42\n");
    const changed = await shell(outside.repo, `git diff --name-only main '${run.view.branch}'`);
    expect(changed).toBe("answer.txt\n");
  });
});

test("without a sandbox the probes do reach what they are for", async () => {
  const probes = [
    stories.flat().filter(({ name, control }) => control || name.startsWith("plant links for")),
  ];
  const run = await runLoop({
    repo: outside.repo,
    validate: "./check.sh",
    iterationsMax: 1,
    config: `${validation}sandbox:\n  level: off\n`,
    model: scripted(...probes.map(turnsOf)),
  });
  const answers = answersOf(run, probes);
  const inert = probes.flat().filter(({ name, control, planted }) => {
    const text = answers.get(name)?.text ?? "";
    if (planted !== undefined) return !existsSync(planted(outside));
    return control && !text.includes(reached) && !text.includes(decoy);
  });
  expect(inert.map(({ name }) => name)).toEqual([]);
  expect(visitors).toBeGreaterThan(0);
});

test.runIf(isRoot)("all of it holds for an ordinary user", async () => {
  const repository = fileURLToPath(new URL("../..", import.meta.url));
  const vitest = join(repository, "node_modules/vitest/vitest.mjs");
  const file = fileURLToPath(import.meta.url);
  const home = await makePlace();
  spawnSync("chown", [String(ordinaryUid), home]);
  const child = spawn(
    process.execPath,
    [vitest, "run", file, "--coverage.enabled=false", "--reporter=dot", "--configLoader=native"],
    {
      ...{ uid: ordinaryUid, gid: ordinaryUid, cwd: repository },
      env: { PATH: process.env["PATH"], HOME: home, TMPDIR: home, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, "exit");
  expect(code === 0 ? "" : output).toBe("");
});
