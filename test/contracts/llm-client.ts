import { Buffer } from "node:buffer";
import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, test, vi } from "vitest";
import {
  type ChatContent,
  type LlmClient,
  type LlmDelta,
  LlmError,
  type LlmErrorKind,
  type LlmReply,
  type LlmRequest,
} from "../../src/ports/llm.ts";
import type { ClientOptions, Protocol } from "../adapters/llm/protocol.ts";
import { type Answer, closedPort, serve, sse } from "../adapters/llm/server.ts";

const key = "sk-test-0123456789abcdef";
const at = Date.parse("2026-11-22T12:00:00Z");

export const request: LlmRequest = {
  model: "model-1",
  system: "You test.",
  messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
  tools: [
    {
      name: "read",
      description: "Reads a file.",
      inputSchema: { type: "object", properties: { path: { type: "string" } } },
    },
    { name: "list", description: "Lists files.", inputSchema: { type: "object" } },
  ],
  outputTokensMax: 1000,
};

/** The contract of LlmClient, on a real socket. */
export function llmClientContract(
  protocol: Protocol,
  create: (options: ClientOptions) => LlmClient,
): void {
  const client = async (answer: Answer, stallTimeoutMs = 10_000): Promise<LlmClient> =>
    create({ baseUrl: await serve(answer), apiKey: key, stallTimeoutMs, now: () => at });

  const ask = async (answer: Answer, asked = request): Promise<Outcome> =>
    outcomeOf(await client(answer), asked, new AbortController().signal);

  const failure = async (answer: Answer, stallTimeoutMs?: number): Promise<LlmError> => {
    const asked = await client(answer, stallTimeoutMs);
    return errorOf(outcomeOf(asked, request, new AbortController().signal));
  };

  const all = (events: readonly string[]): Answer => {
    return (response) => sse(response, events).end();
  };

  describe("a whole reply", () => {
    test("has the text, the reason it stopped and the usage", async () => {
      const { reply, deltas } = await ask(all(protocol.text));
      expect(reply).toEqual({
        content: [{ type: "text", text: "Grüße 👋 🌍" }],
        stopReason: "endTurn",
        usage: protocol.usage,
      });
      expect(deltas).toEqual([
        { type: "began" },
        { type: "text", text: "Grüße 👋" },
        { type: "text", text: " 🌍" },
      ]);
    });

    test("survives any cut of its bytes into chunks", async () => {
      const bytes = Buffer.from(protocol.text.join(""));
      const { reply } = await ask(async (response) => {
        sse(response, []);
        for (let start = 0; start < bytes.length; start += 3) {
          response.write(bytes.subarray(start, start + 3));
          await new Promise(setImmediate);
        }
        response.end();
      });
      expect(reply.content).toEqual([{ type: "text", text: "Grüße 👋 🌍" }]);
    });

    test("has several tool calls with their inputs", async () => {
      const { reply, deltas } = await ask(all(protocol.tools));
      expect(reply.stopReason).toBe("toolUse");
      expect(reply.content).toEqual([
        { type: "text", text: "Reading." },
        { type: "toolCall", id: "c1", name: "read", input: { path: "ä.txt" } },
        { type: "toolCall", id: "c2", name: "list", input: {} },
      ]);
      expect(deltas).toContainEqual({ type: "toolInput", name: "read" });
    });

    test("has its thinking, which goes back to its own provider only", async () => {
      const bodies: string[] = [];
      const answer: Answer = (response, _incoming, body) => {
        bodies.push(body);
        sse(response, protocol.thinking).end();
      };
      const { reply, deltas } = await ask(answer);
      expect(deltas).toContainEqual({ type: "thinking", text: "Hm." });
      expect(reply.content.map((part) => part.type)).toEqual(["thinking", "text"]);
      await ask(answer, following(reply.content));
      await ask(answer, following(reply.content.map(foreign)));
      expect(bodies.map((body) => body.includes("Hm."))).toEqual([false, true, false]);
    });

    test("may be cut by the output limit, without the call that was cut in two", async () => {
      const { reply } = await ask(all(protocol.maxTokens));
      expect(reply.stopReason).toBe("maxTokens");
      expect(reply.content).toEqual([{ type: "text", text: "So" }]);
    });

    test("may be a refusal", async () => {
      const { reply } = await ask(all(protocol.refusal));
      expect(reply.stopReason).toBe("refusal");
    });

    test("does not wait for a connection that stays open after the end mark", async () => {
      const startedAt = performance.now();
      const { reply } = await ask((response) => sse(response, protocol.text));
      expect(reply.stopReason).toBe("endTurn");
      expect(performance.now() - startedAt).toBeLessThan(2000);
    });

    test("may take longer than the stall timeout while it grows", async () => {
      const slow = await client(async (response) => {
        sse(response, protocol.beginning);
        for (let step = 0; step < 12; step += 1) {
          await pause(50);
          sse(response, [protocol.more]);
        }
        sse(response, protocol.ending).end();
      }, 300);
      const { reply } = await outcomeOf(slow, request, new AbortController().signal);
      expect(reply.stopReason).toBe("endTurn");
    });
  });

  describe("an answer that is no reply", () => {
    test.for<[number, LlmErrorKind]>([
      [400, "invalid"],
      [401, "auth"],
      [403, "auth"],
      [404, "invalid"],
      [413, "invalid"],
      [422, "invalid"],
      [429, "rateLimited"],
      [500, "server"],
      [502, "server"],
      [503, "overloaded"],
      [529, "overloaded"],
    ])("%i is %s, asked once", async ([status, kind]) => {
      let asked = 0;
      const error = await failure((response) => {
        asked += 1;
        response.writeHead(status, { "content-type": "application/json" });
        response.end(protocol.errorBody("No such thing."));
      });
      expect(error).toMatchObject({ kind, status, usage: null, retryAfterMs: null });
      expect(error.message).toContain("No such thing.");
      expect(asked).toBe(1);
    });

    test.for([
      ["7", 7000],
      ["0.5", 500],
      [new Date(at + 90_000).toUTCString(), 90_000],
      ["soon", null],
    ] as const)("says when to come again: %s", async ([after, retryAfterMs]) => {
      const error = await failure((response) => {
        response.writeHead(429, { "retry-after": after, "content-type": "application/json" });
        response.end(protocol.errorBody("Slow down."));
      });
      expect(error).toMatchObject({ kind: "rateLimited", retryAfterMs });
    });

    test("may have a body that is not JSON", async () => {
      const error = await failure((response) => {
        response.writeHead(502, { "content-type": "text/html" });
        response.end("<h1>Bad gateway</h1>");
      });
      expect(error).toMatchObject({ kind: "server", status: 502 });
    });

    test("never shows the key, even if the server repeats it", async () => {
      const error = await failure((response) => {
        response.writeHead(401, { "content-type": "application/json" });
        response.end(protocol.errorBody(`The key ${key} is wrong.`));
      });
      expect(error.message).toContain("[redacted]");
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(key);
    });

    test("is malformed when it is a page", async () => {
      const error = await failure((response) => {
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
        response.end("<h1>Sign in</h1>");
      });
      expect(error).toMatchObject({ kind: "malformed", status: 200, usage: null });
    });

    test("is a network error when nobody listens", async () => {
      const nobody = create({
        baseUrl: `http://127.0.0.1:${await closedPort()}`,
        apiKey: key,
        stallTimeoutMs: 10_000,
        now: () => at,
      });
      const error = await errorOf(outcomeOf(nobody, request, new AbortController().signal));
      expect(error).toMatchObject({ kind: "network", usage: null });
      expect(error.message).toContain("ECONNREFUSED");
    });

    test("is a network error when the connection closes before the headers", async () => {
      const error = await failure((response) => response.destroy());
      expect(error).toMatchObject({ kind: "network", usage: null });
    });
  });

  describe("a broken stream", () => {
    test("is cut by an error event, whose message is kept", async () => {
      const error = await failure(all([...protocol.beginning, protocol.errorEvent]));
      expect(error).toMatchObject({ kind: "cut", usage: protocol.partialUsage });
      expect(error.message).toContain("Overloaded");
    });

    test("is cut when it ends without the end mark", async () => {
      const error = await failure(all(protocol.beginning));
      expect(error).toMatchObject({ kind: "cut", usage: protocol.partialUsage });
    });

    test("is cut when it ends inside a tool call", async () => {
      const error = await failure(all(protocol.tools.slice(0, -3)));
      expect(error.kind).toBe("cut");
    });

    test("is cut when the connection breaks", async () => {
      const error = await failure(async (response) => {
        sse(response, protocol.beginning);
        await pause(30);
        response.destroy();
      });
      expect(error).toMatchObject({ kind: "cut", usage: protocol.partialUsage });
    });

    test("is malformed by an event that is not JSON, and the console stays clean", async () => {
      const written = ["error", "warn", "log", "info", "debug"] as const;
      const spies = written.map((name) => vi.spyOn(console, name).mockImplementation(() => {}));
      const error = await failure(all([...protocol.beginning, protocol.malformed]));
      expect(error.kind).toBe("malformed");
      expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
      for (const spy of spies) spy.mockRestore();
    });

    test("is malformed by tool input that is not JSON", async () => {
      const error = await failure(all(protocol.brokenInput));
      expect(error.kind).toBe("malformed");
    });
  });

  describe("a stall", () => {
    test.for<[string, (response: ServerResponse) => unknown, boolean]>([
      ["before the headers", () => {}, false],
      ["after the headers", (response) => response.writeHead(200).flushHeaders(), false],
      ["in mid-stream", (response) => sse(response, protocol.beginning), true],
      [
        "with nothing but pings",
        (response) => {
          sse(response, protocol.beginning);
          const pings = setInterval(() => sse(response, [protocol.ping]), 20);
          response.on("close", () => clearInterval(pings));
        },
        true,
      ],
    ])("%s is noticed", async ([, answer, began]) => {
      const startedAt = performance.now();
      const error = await failure(answer, 300);
      expect(error).toMatchObject({
        kind: "stalled",
        usage: began ? protocol.partialUsage : null,
      });
      expect(performance.now() - startedAt).toBeGreaterThan(290);
      expect(performance.now() - startedAt).toBeLessThan(2000);
    });
  });

  describe("an abort", () => {
    test("before the start asks nobody", async () => {
      let asked = 0;
      const early = await client(() => {
        asked += 1;
      });
      const error = await errorOf(outcomeOf(early, request, AbortSignal.abort()));
      expect([error.kind, asked]).toEqual(["aborted", 0]);
    });

    test.for<[string, (response: ServerResponse) => unknown]>([
      ["before the headers", () => {}],
      ["in mid-stream", (response) => sse(response, protocol.beginning)],
    ])("%s ends it within a second and lets go of the connection", async ([, answer]) => {
      const closed = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      const late = await client((response) => {
        response.on("close", closed.resolve);
        answer(response);
        setTimeout(reached.resolve, 50);
      });
      const controller = new AbortController();
      const outcome = errorOf(outcomeOf(late, request, controller.signal));
      await reached.promise;
      const abortedAt = performance.now();
      controller.abort();
      expect((await outcome).kind).toBe("aborted");
      expect(performance.now() - abortedAt).toBeLessThan(1000);
      await closed.promise;
    });
  });

  test("tells nothing more once it is aborted", async () => {
    const controller = new AbortController();
    const deltas: LlmDelta[] = [];
    const stopped = await client(all(protocol.text));
    const outcome = stopped.complete(request, controller.signal, (delta) => {
      deltas.push(delta);
      controller.abort();
    });
    expect((await errorOf(outcome)).kind).toBe("aborted");
    await pause(50);
    expect(deltas).toEqual([{ type: "began" }]);
  });

  test("leaves nothing behind on the signal of its caller", async () => {
    const { signal } = new AbortController();
    await outcomeOf(await client(all(protocol.text)), request, signal);
    await errorOf(outcomeOf(await client(all(protocol.beginning)), request, signal));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("lets the fault of a listener through as it is", async () => {
    const bug = new Error("a bug of the caller");
    const faulty = await client(all(protocol.text));
    const outcome = faulty.complete(request, new AbortController().signal, () => {
      throw bug;
    });
    await expect(outcome).rejects.toBe(bug);
  });
}

interface Outcome {
  readonly reply: LlmReply;
  readonly deltas: readonly LlmDelta[];
}

async function outcomeOf(
  client: LlmClient,
  asked: LlmRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const deltas: LlmDelta[] = [];
  const reply = await client.complete(asked, signal, (delta) => deltas.push(delta));
  return { reply, deltas };
}

async function errorOf(outcome: Promise<unknown>): Promise<LlmError> {
  const error = await outcome.then(
    () => new Error("it was a reply"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LlmError)) throw error;
  return error;
}

function following(content: readonly ChatContent[]): LlmRequest {
  const next = { role: "user", content: [{ type: "text", text: "Go on" }] } as const;
  return { ...request, messages: [...request.messages, { role: "assistant", content }, next] };
}

function foreign(part: ChatContent): ChatContent {
  return part.type === "thinking" ? { ...part, provider: "another" } : part;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
