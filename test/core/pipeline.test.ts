import { describe, expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import type { Document } from "../../src/core/documents.ts";
import { childrenOf, type State } from "../../src/core/state.ts";
import { answerTo, following, given, id, loop, moment, settings } from "../given.ts";

function document(name: string, more: Partial<Document> = {}): Document {
  return {
    path: `specs/${name}.md`,
    name,
    title: `title of ${name}`,
    text: `text of ${name}`,
    becomes: "spec",
    dependsOn: [],
    priority: null,
    touches: [],
    acceptance: [],
    validate: null,
    allowGateChange: [],
    ...more,
  };
}

const plan = document("plan", { becomes: null });
const two = [plan, document("a"), document("b", { dependsOn: ["a"], priority: "high" })];

/** "1.1 a pending, 1.2 b pending after 1.1" */
function children(state: State, parent = "1"): string {
  return childrenOf(state, id(parent))
    .map(({ id: name, document: from, status, dependsOn, dropped }) => {
      const after = dependsOn.length === 0 ? "" : ` after ${dependsOn.join()}`;
      return `${name} ${from} ${dropped ? "dropped" : status}${after}`;
    })
    .join(", ");
}

const approve = { type: "approve", id: id("1") } as const;

describe("approval", () => {
  test("creates the children and hands the work on in one decision", () => {
    const state = given(loop("1 draft", { documents: two }));
    const decision = decide(state, approve, moment);
    expect(decision.ok && decision.events.map(({ type }) => type)).toEqual([
      "loop.created",
      "loop.created",
      "loop.status",
    ]);
    following(state, approve);
    expect(children(state)).toBe("1.1 a pending, 1.2 b pending after 1.1");
    expect(state.loops.get(id("1"))?.status).toBe("delegated");
    expect(state.loops.get(id("1.2"))).toMatchObject({ brief: "text of b", priority: "high" });
  });

  test("is given to a draft only", () => {
    const sentence = "1 is pending: only a draft waits for approval";
    expect(answerTo(given("1 pending"), approve)).toBe(sentence);
  });

  test("gives a child the model of its type, where that names one", () => {
    const documents = [document("a", { model: "sim/large" }), document("b")];
    const state = following(given(loop("1 draft", { documents })), approve);
    const models = childrenOf(state, id("1")).map((child) => child.settings.model);
    expect(models).toEqual(["sim/large", "sim/small"]);
  });

  test("gives a child the limits of its own type, and not those of its parent", () => {
    const limits = {
      ...{ iterationsMax: 7, turnsMax: 8, iterationTimeoutMs: 9_000, stuckAfter: 2 },
      ...{ budgetUsd: null, budgetTokens: 1_000 },
    };
    const rich = { ...settings, iterationsMax: 500, budgetUsd: 20 };
    const documents = [document("a", { limits }), document("b")];
    const state = following(given(loop("1 draft", { documents, settings: rich })), approve);
    const [own, inherited] = childrenOf(state, id("1")).map((child) => child.settings);
    expect(own).toMatchObject(limits);
    expect(inherited).toMatchObject({ iterationsMax: 500, budgetUsd: 20 });
  });

  test("lets a change of the gate pass that its text allows, and adds a check to the gate", () => {
    const text = document("a", { allowGateChange: ["ci.yml"], validate: "npm run extra" });
    const state = following(given(loop("1 draft", { documents: [text] })), approve);
    expect(state.loops.get(id("1.1"))?.gateAllowed).toEqual(["ci.yml"]);
    const { gate } = settings;
    const expected = { ...gate, also: ["npm run extra"] };
    expect(state.loops.get(id("1.1"))?.settings.gate).toEqual(expected);
  });
});

describe("a rejection", () => {
  const reject = { type: "reject", id: id("1"), feedback: "smaller steps" } as const;

  test("makes a draft be refined once more, with what was said", () => {
    const state = following(given(loop("1 draft", { documents: two })), reject);
    expect(state.loops.get(id("1"))).toMatchObject({
      status: "pending",
      verdict: null,
      answers: [{ answer: "smaller steps" }],
    });
  });

  test("of what has been handed on stops its children; what is complete stays", () => {
    const state = following(given(loop("1 draft", { documents: two })), approve);
    const done = loop("1.1 complete", { document: "a", brief: "text of a" });
    state.loops.set(id("1.1"), done);
    following(state, reject);
    expect(children(state)).toBe("1.1 a complete, 1.2 b dropped after 1.1");
    expect(state.loops.get(id("1.2"))?.status).toBe("stopped");
    const outcome = { type: "draft" } as const;
    following(
      state,
      { type: "startAttempt", id: id("1"), owner: "me" },
      { type: "finishAttempt", id: id("1"), attempt: 2, outcome },
      approve,
    );
    expect(children(state)).toBe("1.1 a complete, 1.2 b dropped after 1.1, 1.3 b pending");
  });

  test("needs words, and something to be rejected", () => {
    expect(answerTo(given("1 draft"), { ...reject, feedback: " " })).toContain("what has to be");
    expect(answerTo(given("1 pending"), reject)).toContain("only a draft");
    expect(answerTo(given("1 delegated", "1.1 pending"), reject)).toContain("only a draft");
  });
});

describe("dropping a child", () => {
  const drop = (name: string) => ({ type: "drop", id: id(name) }) as const;

  test("frees who waited for it, and completes the parent when it was the last open one", () => {
    const state = given("1 delegated", "1.1 complete", "1.2 running", "2 pending after 1.2");
    following(state, drop("1.2"));
    expect(state.loops.get(id("1"))?.status).toBe("complete");
    expect(state.loops.get(id("2"))?.dependsOn).toEqual([]);
  });

  test("releases the parents that it held up", () => {
    const state = given(
      "1 blocked on child",
      "1.1 blocked on child",
      "1.1.1 failed",
      "1.1.2 pending after 1.1.1",
    );
    following(state, drop("1.1.1"));
    const statuses = ["1", "1.1", "1.1.1"].map((name) => state.loops.get(id(name))?.status);
    expect(statuses).toEqual(["delegated", "delegated", "stopped"]);
    expect(state.loops.get(id("1.1.2"))?.dependsOn).toEqual([]);
  });

  test("is refused where nothing would be left", () => {
    expect(answerTo(given("1 delegated", "1.1 pending"), drop("1.1"))).toContain(
      "all that is left",
    );
    expect(answerTo(given("1 pending"), drop("1"))).toContain("nobody's child");
    const done = given("1 delegated", "1.1 complete", "1.2 pending");
    expect(answerTo(done, drop("1.1"))).toContain("its work is done");
  });
});

test("a child is added beside the others, and may wait for them by name", () => {
  const state = following(given(loop("1 draft", { documents: two })), approve);
  const more = document("c", { dependsOn: ["b"] });
  const add = { type: "addChild", id: id("1"), document: more } as const;
  following(state, add);
  expect(children(state)).toBe("1.1 a pending, 1.2 b pending after 1.1, 1.3 c pending after 1.2");
  expect(answerTo(state, add)).toContain("has a child from c already");
  const lost = { ...add, document: document("d", { dependsOn: ["x"] }) };
  expect(answerTo(state, lost)).toBe("depends-on: 1 has no child x (it has a, b, c)");
});

test("an edit replaces a draft's documents; a task is edited before its loop has any", () => {
  const state = given(loop("1 draft", { documents: two }));
  following(state, { type: "edit", id: id("1"), documents: [plan, document("z")] }, approve);
  expect(children(state)).toBe("1.1 z pending");
  const words = { title: "other", brief: "something else" };
  following(state, { type: "editBrief", id: id("1.1"), ...words });
  expect(state.loops.get(id("1.1"))).toMatchObject(words);
  expect(answerTo(state, { type: "editBrief", id: id("1"), ...words })).toContain("is delegated");
});
