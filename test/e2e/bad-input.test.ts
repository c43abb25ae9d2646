import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type MockLlm, startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { processesOf } from "./processes.ts";
import {
  type Desk,
  jsonOf,
  keyValue,
  loopOf,
  makeDesk,
  runJson,
  type StartOptions,
  startTd,
  type Told,
  td,
} from "./program.ts";
import {
  deliveredBranches,
  done,
  edit,
  fileAt,
  loopTimeoutMs,
  read,
  removePlaces,
  scripted,
  shell,
} from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });

const honest = scripted([[read("sum.js")], [edit("sum.js", "a - b", "a + b")], [done]]);
let mock: MockLlm;

beforeAll(async () => {
  mock = await startMockLlm({ policy: honest });
});
afterAll(async () => {
  await mock.close();
  await removePlaces();
});

const desk = () => makeDesk({ modelUrl: mock.url });

/** One or two lines for a person, nothing for a script, and no stack. */
function expectRefusal({ code, stdout, stderr }: Told, exitCode: number, says: RegExp): void {
  expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringMatching(says) });
  expect(stderr).toMatch(/^td: \S/);
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/^\s+at |internal error|Error:/m);
  expect(stdout).toBe("");
}

// ── what a person asks for ───────────────────────────────────────────────────────────────────

interface Refused extends StartOptions {
  readonly args?: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  /** Shell, in the repository. */
  readonly prepare?: string;
}

