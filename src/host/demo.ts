import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { git } from "../adapters/git/git.ts";
import { probeSandbox } from "../adapters/sandbox/sandbox.ts";
import { startMockLlm } from "../mock-llm/mock-llm.ts";
import type { Door, FeedEvent } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { DemoRequest } from "../protocol/program.ts";
import type { LoopView } from "../views/loop-view.ts";
import { startDaemon, stopDaemon } from "./control.ts";
import { demoModel } from "./demo-model.ts";
import { request as planRequest, sampleFiles } from "./demo-story.ts";
import { Narrator } from "./demo-teller.ts";
import { sandboxUid } from "./reading-trees.ts";
import { pidOf } from "./socket.ts";
import type { Surroundings } from "./surroundings.ts";

/** The whole pipeline without a key: a sample repository, a scripted model, a daemon of its own. */
export async function runDemo(
  around: Surroundings,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<number> {
  const place = await mkdtemp(join(tmpdir(), "td-demo-"));
  await chmod(place, 0o711);
  const model = await startMockLlm({ policy: demoModel(request.speed) });
  try {
    const repo = await plantRepository(join(place, "clockwork"));
    const { PATH, LANG } = around.env;
    const env = {
      PATH,
      LANG,
      ANTHROPIC_API_KEY: "demo-key-of-no-account",
      ANTHROPIC_BASE_URL: model.url,
      TASKDAEMON_NOTIFY_DESKTOP: "off",
    };
    const stage = { ...around, env, userHome: place, cwd: repo };
    return await play(stage, join(place, "home"), repo, request, signal);
  } finally {
    await model.close();
    if (request.keep) request.write(`\nKept in ${place} (td --home ${join(place, "home")} tree)`);
    else await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

const author = ["-c", "user.name=You", "-c", "user.email=you@example.org"];

async function plantRepository(repo: string): Promise<string> {
  for (const [path, text] of Object.entries(sampleFiles)) {
    await mkdir(join(repo, dirname(path)), { recursive: true });
    await writeFile(join(repo, path), text);
  }
  const place = { gitDir: join(repo, ".git"), workTree: repo };
  await git(place, ["init", "--quiet", "--initial-branch=main", "--", repo]);
  await git(place, ["add", "--all"]);
  await git(place, [...author, "commit", "--quiet", "--message", "a clock for ordinary days"]);
  return repo;
}

async function play(
  around: Surroundings,
  home: string,
  repo: string,
  { write }: DemoRequest,
  signal: AbortSignal,
): Promise<number> {
  write("TaskDaemon demo: a scripted model works on a sample repository. No key, no network.\n");
  await prepareHome(around, home, write);
  const door = await startDaemon(around, home);
  try {
    const stage = new Stage(door, home, new Narrator(write), signal);
    const plan = await stage.draft(repo, write);
    const ended = await stage.build(plan, write);
    if (ended.status !== "complete") {
      write(`\nThe demo ended ${ended.status}: ${ended.reason ?? "for no known reason"}`);
      return signal.aborted ? exitCodes.interrupted : exitCodes.failed;
    }
    await tell(door, repo, ended, write);
    return exitCodes.done;
  } finally {
    await stopDaemon(home, { now: true });
  }
}

const pollMs = 200;
const storyMsMax = 300_000;

/** Follows the log of the daemon, beyond its death, and does what a person does at the right time. */
class Stage {
  readonly #door: Door;
  readonly #home: string;
  readonly #narrator: Narrator;
  readonly #signal: AbortSignal;
  #next = 1;
  #isKilled = false;

  constructor(door: Door, home: string, narrator: Narrator, signal: AbortSignal) {
    this.#door = door;
    this.#home = home;
    this.#narrator = narrator;
    this.#signal = signal;
  }

  async draft(dir: string, write: (line: string) => void): Promise<LoopView> {
    write(`$ td new-plan "${planRequest}"`);
    const { id } = await this.#door.create({
      ...{ type: "plan", task: planRequest, dir, validate: null, iterationsMax: null },
      ...{ model: null, budgetUsd: 1, base: null, priority: "normal", after: [], deliver: null },
    });
    return this.#follow(id, (plan) => plan.status !== "pending" && plan.status !== "running");
  }

  async build(plan: LoopView, write: (line: string) => void): Promise<LoopView> {
    if (plan.status !== "draft") return plan;
    const { documents } = await this.#door.draft(plan.id);
    for (const { path, title, dependsOn } of documents) {
      const after = dependsOn.length === 0 ? "" : `  after ${dependsOn.join(", ")}`;
      write(`    ${path.padEnd(28)} ${title}${after}`);
    }
    write(`\n$ td approve ${plan.id}`);
    await this.#door.amend(plan.id, { type: "approve" });
    const isOver = ({ status }: LoopView) => status !== "delegated" && status !== "draft";
    return this.#follow(plan.id, isOver);
  }

  async #follow(id: string, isOver: (view: LoopView) => boolean): Promise<LoopView> {
    for (let waitedMs = 0; waitedMs < storyMsMax; waitedMs += pollMs) {
      const view = await this.#look(id).catch(nullIfAway);
      const isBroken = this.#signal.aborted || view?.status === "blocked";
      if (view !== null && (isOver(view) || isBroken)) return view;
      await sleep(pollMs);
    }
    throw new UserError(
      exitCodes.failed,
      "the demo did not come to an end: td doctor says what the machine lacks",
    );
  }

  async #look(id: string): Promise<LoopView> {
    const view = await this.#door.loop(id);
    const events = await this.#door.events(this.#next);
    this.#next = (events.at(-1)?.seq ?? this.#next - 1) + 1;
    for (const event of events) this.#narrator.hear(event);
    this.#narrator.limits(await this.#door.queue());
    if (!this.#isKilled && events.some(isFirstVerdictOfCode)) this.#killDaemon();
    return view;
  }

  /** As a power cut would; its guardian starts another. */
  #killDaemon(): void {
    const pid = pidOf(this.#home);
    if (pid === null) return;
    this.#isKilled = true;
    kill(pid, "SIGKILL");
    this.#narrator.killed(pid);
  }
}

