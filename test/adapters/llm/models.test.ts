import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createModels, type ModelsOptions } from "../../../src/adapters/llm/models.ts";
import { costOf } from "../../../src/adapters/llm/prices.ts";
import { noUsage } from "../../../src/core/loop.ts";
import { ModelUnavailable } from "../../../src/ports/llm.ts";
import { serve } from "./server.ts";

const now = () => Date.parse("2026-11-22T12:00:00Z");
const keys = { ANTHROPIC_API_KEY: "sk-ant-test-1", OPENAI_API_KEY: "sk-test-2" };

const models = (options: Partial<ModelsOptions> = {}) =>
  createModels({
    providers: {},
    prices: {},
    env: keys,
    isDaemons: false,
    stallTimeoutMs: 1000,
    now,
    ...options,
  });

describe("resolve", () => {
  test("knows anthropic, openai and ollama without any configuration", () => {
    const { resolve } = models();
    expect(resolve("anthropic/claude-opus-5")).toMatchObject({
      provider: "anthropic",
      name: "claude-opus-5",
      outputTokensMax: 32_000,
      price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
    });
    expect(resolve("openai/gpt-4o")).toMatchObject({ outputTokensMax: 16_384 });
    expect(resolve("ollama/qwen3:8b")).toMatchObject({ name: "qwen3:8b", price: null });
  });

  test("gives all models of a provider the same client", () => {
    const { resolve } = models();
    const { client } = resolve("anthropic/claude-opus-5");
    expect(resolve("anthropic/claude-sonnet-5").client).toBe(client);
    expect(resolve("openai/gpt-5").client).not.toBe(client);
  });

  test("takes any other provider that has an address; its models may have slashes", () => {
    const { resolve } = models({ providers: { gate: { baseUrl: "https://gate.example/v1/" } } });
    expect(resolve("gate/openai/gpt-5")).toMatchObject({ provider: "gate", name: "openai/gpt-5" });
  });

  test.for<[string, Partial<ModelsOptions>, string]>([
    ["anthropic/claude", { env: {} }, "set ANTHROPIC_API_KEY"],
    ["anthropic/claude", { env: { ANTHROPIC_API_KEY: " " } }, "set ANTHROPIC_API_KEY"],
    ["anthropic/claude", { env: { ANTHROPIC_API_KEY: "sk ant" } }, "correct ANTHROPIC_API_KEY"],
    ["anthropic/c", { providers: { anthropic: { apiKeyEnv: "OTHER" } } }, "set OTHER"],
    ["anthropic/c", { providers: { anthropic: { apiKeyFile: "/no/key" } } }, "/no/key"],
    ["gate/c", { providers: { gate: { kind: "anthropic", baseUrl: "http://a" } } }, "api-key-file"],
    ["gate/c", {}, "llm.providers.gate.base-url"],
    ["gate/c", { providers: { gate: {} } }, "llm.providers.gate.base-url"],
    ["gate/c", { providers: { gate: { baseUrl: "gate.example" } } }, "correct llm.providers.gate"],
    ["gate/c", { providers: { gate: { baseUrl: "http://sk ant:x@a/" } } }, "user or password"],
    ["constructor/c", {}, "base-url"],
    ["claude-opus-5", {}, "write provider/model"],
    ["anthropic/", {}, "write provider/model"],
    ["", {}, "write provider/model"],
  ])("refuses %s with one line that has the remedy", ([name, options, remedy]) => {
    let refusal: unknown;
    try {
      models(options).resolve(name);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ModelUnavailable);
    const { message } = refusal as ModelUnavailable;
    expect(message).toContain(remedy);
    expect(message).not.toContain("\n");
    expect(message).not.toContain("sk ant");
  });

  test("asks the address in the environment, unless the configuration has one", async () => {
    const asked: (string | undefined)[] = [];
    const answer = (path: string) =>
      serve((response, incoming) => {
        asked.push(`${path}${incoming.url} ${incoming.headers.authorization}`);
        response.writeHead(400).end();
      });
    const env = {
      ...keys,
      ANTHROPIC_BASE_URL: await answer("a"),
      OPENAI_BASE_URL: `${await answer("b")}/v1`,
    };
    const providers = { anthropic: { baseUrl: await answer("c") } };
    for (const options of [{ env }, { env, providers }]) {
      for (const name of ["anthropic/m", "openai/m"]) {
        const { client } = models(options).resolve(name);
        const request = { model: "m", system: "", messages: [], tools: [], outputTokensMax: 1 };
        const outcome = client.complete(request, new AbortController().signal, () => {});
        await expect(outcome).rejects.toMatchObject({ kind: "invalid" });
      }
    }
    const [a, b, c] = ["a/v1/messages", "b/v1/chat/completions", "c/v1/messages"];
    const [first, second] = ["Bearer sk-ant-test-1", "Bearer sk-test-2"];
    expect(asked).toEqual([`${a} ${first}`, `${b} ${second}`, `${c} ${first}`, `${b} ${second}`]);
  });

  test("reads a mended key file without a restart", () => {
    const file = join(mkdtempSync(join(tmpdir(), "td-key-")), "key");
    writeFileSync(file, "sk-first-key\n");
    const known = models({ providers: { anthropic: { apiKeyFile: file } } });
    const { client } = known.resolve("anthropic/m");
    expect(known.resolve("anthropic/m").client).toBe(client);
    writeFileSync(file, "sk-second-key\n");
    expect(known.resolve("anthropic/m").client).not.toBe(client);
    expect(known.secrets()).toEqual(
      expect.arrayContaining(["sk-first-key", "sk-second-key", "sk-test-2"]),
    );
  });
});

test("the secrets are the keys of every provider that has one", () => {
  expect(models().secrets()).toEqual(["sk-ant-test-1", "sk-test-2"]);
  expect(models({ env: {} }).secrets()).toEqual([]);
});

describe("prices", () => {
  test("from the configuration go before the list", () => {
    const mine = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 };
    const { resolve } = models({ prices: { "anthropic/claude-opus-5": mine } });
    expect(resolve("anthropic/claude-opus-5").price).toEqual(mine);
  });

  test("are null for a model that nobody knows", () => {
    expect(models().resolve("anthropic/no-such-model").price).toBeNull();
    expect(costOf({ ...noUsage, inputTokens: 1 }, null)).toBeNull();
  });

  test("of tiers count the first one", () => {
    expect(models().resolve("anthropic/claude-sonnet-4-5").price).toMatchObject({ input: 3 });
  });

  test("count every kind of token once", () => {
    const { price } = models().resolve("anthropic/claude-opus-5");
    const usage = {
      ...noUsage,
      inputTokens: 100_000,
      outputTokens: 5000,
      cacheReadTokens: 500_000,
      cacheWriteTokens: 20_000,
    };
    expect(costOf(usage, price)).toBeCloseTo(1, 10);
  });
});
