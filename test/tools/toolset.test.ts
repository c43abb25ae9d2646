import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Bug } from "../../src/core/assert.ts";
import { openBench } from "../../src/tools/tool.ts";
import {
  callTool,
  resultCharsMax,
  toolNames,
  toolset,
  UnknownTool,
} from "../../src/tools/toolset.ts";
import { type Hands, openHands, result } from "./bench.ts";

let hands: Hands;
const over = new Error("the loop is stopped");

beforeEach(async () => {
  hands = await openHands();
});
afterEach(() => hands.remove());

describe("toolset", () => {
  test("has the tools of the contract, each with a schema of its arguments", () => {
    const drawn = toolset(toolNames).map(({ name, inputSchema }) => {
      const { properties, required } = inputSchema as {
        properties: object;
        required: readonly string[];
      };
      const names = Object.keys(properties).map((each) =>
        required.includes(each) ? each : `${each}?`,
      );
      return `${name} ${names.join(", ")}`;
    });
    expect(drawn).toMatchInlineSnapshot(`
      [
        "read path, offset?, limit?",
        "write path, content",
        "edit path, old_string, new_string, replace_all?",
        "list path?, depth?",
        "glob pattern, path?",
        "grep pattern, path?, glob?, ignore_case?, context?",
        "bash command, timeout_ms?",
        "fetch url",
        "todo items",
        "alert topic, body",
        "query to, question, timeout_ms?",
        "share to, body",
        "reply query_id, answer",
        "stop_loop to, reason",
        "ask_person question",
        "complete_task summary",
      ]
    `);
  });

  test("is plain JSON Schema", () => {
    for (const { inputSchema, description } of toolset(toolNames)) {
      expect(JSON.parse(JSON.stringify(inputSchema))).toEqual(inputSchema);
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(description.length).toBeGreaterThan(20);
    }
  });

  test("takes names once and in its own order", () => {
    expect(toolset(["bash", "read", "bash"]).map(({ name }) => name)).toEqual(["read", "bash"]);
    expect(toolset([])).toEqual([]);
  });

  test("throws at a name that it does not know", () => {
    expect(() => toolset(["read", "bsah"])).toThrow(UnknownTool);
    expect(() => toolset(["bsah"])).toThrowErrorMatchingInlineSnapshot(
      `[Error: there is no tool bsah: did you mean bash? the tools are read, write, edit, list, glob, grep, bash, fetch, todo, alert, query, share, reply, stop_loop, ask_person, complete_task]`,
    );
    expect(() => toolset(["frobnicate"])).toThrowErrorMatchingInlineSnapshot(
      `[Error: there is no tool frobnicate: the tools are read, write, edit, list, glob, grep, bash, fetch, todo, alert, query, share, reply, stop_loop, ask_person, complete_task]`,
    );
  });
});

