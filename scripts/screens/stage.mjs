// A home, a repository and a daemon of the built program, with the story played as far as wanted.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import {
  config,
  draft,
  files,
  fullConfig,
  limitedModel,
  plan,
  storyModel,
  tasks,
} from "./story.mjs";

const program = fileURLToPath(new URL("../../bin/td.mjs", import.meta.url));
const waitMsMax = 180_000;
const pollMs = 500;

export async function openStage() {
  const { policy, streaming } = storyModel();
  const model = await startMockLlm({ policy });
  const place = mkdtempSync(join(tmpdir(), "td-"));
  chmodSync(place, 0o711);
  const home = join(place, "home");
  const repo = join(place, "clockwork");
  plant(repo);
  mkdirSync(home, { mode: 0o711 });
  writeFileSync(join(home, "taskdaemon.yml"), config, { mode: 0o600 });
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    LANG: "C.UTF-8",
    HOME: place,
    TASKDAEMON_HOME: home,
    ANTHROPIC_API_KEY: "key-of-no-account",
    ANTHROPIC_BASE_URL: model.url,
    COLORTERM: "truecolor",
  };
  const run = promisify(execFile);
  const td = async (...args) => {
    const options = { cwd: repo, env, maxBuffer: 64e6 };
    const { stdout } = await run(process.execPath, [program, "--json", ...args], options);
    return JSON.parse(stdout);
  };
  const close = async () => {
    await td("stop", "--now").catch(() => undefined);
    await model.close();
    rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  };
  const command = `${process.execPath} ${program}`;
  const stage = { place, home, repo, env, td, close, streaming, command };
  try {
    await td("start");
    return { ...stage, ids: await play(stage) };
  } catch (error) {
    await close();
    throw error;
  }
}

function plant(repo) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(repo, dirname(path)), { recursive: true });
    writeFileSync(join(repo, path), text);
  }
  const author = ["-c", "user.name=You", "-c", "user.email=you@example.org"];
  const git = (...args) => execFileSync("git", ["-C", repo, ...args], { stdio: "ignore" });
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git(...author, "commit", "--quiet", "--message", "a clock for ordinary days");
}

/** What a person and the model do, one after the other; resolves to the loops by their names. */
async function play({ td, home, streaming }) {
  const run = async (name, ...more) =>
    (await td("run", "ralph", tasks[name], "--detach", ...more)).id;
  const until = untilOf(td);
  const ids = {};
  ids.complete = await run("complete");
  ids.compared = await run("compared");
  ids.failed = await run("failed", "--max-iterations", "2");
  ids.question = await run("question", "--priority", "high");
  ids.gate = await run("gate");
  ids.budget = await run("budget", "--budget", "0.4");
  await until(ids.complete, "complete");
  await until(ids.compared, "complete");
  await until(ids.failed, "failed");
  await until(ids.question, "blocked");
  await until(ids.gate, "blocked");
  await until(ids.budget, "blocked");
  ids.plan = (await td("new-plan", plan.request)).id;
  await td("approve", ids.plan);
  ids.draft = (await td("new-plan", draft.request)).id;
  ids.running = await run("running");
  const works = await untilAtWork(td, ids.plan, streaming);
  ids.chinese = await run("chinese", "--after", ids.running);
  ids.paused = await run("paused", "--after", ids.running);
  ids.stopped = await run("stopped", "--after", ids.running);
  await td("pause", ids.paused);
  await td("stop", ids.stopped);
  ids.limited = await run("limited", "--model", limitedModel);
  await until(ids.limited, "pending", ({ reason }) => reason !== null);
  writeFileSync(join(home, "taskdaemon.yml"), fullConfig, { mode: 0o600 });
  await setTimeout(3_000);
  ids.slots = await run("slots", "--priority", "low");
  return { ...ids, work: works[0] };
}

function untilOf(td) {
  return async (id, status, isSo = () => true) => {
    let loop = null;
    for (const end = Date.now() + waitMsMax; Date.now() < end; await setTimeout(pollMs)) {
      loop = await td("show", id);
      if (loop.status === status && isSo(loop)) return loop;
    }
    throw new Error(`loop ${id} is ${loop.status} (${loop.reason}), not ${status}`);
  };
}

/** The two ralphs of the plan that shall be seen at work, and another one. */
async function untilAtWork(td, id, streaming) {
  for (const end = Date.now() + waitMsMax; Date.now() < end; await setTimeout(pollMs)) {
    const loops = await td("list", "--plan", id);
    const shown = loops.filter(
      ({ status, title, type }) =>
        type === "ralph" && status === "running" && / durations$/.test(title),
    );
    if (shown.length === 2 && streaming.size === 3) return shown.map((loop) => loop.id);
  }
  const states = (await td("list")).map(
    ({ id: of, status, reason }) => `${of} ${status} ${reason}`,
  );
  throw new Error(`plan ${id} does not come so far:\n${states.join("\n")}`);
}
