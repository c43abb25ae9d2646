/** Whole loops with everything real but the model: host, git, sandbox and HTTP. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { withDaemonHere } from "../../src/host/daemon.ts";
import type { Surroundings } from "../../src/host/surroundings.ts";
import type { JournalEntry } from "../../src/mock-llm/journal.ts";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import type { Scenario } from "../../src/mock-llm/scenario.ts";
import type { Policy } from "../../src/mock-llm/script.ts";
import type { LiveEvent } from "../../src/ports.ts";
import type { IterationRecord, RunRequest } from "../../src/protocol/door.ts";
import type { LoopView } from "../../src/views/loop-view.ts";
import { fingerprint } from "../adapters/git/support.ts";
import { endProcessesOf } from "./processes.ts";

/** For one test with a loop or two, on a machine that has other work. */
export const loopTimeoutMs = 120_000;

// ── places ───────────────────────────────────────────────────────────────────────────────────

const places: string[] = [];

/** A new directory that the sandbox's user can reach; `removePlaces` removes it. */
export async function makePlace(): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "td-e2e-"));
  await chmod(place, 0o711);
  places.push(place);
  return place;
}

/** For `afterEach` or `afterAll`; a daemon that was started there ends with it. */
export async function removePlaces(): Promise<void> {
  for (const place of places.splice(0)) {
    await endProcessesOf(place);
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

const run = promisify(execFile);
const outputBytesMax = 64 * 1024 * 1024;

/** Runs a script as the user would, outside of any sandbox. Rejects when it fails. */
export async function shell(cwd: string, script: string): Promise<string> {
  const env = { ...userEnvironment(), HOME: cwd };
  const options = { cwd, env, maxBuffer: outputBytesMax };
  return (await run("bash", ["-ec", script], options)).stdout;
}

/** Node of this process first, so that the repositories' tests run on it too. */
function userEnvironment(): Record<string, string> {
  const { PATH = "" } = process.env;
  return {
    PATH: [dirname(process.execPath), PATH].join(delimiter),
    LANG: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "user",
    GIT_AUTHOR_EMAIL: "user@example.org",
    GIT_COMMITTER_NAME: "user",
    GIT_COMMITTER_EMAIL: "user@example.org",
  };
}

export type Files = Readonly<Record<string, string>>;

/** A repository of one commit on `main`; a file that begins with `#!` can be executed. */
export async function sampleRepository(files: Files): Promise<string> {
  const repo = join(await makePlace(), "repo");
  await mkdir(repo);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(repo, dirname(path)), { recursive: true });
    await writeFile(join(repo, path), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  await commitAll(repo);
  return repo;
}

export async function commitAll(repo: string): Promise<void> {
  await shell(
    repo,
    "test -d .git || git init --quiet --initial-branch=main; git add --all; git commit --quiet --message start",
  );
}

/** A file as it is in a commit or on a branch. */
export function fileAt(repo: string, rev: string, path: string): Promise<string> {
  return shell(repo, `git show '${rev}:${path}'`);
}

/** Branches that were delivered to the user. */
export async function deliveredBranches(repo: string): Promise<readonly string[]> {
  const names = await shell(repo, "git for-each-ref --format='%(refname:short)' refs/heads");
  return names.split("\n").filter((name) => name !== "" && name !== "main");
}

// ── a scripted model ─────────────────────────────────────────────────────────────────────────

export interface ToolCall {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}
/** What the model says in one turn: words, calls of tools, or both. A turn without calls is its last. */
export type Turn = readonly (string | ToolCall)[];

export const read = (path: string): ToolCall => ({ name: "read", input: { path } });
export const write = (path: string, content: string): ToolCall => ({
  name: "write",
  input: { path, content },
});
export const edit = (path: string, from: string, to: string): ToolCall => ({
  name: "edit",
  input: { path, old_string: from, new_string: to },
});
export const bash = (command: string): ToolCall => ({ name: "bash", input: { command } });
export const done: ToolCall = { name: "complete_task", input: { summary: "It is done." } };

/** A list of turns for each iteration; past its end the model has nothing more to do. */
export function scripted(...iterations: readonly (readonly Turn[])[]): Policy {
  return ({ text, turn }) => {
    const iteration = Number(/, iteration (\d+) of at most /.exec(text)?.[1] ?? 0);
    const said = iterations[iteration - 1]?.[turn] ?? ["I have nothing more to do."];
    const words = said.filter((part) => typeof part === "string");
    const calls = said.filter((part) => typeof part !== "string");
    return {
      ...(words.length === 0 ? {} : { text: words.join(" ") }),
      tools: calls.map(({ name, input }) => ({ name, input: { ...input } })),
    };
  };
}

// ── one loop ─────────────────────────────────────────────────────────────────────────────────

export interface LoopOptions {
  readonly repo: string;
  readonly model: Policy | Scenario;
  /** Null: as detected. */
  readonly validate?: string | null;
  readonly iterationsMax?: number;
  readonly request?: Partial<RunRequest>;
  /** Text of the user-level taskdaemon.yml. */
  readonly config?: string;
  /** Where the user's toolchains lie; a new directory when left out. */
  readonly userHome?: string;
}

export interface LoopRun {
  readonly view: LoopView;
  readonly journal: readonly JournalEntry[];
  readonly events: readonly LiveEvent[];
  /** By iteration; 0 is the baseline. */
  readonly records: ReadonlyMap<number, IterationRecord>;
  readonly home: string;
  readonly repo: string;
  readonly branches: readonly string[];
  /** The user's checkout before and after: every path with its mode, time and content. */
  readonly checkout: { readonly before: object; readonly after: object };
}

/** A host of its own for a home; the model answers over real HTTP. */
export function surroundings(place: string, modelUrl: string): Surroundings {
  const { PATH, LANG } = userEnvironment();
  return {
    env: {
      PATH,
      LANG,
      XDG_CONFIG_HOME: join(place, "config"),
      ANTHROPIC_API_KEY: "key-of-no-account",
      ANTHROPIC_BASE_URL: modelUrl,
    },
    userHome: place,
    cwd: place,
    pid: process.pid,
    euid: process.geteuid?.() ?? null,
    platform: process.platform,
    version: "0.0.0",
    self: [process.execPath, ""],
  };
}

/** Carries one loop on until it rests. */
export async function runLoop(options: LoopOptions): Promise<LoopRun> {
  const { repo, model, config } = options;
  const place = await makePlace();
  const home = join(place, "home");
  await mkdir(home, { mode: 0o711 });
  if (config !== undefined) await writeFile(join(home, "taskdaemon.yml"), config, { mode: 0o600 });
  const before = fingerprint(repo);
  const mock = await startMockLlm(
    typeof model === "function" ? { policy: model } : { scenario: model },
  );
  try {
    const around = surroundings(place, mock.url);
    const { userHome = place } = options;
    return await withDaemonHere({ ...around, userHome }, home, async (door) => {
      const events: LiveEvent[] = [];
      const { id } = await door.create(requestOf(options));
      const view = await door.drive(
        id,
        (event) => events.push(event),
        new AbortController().signal,
      );
      const records = new Map<number, IterationRecord>();
      for (const iteration of await door.iterations(id)) {
        records.set(iteration, await door.record(id, iteration));
      }
      const branches = await deliveredBranches(repo);
      const checkout = { before, after: fingerprint(repo) };
      return { view, journal: mock.journal(), events, records, home, repo, branches, checkout };
    });
  } finally {
    await mock.close();
  }
}

function requestOf({ repo, validate = null, iterationsMax = 3, request }: LoopOptions): RunRequest {
  return {
    type: "ralph",
    task: "Make the tests pass.",
    dir: repo,
    validate,
    iterationsMax,
    model: null,
    budgetUsd: null,
    base: null,
    priority: "normal",
    after: [],
    deliver: null,
    ...request,
  };
}

/** The conversations that the model was sent, one text for each iteration, newest request last. */
export function conversations(journal: readonly JournalEntry[]): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  for (const { body } of journal) {
    const text = JSON.stringify(body);
    const iteration = Number(/, iteration (\d+) of at most /.exec(text)?.[1] ?? 0);
    texts.set(iteration, text);
  }
  return texts;
}