const badRequests: Readonly<Record<string, Refused>> = {
  "a directory without a repository": {
    prepare: "mkdir ../plain",
    args: ["--repo", "../plain", ...runJson],
    code: 2,
    says: /not in a git repository\. Run git init/,
  },
  "a directory that is not there": {
    args: ["--repo", "nowhere", ...runJson],
    code: 2,
    says: /nowhere is not there/,
  },
  "a bare repository": {
    prepare: "git clone --quiet --bare . ../bare.git",
    args: ["--repo", "../bare.git", ...runJson],
    code: 2,
    says: /bare repository/,
  },
  "a repository without a commit": {
    prepare: "rm -rf .git; git init --quiet",
    code: 2,
    says: /has no commit yet/,
  },
  "a base that does not exist": {
    args: [...runJson, "--base", "no-such-branch"],
    code: 2,
    says: /no commit named no-such-branch/,
  },
  "a base that looks like an option": {
    args: [...runJson, "--base=--output=x"],
    code: 2,
    says: /no commit named --output=x/,
  },
  "a loop type that nobody defined": {
    args: ["--json", "run", "ralf", "x"],
    code: 8,
    says: /no loop type ralf \(there is .*ralph/,
  },
  "a task file that is not there": {
    args: ["--json", "run", "ralph", "--file", "task.md"],
    code: 3,
    says: /cannot read the task from task\.md: there is no such file/,
  },
  "a task file that is a directory": {
    args: ["--json", "run", "ralph", "--file", "test"],
    code: 3,
    says: /test: it is a directory/,
  },
  "a binary task file": {
    prepare: "head -c 1000 /dev/zero > task.bin",
    args: ["--json", "run", "ralph", "--file", "task.bin"],
    code: 3,
    says: /not text: it has NUL bytes/,
  },
  "a task of 10 MB": {
    prepare: "head -c 10000000 /dev/zero | tr '\\0' 'x' > task.txt",
    args: ["--json", "run", "ralph", "--file", "task.txt"],
    code: 3,
    says: /too large for a task: at most 1 MB/,
  },
  "a task of 10 MB on stdin": {
    args: ["--json", "run", "ralph", "--file", "-"],
    stdin: "x".repeat(10_000_000),
    code: 3,
    says: /too large/,
  },
  "an empty task": { args: ["--json", "run", "ralph", "  "], code: 2, says: /the task is empty/ },
  "an empty validation command": {
    args: [...runJson, "--validate", ""],
    code: 2,
    says: /--validate/,
  },
  "a repository in which no validation command is found": {
    prepare: "git rm -rq . && echo hello > notes.txt && git add . && git commit -qm notes",
    code: 2,
    says: /--validate/,
  },
  "an option that there is not": { args: [...runJson, "--fast"], code: 2, says: /--fast/ },
  "a command that there is not": { args: ["--json", "rnu"], code: 2, says: /rnu/ },
  "a number that is none": {
    args: [...runJson, "--max-iterations", "many"],
    code: 2,
    says: /whole number/,
  },
  "a loop that there is not": { args: ["--json", "run", "--resume", "7"], code: 8, says: /loop 7/ },
  "a configuration with a mistake": {
    prepare: "printf 'validation:\\n  timeout: soon\\n' > taskdaemon.yml",
    code: 3,
    says: /taskdaemon\.yml:2:12: /,
  },
  "a configuration that is no YAML": {
    prepare: "printf 'validation: [\\n' > taskdaemon.yml",
    code: 3,
    says: /taskdaemon\.yml:\d+:\d+: /,
  },
  "a provider that nobody knows": {
    args: [...runJson, "--model", "nobody/knows"],
    code: 5,
    says: /no provider "nobody": use one of anthropic, openai, ollama/,
  },
  "a model without a provider": {
    args: [...runJson, "--model", "sonnet"],
    code: 5,
    says: /provider\/model/,
  },
  "a missing key": {
    env: { ANTHROPIC_API_KEY: undefined },
    code: 5,
    says: /No API key for anthropic: set ANTHROPIC_API_KEY/,
  },
  "a key with a line break in it": {
    env: { ANTHROPIC_API_KEY: `${keyValue}\nsecond` },
    code: 5,
    says: /characters that no key has: correct ANTHROPIC_API_KEY/,
  },
};

test.concurrent.each(Object.entries(badRequests))("%s is refused", async (_, refused) => {
  const here = await desk();
  if (refused.prepare !== undefined) await shell(here.repo, refused.prepare);
  const told = await td(here, refused.args ?? runJson, refused);
  expectRefusal(told, refused.code, refused.says);
  expect(told.stderr).not.toContain(keyValue);
  const loops = await td(here, ["--json", "list"]);
  expect(loops).toMatchObject({ code: 0, stdout: "[]\n" });
});

// ── what works though it looks odd ───────────────────────────────────────────────────────────

async function expectComplete(here: Desk, options?: StartOptions): Promise<LoopView> {
  const told = await td(here, runJson, options);
  expect(told).toMatchObject({ code: 0 });
  const view = loopOf(told);
  expect(view).toMatchObject({ status: "complete", delivered: { to: "taskdaemon/1" } });
  return view;
}

test.concurrent("a detached HEAD is a base like any other", async () => {
  const here = await desk();
  await shell(here.repo, "git checkout --quiet --detach");
  await expectComplete(here);
});

test.concurrent("a repository and a home with odd names are no trouble", async () => {
  const { place, repo, ...here } = await desk();
  const odd = join(dirname(repo), `it's "my" répo $HOME; 日本`);
  await rename(repo, odd);
  const home = join(place, "a home of 'böx' & co");
  await expectComplete({ ...here, place, repo: odd, home });
  expect(await deliveredBranches(odd)).toEqual(["taskdaemon/1"]);
  expect(await fileAt(odd, "taskdaemon/1", "sum.js")).toContain("a + b");
});

test.concurrent("a validation command that is not there is red, and the loop is told why", async () => {
  const here = await desk();
  const args = [...runJson, "--validate", "no-such-program --all", "--max-iterations", "1"];
  const told = await td(here, args);
  expect(told.code).toBe(1);
  expect(loopOf(told)).toMatchObject({
    status: "failed",
    verdict: { passed: false, exitCode: 127 },
  });
  expect(told.stderr).toMatch(/before any work: exit code 127: the command,.* was not found/);
  const replay = await td(here, ["replay", "1"]);
  expect(replay.stdout).toMatch(/no-such-program: (command )?not found/);
});

test.concurrent("a second run on the same home is carried out by the same daemon", async () => {
  const slow = await startMockLlm({ policy: () => ({ text: "…", "latency-ms": 60_000 }) });
  try {
    const here = await makeDesk({ modelUrl: slow.url });
    const first = startTd(here, runJson);
    await vi.waitFor(() => expect(slow.journal()).toHaveLength(1), { timeout: 30_000 });
    expect(first.stderr()).toMatch(/^started the daemon \(pid \d+\); td stop ends it$/m);
    const second = await td(here, [...runJson, "--detach"]);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(loopOf(second).id).toBe("2");
    const loops = jsonOf<LoopView[]>(await td(here, ["--json", "list"]));
    expect(loops.map(({ id }) => id)).toEqual(["1", "2"]);
    first.kill("SIGINT");
    expect(await first.ended).toMatchObject({ code: 130 });
    expect(await td(here, ["stop", "--now"])).toMatchObject({ code: 0 });
  } finally {
    await slow.close();
  }
});

test.concurrent("a refused run leaves no daemon behind, and --no-start starts none", async () => {
  const here = await desk();
  expectRefusal(await td(here, ["--no-start", ...runJson]), 4, /--no-start forbids it: td start/);
  expectRefusal(await td(here, ["run", "nothing", "x"]), 8, /no loop type/);
  expect(await td(here, [...runJson, "--dry-run"])).toMatchObject({ code: 0, stderr: "" });
  expect(await processesOf(here.place)).toEqual([]);
});
