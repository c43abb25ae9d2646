import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "../adapters/config/problem.ts";
import { readText } from "../adapters/config/read-text.ts";
import { readTypeTest, type TypeTest } from "../adapters/config/type-test.ts";
import { fromBytes, git, tryGit } from "../adapters/git/git.ts";
import { resolveRepository } from "../adapters/git/repository.ts";
import { probeSandbox } from "../adapters/sandbox/sandbox.ts";
import type { JournalEntry } from "../mock-llm/journal.ts";
import { startMockLlm } from "../mock-llm/mock-llm.ts";
import type { Scenario } from "../mock-llm/scenario.ts";
import { ScenarioInvalid } from "../mock-llm/scenario-text.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { Place, TypeTestView } from "../protocol/program.ts";
import type { LoopView } from "../views/loop-view.ts";
import { withDaemonHere } from "./daemon.ts";
import { sandboxUid } from "./reading-trees.ts";
import type { Surroundings } from "./surroundings.ts";

const testsMax = 200;

/** Runs `tests/*.yml` of a directory of loop types, each in a repository and a home of its own. */
export async function testTypes(
  around: Surroundings,
  { dir }: Place,
  directory: string | null,
  tell: (view: TypeTestView) => void,
): Promise<readonly TypeTestView[]> {
  const types =
    directory === null
      ? join((await resolveRepository(dir, null)).root, ".taskdaemon", "loops")
      : resolve(dir, directory);
  const place = join(types, "tests");
  const names = (await readdir(place).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  if (names.length === 0 || names.length > testsMax) {
    const message =
      names.length === 0
        ? `there are no tests of loop types (*.yml) in ${place}`
        : `${place} has ${names.length} tests (*.yml): more than ${testsMax} are not run`;
    throw new UserError(exitCodes.notFound, message);
  }
  // Before any of them runs.
  const tests = [...names].sort().map((name) => {
    const file = join(place, name);
    return { file, test: readTypeTest(file, readText(file) ?? "") };
  });
  const views: TypeTestView[] = [];
  for (const { file, test } of tests) {
    const view = { name: basename(file), file, problems: await runTest(around, types, file, test) };
    views.push(view);
    tell(view);
  }
  return views;
}

async function runTest(
  around: Surroundings,
  types: string,
  file: string,
  test: TypeTest,
): Promise<readonly string[]> {
  const place = await mkdtemp(join(tmpdir(), "td-types-"));
  await chmod(place, 0o711);
  try {
    const model = await startMockLlm({ scenario: (test.scenario ?? {}) as Scenario });
    try {
      const repo = await plant(join(place, "repo"), types, test);
      const { PATH, LANG } = around.env;
      const key = { ANTHROPIC_API_KEY: "key-of-no-account", ANTHROPIC_BASE_URL: model.url };
      const stage = { ...around, env: { PATH, LANG, ...key }, userHome: place, cwd: repo };
      return await play(stage, join(place, "home"), repo, test, () => model.journal());
    } finally {
      await model.close();
    }
  } catch (error) {
    if (error instanceof ScenarioInvalid)
      throw new UserError(exitCodes.invalid, `${file}: ${error.message}`);
    if (error instanceof UserError || error instanceof ConfigError) return [error.message];
    throw error;
  } finally {
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function plant(repo: string, types: string, { files = {} }: TypeTest): Promise<string> {
  await mkdir(repo);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(repo, dirname(path)), { recursive: true });
    await writeFile(join(repo, path), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  await cp(types, join(repo, ".taskdaemon", "loops"), { recursive: true });
  const place = { gitDir: join(repo, ".git"), workTree: repo };
  await git(place, ["init", "--quiet", "--initial-branch=main", "--", repo]);
  await git(place, ["add", "--all"]);
  const author = ["-c", "user.name=You", "-c", "user.email=you@example.org"];
  await git(place, [...author, "commit", "--quiet", "--message", "before"]);
  return repo;
}

/** Whatever the type says: the scripted model is reached by this name. */
const model = "anthropic/claude-sonnet-5-5";

async function play(
  around: Surroundings,
  home: string,
  repo: string,
  test: TypeTest,
  journal: () => readonly JournalEntry[],
): Promise<readonly string[]> {
  await prepareHome(around, home);
  const [view, loops] = await withDaemonHere(around, home, async (door) => {
    const { id } = await door.create({
      ...{ type: test.type, task: test.task, dir: repo, validate: test.validate ?? null },
      ...{ iterationsMax: null, model, budgetUsd: null, base: null, priority: "normal" },
      ...{ after: [], deliver: null, approved: true, parameters: test.set ?? {} },
    });
    const ended = await door.drive(id, () => undefined, new AbortController().signal);
    const all = await door.loops({ status: null, type: null, plan: id });
    return [ended, all.length] as const;
  });
  return [
    ...outcomeProblems(test, view, loops),
    ...(await fileProblems(test, view, repo)),
    ...promptProblems(test, journal()),
  ];
}

/** What a test has its own commands do may be done where there is no sandbox. */
async function prepareHome({ env, userHome }: Surroundings, home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  const redact = (text: string) => text;
  const options = { home, uid: sandboxUid, redact, concurrency: "auto", env, userHome } as const;
  const { problem } = await probeSandbox(options);
  if (problem === null) return;
  await writeFile(join(home, "taskdaemon.yml"), "sandbox:\n  level: off\n", { mode: 0o600 });
}

function outcomeProblems({ expect = {} }: TypeTest, view: LoopView, count: number): string[] {
  const { status = "complete", iterations, loops } = expect;
  const problems: string[] = [];
  if (view.status !== status) {
    const reason = view.reason === null ? "" : `: ${view.reason}`;
    problems.push(`status: expected ${status}, not ${view.status}${reason}`);
  }
  if (iterations !== undefined && view.iteration !== iterations) {
    problems.push(`iterations: expected ${iterations}, not ${view.iteration}`);
  }
  if (loops !== undefined && count !== loops) {
    problems.push(`loops: expected ${loops}, not ${count}`);
  }
  return problems;
}

async function fileProblems(
  { expect = {} }: TypeTest,
  { delivered, branch, headCommit }: LoopView,
  repo: string,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const from = delivered?.commit ?? branch ?? headCommit ?? "HEAD";
  for (const [path, wanted] of Object.entries(expect.files ?? {})) {
    const shown = await tryGit({ gitDir: join(repo, ".git") }, ["show", `${from}:${path}`]);
    if (shown.exitCode !== 0) problems.push(`files: there is no ${path} in ${from}`);
    else if (!fromBytes(shown.stdout).includes(wanted)) {
      problems.push(`files: ${path} does not contain ${JSON.stringify(wanted)}`);
    }
  }
  return problems;
}

function promptProblems({ expect = {} }: TypeTest, journal: readonly JournalEntry[]): string[] {
  const told = journal.map(({ body }) => JSON.stringify(body));
  const missing = (expect.prompts ?? []).filter((wanted) => {
    const written = JSON.stringify(wanted).slice(1, -1);
    return !told.some((body) => body.includes(written));
  });
  return missing.map((wanted) => `prompts: the model was never told ${JSON.stringify(wanted)}`);
}
