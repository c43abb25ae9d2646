import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommitId } from "../../core/loop.ts";
import type { Proposed } from "../../ports/pull-requests.ts";
import type { Redact } from "../../ports.ts";
import { textOf } from "../process/capture.ts";
import { runProcess } from "../process/launch.ts";
import { type Repository, resolveRepository } from "./repository.ts";
import { userEnvironment } from "./user-environment.ts";

/** What the user's own git and gh are to do; nothing of it is read as an option. */
export interface PullRequest {
  readonly repo: string;
  readonly branch: string;
  readonly commit: CommitId;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface PullRequestOptions {
  /** The daemon's own: who it is signed in as. Most of it is not passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names of variables with secrets that are none of git's and gh's. */
  readonly withheld: readonly string[];
  readonly euid: number | null;
  /** Where gh is; null where it is not. Asked anew each time. */
  readonly findGh: () => Promise<string | null>;
  readonly redact: Redact;
}

const pushTimeoutMs = 300_000;
const askTimeoutMs = 60_000;
const outputBytesMax = 64 * 1024;
const saidCharsMax = 300;
const urlCharsMax = 2_000;
const namesMax = 20;
const memoryBytesMax = 8 * 2 ** 30;
const processesMax = 256;

/** Ends the way to a pull request; the sentence says where and why. */
class Refusal extends Error {}

/**
 * Pushes the commit and opens its pull request, or finds both. It runs as the user, outside of any
 * sandbox, so: hooks are off, names are whole arguments, and only this one branch is pushed, never
 * over something else. Rejects on abort only.
 */
export async function openPullRequest(
  options: PullRequestOptions,
  request: PullRequest,
  signal: AbortSignal,
): Promise<Proposed> {
  try {
    const gh = await options.findGh();
    if (gh === null) throw new Refusal(withoutGh(request));
    const way = await wayOf(options, gh, request, signal);
    const head = await pushed(way, request);
    return { type: "opened", url: await opened(way, request, head) };
  } catch (error) {
    if (error instanceof Refusal) return { type: "refused", reason: error.message };
    throw error;
  }
}

function withoutGh({ branch, base }: PullRequest): string {
  const byHand = `git push origin ${quoted(branch)}, then gh pr create --head ${quoted(branch)} --base ${quoted(base)}`;
  return `gh is not on the daemon's PATH (install it from https://cli.github.com, gh auth login, td restart), or by hand: ${byHand}`;
}

/** Where it goes, and how programs are run for it. */
interface Way {
  readonly run: Runner;
  readonly gh: string;
  readonly remote: string;
  /** The branch of the remote that it is for. */
  readonly base: string;
  /** `--repo=…` where the remote's address says it beyond doubt; else gh finds out. */
  readonly host: readonly string[];
}

interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The end of what it said, on one line. */
  readonly said: string;
}

type Runner = (argv: readonly [string, ...string[]], timeoutMs: number) => Promise<Ran>;

async function wayOf(
  options: PullRequestOptions,
  gh: string,
  { repo, branch, base }: PullRequest,
  signal: AbortSignal,
): Promise<Way> {
  const repository = await resolveRepository(repo, options.euid === 0 ? 0 : null);
  if (repository.owner !== null) {
    throw new Refusal(
      `the daemon runs as root and ${repo} is another user's: their git and gh are for a daemon of theirs`,
    );
  }
  const run = runnerIn(options, repository, signal);
  const configured = async (key: string) => {
    const { exitCode, stdout } = await run(["git", "config", "--get", key], askTimeoutMs);
    return exitCode === 0 ? stdout.trim() : "";
  };
  const tracked = await configured(`branch.${base}.remote`);
  const remote = tracked === "" || tracked === "." ? "origin" : tracked;
  const merge = tracked === remote ? await configured(`branch.${base}.merge`) : "";
  const theirs = merge.startsWith("refs/heads/") ? merge.slice("refs/heads/".length) : base;
  for (const name of [remote, branch, theirs]) refuseOption(name);
  const url = await run(["git", "remote", "get-url", "--push", "--", remote], askTimeoutMs);
  if (url.exitCode !== 0) {
    throw new Refusal(
      `${repo} has no remote ${remote}: git remote add ${quoted(remote)} URL (the remote is the one that ${base} tracks, else origin)`,
    );
  }
  const slug = slugOf(url.stdout.trim().split("\n")[0] ?? "");
  return { run, gh, remote, base: theirs, host: slug === null ? [] : [`--repo=${slug}`] };
}

