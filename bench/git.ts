import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";
import { gitTargets } from "../src/adapters/git/targets.ts";
import { createWorktrees, type GitWorktrees } from "../src/adapters/git/worktrees.ts";
import type { LoopId } from "../src/core/loop.ts";
import type { WorktreeRequest } from "../src/ports.ts";

export interface GitTimes {
  readonly name: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const rounds = 30;
const files = 200;
const packages = 300;
const never = new AbortController().signal;

/** What worktrees cost on a small repository with 300 installed packages, beside plain git. */
export async function benchGit(): Promise<readonly GitTimes[]> {
  const dir = mkdtempSync(join(tmpdir(), "td-bench-"));
  try {
    return await measureAll(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measureAll(dir: string): Promise<readonly GitTimes[]> {
  const repo = makeRepository(dir);
  const worktrees = createWorktrees({
    ...{ home: join(dir, "home"), uid: null, now: () => performance.now() },
    runSetup: async () => ({ ok: true, output: "" }),
    identity: { name: "bench", email: "bench@example.org" },
  });
  const base = await worktrees.resolveCommit(repo, "HEAD");
  const settings = { link: "auto", copy: [], setup: null, setupNetworkAllow: [] } as const;
  const sandbox = { level: "off", networkAllow: [], memoryBytesMax: 0, processesMax: 0 } as const;
  const request = (loop: string): WorktreeRequest => {
    return { loop: loop as LoopId, repo, base, head: base, settings, sandbox };
  };
  const workspace = await worktrees.open(request("1"), never);
  let head = base;
  const plain = join(dir, "plain");
  git(repo, "worktree", "add", "-q", "--detach", plain);
  const merge = await mergeOf(worktrees, request("3"));
  return takeTurns({
    "merge of one changed file, its validation aside": merge,
    open: (n) => worktrees.open(request(`2.${n}`), never),
    "snapshot of one changed file": async (n) => {
      appendFileSync(join(workspace.dir, "d0/f0.txt"), `${n}\n`);
      head = await workspace.snapshot(head, "checkpoint\n");
    },
    "plain git add and commit of the same": async (n) => {
      appendFileSync(join(plain, "d0/f0.txt"), `${n}\n`);
      git(plain, "add", "-A");
      git(plain, "commit", "-qm", "checkpoint");
    },
    "fresh, opened and closed": async () => {
      const fresh = await worktrees.fresh({ ...request("1"), head }, never);
      await fresh.close();
    },
    "plain git worktree add and remove": async () => {
      git(repo, "worktree", "add", "-q", "--detach", join(dir, "other"));
      git(repo, "worktree", "remove", "--force", join(dir, "other"));
    },
  });
}

/** What the merge queue does for one loop whose target has moved, but for the command. */
async function mergeOf(worktrees: GitWorktrees, request: WorktreeRequest) {
  const { loop, repo, base } = request;
  const identity = { name: "bench", email: "bench@example.org" };
  const targets = gitTargets(worktrees, { identity, now: () => performance.now() });
  const workspace = await worktrees.open(request, never);
  const heads: string[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await workspace.reset(base);
    appendFileSync(join(workspace.dir, `d${n % 20}/f${n}.txt`), "more\n");
    heads.push(await workspace.snapshot(base, "work\n"));
  }
  const branch = "taskdaemon/plan-3";
  await targets.move(repo, branch, null, base);
  return async (n: number) => {
    const head = heads[n - 1] ?? base;
    const onto = (await targets.tip(repo, branch))?.commit ?? base;
    const work = { loop, repo, base, head, onto, message: "work\n", as: "one commit" } as const;
    const { commit } = await targets.combine(work);
    await targets.sameFiles(repo, commit, head);
    const fresh = await worktrees.fresh({ ...request, head: commit }, never);
    await fresh.close();
    const { type } = await targets.move(repo, branch, onto, commit);
    if (type !== "moved") throw new Error(`the branch is ${type}`);
  };
}

function makeRepository(dir: string): string {
  const repo = join(dir, "repo");
  mkdirSync(repo);
  git(repo, "init", "-q");
  for (let n = 0; n < files; n += 1) {
    mkdirSync(join(repo, `d${n % 20}`), { recursive: true });
    writeFileSync(join(repo, `d${n % 20}/f${n}.txt`), `${n}\n`.repeat(100));
  }
  writeFileSync(join(repo, "package.json"), "{}\n");
  writeFileSync(join(repo, ".gitignore"), "node_modules/\n");
  for (let n = 0; n < packages; n += 1) {
    mkdirSync(join(repo, `node_modules/p${n}`), { recursive: true });
  }
  git(repo, "add", "-A");
  git(repo, "commit", "-qm", "base");
  return repo;
}

function git(cwd: string, ...args: string[]): void {
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
  execFileSync("git", [...identity, ...args], { cwd, stdio: "ignore" });
}

/** One of each in every round, so that what else the machine does hits all alike. */
async function takeTurns(
  acts: Readonly<Record<string, (n: number) => Promise<unknown>>>,
): Promise<readonly GitTimes[]> {
  const times = new Map<string, number[]>(Object.keys(acts).map((name) => [name, []]));
  for (let n = 1; n <= rounds; n += 1) {
    for (const [name, act] of Object.entries(acts)) {
      const before = performance.now();
      await act(n);
      times.get(name)?.push(performance.now() - before);
    }
  }
  return [...times].map(([name, each]) => {
    each.sort((a, b) => a - b);
    const at = (share: number) => Math.round((each[Math.floor(rounds * share)] ?? 0) * 10) / 10;
    return { name, p50Ms: at(0.5), p95Ms: at(0.95) };
  });
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  console.table(await benchGit());
}
