import { chown, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CommitId, LoopId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent } from "./files.ts";
import { type GitPlace, git, lastLines, tryGit } from "./git.ts";
import type { Shadow } from "./shadow.ts";

const namesMax = 100;

/**
 * Makes a branch of `commit` in the user's repository: objects first, then the ref, from nothing.
 * HEAD, index, files and configuration are not touched. The same call again finds its branch.
 */
export async function deliverBranch(
  shadow: Shadow,
  loop: LoopId,
  commit: CommitId,
): Promise<string> {
  const { repository } = shadow;
  const place: GitPlace = { gitDir: repository.commonDir, owner: repository.owner };
  const taken = await takenNames(place);
  if (taken.has("taskdaemon")) throw blocked(repository.root);
  const names = [`taskdaemon/${loop}`];
  for (let n = 2; n <= namesMax; n += 1) names.push(`taskdaemon/${loop}-${n}`);
  const name = names.find((each) => (taken.get(each) ?? commit) === commit);
  if (name === undefined) {
    throw new WorktreeError(
      `${repository.root} has ${namesMax} branches taskdaemon/${loop}-*. Delete some.`,
    );
  }
  if (taken.get(name) === commit) {
    await removeKeepFiles(shadow, name);
    return name;
  }
  await transferObjects(shadow, place, name, commit);
  const args = ["update-ref", `refs/heads/${name}`, commit, "0".repeat(commit.length)];
  const result = await tryGit(place, args);
  await removeKeepFiles(shadow, name);
  if (result.exitCode === 0) return name;
  throw new WorktreeError(
    `The branch ${name} cannot be created in ${repository.root}. git said: ${lastLines(result.stderr)}`,
  );
}

/** Short names of branches that matter here, to their commits; unborn ones that are checked out too. */
export async function takenNames(place: GitPlace): Promise<Map<string, string>> {
  const format = "--format=%(refname)%00%(objectname)";
  const patterns = ["refs/heads/taskdaemon", "refs/heads/taskdaemon/"];
  const [listed, head] = await Promise.all([
    git(place, ["for-each-ref", format, "--", ...patterns]),
    tryGit(place, ["symbolic-ref", "--quiet", "HEAD"]),
  ]);
  const taken = new Map<string, string>();
  const current = head.stdout.trim();
  if (current.startsWith("refs/heads/taskdaemon/")) taken.set(current.slice(11), "checked out");
  for (const line of listed.split("\n")) {
    const [name, commit] = line.split("\0");
    if (name !== undefined && commit !== undefined) taken.set(name.slice(11), commit);
  }
  return taken;
}

/** A file keeps the user's `git gc` from the new pack until a ref holds it. */
export async function transferObjects(
  shadow: Shadow,
  place: GitPlace,
  what: string,
  commit: CommitId,
): Promise<void> {
  const { repository } = shadow;
  const pins = await git(place, [
    "for-each-ref",
    "--format=%(objectname)",
    "--",
    `${shadow.pinPrefix}/`,
  ]);
  const have = pins.split("\n").filter((id) => id !== "");
  const input = [commit, ...have.map((id) => `^${id}`), ""].join("\n");
  const pack = await git(shadow.place, ["pack-objects", "-q", "--revs", "--stdout"], { input });
  const count = pack.slice(8, 12);
  if (count === "\0\0\0\0") return;
  const keep = `--keep=${keepText(what)}`;
  const args = ["index-pack", "--stdin", "--fix-thin", "--strict", keep];
  const drop = await openDropBox(shadow, what);
  const env = { GIT_OBJECT_DIRECTORY: drop };
  const alternates = [join(repository.commonDir, "objects")];
  const result = await tryGit({ ...place, alternates }, args, { input: pack, env });
  if (result.exitCode !== 0) {
    await rm(drop, { recursive: true, force: true });
    throw new WorktreeError(
      `Git does not take the commits for ${what} into ${repository.root}: ` +
        `${lastLines(result.stderr)}\nThe work can be applied by hand: td diff ID`,
    );
  }
  await emptyDropBox(drop, join(repository.commonDir, "objects", "pack"));
}

/**
 * Where git unpacks for this branch, and nobody else: what a crash leaves there goes with the next
 * try. Named as git names its own, so that its gc removes one that is never tried again.
 */
async function openDropBox({ repository, pinPrefix }: Shadow, what: string): Promise<string> {
  const home = basename(pinPrefix);
  const name = `tmp_objdir-taskdaemon-${home}-${what.replace(/[^\w.-]/g, "-")}`;
  const drop = join(repository.commonDir, "objects", name);
  await rm(drop, { recursive: true, force: true });
  await mkdir(join(drop, "pack"), { recursive: true });
  const { owner } = repository;
  for (const dir of owner === null ? [] : [drop, join(drop, "pack")]) {
    await chown(dir, owner?.uid ?? 0, owner?.gid ?? 0);
  }
  return drop;
}

/** The index last: a pack is there from then on. */
async function emptyDropBox(drop: string, packs: string): Promise<void> {
  const names = await readdir(join(drop, "pack"));
  const inOrder = [".keep", ".pack", ".rev", ".idx"].flatMap((end) =>
    names.filter((name) => name.endsWith(end)),
  );
  for (const name of inOrder) await rename(join(drop, "pack", name), join(packs, name));
  await rm(drop, { recursive: true, force: true });
}

function keepText(what: string): string {
  return `taskdaemon ${what}`;
}

/** Also those of a delivery that a crash cut short: else the user's gc never repacks that pack. */
export async function removeKeepFiles({ repository }: Shadow, what: string): Promise<void> {
  const dir = join(repository.commonDir, "objects", "pack");
  for (const name of (await readdir(dir).catch(absent)) ?? []) {
    if (!name.endsWith(".keep")) continue;
    const file = join(dir, name);
    const text = await readFile(file, "utf8").catch(absent);
    if (text?.trim() === keepText(what)) await rm(file, { force: true });
  }
}

function blocked(root: string): WorktreeError {
  return new WorktreeError(
    `${root} has a branch named taskdaemon, so that no branch taskdaemon/… can exist beside it. ` +
      "Rename it: git branch -m taskdaemon something-else",
  );
}