function refuseOption(name: string): void {
  if (!/^-|[\0-\x20\x7f]/.test(name) && name !== "") return;
  throw new Refusal(`${JSON.stringify(name)} is no name that git and gh can be given`);
}

/** `host/owner/name`, for gh; null where only gh knows, as for an alias of ssh's or a directory. */
export function slugOf(url: string): string | null {
  const path = "([\\w.-]+)/([\\w.-]+?)(?:\\.git)?/?$";
  const https = new RegExp(`^https?://(?:[^/@]*@)?([\\w.-]+)/${path}`).exec(url);
  const ssh = new RegExp(`^(?:ssh://)?git@(github\\.com)[:/]${path}`).exec(url);
  const [, host, owner, name] = https ?? ssh ?? [];
  if (host === undefined || owner === undefined || name === undefined) return null;
  return [host, owner, name].some((part) => /^[-.]/.test(part)) ? null : `${host}/${owner}/${name}`;
}

/** Whatever name it has there by then. What is there already under that name is left alone. */
async function pushed({ run, remote }: Way, { branch, commit }: PullRequest): Promise<string> {
  const names = Array.from({ length: namesMax }, (_, n) =>
    n === 0 ? branch : `${branch}-${n + 1}`,
  );
  const refs = names.map((name) => `refs/heads/${name}`);
  const listed = await run(["git", "ls-remote", "--quiet", "--", remote, ...refs], askTimeoutMs);
  if (listed.exitCode !== 0) throw new Refusal(`${remote} does not answer: ${listed.said}`);
  const there = new Map(
    listed.stdout.split("\n").map((line) => {
      const [id = "", name = ""] = line.split("\t");
      return [name, id] as const;
    }),
  );
  const head = names
    .map((name) => ({ name, at: there.get(`refs/heads/${name}`) }))
    .find(({ at }) => at === undefined || at === commit);
  if (head === undefined) {
    throw new Refusal(`${remote} has ${namesMax} branches ${branch}-*: delete some`);
  }
  if (head.at === commit) return head.name;
  const ref = `refs/heads/${head.name}`;
  const push = ["git", "push", "--no-verify", "--porcelain", `--force-with-lease=${ref}:`] as const;
  const result = await run([...push, "--", remote, `${commit}:${ref}`], pushTimeoutMs);
  if (result.exitCode === 0) return head.name;
  const byHand = `git push ${quoted(remote)} ${quoted(branch)}`;
  throw new Refusal(`${remote} does not take the branch: ${result.said} (try ${byHand})`);
}