/** In the middle of the work: one ralph has been judged, the other is at it. */
function isFirstVerdictOfCode({ type, data }: FeedEvent): boolean {
  const { verdict } = data as { readonly verdict?: { readonly command?: string } };
  return type === "iteration.finished" && verdict?.command === "npm test";
}

function nullIfAway(error: unknown): null {
  if (error instanceof UserError && error.exitCode === exitCodes.daemon) return null;
  throw error;
}

const shownFile = "src/parse-time.js";

async function tell(
  door: Door,
  repo: string,
  { id, branch, delivered }: LoopView,
  write: (line: string) => void,
): Promise<void> {
  const loops = await door.loops({ status: null, type: null, plan: id });
  const sum = (of: (view: LoopView) => number) => loops.reduce((all, view) => all + of(view), 0);
  const requests = sum(({ usage }) => usage.requests);
  const iterations = sum(({ iteration }) => iteration);
  const dollars = sum(({ usage }) => usage.costUsd ?? 0).toFixed(2);
  const to = branch ?? delivered?.to ?? `taskdaemon/plan-${id}`;
  const place = { gitDir: join(repo, ".git"), workTree: repo };
  const log = await git(place, ["log", "--format=%h %s", `main..refs/heads/${to}`, "--"]);
  write(`\n✓ complete: ${loops.length} loops, ${iterations} iterations, ${requests} requests`);
  write(`  $${dollars}, had it been a real model\n`);
  write(`$ git log --oneline main..${to}`);
  for (const line of log.trimEnd().split("\n")) write(`  ${line}`);
  const diff = await git(place, [
    "diff",
    "--no-ext-diff",
    "--unified=1",
    `main..refs/heads/${to}`,
    "--",
    shownFile,
  ]);
  write(`\n$ git diff main..${to} -- ${shownFile}`);
  write(diff.trimEnd().replace(/^/gm, "  "));
  write("\nEach of these commits passed `npm test` before the branch moved to it. Your checkout");
  write("was not touched. Try it on a repository of yours:");
  write("  export ANTHROPIC_API_KEY=…");
  write("  td doctor");
  write('  td run ralph "what should be done" --validate "the command that proves it"');
  write('  td new-plan "something larger"');
}

/** Our own script may run unconfined where there is no sandbox; anything else is refused there. */
async function prepareHome(
  around: Surroundings,
  home: string,
  write: (line: string) => void,
): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o711 });
  const { env, userHome } = around;
  const redact = (text: string) => text;
  const options = { home, uid: sandboxUid, redact, concurrency: "auto", env, userHome } as const;
  const { problem } = await probeSandbox(options);
  if (problem === null) return;
  write(`Note: this machine has no sandbox (${problem}).`);
  write("The demo's own commands run without one; td run will refuse until it is there.\n");
  await writeFile(join(home, "taskdaemon.yml"), "sandbox:\n  level: off\n", { mode: 0o600 });
}
