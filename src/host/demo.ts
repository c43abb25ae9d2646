import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { git } from "../adapters/git/git.ts";
import { probeSandbox } from "../adapters/sandbox/sandbox.ts";
import { startMockLlm } from "../mock-llm/mock-llm.ts";
import type { LiveEvent } from "../ports.ts";
import type { Door } from "../protocol/door.ts";
import { exitCodes } from "../protocol/errors.ts";
import type { DemoRequest } from "../protocol/program.ts";
import type { LoopView } from "../views/loop-view.ts";
import { systemClock } from "./clock.ts";
import { withDaemonHere } from "./daemon.ts";
import { sampleFiles, scenario, task } from "./demo-story.ts";
import { createReader, openRecords, readState } from "./reader.ts";
import { sandboxUid } from "./reading-trees.ts";
import type { Surroundings } from "./surroundings.ts";

/** The whole loop without a key: a sample repository, and a scripted model that errs once. */
export async function runDemo(
  around: Surroundings,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<number> {
  const place = await mkdtemp(join(tmpdir(), "td-demo-"));
  await chmod(place, 0o711);
  const model = await startMockLlm({ scenario: scenario(request.speed) });
  try {
    const repo = await plantRepository(join(place, "clockwork"));
    const { PATH, LANG } = around.env;
    const env = {
      PATH,
      LANG,
      ANTHROPIC_API_KEY: "demo-key-of-no-account",
      ANTHROPIC_BASE_URL: model.url,
    };
    const stage = { ...around, env, userHome: place, cwd: repo };
    return await play(stage, join(place, "home"), repo, request, signal);
  } finally {
    await model.close();
    if (request.keep) request.write(`\nKept in ${place} (td --home ${join(place, "home")} list)`);
    else await rm(place, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function plantRepository(repo: string): Promise<string> {
  for (const [path, text] of Object.entries(sampleFiles)) {
    await mkdir(join(repo, dirname(path)), { recursive: true });
    await writeFile(join(repo, path), text);
  }
  const place = { gitDir: join(repo, ".git"), workTree: repo };
  await git(place, ["init", "--quiet", "--initial-branch=main", "--", repo]);
  await git(place, ["add", "--all"]);
  const author = ["-c", "user.name=You", "-c", "user.email=you@example.org"];
  await git(place, [
    ...author,
    "commit",
    "--quiet",
    "--message",
    "a clock that knows no leap seconds",
  ]);
  return repo;
}

async function play(
  around: Surroundings,
  home: string,
  repo: string,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<number> {
  const { write } = request;
  write("TaskDaemon demo: a scripted model works on a sample repository. No key, no network.\n");
  await allowWithoutSandbox(around, home, write);
  const ended = await withDaemonHere(around, home, (door) => run(door, repo, write, signal));
  if (ended.status !== "complete") {
    write(`\nThe demo ended ${ended.status}: ${ended.reason ?? "for no known reason"}`);
    return signal.aborted ? exitCodes.interrupted : exitCodes.failed;
  }
  await tell(around, home, ended, write);
  return exitCodes.done;
}

async function run(
  door: Door,
  dir: string,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<LoopView> {
  const request = {
    type: "ralph",
    task,
    dir,
    validate: null,
    iterationsMax: 5,
    model: null,
    budgetUsd: 1,
    base: null,
    priority: "normal",
    after: [],
    deliver: null,
  } as const;
  const plan = await door.plan(request);
  write(`$ td run ralph "${task}"`);
  write(`  validation  ${plan.validation.command} (${plan.validation.detectedFrom ?? "given"})`);
  write(`  sandbox     ${plan.sandbox}, no network`);
  const { id } = await door.create(request);
  return door.drive(id, (event) => narrate(event, write), signal);
}

function narrate(event: LiveEvent, write: (line: string) => void): void {
  switch (event.type) {
    case "stage":
      if (event.stage === "working") write(`\nIteration ${event.iteration}, a fresh conversation`);
      if (event.stage === "validating")
        write(`  ▸ the daemon runs the validation ${event.detail ?? ""}`);
      if (event.stage === "preparing" && event.detail !== null) write(`\nBefore: ${event.detail}`);
      break;
    case "tool":
      write(`  · ${event.name.padEnd(13)} ${event.summary}`);
      break;
    case "verdict":
      write(
        `    ${event.passed ? "✓ passed" : "✗ not passed"}${event.detail === "" ? "" : `: ${event.detail}`}`,
      );
      break;
    default:
  }
}

async function tell(
  around: Surroundings,
  home: string,
  ended: LoopView,
  write: (line: string) => void,
): Promise<void> {
  const reader = createReader({
    home,
    state: () => readState(home),
    events: async () => [],
    now: systemClock.now,
    waitOf: () => null,
    ...openRecords(around, home),
  });
  const { usage, verdict, iteration, branch } = ended;
  write("\nWhat changed\n");
  write((await reader.diff(ended.id)).trimEnd().replace(/^/gm, "  "));
  const cost = usage.costUsd === null ? "unknown" : `$${usage.costUsd.toFixed(4)}`;
  const tokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  write(
    `\n✓ complete after ${iteration} iterations; \`${verdict?.command}\` passes in a fresh checkout`,
  );
  write(
    `  branch ${branch} · ${usage.requests} requests, ${tokens} tokens in, ${usage.outputTokens} out · ${cost} (had it been a real model)`,
  );
  write("\nTry it on a repository of yours:");
  write("  export ANTHROPIC_API_KEY=…");
  write("  td doctor");
  write('  td run ralph "what should be done" --validate "the command that proves it"');
}

/** Our own script may run unconfined where there is no sandbox; anything else is refused there. */
async function allowWithoutSandbox(
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
