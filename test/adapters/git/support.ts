import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { SetUpRunner } from "../../../src/adapters/git/set-up.ts";
import { createWorktrees, type GitWorktrees } from "../../../src/adapters/git/worktrees.ts";
import type { CommitId, LoopId } from "../../../src/core/loop.ts";
import type { WorktreeRequest } from "../../../src/ports.ts";

export const never = new AbortController().signal;
export const loopId = (text: string) => text as LoopId;

const environment = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "user",
  GIT_AUTHOR_EMAIL: "user@example.org",
  GIT_COMMITTER_NAME: "user",
  GIT_COMMITTER_EMAIL: "user@example.org",
};

export function sh(cwd: string, script: string, env: Record<string, string> = {}): string {
  return execFileSync("bash", ["-ec", script], {
    cwd,
    encoding: "utf8",
    env: { ...environment, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export interface Scene {
  readonly dir: string;
  readonly repo: string;
  readonly home: string;
  readonly base: CommitId;
  readonly worktrees: GitWorktrees;
  readonly request: (more?: Partial<WorktreeRequest>) => WorktreeRequest;
  write(dir: string, path: string, text: string | null): Promise<void>;
  close(): Promise<void>;
}

export interface SceneOptions {
  /** Makes the repository in the empty directory `repo`; at least one commit. */
  readonly script?: string;
  readonly uid?: number | null;
  readonly runSetup?: SetUpRunner;
  readonly diskQuotaBytes?: number;
  readonly freeBytesMin?: number;
  /** Below the scene's directory; where the daemon is pointed at. */
  readonly checkout?: string;
}

export const plainRepository = `
  git init -q -b main
  mkdir dir; echo one > a.txt; echo b > dir/b.txt
  git add -A; git commit -qm base`;

/** A repository made by a script, and worktrees beside it. */
export async function makeScene(options: SceneOptions = {}): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), "td-git-"));
  await chmod(dir, 0o755);
  mkdirSync(join(dir, "repo"));
  sh(join(dir, "repo"), options.script ?? plainRepository);
  const repo = join(dir, options.checkout ?? "repo");
  const home = join(dir, "home");
  let at = 1_700_000_000_000;
  const worktrees = createWorktrees({
    home,
    uid: options.uid ?? null,
    runSetup: options.runSetup ?? (async () => ({ ok: false, output: "no set-up expected" })),
    now: () => (at += 1000),
    identity: { name: "TaskDaemon", email: "taskdaemon@example.org" },
    ...(options.diskQuotaBytes === undefined ? {} : { diskQuotaBytes: options.diskQuotaBytes }),
    freeBytesMin: options.freeBytesMin ?? 0,
  });
  const base = sh(repo, "git rev-parse HEAD").trim();
  const settings = { link: "auto", copy: [], setup: null, setupNetworkAllow: [] } as const;
  const sandbox = { level: "off", networkAllow: [], memoryBytesMax: 0, processesMax: 0 } as const;
  const standard = { loop: loopId("1.1"), repo, base, head: base, settings, sandbox };
  return {
    ...{ dir, repo, home, base, worktrees },
    request: (more = {}) => ({ ...standard, ...more }),
    write: writeIn,
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

async function writeIn(dir: string, path: string, text: string | null): Promise<void> {
  const target = join(dir, path);
  if (text === null) return rm(target);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}

export function readIn(dir: string, path: string): string | null {
  try {
    return readFileSync(join(dir, path), "utf8");
  } catch {
    return null;
  }
}

/** Every path below `dir` with its mode and content; what we may write in a repository left out. */
export function fingerprint(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  const queue = [dir];
  for (let at = 0; at < queue.length; at += 1) {
    const path = queue[at] ?? dir;
    const name = relative(dir, path);
    if (/(^|\/)\.git\/(.*\/)?objects$/.test(name) || /refs\/(heads\/)?taskdaemon$/.test(name))
      continue;
    const stat = lstatSync(path);
    if (stat.isDirectory()) {
      queue.push(...readdirSync(path).map((entry) => join(path, entry)));
      found[name] = `directory ${stat.mode}`;
    } else if (stat.isSymbolicLink()) {
      found[name] = `link ${readlinkSync(path)}`;
    } else {
      const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
      found[name] = `${stat.mode} ${stat.mtimeMs} ${hash}`;
    }
  }
  return found;
}

/** All that a loop does with a repository, once. Resolves to the last checkpoint. */
export async function wholeRun(scene: Scene): Promise<CommitId> {
  const { worktrees, repo, base } = scene;
  const workspace = await worktrees.open(scene.request(), never);
  let head = base;
  for (const text of ["two\n", "three\n", "four\n"]) {
    await scene.write(workspace.dir, "a.txt", text);
    await scene.write(workspace.dir, `new-${text.trim()}.txt`, text);
    head = await workspace.snapshot(head, `make it ${text}`);
  }
  await workspace.reset(base);
  await workspace.reset(head);
  await workspace.summary();
  const fresh = await worktrees.fresh(scene.request({ head }), never);
  await fresh.close();
  await worktrees.checkoutState(repo);
  await worktrees.describeSetup(repo);
  await worktrees.deliver(repo, scene.request().loop, head);
  await worktrees.remove(scene.request().loop);
  return head;
}
