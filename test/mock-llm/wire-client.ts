import { afterEach } from "vitest";
import { type MockLlm, type MockLlmOptions, startMockLlm } from "../../src/mock-llm/mock-llm.ts";

const started: MockLlm[] = [];

/** A server that is gone after the test. */
export async function serve(options: MockLlmOptions = {}): Promise<MockLlm> {
  const mock = await startMockLlm(options);
  started.push(mock);
  return mock;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((mock) => mock.close()));
});

export const anthropicHeaders = {
  "content-type": "application/json",
  "anthropic-version": "2026-10-21",
  authorization: "Bearer dummy",
};

export const ask = {
  model: "claude-opus-5-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "hello" }],
};

export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = anthropicHeaders,
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await fetch(url, { method: "POST", headers, body: text });
}

/** The events of a stream: their names, or what is in place of one. */
export function eventNames(text: string): readonly string[] {
  return [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name ?? "");
}
