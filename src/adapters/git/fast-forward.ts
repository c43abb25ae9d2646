import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import type { Moved } from "../../ports/targets.ts";
import { removeTree } from "./files.ts";
import { type Bytes, type GitPlace, git, lastLines, splitNul, toBytes, tryGit } from "./git.ts";
import type { Shadow } from "./shadow.ts";

/**
 * The one act in a user's checkout, and only when a person has asked for it. Git itself sees to
 * what is not committed: it stays, or nothing moves. Programs that the user's own configuration
 * runs on checkout (large file storage) are not run, so files that need one are refused.
 */
export async function fastForward(
  shadow: Shadow,
  branch: string,
  checkout: string,
  to: CommitId,
): Promise<Moved> {
  const dir = await tryGit({ gitDir: null, workTree: checkout }, [
    "rev-parse",
    "--path-format=absolute",
    "--git-dir",
  ]);
  const gitDir = dir.stdout.trimEnd();
  if (dir.exitCode !== 0) return refused(branch, checkout, to, dir.stderr);
  const place = { gitDir, workTree: checkout, owner: shadow.repository.owner };
  const head = await tryGit(place, ["symbolic-ref", "--quiet", "HEAD"]);
  if (head.stdout.trim() !== `refs/heads/${toBytes(branch)}`) return { type: "stale" };
  const own = (await settingOf(place)) ?? (await filteredPath(shadow, place, to));
  if (own !== null) return refused(branch, checkout, to, `${own} needs your own git.`);
  const merged = await tryGit(place, ["merge", "--ff-only", "--no-stat", "-q", to]);
  if (merged.exitCode === 0) return { type: "moved" };
  if (/not possible to fast-forward/i.test(merged.stderr)) return { type: "stale" };
  return refused(branch, checkout, to, merged.stderr);
}

/** A setting of the checkout by which files are written in another way than ours. */
async function settingOf(place: { readonly gitDir: string; readonly workTree: string }) {
  const args = ["config", "--show-scope", "--get-regexp"];
  const told = await tryGit(place, [...args, "^core\\.(sparsecheckout|autocrlf|eol)$"]);
  const own = told.stdout.split("\n").filter((line) => /^(?:local|worktree)\t/.test(line));
  return own.find((line) => !line.endsWith(" false"))?.replace(/^\w+\t/, "") ?? null;
}

/**
 * The first changed file that a filter would have to write; null when there is none. Asked of what
 * lies there, and of the commit, which may bring attributes of its own.
 */
async function filteredPath(
  shadow: Shadow,
  place: { readonly gitDir: string; readonly workTree: string },
  to: CommitId,
): Promise<string | null> {
  const changed = await tryGit(place, ["diff-tree", "-r", "-z", "--name-only", "HEAD", to, "--"]);
  if (changed.stdout === "") return null;
  // Not in the machine's temporary directory: others may have filled it.
  const scratch = await mkdtemp(join(shadow.place.gitDir, "coming-"));
  try {
    const { gitDir, workTree } = place;
    const coming = { gitDir, workTree, indexFile: join(scratch, "index") };
    await git(coming, ["read-tree", to]);
    return (
      (await filteredOf(place, [], changed.stdout)) ??
      (await filteredOf(coming, ["--cached"], changed.stdout))
    );
  } finally {
    await removeTree(scratch);
  }
}

async function filteredOf(
  place: GitPlace,
  where: readonly string[],
  paths: Bytes,
): Promise<string | null> {
  const args = ["check-attr", ...where, "-z", "--stdin", "filter"];
  const told = splitNul(await git(place, args, { input: paths }));
  for (let at = 0; at + 2 < told.length; at += 3) {
    const value = told[at + 2] ?? "";
    if (value !== "unspecified" && value !== "unset") return told[at] ?? null;
  }
  return null;
}

function refused(branch: string, checkout: string, to: CommitId, said: string): Moved {
  const reason =
    `${branch} is checked out in ${checkout}, and git does not move it there: ` +
    `${lastLines(said).replace(/\s+/g, " ")} Put your changes away, then: ` +
    `git -C ${checkout} merge --ff-only ${to.slice(0, 12)}`;
  return { type: "refused", reason };
}
