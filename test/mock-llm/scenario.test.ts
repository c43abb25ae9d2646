import { expect, test } from "vitest";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { readScenario, ScenarioInvalid } from "../../src/mock-llm/scenario-text.ts";
import { ask, post, serve } from "./wire-client.ts";

test("reads YAML and JSON alike", () => {
  const yaml = "seed: 3\nreplies:\n  - { match: busy, times: 2, fault: { status: 529 } }\n";
  const json = '{"seed":3,"replies":[{"match":"busy","times":2,"fault":{"status":529}}]}';
  expect(readScenario(yaml, "a.yaml")).toEqual(readScenario(json, "a.json"));
  expect(readScenario("", "empty.yaml")).toEqual({});
});

test.each<[string, string, RegExp]>([
  [
    "an unknown key",
    "replies:\n  - match: x\n    txet: hi\n",
    /^a\.yaml:2:5: replies\.0: .*"txet"/,
  ],
  [
    "a value of the wrong type",
    "replies:\n  - text: hi\n    turn: first\n",
    /^a\.yaml:3:11: replies\.0\.turn: /,
  ],
  ["a broken pattern", "replies:\n  - { match: '/(/' }\n", /^a\.yaml:2:14: .*regular expression/],
  [
    "faults that exclude each other",
    "replies:\n  - fault: { stall: true, cut-after: 1 }\n",
    /^a\.yaml:2:12: .*cut-after and stall exclude/,
  ],
  ["an empty fault", "replies:\n  - fault: {}\n", /an empty fault/],
  [
    "retry-after without a status",
    "replies:\n  - fault: { retry-after: 1, stall: true }\n",
    /needs a status/,
  ],
  ["broken YAML", "replies:\n  - { match: x\n", /^a\.yaml:\d+:\d+: /],
  ["a list", "- a\n", /^a\.yaml:1:1: /],
])("says where %s is", (_name, text, message) => {
  expect(() => readScenario(text, "a.yaml")).toThrow(ScenarioInvalid);
  expect(() => readScenario(text, "a.yaml")).toThrow(message);
});

test("does not start with a scenario that is none", async () => {
  await expect(startMockLlm({ scenario: "replies: 1" })).rejects.toThrow(/^scenario:1:10: replies/);
  const wrong = { replies: [{ turn: -1 }] };
  await expect(startMockLlm({ scenario: wrong })).rejects.toThrow("scenario: replies.0.turn");
});

async function matchedBy(replies: string, content: unknown, system?: string) {
  const mock = await serve({ scenario: `replies:\n${replies}` });
  const messages = [{ role: "user", content }];
  await post(`${mock.url}/v1/messages`, { ...ask, messages, ...(system ? { system } : {}) });
  return mock.journal()[0]?.matched;
}

test("matches text with its quotes and newlines as they are read", async () => {
  expect(await matchedBy(`  - match: "say \\"hi\\"\\nand go"\n`, 'please say "hi"\nand go')).toBe(
    0,
  );
  expect(await matchedBy("  - match: /^line two$/m\n", "line one\nline two")).toBe(0);
  expect(await matchedBy("  - match: /HELLO/\n  - match: /HELLO/i\n", "hello")).toBe(1);
  expect(await matchedBy("  - match: of the system\n", "hello", "words of the system")).toBe(0);
});

test("all of several patterns must match, and none of not-match", async () => {
  const rules = "  - { match: [one, two], not-match: [three, /f..r/] }\n  - { text: rest }\n";
  expect(await matchedBy(rules, "one two")).toBe(0);
  expect(await matchedBy(rules, "one")).toBe(1);
  expect(await matchedBy(rules, "one two four")).toBe(1);
});

test("searches what tools were told and what they said", async () => {
  const mock = await serve({
    scenario: { replies: [{ match: ["src/\n.ts", "exit code 1"], turn: 1, text: "seen" }] },
  });
  const use = { type: "tool_use", id: "toolu_1", name: "run", input: { args: ["src/\n.ts"] } };
  const content = [{ type: "text", text: "exit code 1" }];
  const result = { type: "tool_result", tool_use_id: "toolu_1", content, is_error: true };
  const messages = [
    { role: "user", content: "go" },
    { role: "assistant", content: [use] },
    { role: "user", content: [result] },
  ];
  await post(`${mock.url}/v1/messages`, { ...ask, messages });
  expect(mock.journal()[0]?.matched).toBe(0);
});

test("a policy computes replies before the rules are asked", async () => {
  const mock = await serve({
    scenario: { replies: [{ text: "rule" }] },
    policy: ({ turn, messages, tools }) =>
      messages[0]?.texts[0] === "computed" ? { text: `turn ${turn}, ${tools.length} tools` } : null,
  });
  const say = (content: string) =>
    post(`${mock.url}/v1/messages`, { ...ask, messages: [{ role: "user", content }] });
  expect(await (await say("computed")).json()).toMatchObject({
    content: [{ text: "turn 0, 0 tools" }],
  });
  await say("else");
  expect(mock.journal().map(({ matched }) => matched)).toEqual(["policy", 0]);
});

test("a policy that throws is told to the client as a server error", async () => {
  const policy = () => {
    throw new Error("no idea");
  };
  const mock = await serve({ policy });
  const response = await post(`${mock.url}/v1/messages`, ask);
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("no idea");
});
