import { describe, expect, test } from "vitest";
import type { ChatContent, LlmRequest } from "../../src/ports/llm.ts";
import { calls, finished, honest, SmallWorld, says, writes } from "./small-world.ts";

function textOf({ messages }: LlmRequest): string {
  const texts = (parts: readonly ChatContent[]) =>
    parts.map((part) => (part.type === "text" || part.type === "toolResult" ? part.text : ""));
  return messages.flatMap(({ content }) => texts(content)).join("\n");
}

describe("a conversation", () => {
  test("is fresh: of the one before it there is only the feedback, of both streams", async () => {
    const small = await SmallWorld.start({
      script: (_, call) =>
        [writes("MY SECRET THOUGHT"), says("I REMEMBER"), writes("good"), finished][call - 1] ??
        finished,
      runs: (files) =>
        files.get("src.txt") === "good" ? 0 : { exitCode: 3, output: "from stdout\nfrom stderr" },
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({ status: "complete", iteration: 2, attempt: 1 });
    const [, , second] = small.requests as [LlmRequest, LlmRequest, LlmRequest];
    expect(second.messages).toHaveLength(1);
    expect(textOf(second)).not.toMatch(/SECRET|REMEMBER/);
    expect(textOf(second)).toContain("from stdout\nfrom stderr");
    expect(textOf(second)).toContain("### Iteration 1: validation exit code 3");
    expect(textOf(second)).toContain("already fails");
  });

  test("that only says it is done completes nothing", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call % 2 === 1 ? says("All done, every test passes!") : finished),
    });
    const id = await small.create({ iterationsMax: 4, stuckAfter: 9 });
    expect(await small.rest(id)).toMatchObject({
      status: "failed",
      reason: "not valid after 4 iterations",
      iteration: 4,
    });
    expect(small.disk.repository.deliveredBranches()).toEqual([]);
  });

  test("goes on after a reply that was cut at its maximum length", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => [says("and so", "maxTokens"), writes("good")][call - 1] ?? finished,
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({ status: "complete", iteration: 1 });
    const [, second] = small.requests as [LlmRequest, LlmRequest];
    expect(textOf(second)).toContain("Your reply was cut off at its maximum length");
  });

  test("ends after its last turn, and what is there is judged", async () => {
    const small = await SmallWorld.start({ script: () => writes("good") });
    const id = await small.create({ turnsMax: 3 });
    expect(await small.rest(id)).toMatchObject({ status: "complete", iteration: 1 });
    expect(small.requests).toHaveLength(3);
    expect(small.seen).toContainEqual(
      expect.objectContaining({ type: "note", text: "stopped after 3 turns" }),
    );
  });

  test("ends when its time is up, and what is there is judged", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("good") : "hang"),
    });
    const id = await small.create({ iterationTimeoutMs: 60_000 });
    expect(await small.rest(id)).toMatchObject({ status: "complete", iteration: 1 });
    expect(small.clock.now()).toBeLessThan(70_000);
    expect(small.seen).toContainEqual(
      expect.objectContaining({ type: "note", text: "stopped after 60 s" }),
    );
  });

  test("of which a tool fails goes on with a sentence for the model", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => [calls(["fly", {}]), writes("good")][call - 1] ?? finished,
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({ status: "complete" });
    expect(textOf(small.requests[1] as LlmRequest)).toContain("there is no tool fly");
  });
});

describe("the same failure again and again", () => {
  test("brings a stronger model once, then a person", async () => {
    const small = await SmallWorld.start({ script: () => finished });
    const id = await small.create({ stuckAfter: 2, escalation: "sim/large" });
    const stuck = await small.rest(id);
    expect(stuck).toMatchObject({ status: "blocked", blockedOn: "stuck", escalated: true });
    expect(stuck.reason).toMatch(/^the same failure 2 times in a row/);
    expect(small.requests.map(({ model }) => model)).toEqual(["small", "small", "large", "large"]);
    await small.ask({ type: "answer", id, answer: "look at src.txt" });
    await small.until(id, ({ iteration }) => iteration === 5);
    expect(textOf(small.requests[4] as LlmRequest)).toContain("look at src.txt");
    expect((await small.rest(id)).iteration).toBe(6);
  });
});

