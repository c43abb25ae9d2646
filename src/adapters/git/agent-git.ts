import { copyFile, lchown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommitId, Millis } from "../../core/loop.ts";
import { removeFew } from "./files.ts";
import { type Bytes, toBytes } from "./git.ts";
import { alternatesText, type Shadow } from "./shadow.ts";

export interface Identity {
  readonly name: string;
  readonly email: string;
}

export interface AgentGitRequest {
  readonly shadow: Shadow;
  readonly gitDir: string;
  readonly workTree: string;
  readonly head: CommitId;
  /** An index that fits `head` and the files. */
  readonly indexFile: string;
  readonly excludes: Bytes;
  readonly identity: Identity;
  /** Who will own it; null: the daemon's own user. */
  readonly uid: number | null;
  /** Also write `.git` into the work tree. */
  readonly linked: boolean;
}

/**
 * Makes a git directory for whoever works in the tree: detached at `head`, objects borrowed
 * read-only, no hooks. Written file by file, because what was there before may be hostile, and
 * git is never run in it. What its owner committed there is gone; checkpoints are elsewhere.
 */
export async function createAgentGit(request: AgentGitRequest): Promise<void> {
  const { shadow, gitDir, workTree, uid } = request;
  const link = join(workTree, ".git");
  await removeFew(gitDir);
  if (request.linked) await removeFew(link);
  const dirs = ["", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"];
  const files: [string, string][] = [
    ["HEAD", `${request.head}\n`],
    ["config", toBytes(configText(request))],
    ["objects/info/alternates", toBytes(alternatesText(shadow.objectDirs))],
    ["info/exclude", request.excludes],
  ];
  if (shadow.shallow !== null) files.push(["shallow", shadow.shallow]);
  const made: string[] = [];
  for (const dir of [...dirs, "info"].map((name) => join(gitDir, name))) {
    await mkdir(dir, { mode: 0o700 });
    made.push(dir);
  }
  const writes = files.map(([name, text]) =>
    writeFile(join(gitDir, name), text, { encoding: "latin1", flag: "wx" }),
  );
  if (request.linked) writes.push(writeFile(link, `gitdir: ${gitDir}\n`, { flag: "wx" }));
  await Promise.all([...writes, copyFile(request.indexFile, join(gitDir, "index"))]);
  if (uid === null) return;
  made.push(...files.map(([name]) => join(gitDir, name)), join(gitDir, "index"));
  if (request.linked) made.push(link);
  await Promise.all(made.map((path) => lchown(path, uid, uid)));
}

/** Who commits, and when, for one git command. */
export function identityEnvironment(identity: Identity, now: Millis): Record<string, string> {
  const date = `@${Math.floor(now / 1000)} +0000`;
  return {
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
    GIT_COMMITTER_DATE: date,
  };
}

function configText(request: AgentGitRequest): string {
  const { shadow, identity } = request;
  const isSha256 = shadow.repository.objectFormat === "sha256";
  const lines = [
    "[core]",
    `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
    "\tbare = false",
    "\tfilemode = true",
    "\tlogallrefupdates = true",
    // The index was written for another owner of the files: inode and owner differ, content not.
    "\tcheckStat = minimal",
    "\ttrustctime = false",
    ...(isSha256 ? ["[extensions]", "\tobjectformat = sha256"] : []),
    "[user]",
    `\tname = ${quoteValue(identity.name)}`,
    `\temail = ${quoteValue(identity.email)}`,
    "[commit]",
    "\tgpgsign = false",
    "[gc]",
    "\tauto = 0",
    "[maintenance]",
    "\tauto = false",
    "[advice]",
    "\tdetachedHead = false",
    "[diff]",
    "\tignoreSubmodules = dirty",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function quoteValue(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
