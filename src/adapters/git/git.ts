import { Buffer } from "node:buffer";
import { runProgram } from "../process/launch.ts";
import type { ProgramResult } from "../process/program.ts";
import { clearStale, lockIn } from "./stale-lock.ts";

/** Names of git objects and files are passed and returned as latin1: every byte survives. */
export type Bytes = string;

/** The repository that one git command works on, spelled out. */
export interface GitPlace {
  /** Null only where a user's repository is looked for, from `workTree` upwards. */
  readonly gitDir: string | null;
  readonly workTree?: string;
  readonly indexFile?: string;
  /** Global patterns of ignored files; none when absent. */
  readonly excludesFile?: string;
  /** More object directories to read from. */
  readonly alternates?: readonly string[];
  /** Nobody but this daemon writes there: a lock of a dead git may go. */
  readonly isOurs?: boolean;
  /** Runs git as the owner of the files it is going to write. */
  readonly owner?: Owner | null;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface GitOptions {
  readonly input?: Bytes;
  readonly signal?: AbortSignal;
  /** More of stdout is cut off, and the command ended. */
  readonly outputBytesMax?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Git ended with a code that its caller did not expect. */
export class GitFailed extends Error {
  readonly exitCode: number;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number, stderr: string, cause?: unknown) {
    super(`git ${args.slice(0, 3).join(" ")} ended with ${exitCode}: ${lastLines(stderr)}`, {
      cause,
    });
    this.name = "GitFailed";
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** What a repository's own configuration may not decide: no program but git itself is started. */
const settings = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.attributesFile=/dev/null",
  "core.alternateRefsCommand=",
  "core.autocrlf=false",
  "core.safecrlf=false",
  "core.symlinks=true",
  "core.fileMode=true",
  "core.sparseCheckout=false",
  "core.splitIndex=false",
  "core.untrackedCache=false",
  "core.logAllRefUpdates=false",
  "core.filesRefLockTimeout=2000",
  "core.packedRefsTimeout=5000",
  "core.fsync=committed,reference",
  "core.fsyncMethod=batch",
  "core.multiPackIndex=true",
  "gc.auto=0",
  "maintenance.auto=false",
  "commit.gpgSign=false",
  "diff.external=",
  "diff.renames=true",
  "diff.ignoreSubmodules=none",
  "submodule.recurse=false",
  "protocol.allow=never",
  "safe.directory=*",
].flatMap((setting) => ["-c", setting]);

/** Runs git and returns whatever it said; rejects only when it could not run, or on abort. */
export async function tryGit(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<ProgramResult> {
  const result = await runGit(place, args, options);
  const lock = result.exitCode === 0 || place.isOurs !== true ? null : lockIn(result.stderr);
  if (lock === null || !(await clearStale(lock))) return result;
  return runGit(place, args, options);
}

async function runGit(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions,
): Promise<ProgramResult> {
  const all = [
    ...settings,
    "-c",
    `core.excludesFile=${place.excludesFile ?? "/dev/null"}`,
    ...args,
  ];
  return runProgram("git", all, {
    cwd: place.workTree ?? place.gitDir ?? "/",
    env: { ...environmentOf(place), ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.outputBytesMax === undefined ? {} : { outputBytesMax: options.outputBytesMax }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(place.owner ?? {}),
  });
}

/** Runs git; rejects with GitFailed when it ends with anything but 0. */
export async function git(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Bytes> {
  const result = await tryGit(place, args, options);
  if (result.exitCode !== 0) throw new GitFailed(args, result.exitCode, result.stderr);
  return result.stdout;
}

/** "2.39.5"; null when there is no git. */
export async function gitVersion(): Promise<string | null> {
  const { stdout } = await runProgram("git", ["--version"], { cwd: "/", env: environment });
  return /(\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1] ?? null;
}

/** The pieces of NUL-terminated output. */
export function splitNul(output: Bytes): Bytes[] {
  const pieces = output.split("\0");
  if (pieces.at(-1) === "") pieces.pop();
  return pieces;
}

export function toBytes(text: string): Bytes {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function fromBytes(bytes: Bytes): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

export function lastLines(text: string, charsMax = 600): string {
  return text.trim().slice(-charsMax);
}

const environment = {
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_LITERAL_PATHSPECS: "1",
  GIT_ASKPASS: "/bin/false",
};

function environmentOf(place: GitPlace): Record<string, string> {
  const { gitDir, workTree, indexFile, alternates } = place;
  const isNamed = gitDir !== null;
  const borrowed = (alternates ?? []).map(quoteAlternate).join(":");
  return {
    ...environment,
    ...(isNamed ? { GIT_DIR: gitDir } : {}),
    ...(isNamed && workTree !== undefined ? { GIT_WORK_TREE: workTree } : {}),
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
    ...(borrowed === "" ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: borrowed }),
  };
}

/** C-quotes a path for an alternates list where its bytes would be read as something else. */
export function quoteAlternate(path: string): string {
  if (!/[:\n"\\]|^#/.test(path)) return path;
  const escaped = path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${escaped}"`;
}