describe("the verdict", () => {
  test("is given again in a fresh worktree: ignored files help nobody", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("good", "cache.txt") : finished),
      runs: (files) => (files.get("cache.txt") === "good" ? 0 : { exitCode: 1, output: "red" }),
    });
    const id = await small.create({ iterationsMax: 1 });
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "failed", verdict: { passed: false, exitCode: 1 } });
    expect(loop.progress[0]?.feedback).toMatch(
      /^The command passes in your worktree, but not in a fresh checkout of the same commit/,
    );
  });

  test("red in the fresh worktree and then green is marked as flaky", async () => {
    let fresh = 0;
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("good") : finished),
      runs: (files, request) => {
        if (files.get("src.txt") === "good" && request.cwd.startsWith("/fresh")) fresh += 1;
        return fresh === 1 ? 1 : honest(files, request);
      },
    });
    const id = await small.create();
    const loop = await small.rest(id);
    expect(loop).toMatchObject({ status: "complete", verdict: { passed: true } });
    expect(loop.verdict?.note).toBe(
      "Flaky: it failed once (exit code 1) and passed when run again.",
    );
  });

  test("of a command that does not end in time is a no with a reason", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("good") : finished),
      runs: (files) => (files.get("src.txt") === "good" ? "hang" : 1),
    });
    const id = await small.create({ iterationsMax: 1 });
    expect(await small.rest(id)).toMatchObject({
      status: "failed",
      verdict: {
        passed: false,
        exitCode: null,
        note: "It did not end within 60 s and was killed.",
      },
    });
  });

  test("waits for the command's end, whatever git says meanwhile", async () => {
    let failures = 0;
    const small = await SmallWorld.start({
      script: (_, call) => (call % 2 === 1 ? writes("good") : finished),
      runs: (_, { cwd }) => (cwd.startsWith("/fresh") || failures > 0 ? 0 : "hang"),
      git: (what) => {
        if (what === "changes" && failures === 0) {
          failures += 1;
          throw new Error("git is out of memory");
        }
      },
    });
    const id = await small.create();
    await small.until(id, () => failures > 0);
    await small.pass(30_000);
    expect(small.states.state.loops.get(id)?.status).toBe("running");
    expect(await small.rest(id)).toMatchObject({ status: "complete", attempt: 2 });
  });
});

describe("a change of what defines the command", () => {
  async function asked() {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 1 ? writes("exit 0", "check.sh") : finished),
      runs: (files) => (files.get("check.sh") === "exit 0" ? 0 : 1),
    });
    const gate = {
      command: "bash check.sh",
      successExitCode: 0,
      timeoutMs: 60_000,
      protect: ["check.sh"],
      detectedFrom: null,
    };
    const id = await small.create({ gate, stuckAfter: 9, iterationsMax: 3 });
    return { small, id, loop: await small.rest(id) };
  }

  test("asks a person, and names the path", async () => {
    const { loop, small } = await asked();
    expect(loop).toMatchObject({ status: "blocked", blockedOn: "gate", gateAsked: ["check.sh"] });
    expect(loop.reason).toMatch(/^check\.sh .*[^.]: td diff 1, then td answer 1 allow or deny$/);
    expect(small.disk.repository.deliveredBranches()).toEqual([]);
  });

  test("allowed: the verdict alone is given again, without a conversation", async () => {
    const { small, id } = await asked();
    const before = small.requests.length;
    await small.ask({ type: "answer", id, answer: "allow" });
    expect(await small.rest(id)).toMatchObject({
      status: "complete",
      iteration: 2,
      verdict: { passed: true },
    });
    expect(small.requests).toHaveLength(before);
  });

  test("denied: the next prompt says so", async () => {
    const { small, id } = await asked();
    const before = small.requests.length;
    await small.ask({ type: "answer", id, answer: "deny" });
    await small.until(id, () => small.requests.length > before);
    expect(textOf(small.requests[before] as LlmRequest)).toMatch(/check\.sh[\s\S]*→ deny/);
  });
});

describe("a question of the model", () => {
  test("frees the slot, and its answer is in the next prompt", async () => {
    const small = await SmallWorld.start({
      script: (_, call) =>
        [calls(["ask_person", { question: "Tabs or spaces?" }]), writes("good")][call - 1] ??
        finished,
    });
    const id = await small.create();
    expect(await small.rest(id)).toMatchObject({
      status: "blocked",
      blockedOn: "question",
      reason: "Tabs or spaces?",
      iteration: 0,
    });
    await small.ask({ type: "answer", id, answer: "Spaces." });
    expect(await small.rest(id)).toMatchObject({ status: "complete" });
    expect(textOf(small.requests[1] as LlmRequest)).toContain("Tabs or spaces?\n→ Spaces.");
  });
});

describe("hooks", () => {
  test("run at their moments, and a failing one changes nothing", async () => {
    const small = await SmallWorld.start({
      script: (_, call) => (call === 3 ? writes("good") : finished),
      hooks: ({ name }) => (name === "before-validation" ? "the hook failed: exit code 1" : null),
    });
    const id = await small.create({ stuckAfter: 9 });
    expect(await small.rest(id)).toMatchObject({ status: "complete", iteration: 3 });
    await small.pass(1_000);
    const perIteration = [
      "before-iteration",
      "before-validation",
      "after-validation",
      "after-iteration",
    ];
    expect(small.hooked.map(({ name, iteration }) => `${iteration} ${name}`)).toEqual([
      ...[1, 2, 3].flatMap((n) => perIteration.map((name) => `${n} ${name}`)),
      "3 on-complete",
    ]);
    const passed = small.hooked.filter(({ name }) => name === "after-iteration");
    expect(passed.map(({ facts: { PASSED } }) => PASSED)).toEqual(["false", "false", "true"]);
    expect(small.seen.filter(({ type }) => type === "note")).toHaveLength(3);
  });
});
