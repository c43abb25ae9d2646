import type { CommitId } from "../../core/loop.ts";
import type { FileChange } from "../../ports.ts";
import { runProgram } from "../process/launch.ts";
import { fromBytes, type GitPlace, git, splitNul, toBytes, tryGit } from "./git.ts";
import type { Shadow } from "./shadow.ts";

const fileBytesMax = 5_000_000;
const summaryLinesMax = 40;

const statuses: Readonly<Record<string, FileChange["status"]>> = {
  A: "added",
  D: "deleted",
  R: "renamed",
};

/** What changed between two commits, renames found. */
export async function readChanges(
  place: GitPlace,
  from: CommitId,
  to: CommitId,
): Promise<FileChange[]> {
  const args = ["diff-tree", "-r", "-M", "-z", "--name-status", from, to, "--"];
  const pieces = splitNul(await git(place, args)).map(fromBytes);
  const changes: FileChange[] = [];
  for (let at = 0; at < pieces.length; at += 2) {
    const status = statuses[(pieces[at] ?? "").slice(0, 1)] ?? "modified";
    const first = pieces[at + 1] ?? "";
    if (status === "renamed") {
      changes.push({ path: pieces[at + 2] ?? "", status, oldPath: first });
      at += 1;
    } else {
      changes.push({ path: first, status, oldPath: null });
    }
  }
  return changes;
}

/** The text of a regular file in a commit, or null. */
export async function readFileAt(
  place: GitPlace,
  commit: CommitId,
  path: string,
): Promise<string | null> {
  const args = ["ls-tree", "-z", "-l", "--full-tree", commit, "--", path];
  const listed = await tryGit(place, args);
  const [line] = splitNul(listed.stdout);
  if (listed.exitCode !== 0 || line === undefined) return null;
  const tab = line.indexOf("\t");
  const [mode = "", , id = "", size = "0"] = line.slice(0, tab).split(/ +/);
  if (line.slice(tab + 1) !== toBytes(path) || !mode.startsWith("100")) return null;
  if (Number(size) > fileBytesMax) return null;
  return fromBytes(await git(place, ["cat-file", "blob", id]));
}

/** A unified diff of whole lines, at most `bytesMax` bytes. */
export async function readDiff(
  place: GitPlace,
  from: CommitId,
  to: CommitId,
  bytesMax: number,
): Promise<string> {
  // A person reads it: 漢字.md, not the bytes of it in octal.
  const legible = ["-c", "core.quotePath=false", "diff-tree", "-p", "-r", "-M"];
  const args = [...legible, "--no-ext-diff", "--no-textconv", from, to, "--"];
  const { stdout, exitCode, stderr, truncated } = await tryGit(place, args, {
    outputBytesMax: bytesMax + 1,
  });
  if (exitCode !== 0) throw new Error(`git diff-tree: ${stderr}`);
  if (!truncated && stdout.length <= bytesMax) return fromBytes(stdout);
  const whole = stdout.slice(0, bytesMax);
  return fromBytes(whole.slice(0, whole.lastIndexOf("\n") + 1));
}

export async function readPaths(place: GitPlace, commit: CommitId): Promise<string[]> {
  const listed = await git(place, ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit]);
  return splitNul(listed).map(fromBytes);
}

/** What a loop has done so far, short enough for a prompt. */
export async function summarize(shadow: Shadow, base: CommitId, head: CommitId): Promise<string> {
  if (base === head)
    return `HEAD is the base commit ${base.slice(0, 12)}; nothing is changed yet.\n`;
  const count = `-n${summaryLinesMax}`;
  const [log, changes] = await Promise.all([
    git(shadow.place, ["log", count, "--format=%h %s", `${base}..${head}`, "--"]),
    readChanges(shadow.place, base, head),
  ]);
  const files = changes.slice(0, summaryLinesMax).map(describeChange);
  if (changes.length > files.length) files.push(`… and ${changes.length - files.length} more`);
  const commits = fromBytes(log).trimEnd();
  return [
    `Checkpoints since the base commit ${base.slice(0, 12)}, newest first:`,
    commits === "" ? "(none)" : commits,
    "Files changed since the base:",
    ...(files.length === 0 ? ["(none)"] : files),
    "",
  ].join("\n");
}

function describeChange({ status, path, oldPath }: FileChange): string {
  return oldPath === null ? `${status} ${path}` : `${status} ${oldPath} -> ${path}`;
}

const alteredMax = 1_000;
/** To compare takes a moment; who needs longer gets a second try without end. */
const patienceMs = 2_000;

/**
 * Tracked files whose content in the work tree is not that of the index. A command may have put
 * pipes where git looks for attributes, and git would wait for them: then they are what it altered.
 */
export async function alteredFiles(place: GitPlace & { workTree: string }): Promise<string[]> {
  const args = ["diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv"];
  const all = [...args, "--ignore-submodules=all"];
  const first = await tryGit(place, all, { timeoutMs: patienceMs });
  const pipes = first.exitCode < 0 ? await pipesIn(place.workTree) : [];
  if (pipes.length > 0) return pipes.slice(0, alteredMax);
  const output = first.exitCode === 0 ? first.stdout : await git(place, all);
  return splitNul(output).map(fromBytes).sort().slice(0, alteredMax);
}

async function pipesIn(tree: string): Promise<string[]> {
  const looked = ["(", "-name", ".git?*", "-o", "-path", "*/.git/*", ")"];
  const args = [tree, "-xdev", "-type", "p", ...looked, "-print0"];
  const { stdout } = await runProgram("find", args, { cwd: "/", env: {} });
  const paths = splitNul(stdout).map((path) => fromBytes(path).slice(tree.length + 1));
  return paths.sort();
}