describe("callTool", () => {
  test("tells of tools that are not there or not allowed", async () => {
    const never = new AbortController().signal;
    const say = async (name: string): Promise<string> =>
      (await callTool(toolset(["read", "edit"]), { name, input: {} }, hands.bench, never)).text;
    expect(await say("bash")).toMatchInlineSnapshot(
      `"this loop may not use bash: the tools are read, edit"`,
    );
    expect(await say("reed")).toMatchInlineSnapshot(
      `"there is no tool reed: did you mean read? the tools are read, edit"`,
    );
    expect(await say("x".repeat(1000))).toMatchInlineSnapshot(
      `"there is no tool xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: the tools are read, edit"`,
    );
  });

  test("tells what is wrong with arguments", async () => {
    const say = (input: unknown): Promise<string> => hands.say("read", input);
    expect(await say({})).toMatchInlineSnapshot(
      `"✗ read: path is missing (a string that is not empty)"`,
    );
    expect(await say({ file_path: "a" })).toMatchInlineSnapshot(
      `"✗ read: there is no argument file_path: it takes path, offset, limit; path is missing (a string that is not empty)"`,
    );
    expect(await say({ path: "a", ofset: 3 })).toMatchInlineSnapshot(
      `"✗ read: there is no argument ofset: did you mean offset?"`,
    );
    expect(await say({ path: 7, offset: "seven", limit: 0 })).toMatchInlineSnapshot(
      `"✗ read: offset must be a whole number from 1 to 10000000, not "seven"; limit must be a whole number from 1 to 2000, not 0"`,
    );
    expect(await say({ path: "", limit: 2.5 })).toMatchInlineSnapshot(
      `"✗ read: path must be a string that is not empty, not ""; limit must be a whole number from 1 to 2000, not 2.5"`,
    );
    expect(await say({ path: ["a"] })).toMatchInlineSnapshot(
      `"✗ read: path must be a string that is not empty, not a list of 1"`,
    );
    expect(await say("a.ts")).toMatchInlineSnapshot(
      `"✗ read: the arguments must be an object, not "a.ts""`,
    );
    expect(await say(null)).toMatchInlineSnapshot(
      `"✗ read: the arguments must be an object, not null"`,
    );
    expect(await say(JSON.parse('{"path":"a","__proto__":{"x":1}}'))).toMatchInlineSnapshot(
      `"✗ read: there is no argument __proto__: it takes path, offset, limit"`,
    );
    expect(
      await hands.say("edit", { path: "a", old_string: "a", new_string: "b", replace_all: "yes" }),
    ).toMatchInlineSnapshot(`"✗ edit: replace_all must be true or false, not "yes""`);
    expect(
      await hands.say("todo", { items: [{ text: "a", status: "doing" }, 3] }),
    ).toMatchInlineSnapshot(
      `"✗ todo: items[0].status must be one of pending, in_progress, done, not "doing"; items[1] must be an object, not 3"`,
    );
  });

  test("forgives what can only mean one thing", async () => {
    await hands.put("a", "one\ntwo\n");
    const read = await hands.say("read", { path: "a", offset: 2 });
    expect(await hands.say("read", { path: "a", offset: "2", limit: null })).toBe(read);
    expect(await hands.say("read", '{"path":"a","offset":2.0}')).toBe(read);
    expect(await hands.say("todo", { items: '[{"text":"a","status":"done"}]' })).toBe("[x] a");
  });

  test("makes a sentence of whatever an adapter throws", async () => {
    const broken = await openHands({
      fetch: async () => {
        throw new Error("getaddrinfo ENOTFOUND example.org");
      },
    });
    expect(await broken.say("fetch", { url: "https://example.org" })).toMatchInlineSnapshot(
      `"✗ fetch failed: getaddrinfo ENOTFOUND example.org"`,
    );
    await broken.remove();
  });

  test("lets a bug and the signal's reason through", async () => {
    const bench = openBench({
      ...hands.bench,
      run: async () => {
        throw new Bug("impossible");
      },
    });
    const call = { name: "bash", input: { command: "x" } };
    const tools = toolset(["bash"]);
    const { signal } = new AbortController();
    await expect(callTool(tools, call, bench, signal)).rejects.toThrow(Bug);
    await expect(callTool(tools, call, hands.bench, AbortSignal.abort(over))).rejects.toBe(over);
    const stop = new AbortController();
    const stopped = openBench({
      ...hands.bench,
      run: async () => {
        stop.abort(over);
        return result({ ended: "aborted", exitCode: null });
      },
    });
    await expect(callTool(tools, call, stopped, stop.signal)).rejects.toBe(over);
  });

  test("answers whatever a model sends with a text", async () => {
    const names = fc.constantFrom(...toolNames);
    const keys = fc.constantFrom(
      "path",
      "content",
      "old_string",
      "pattern",
      "items",
      "command",
      "x",
    );
    const input = fc.oneof(fc.dictionary(keys, fc.jsonValue()), fc.jsonValue(), fc.anything());
    await fc.assert(
      fc.asyncProperty(names, input, async (name, each) => {
        const { text } = await hands.call(name, each);
        expect(text.length).toBeGreaterThan(0);
        expect(text.length).toBeLessThanOrEqual(resultCharsMax);
        expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("bounds and redacts every text", async () => {
    const loud = await openHands({
      fetch: async () => {
        throw new Error(`hunter2 ${"😀".repeat(resultCharsMax)} end`);
      },
    });
    const { text } = await loud.call("fetch", { url: "https://example.org" });
    expect(text.length).toBeLessThanOrEqual(resultCharsMax);
    expect(text).toMatch(/^fetch failed: \[redacted\] 😀/u);
    expect(text).toMatch(/😀 end$/u);
    expect(text.isWellFormed()).toBe(true);
    await loud.remove();
  });
});

describe("bash", () => {
  async function said(more: Parameters<typeof result>[0], input: object = {}): Promise<string> {
    const each = await openHands({ run: async () => result(more) });
    const text = await each.say("bash", { command: "npm test", ...input });
    await each.remove();
    return text;
  }

  test("gives the output and how it ended", async () => {
    expect(await said({ output: "3 passed\n" })).toMatchInlineSnapshot(`
      "3 passed
      exit code 0"
    `);
    expect(await said({ output: "1 failed\n", exitCode: 1 })).toMatchInlineSnapshot(`
      "✗ 1 failed
      exit code 1"
    `);
    expect(await said({})).toMatchInlineSnapshot(`"exit code 0"`);
    expect(
      await said({ ended: "timedOut", exitCode: null, output: "listening\n" }),
    ).toMatchInlineSnapshot(`
      "✗ listening
      stopped: it was not done after 120 s. Do less in one command, or raise timeout_ms (at most 600000); if it waits for input or serves, make it end by itself"
    `);
    expect(await said({ ended: "memory", exitCode: null })).toMatchInlineSnapshot(
      `"✗ stopped: it used more memory than the sandbox allows; work on less at once"`,
    );
    expect(await said({ ended: "processes", exitCode: null })).toMatchInlineSnapshot(
      `"✗ stopped: it started more processes than the sandbox allows; run fewer at once"`,
    );
  });

  test("keeps head and tail of a long output", async () => {
    const output = Array.from({ length: 10_000 }, (_, n) => `line ${n}`).join("\n");
    const text = await said({ output });
    expect(text.length).toBeLessThan(30_100);
    expect(text.split("\n").filter((line) => !/^line \d+$/u.test(line))).toMatchInlineSnapshot(`
      [
        "[… 68951 characters left out here …]",
        "exit code 0",
      ]
    `);
  });

  test("passes command, timeout and signal on", async () => {
    const seen: unknown[] = [];
    const each = await openHands({
      run: async (command, timeoutMs) => {
        seen.push([command, timeoutMs]);
        return result({});
      },
    });
    await each.call("bash", { command: "ls" });
    await each.call("bash", { command: "ls", timeout_ms: "5000" });
    expect(await each.say("bash", { command: "ls", timeout_ms: 900_000 })).toMatchInlineSnapshot(
      `"✗ bash: timeout_ms must be a whole number from 1 to 600000, not 900000"`,
    );
    expect(seen).toEqual([
      ["ls", 120_000],
      ["ls", 5000],
    ]);
    await each.remove();
  });
});

describe("the other tools", () => {
  test("fetch gets http and https only", async () => {
    expect(await hands.say("fetch", { url: "https://example.org/a" })).toMatchInlineSnapshot(
      `"page of https://example.org/a"`,
    );
    expect(await hands.say("fetch", { url: "file:///etc/passwd" })).toMatchInlineSnapshot(
      `"✗ the url must begin with https:// or http://: file:///etc/passwd"`,
    );
  });

  test("todo draws the list and keeps it", async () => {
    const items = [
      { text: "read", status: "done" },
      { text: "write\nmore", status: "in_progress" },
      { text: "test", status: "pending" },
    ];
    expect(await hands.say("todo", { items })).toMatchInlineSnapshot(`
      "[x] read
      [>] write more
      [ ] test"
    `);
    expect(hands.bench.todo).toEqual(items);
    expect(await hands.say("todo", { items: [] })).toMatchInlineSnapshot(`"the list is empty"`);
  });

  test("end in effects that the engine carries out", async () => {
    const calls: readonly [string, object][] = [
      ["complete_task", { summary: "added tests" }],
      ["ask_person", { question: "which port?" }],
      ["alert", { topic: "api", body: "changed" }],
      ["query", { to: "7.2", question: "which name?" }],
      ["query", { to: "7.2", question: "which name?", timeout_ms: 5000 }],
      ["share", { to: "7.2", body: "the schema" }],
      ["reply", { query_id: "q1", answer: "id" }],
    ];
    const outcomes = [];
    for (const [name, input] of calls) outcomes.push(await hands.call(name, input));
    expect(outcomes).toMatchInlineSnapshot(`
      [
        {
          "effect": {
            "summary": "added tests",
            "type": "complete",
          },
          "isError": false,
          "text": "noted: the validation decides now",
        },
        {
          "effect": {
            "question": "which port?",
            "type": "ask",
          },
          "isError": false,
          "text": "the question waits for a person",
        },
        {
          "effect": {
            "body": "changed",
            "topic": "api",
            "type": "alert",
          },
          "isError": false,
          "text": "the alert api is on its way",
        },
        {
          "effect": {
            "question": "which name?",
            "timeoutMs": 300000,
            "to": "7.2",
            "type": "query",
          },
          "isError": false,
          "text": "the question is on its way to 7.2",
        },
        {
          "effect": {
            "question": "which name?",
            "timeoutMs": 5000,
            "to": "7.2",
            "type": "query",
          },
          "isError": false,
          "text": "the question is on its way to 7.2",
        },
        {
          "effect": {
            "body": "the schema",
            "to": "7.2",
            "type": "share",
          },
          "isError": false,
          "text": "it is on its way to 7.2",
        },
        {
          "effect": {
            "answer": "id",
            "queryId": "q1",
            "type": "reply",
          },
          "isError": false,
          "text": "the answer is on its way",
        },
      ]
    `);
  });
});