/** The open pull request of that branch, brought up to date; a new one where there is none. */
async function opened(way: Way, request: PullRequest, head: string): Promise<string> {
  const { run, gh, host, base } = way;
  const dir = await mkdtemp(join(tmpdir(), "td-pull-request-"));
  try {
    const body = join(dir, "body.md");
    await writeFile(body, request.body, { mode: 0o600 });
    const words = [`--title=${request.title}`, `--body-file=${body}`];
    const found = await run(
      [gh, "pr", "view", "--json=url,state", ...host, "--", head],
      askTimeoutMs,
    );
    const known = found.exitCode === 0 ? openUrlIn(found.stdout) : null;
    if (known !== null) {
      const edited = await run([gh, "pr", "edit", ...words, ...host, "--", known], askTimeoutMs);
      if (edited.exitCode !== 0) throw new Refusal(`${known} is there, and ${edited.said}`);
      return known;
    }
    const create = [gh, "pr", "create", `--head=${head}`, `--base=${base}`] as const;
    const created = await run([...create, ...words, ...host], askTimeoutMs);
    const url = created.exitCode === 0 ? urlIn(created.stdout) : null;
    if (url !== null) return url;
    const byHand = `gh pr create --head ${quoted(head)} --base ${quoted(base)}`;
    throw new Refusal(`gh does not open it: ${created.said} (try ${byHand})`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function openUrlIn(stdout: string): string | null {
  try {
    const { url, state } = JSON.parse(stdout) as { url?: unknown; state?: unknown };
    const isOpen = state === undefined || state === "OPEN";
    return isOpen && typeof url === "string" ? urlIn(url) : null;
  } catch {
    return null; // No answer of gh's: then it is asked for a new one, and says what is wrong.
  }
}

function urlIn(text: string): string | null {
  const urls = text.match(/https?:\/\/[^\s"'<>\\\0-\x20\x7f-\x9f]+/g) ?? [];
  const last = urls.at(-1) ?? null;
  return last === null || last.length > urlCharsMax ? null : last;
}

/** What would lead git to another repository than the one it is to work in. */
const leading =
  /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|NAMESPACE|PREFIX|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES)$/;

/** For git's own children and gh's too: no hook, no watcher, and nothing but the branch. */
const overruled = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["push.recurseSubmodules", "no"],
  ["push.followTags", "false"],
  ["push.gpgSign", "false"],
] as const;

function environmentOf({ env, withheld }: PullRequestOptions): Record<string, string> {
  const result = userEnvironment(env, withheld);
  for (const name of Object.keys(result)) if (leading.test(name)) delete result[name];
  const first = Number(result["GIT_CONFIG_COUNT"] ?? 0) || 0;
  for (const [n, [key, value]] of overruled.entries()) {
    result[`GIT_CONFIG_KEY_${first + n}`] = key;
    result[`GIT_CONFIG_VALUE_${first + n}`] = value;
  }
  return {
    ...result,
    GIT_CONFIG_COUNT: String(first + overruled.length),
    GIT_TERMINAL_PROMPT: "0",
    SSH_ASKPASS_REQUIRE: "never",
    GH_PROMPT_DISABLED: "1",
    GH_NO_UPDATE_NOTIFIER: "1",
    NO_COLOR: "1",
    LC_ALL: "C.UTF-8",
  };
}

function runnerIn(options: PullRequestOptions, { root }: Repository, signal: AbortSignal): Runner {
  const name = "TASKDAEMON_COMMAND";
  const token = randomBytes(12).toString("hex");
  const env = { ...environmentOf(options), [name]: token };
  const { redact } = options;
  return async (argv, timeoutMs) => {
    const limits = { memoryBytesMax, processesMax };
    const request = { argv, cwd: root, env, timeoutMs, outputBytesMax, limits };
    const more = { uid: null, inputFile: null, pipes: null, mark: `${name}=${token}` };
    const { ended, exitCode, stdout, stderr } = await runProcess({ ...request, ...more }, signal);
    if (ended === "aborted") throw new Error(`${argv[0]} was aborted`);
    const told = oneLine(textOf(stderr, redact)).slice(-saidCharsMax);
    const late = `no answer within ${timeoutMs / 1_000} s`;
    const said = ended === "timedOut" ? late : told || `exit code ${exitCode}`;
    return { exitCode: ended === "exited" ? exitCode : null, stdout: textOf(stdout, redact), said };
  };
}

const colours = new RegExp([String.raw`\u001b\[`, "[0-9;?]*[ -/]*[@-~]"].join(""), "g");

function oneLine(text: string): string {
  return text
    .replace(colours, "")
    .replace(/[\0-\x20\x7f-\x9f]+/g, " ")
    .trim();
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
