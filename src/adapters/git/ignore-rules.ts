import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import { type Bytes, GitFailed, type GitPlace, git, splitNul, tryGit } from "./git.ts";
import type { Shadow } from "./shadow.ts";

/** Which of `paths` the `.gitignore` files of the work tree of `place` leave out, tracked or not. */
export async function ignoredPaths(place: GitPlace, paths: readonly Bytes[]): Promise<Bytes[]> {
  if (paths.length === 0) return [];
  const args = ["check-ignore", "-z", "--no-index", "--stdin"];
  // It refuses literal pathspecs; a leading `./` keeps `:(magic)` names from being read as such.
  const found = await tryGit(place, args, {
    input: paths.map((path) => `./${path}\0`).join(""),
    env: { GIT_LITERAL_PATHSPECS: "0" },
  });
  if (found.exitCode > 1 || found.exitCode < 0) {
    throw new GitFailed(args, found.exitCode, found.stderr);
  }
  return splitNul(found.stdout).map((path) => path.slice("./".length));
}

export interface BaseRules {
  readonly shadow: Shadow;
  readonly base: CommitId;
  readonly ignoreFiles: readonly Bytes[];
  /** A directory of the daemon's in which the base's `.gitignore` files are laid out. */
  readonly dir: string;
}

/** Which of `paths` the base commit would have ignored, whatever became of its rules since. */
export async function ignoredByBase(rules: BaseRules, paths: readonly Bytes[]): Promise<Bytes[]> {
  const { shadow, base, ignoreFiles, dir } = rules;
  if (paths.length === 0 || ignoreFiles.length === 0) return [];
  const place = { ...shadow.place, workTree: dir, indexFile: `${join(dir)}-index` };
  if ((await mkdir(dir, { recursive: true })) !== undefined) {
    const input = ignoreFiles.map((path) => `${path}\0`).join("");
    await git(place, ["read-tree", base]);
    await git(place, ["checkout-index", "-f", "-z", "--stdin"], { input });
  }
  return ignoredPaths(place, paths);
}
