import { expect, test } from "vitest";
import type { LoopId } from "../../src/core/loop.ts";
import { childrenOf } from "../../src/core/state.ts";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import { id } from "../given.ts";
import { creates, document, promptOf, types } from "./plan-words.ts";
import { calls, finished, honest, SmallWorld, writes } from "./small-world.ts";

/** Which level speaks: each prompt names the folder of its documents. */
function levelOf(request: LlmRequest): string {
  const prompt = promptOf(request);
  if (prompt.includes("/specs/NN")) return "plan";
  if (prompt.includes("/phases/NN")) return "spec";
  return prompt.includes("/ralphs/NN") ? "phase" : "ralph";
}

const isFirst = ({ messages }: LlmRequest) => messages.length === 1;

/** Two specs, the second after the first; each has one phase; each phase is one ralph. */
function goodModel(request: LlmRequest): LlmReply {
  const level = levelOf(request);
  if (!isFirst(request)) return finished;
  if (level === "plan" && promptOf(request).includes("pass 1 of 5")) {
    return creates(
      [".td-out/plan.md", document("The plan")],
      [".td-out/specs/01-a.md", document("Spec A")],
      [".td-out/specs/02-b.md", document("Spec B", "depends-on: [01-a]", "priority: high")],
    );
  }
  if (level === "spec") return creates([".td-out/phases/01-x.md", document("Phase")]);
  return level === "ralph" ? writes("good") : finished;
}

async function plan(script: (request: LlmRequest) => LlmReply, approved = false) {
  const small = await SmallWorld.start({ script, types, runs: honest });
  const root = await small.createOf("plan", approved);
  return { small, root };
}

function statuses(small: SmallWorld): string[] {
  return [...small.states.state.loops.values()].map(
    (loop) => `${loop.id} ${loop.type} ${loop.status}`,
  );
}

test("a plan is refined in five passes, each with its own focus, and waits for approval", async () => {
  const { small, root } = await plan(goodModel);
  const draft = await small.rest(root);
  expect(draft).toMatchObject({ status: "draft", iteration: 5, passes: 5 });
  const prompts = small.requests.filter(isFirst).map(promptOf);
  expect(prompts.map((prompt) => /pass \d of \d/.exec(prompt)?.[0])).toEqual(
    [1, 2, 3, 4, 5].map((pass) => `pass ${pass} of 5`),
  );
  expect(prompts.map((prompt) => /^(?:Com|Cor|Edg|Arc|Cla)\w+/m.exec(prompt)?.[0])).toEqual([
    "Completeness",
    "Correctness",
    "Edge",
    "Architecture",
    "Clarity",
  ]);
  expect(draft.documents.map(({ path, becomes }) => [path, becomes])).toEqual([
    ["plan.md", null],
    ["specs/01-a.md", "spec"],
    ["specs/02-b.md", "spec"],
  ]);
  await small.stop();
});

test("an approved plan becomes specs, phases and ralphs, and completion climbs", async () => {
  const { small, root } = await plan(goodModel);
  await small.rest(root);
  await small.ask({ type: "approve", id: root });
  const done = await small.until(root, ({ status }) => status === "complete");
  expect(done.status).toBe("complete");
  expect(statuses(small)).toEqual([
    "1 plan complete",
    "1.1 spec complete",
    "1.2 spec complete",
    "1.1.1 phase complete",
    "1.1.1.1 ralph complete",
    "1.2.1 phase complete",
    "1.2.1.1 ralph complete",
  ]);
  const ralphs = [...small.states.state.loops.values()].filter(({ type }) => type === "ralph");
  // Not what passed as documents on the same commit.
  expect(
    ralphs.map(({ baseline, settings }) => baseline?.command === settings.gate.command),
  ).toEqual(ralphs.map(() => true));
  const started = small.events("attempt.started").map(({ loop }) => loop as string);
  expect(started.indexOf("1.2")).toBeGreaterThan(started.indexOf("1.1.1.1"));
  await small.stop();
});

test("a plan approved in advance asks nobody, and survives a crash between any two levels", async () => {
  const { small, root } = await plan(goodModel, true);
  await small.until(id("1.1.1"), ({ status }) => status === "running").catch(() => undefined);
  for (let crash = 0; crash < 4; crash += 1) {
    await small.pass(400);
    await small.restart();
  }
  const done = await small.until(root, ({ status }) => status === "complete");
  expect(done.status).toBe("complete");
  expect(childrenOf(small.states.state, root)).toHaveLength(2);
  await small.stop();
});

