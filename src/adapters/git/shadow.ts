import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pid } from "node:process";
import type { CommitId, LoopId } from "../../core/loop.ts";
import { WorktreeError } from "../../ports.ts";
import { absent, removeTree } from "./files.ts";
import { type GitPlace, git, quoteAlternate, tryGit } from "./git.ts";
import type { Repository } from "./repository.ts";

/**
 * The daemon's own bare repository beside a user's one: checkpoints live here. It borrows the
 * user's objects, so what it borrows is pinned over there, or copied (`ownObjects`).
 */
export interface Shadow {
  readonly repository: Repository;
  readonly place: { readonly gitDir: string; readonly isOurs: true };
  /** For an agent's git: where all objects of a checkpoint are found. */
  readonly objectDirs: readonly string[];
  /** `refs/taskdaemon/<home>` in the user's repository. */
  readonly pinPrefix: string;
  /** Content of the `shallow` file, null for a whole history. */
  readonly shallow: string | null;
}

const ownCheckMax = 200_000;

/** Creates the shadow, or brings its list of borrowed object directories up to date. */
export async function openShadow(home: string, repository: Repository): Promise<Shadow> {
  const gitDir = join(home, "shadows", `${shortHash(repository.commonDir)}.git`);
  if ((await stat(join(gitDir, "config")).catch(absent)) === null) {
    await createShadow(gitDir, repository);
  }
  const alternates = alternatesText(repository.objectDirs);
  const alternatesFile = join(gitDir, "objects", "info", "alternates");
  if ((await readFile(alternatesFile, "utf8").catch(absent)) !== alternates) {
    await writeWhole(alternatesFile, alternates);
    await chmod(alternatesFile, 0o644);
  }
  const shallowFrom = join(repository.commonDir, "shallow");
  const shallow = await readFile(shallowFrom, "utf8").catch(absent);
  if (shallow === null) await rm(join(gitDir, "shallow"), { force: true });
  else await writeWhole(join(gitDir, "shallow"), shallow);
  return {
    repository,
    place: { gitDir, isOurs: true },
    objectDirs: [join(gitDir, "objects"), ...repository.objectDirs],
    pinPrefix: pinPrefixOf(home),
    shallow,
  };
}

export function pinPrefixOf(home: string): string {
  return `refs/taskdaemon/${shortHash(home)}`;
}

