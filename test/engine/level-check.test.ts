import { expect, test } from "vitest";
import type { LlmReply, LlmRequest } from "../../src/ports/llm.ts";
import { id } from "../given.ts";
import { creates, document, promptOf, types } from "./plan-words.ts";
import { calls, finished, type Runs, SmallWorld } from "./small-world.ts";

/** One spec that asks for `check`, of two phases; each ralph does as it is told. */
function planOf(check: readonly string[], ralph: (request: LlmRequest) => LlmReply) {
  return (request: LlmRequest): LlmReply => {
    const prompt = promptOf(request);
    const isFirst = request.messages.length === 1;
    if (prompt.includes("/specs/NN")) {
      if (!isFirst || !prompt.includes("pass 1 of 5")) return finished;
      return creates(
        [".td-out/plan.md", document("The plan")],
        [".td-out/specs/01-a.md", document("Spec", ...check)],
      );
    }
    if (prompt.includes("/phases/NN") && isFirst) {
      return creates(
        [".td-out/phases/01-x.md", document("first")],
        [".td-out/phases/02-y.md", document("second")],
      );
    }
    if (prompt.includes("/phases/NN") || prompt.includes("/ralphs/NN")) return finished;
    return ralph(request);
  };
}

test("a spec that a drop makes whole is checked on its plan's branch before it is complete", async () => {
  let isRed = true;
  const checkedTrees: string[][] = [];
  const runs: Runs = (files, { command }) => {
    if (command !== "./whole.sh") return 0;
    checkedTrees.push([...files.keys()]);
    return isRed ? 4 : 0;
  };
  const script = planOf(["validate: ./whole.sh"], ({ messages }) =>
    messages.length === 1 ? creates(["a.txt", "a"]) : finished,
  );
  const small = await SmallWorld.start({ script, types, runs });
  const root = await small.createOf("plan", true);
  const { loops } = small.states.state;
  await small.until(root, () => loops.has(id("1.1.2")));
  await small.ask({ type: "pause", id: id("1.1.2") });
  await small.until(id("1.1.1"), ({ status }) => status === "complete");
  expect(checkedTrees).toEqual([]);
  await small.ask({ type: "drop", id: id("1.1.2") });
  const held = await small.until(id("1.1"), ({ status }) => status === "blocked");
  expect(held.reason).toContain("does not pass as a whole (The command passes, but the check");
  expect(checkedTrees[0]).toContain("a.txt");
  isRed = false;
  await small.ask({ type: "retry", id: id("1.1"), raise: {} });
  const plan = await small.until(root, ({ status }) => status === "complete");
  expect(plan.delivered?.to).toBe("taskdaemon/plan-1");
  await small.stop();
});

test("who changes nothing and comes late takes nothing back of what the plan has come to", async () => {
  const ralph = (request: LlmRequest) => {
    const isLate = promptOf(request).includes("Body of second");
    if (isLate) return request.messages.length < 12 ? calls(["list", {}]) : finished;
    return request.messages.length === 1 ? creates(["a.txt", "a"]) : finished;
  };
  const small = await SmallWorld.start({ script: planOf([], ralph), types, runs: () => 0 });
  const root = await small.createOf("plan", true);
  const plan = await small.until(root, ({ status }) => status === "complete");
  const order = small.events("loop.delivered").map(({ loop }) => loop);
  expect(order.indexOf(id("1.1.1.1"))).toBeLessThan(order.indexOf(id("1.1.2.1")));
  const tip = small.disk.repository.branches.get("taskdaemon/plan-1");
  expect([...small.disk.repository.tree(tip ?? "").keys()]).toContain("a.txt");
  expect(plan).toMatchObject({ tip, delivered: { commit: tip } });
  await small.stop();
});
