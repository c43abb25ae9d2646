/** What any loop of this kind must do: the same git and processes, and nothing around them. */
import { spawn } from "node:child_process";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

export interface BareLoop {
  /** One iteration; resolves to its milliseconds. */
  iterate(): Promise<number>;
  close(): Promise<void>;
}

/**
 * A file written; `git add`, `write-tree`, `commit-tree`, `update-ref`; a plain `bash -c`; the
 * changes since the base; a fresh checkout; `bash -c` there; the checkout removed; one line made
 * durable. No sandbox, no other user, no agent's git.
 */
export async function openBareLoop(place: string, repo: string, base: string): Promise<BareLoop> {
  const tree = join(place, "tree");
  await mkdir(tree, { recursive: true });
  const gitDir = join(place, "git");
  await run(place, {}, "git", "clone", "--quiet", "--bare", "--", repo, gitDir);
  const env = {
    ...{ GIT_DIR: gitDir, GIT_INDEX_FILE: join(place, "index"), LC_ALL: "C" },
    ...{ GIT_AUTHOR_NAME: "bench", GIT_AUTHOR_EMAIL: "bench@localhost" },
    ...{ GIT_COMMITTER_NAME: "bench", GIT_COMMITTER_EMAIL: "bench@localhost" },
  };
  const git = (...args: string[]) => run(tree, { ...env, GIT_WORK_TREE: tree }, "git", ...args);
  await git("read-tree", "--reset", "-u", base);
  const log = await open(join(place, "log"), "a");
  let head = base;
  let n = 0;
  const work = async () => {
    n += 1;
    await writeFile(join(tree, "src", `made-${n}.js`), `export const made = ${n};\n`);
    await git("add", "-A");
    const id = (await git("write-tree")).trim();
    head = (await git("commit-tree", "-p", head, "-m", "iteration", id)).trim();
    await git("update-ref", "refs/heads/bare", head);
    await run(tree, {}, "bash", "-c", "true");
    await git("diff-tree", "-r", "-M", "-z", "--name-status", base, head);
    const fresh = join(place, "fresh");
    await mkdir(fresh);
    const there = { ...env, GIT_WORK_TREE: fresh, GIT_INDEX_FILE: join(place, "fresh-index") };
    await run(fresh, there, "git", "read-tree", "--reset", "-u", head);
    await run(fresh, {}, "bash", "-c", "true");
    await rm(fresh, { recursive: true });
    await rm(join(place, "fresh-index"));
    await log.write(`{"iteration":${n}}\n`);
    await log.datasync();
  };
  return {
    iterate: async () => {
      const startedAt = performance.now();
      await work();
      return performance.now() - startedAt;
    },
    close: () => log.close(),
  };
}

function run(
  cwd: string,
  env: Readonly<Record<string, string>>,
  program: string,
  ...args: string[]
): Promise<string> {
  const { PATH } = process.env;
  const child = spawn(program, args, {
    cwd,
    env: { PATH, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ${args[0]} ended with ${code}`)),
    );
  });
}