test("what is wrong with the documents is told at once, and to the next iteration", async () => {
  const bad = document("Spec A", "depend-on: [x]");
  const answers: string[] = [];
  const { small, root } = await plan((request) => {
    const last = request.messages.at(-1)?.content[0];
    if (last?.type === "toolResult") answers.push(last.text);
    if (!isFirst(request)) return answers.length > 1 ? calls() : finished;
    const isFirstPass = small.requests.length === 1;
    if (!isFirstPass) return goodModel(request);
    return creates([".td-out/plan.md", document("The plan")], [".td-out/specs/01-a.md", bad]);
  });
  await small.until(root, ({ iteration }) => iteration === 1);
  const problem = '.td-out/specs/01-a.md:3: unknown key "depend-on" — did you mean "depends-on"?';
  expect(answers.find((text) => text.startsWith("Not finished"))).toContain(problem);
  const [first] = small.states.state.loops.get(root)?.progress ?? [];
  expect(first).toMatchObject({ passed: false, exitCode: 1, feedback: problem });
  await small.until(root, ({ iteration }) => iteration === 2);
  const second = small.requests.filter(isFirst)[1];
  expect(promptOf(second as LlmRequest)).toContain(problem);
  expect(promptOf(second as LlmRequest)).toContain("pass 1 of 5");
  await small.stop();
});

test("a rejected draft is refined once more with what the person said", async () => {
  const { small, root } = await plan(goodModel);
  await small.rest(root);
  await small.ask({ type: "reject", id: root, feedback: "Leave the session store alone." });
  const again = await small.rest(root);
  expect(again).toMatchObject({ status: "draft", iteration: 6 });
  const prompt = promptOf(small.requests.filter(isFirst).at(-1) as LlmRequest);
  expect(prompt).toContain("Leave the session store alone.");
  expect(prompt).toContain("what a person said of your documents");
  await small.stop();
});

test("a document loop writes nowhere but in its output directory", async () => {
  const results: string[] = [];
  const { small, root } = await plan((request) => {
    for (const part of request.messages.at(-1)?.content ?? []) {
      if (part.type === "toolResult") results.push(part.text);
    }
    if (!isFirst(request)) return finished;
    return calls(
      ["write", { path: "src.txt", content: "good" }],
      ["write", { path: ".td-out/../src.txt", content: "good" }],
      ["bash", { command: "echo good > src.txt" }],
    );
  });
  await small.until(root, ({ iteration }) => iteration === 1);
  expect(results[0]).toContain("this loop writes documents only: src.txt is outside .td-out/");
  expect(results[1]).toContain("this loop writes documents only");
  const [ran] = small.commands;
  expect(ran?.writable).toEqual(["/worktrees/1/.td-out"]);
  expect(ran?.readable).toContain("/worktrees/1");
  await small.stop();
});

test("a check that a document asks for can take a pass away", async () => {
  const script = (request: LlmRequest): LlmReply => {
    if (levelOf(request) !== "spec" || !isFirst(request)) return goodModel(request);
    return creates([".td-out/phases/01-x.md", document("Phase", "validate: ./extra.sh")]);
  };
  const runs = (files: ReadonlyMap<string, string>, { command }: { command: string }) => {
    if (command !== "./extra.sh") return honest(files, { command } as never);
    return { exitCode: 3, output: "extra is red" };
  };
  const small = await SmallWorld.start({ script, types, runs });
  await small.createOf("plan", true);
  const ralph = "1.1.1.1" as LoopId;
  await small.until(id("1"), () => (small.states.state.loops.get(ralph)?.iteration ?? 0) > 0);
  const loop = small.states.state.loops.get(ralph);
  expect(loop?.verdict).toMatchObject({ passed: false, exitCode: 3 });
  expect(loop?.progress[0]?.feedback).toContain("extra is red");
  await small.stop();
});

test("a plan that is to be proposed is complete with the pull request of its branch", async () => {
  const small = await SmallWorld.start({ script: goodModel, types, runs: honest });
  const root = await small.createOf("plan", true, { deliver: "pr", target: "main" });
  const loop = await small.until(root, ({ status }) => status === "complete");
  const { pullRequests } = small.disk.repository;
  expect([...pullRequests]).toEqual([["taskdaemon/plan-1", loop.pullRequest]]);
  expect(loop).toMatchObject({ reason: null, merge: null, delivered: { to: "taskdaemon/plan-1" } });
  expect(loop.delivered?.commit).toBe(small.disk.repository.branches.get("taskdaemon/plan-1"));
  await small.stop();
});
