import { expect, test } from "vitest";
import { checkCommand } from "../../../src/adapters/config/fields.ts";
import { modelSettings } from "../../../src/adapters/config/model-settings.ts";
import {
  resolveSettings,
  type SettingsRequest,
} from "../../../src/adapters/config/resolve-settings.ts";
import { configSchema } from "../../../src/adapters/config/schema.ts";
import { loaded } from "./bench.ts";

const config = configSchema.parse({
  llm: { default: "a/default", escalation: "a/strong" },
  budget: { "loop-usd": 5, "loop-tokens": 1000 },
  sandbox: { memory: "1GB", processes: 9, network: { allow: ["a.b"] } },
  worktree: { link: ["x"], copy: [".env"], setup: "npm ci", "setup-network": ["c.d"] },
  validation: { protect: ["golden"] },
});

const request: SettingsRequest = {
  config,
  type: {},
  options: {},
  baseCommit: "c".repeat(40),
  detected: { command: "npm test", from: "package.json scripts.test" },
};

function settled(changes: Partial<SettingsRequest>) {
  const result = resolveSettings({ ...request, ...changes });
  if (!result.ok) throw new Error(result.reason);
  return result.settings;
}

test("what nobody says comes from the configuration", () => {
  expect(settled({})).toEqual({
    model: "a/default",
    escalation: "a/strong",
    fallback: null,
    gate: {
      command: "npm test",
      successExitCode: 0,
      timeoutMs: 600_000,
      protect: ["golden"],
      detectedFrom: "package.json scripts.test",
    },
    iterationsMax: 100,
    turnsMax: 50,
    iterationTimeoutMs: 900_000,
    stuckAfter: 3,
    budgetUsd: 5,
    budgetTokens: 1000,
    planBudgetUsd: null,
    deliver: "branch",
    baseCommit: "c".repeat(40),
    sandbox: { level: "required", networkAllow: ["a.b"], memoryBytesMax: 1e9, processesMax: 9 },
    worktree: { link: ["x"], copy: [".env"], setup: "npm ci", setupNetworkAllow: ["c.d"] },
  });
});

test("a loop type outranks the configuration, and adds to what is protected", () => {
  const type = {
    model: "a/types",
    iteration: { max: 3, "max-turns": undefined },
    validation: { command: "make", protect: ["golden", "more"], timeout: 1_000 },
  };
  expect(settled({ type })).toMatchObject({
    model: "a/types",
    iterationsMax: 3,
    turnsMax: 50,
    gate: { command: "make", detectedFrom: null, protect: ["golden", "more"], timeoutMs: 1_000 },
  });
});

test("an option outranks both", () => {
  const type = { model: "a/types", iteration: { max: 3 }, validation: { command: "make" } };
  const options = {
    validate: "auto",
    maxIterations: 1,
    model: "a/run",
    budgetUsd: 9,
    deliver: "none",
  } as const;
  expect(settled({ type, options })).toMatchObject({
    model: "a/run",
    iterationsMax: 1,
    budgetUsd: 9,
    deliver: "none",
    gate: { command: "auto", detectedFrom: null },
  });
});

test("a loop that nothing could judge is refused", () => {
  expect(resolveSettings({ ...request, detected: null })).toEqual({
    ok: false,
    reason:
      "no validation command: none was detected in this repository; " +
      "give one with --validate, or as validation.command in taskdaemon.yml",
  });
});

test.each(["", " \n\t"])("an empty command is refused: %j", (validate) => {
  const reason = "the command is empty; write one, or leave the key out";
  expect(resolveSettings({ ...request, options: { validate } })).toEqual({ ok: false, reason });
  expect(checkCommand(validate)).toBe(reason);
});

test("a command may be anything else", () => {
  expect(checkCommand("npm test && echo 'ü'\n")).toBeNull();
  expect(checkCommand("a\u0000b")).toBe("the command has a NUL character in it");
});

test("models are set up as the clients take them; cache prices default to the input's", () => {
  const user = [
    "llm:",
    "  stall-timeout: 5s",
    "  providers: { own: { base-url: 'http://h/v1', api-key-env: K } }",
    "  prices: { own/m: { input: 2, output: 3, cache-read: 0 } }",
  ].join("\n");
  expect(modelSettings(loaded({ user }).config)).toEqual({
    providers: { own: { baseUrl: "http://h/v1", apiKeyEnv: "K" } },
    prices: { "own/m": { input: 2, output: 3, cacheRead: 0, cacheWrite: 2 } },
    stallTimeoutMs: 5_000,
  });
});