export function alternatesText(dirs: readonly string[]): string {
  return dirs.map((dir) => `${quoteAlternate(dir)}\n`).join("");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Keeps a commit of the user's alive while checkpoints build on it. Also the proof that the
 * repository is still there and still has the commit.
 */
export async function pin(shadow: Shadow, commit: CommitId): Promise<void> {
  const { repository, pinPrefix } = shadow;
  const ref = `${pinPrefix}/${commit}`;
  const place: GitPlace = { gitDir: repository.commonDir, owner: repository.owner };
  const pinned = await tryGit(place, ["rev-parse", "--verify", "--quiet", ref]);
  if (pinned.stdout.trim() === commit) return;
  const result = await tryGit(place, ["update-ref", ref, commit]);
  if (result.exitCode === 0) return;
  throw new WorktreeError(
    `${repository.root} does not have commit ${commit.slice(0, 12)} any more, or cannot be ` +
      `written to. Bring it back (git fetch), or start again from another commit. ` +
      `git said: ${result.stderr.trim().slice(0, 300)}`,
  );
}

export function loopRefs(loop: LoopId): string {
  return `refs/taskdaemon/loops/${loop}`;
}

/** The checkpoint refs of a loop: short name (`3`, `head`, `interrupted-1`) to commit. */
export async function readLoopRefs(shadow: Shadow, loop: LoopId): Promise<Map<string, CommitId>> {
  const prefix = `${loopRefs(loop)}/`;
  const format = "--format=%(refname)%00%(objectname)";
  const output = await git(shadow.place, ["for-each-ref", format, "--", prefix]);
  const refs = new Map<string, CommitId>();
  for (const line of output.split("\n")) {
    const [name, commit] = line.split("\0");
    if (name !== undefined && commit !== undefined) refs.set(name.slice(prefix.length), commit);
  }
  return refs;
}

/**
 * Copies into the shadow what it would only borrow: git does not write an object that an alternate
 * has, and one that no pin holds would vanish with the user's next `git gc`.
 */
export async function ownObjects(shadow: Shadow, args: readonly string[]): Promise<void> {
  const { gitDir } = shadow.place;
  const listed = await git(shadow.place, ["rev-list", "--objects", "--no-object-names", ...args]);
  const ids = listed.split("\n").filter((id) => id !== "");
  const borrowed: string[] = [];
  for (const id of ids.slice(0, ownCheckMax)) {
    const loose = join(gitDir, "objects", id.slice(0, 2), id.slice(2));
    if ((await stat(loose).catch(absent)) === null) borrowed.push(id);
  }
  borrowed.push(...ids.slice(ownCheckMax));
  if (borrowed.length === 0) return;
  const input = borrowed.map((id) => `${id}\n`).join("");
  const pack = await git(shadow.place, ["pack-objects", "-q", "--stdout"], { input });
  await git(shadow.place, ["index-pack", "--stdin", "--fix-thin"], { input: pack });
}

/** Does the shadow know this commit, in its own objects or the user's? */
export async function hasCommit(shadow: Shadow, commit: CommitId): Promise<boolean> {
  const found = await tryGit(shadow.place, ["cat-file", "-e", `${commit}^{commit}`]);
  return found.exitCode === 0;
}

/** Made by the daemon, so that no clean-up of the user's can take it. */
export async function hasOwnCommit({ place }: Shadow, commit: CommitId): Promise<boolean> {
  const loose = join(place.gitDir, "objects", commit.slice(0, 2), commit.slice(2));
  return (await stat(loose).catch(absent)) !== null;
}

/**
 * Made aside and moved into place, so that a crash leaves a whole one or none. Several programs may
 * be at it at once: whose is there first, it is.
 */
async function createShadow(gitDir: string, repository: Repository): Promise<void> {
  const making = makingOf(gitDir);
  await removeTree(making);
  await mkdir(making, { recursive: true });
  const format = `--object-format=${repository.objectFormat}`;
  await git({ gitDir: making }, ["init", "-q", "--bare", "--template=", format]);
  // Checkpoints must be readable for the uid of the sandbox, whatever the daemon's umask.
  await git({ gitDir: making }, ["config", "core.sharedRepository", "0644"]);
  await git({ gitDir: making }, ["config", "gc.auto", "0"]);
  await writeFile(join(making, "taskdaemon-repository"), repository.commonDir);
  await mkdir(join(making, "objects", "info"), { recursive: true });
  await chmod(join(making, "objects"), 0o755);
  await chmod(join(making, "objects", "info"), 0o755);
  const isOurs = await rename(making, gitDir).then(
    () => true,
    (error: unknown) => (isTaken(error) ? false : Promise.reject(error)),
  );
  if (isOurs) return;
  if ((await stat(join(gitDir, "config")).catch(absent)) !== null) return removeTree(making);
  await removeTree(gitDir);
  await rename(making, gitDir);
}

function isTaken(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "ENOTEMPTY" || code === "EEXIST";
}

/** No other program's; what a crash leaves of it is reaped. */
function makingOf(path: string): string {
  return `${path}.making-${pid}`;
}

const makingMsMax = 3_600_000;

/** Deletes shadows that nobody can be making any more. */
export async function reapShadows(shadows: string, now: number): Promise<void> {
  for (const name of await readdir(shadows)) {
    if (!/\.making(?:-\d+)?$/.test(name)) continue;
    const found = await stat(join(shadows, name)).catch(absent);
    if (found !== null && now - found.mtimeMs > makingMsMax) await removeTree(join(shadows, name));
  }
}

/** Replaces a file in one step. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const making = makingOf(path);
  await writeFile(making, text);
  await rename(making, path);
}
