import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { SimToolServers } from "../../../sim/tool-servers.ts";
import { createToolServers, type ServerSettings } from "../../../src/adapters/mcp/tool-servers.ts";
import { createSandbox, type SrtSandbox } from "../../../src/adapters/sandbox/sandbox.ts";
import type { LoopId } from "../../../src/core/loop.ts";
import type { AuditAct } from "../../../src/ports/audit.ts";
import type { LentTools, ServerAnswer, ToolServers } from "../../../src/ports/tool-servers.ts";
import { toolServersContract } from "../../contracts/tool-servers.ts";
import { canary, optionsFor, requestFor, type Stage, setStage } from "../sandbox/stage.ts";

const fixture = new URL("./server.mjs", import.meta.url).pathname;
const manners = ["thousand", "strange", "circle", "listless", "stateless", "chatty", "rubbish"];
const never = new AbortController().signal;

let stage: Stage;
let sandbox: SrtSandbox;
let servers: ToolServers;
let acts: AuditAct[];

beforeAll(async () => {
  stage = setStage();
  acts = [];
  copyFileSync(fixture, join(stage.own, "server.mjs"));
  chmodSync(join(stage.own, "server.mjs"), 0o644);
  sandbox = await createSandbox(optionsFor(stage));
  const settings = (manner: string, more: Partial<ServerSettings> = {}): ServerSettings => ({
    ...{ command: `node server.mjs ${manner}`, "network-allow": [], env: [], timeout: 20_000 },
    ...more,
  });
  const all: Record<string, ServerSettings> = {
    good: settings("honest"),
    dead: settings("dead"),
    hasty: settings("honest", { timeout: 300 }),
    keyed: settings("honest", { env: ["ANTHROPIC_API_KEY"] }),
    networked: settings("honest", { "network-allow": ["example.org"] }),
    keyless: settings("honest", { env: ["NOT_SET"] }),
    missing: settings("", { command: "no-such-program" }),
    ...Object.fromEntries(manners.map((manner) => [manner, settings(manner)])),
  };
  servers = createToolServers({
    servers: () => all,
    serve: (request, signal) => sandbox.serve(request, signal),
    audit: {
      record: async (act) => void acts.push(act),
      anchor: async () => ({ count: 0, hash: "" }),
    },
    env: optionsFor(stage).env,
    redact: optionsFor(stage).redact,
  });
});

afterAll(async () => {
  await sandbox.close();
  stage.remove();
});

function request(names: readonly string[]) {
  const { cwd, writable, readable, env, settings } = requestFor(stage, "");
  const loop = "1" as LoopId;
  return { loop, names, cwd, writable, readable, env, sandbox: settings, timeoutMs: 60_000 };
}

const lend = <T>(names: readonly string[], body: (lent: LentTools) => Promise<T>) =>
  servers.lend(request(names), never, body);

/** Calls one after the other; a refusal is its sentence. */
function calls(server: string, ...made: readonly (readonly [string, object?])[]) {
  return lend([`mcp_${server}`], async ({ tools }) => {
    const answers: (ServerAnswer | string)[] = [];
    for (const [name, input = {}] of made) {
      const tool = tools.find((each) => each.name === `mcp_${server}_${name}`);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      answers.push(await tool.call({ ...input }, never).catch((error: Error) => error.message));
    }
    return answers;
  });
}

const said = (text: unknown, isError = false) => ({ text, isError });

/** Processes of the machine whose arguments hold `text`. */
function running(text: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
    } catch {
      return false;
    }
  });
}

const contractSubject = async () => ({
  servers,
  request: request([]),
  close: async () => undefined,
});
toolServersContract("the adapter", contractSubject);

const simple = {
  echo: ({ words }: Readonly<Record<string, unknown>>) => ({ text: `${words}`, isError: false }),
  fail: () => ({ text: "it cannot be done", isError: true }),
};
toolServersContract("the double", async () => ({
  ...(await contractSubject()),
  servers: new SimToolServers({ good: simple, dead: null }),
}));

test("answers are texts, errors are told, what is no text is named", async () => {
  expect(await calls("good", ["error"], ["picture"], ["echo", { words: "on" }])).toEqual([
    said("no such thing", true),
    said("look:\n[left out: image image/png]\nheld"),
    said("on"),
  ]);
});

test("every start is in the audit, with what it may reach", () => {
  expect(acts).toContainEqual({
    ...{ type: "command", loop: "1", purpose: "tool", command: "node server.mjs honest" },
    ...{ sandbox: "required", network: [] },
  });
});

test("a call that takes too long is cancelled; the second in a row ends the server", async () => {
  const [first, second, third] = await calls("hasty", ["slow"], ["slow"], ["echo"]);
  expect(first).toBe("the MCP server hasty gave no answer within 0.3 s; the call was cancelled");
  expect(second).toMatch(/^the MCP server hasty is gone for this iteration: it gave no answer/);
  expect(third).toMatch(/^the MCP server hasty is gone for this iteration/);
});

test("a server that dies is an answer to the model, with its last words", async () => {
  const [died, after] = await calls("good", ["die"], ["echo", { words: "?" }]);
  const gone =
    "the MCP server good is gone for this iteration: it ended with exit code 7; the last it wrote: first words\nmy last words. Go on without its tools.";
  expect([died, after]).toEqual([gone, gone]);
});

test.each([
  ["flood", /it writes what is no message: x+…|it floods/],
  ["endless", /it wrote an endless line/],
  ["notify", /it floods: too much besides the answer/],
])("a server that does not stop talking (%s) is ended", async (tool, why) => {
  expect((await calls("good", [tool]))[0]).toMatch(why);
});

test("of a thousand tools 64 are lent, and any one that is named", async () => {
  const [count, notes] = await lend(["mcp_thousand"], async (lent) => [
    lent.tools.length,
    lent.notes,
  ]);
  expect(count).toBe(64);
  expect(notes).toEqual([
    "MCP server thousand has 1000 tools, too many: 936 are left out; name single ones",
  ]);
  const names = async ({ tools }: LentTools) => tools.map(({ name }) => name);
  expect(await lend(["mcp_thousand_t999"], names)).toEqual(["mcp_thousand_t999"]);
  expect((await lend(["mcp_circle"], names)).length).toBe(32);
});

test("strange tools get names and schemas that a model API takes, or are left out", async () => {
  const lent = await lend(["mcp_strange"], async ({ tools, notes }) => ({ tools, notes }));
  expect(lent.tools.map(({ call: _, ...spec }) => spec)).toEqual([
    spec("mcp_strange_a_b", ""),
    spec("mcp_strange_a_b_2", "turned around"),
    spec(`mcp_strange_${"x".repeat(52)}`, ""),
  ]);
  expect(lent.notes).toEqual([
    "left out of MCP server strange: mcp_strange_bad_name_of_a_property, mcp_strange_huge, mcp_strange___proto__, mcp_strange_none: what they take cannot be told to a model",
  ]);
});

function spec(name: string, description: string) {
  const inputSchema = { type: "object", properties: {} };
  return { name, description: `(strange) ${description}`, inputSchema };
}

test("one that logs where messages belong is understood, and one of the stateless revision", async () => {
  for (const name of ["chatty", "stateless"]) {
    expect(await calls(name, ["echo", { words: name }])).toEqual([said(name)]);
  }
});

test.each([
  ["dead", /did not start: it ended with exit code 3; the last it wrote: I cannot start; mend/],
  ["missing", /exit code 127; the last it wrote: .*no-such-program/],
  ["rubbish", /did not start: it writes what is no message: what is this\?/],
  ["listless", /did not start: \[redacted\] is no list of tools/],
  ["keyless", /needs NOT_SET, which the daemon's environment does not have/],
])("one that does not start (%s) says why", async (name, why) => {
  await expect(lend([`mcp_${name}`], async () => undefined)).rejects.toThrow(why);
});

test("it is confined as the loop's commands are", async () => {
  const listener = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const outside = [
    join(stage.other, "owned"),
    join(stage.repo, "owned"),
    join(stage.home, "owned"),
  ];
  const keys = [join(stage.userHome, ".ssh/id_ed25519"), join(stage.home, "key")];
  const answers = await calls(
    "good",
    ["write", { path: join(stage.own, "made") }],
    ...outside.map((path) => ["write", { path }] as const),
    ...keys.map((path) => ["read", { path }] as const),
    ["variable", { name: "ANTHROPIC_API_KEY" }],
    ["variable", { name: "HOME" }],
    ["connect", { port }],
  );
  listener.close();
  expect(answers[0]).toEqual(said("undefined"));
  expect(outside.filter((path) => existsSync(path))).toEqual([]);
  expect(JSON.stringify(answers)).not.toContain(canary);
  expect(JSON.stringify(answers)).not.toContain("REACHED");
  expect(answers.slice(-3)).toEqual([
    said("unset"),
    said("/tmp"),
    expect.objectContaining({ text: expect.stringMatching(/^refused/) }),
  ]);
});

test("one with hosts of its own is spoken to the same way, and reaches no other", async () => {
  const [echo, proxy] = await calls(
    "networked",
    ["echo", { words: "on" }],
    ["variable", { name: "HTTPS_PROXY" }],
  );
  expect(echo).toEqual(said("on"));
  expect(proxy).toEqual(said(expect.stringMatching(/^http:/)));
  const network = acts.map((act) => (act.type === "command" ? act.network : []));
  expect(network).toContainEqual(["example.org"]);
});

test("it is given the variables that its settings name", async () => {
  const [answer] = await calls("keyed", ["variable", { name: "ANTHROPIC_API_KEY" }]);
  expect(answer).toEqual(said(canary));
});

test("nothing that it started outlives its use, nor an abort", async () => {
  const mark = `mark-${process.pid}`;
  await calls("good", ["child", { mark: `${mark}-a` }]);
  expect(running(`${mark}-a`)).toEqual([]);
  const halt = new AbortController();
  const used = servers.lend(request(["mcp_good"]), halt.signal, async ({ tools }) => {
    const call = (name: string, input: object) =>
      tools.find((tool) => tool.name === `mcp_good_${name}`)?.call({ ...input }, halt.signal);
    await call("child", { mark: `${mark}-b` });
    await vi.waitFor(() => expect(running(`${mark}-b`)).not.toEqual([]), 10_000);
    const slow = call("slow", {});
    halt.abort(new Error("stop"));
    await slow;
  });
  await expect(used).rejects.toThrow("stop");
  expect(running(`${mark}-b`)).toEqual([]);
  expect(
    readdirSync(join(stage.home, "sandbox-temp")).filter((n) => n.includes("channel")),
  ).toEqual([]);
});

test("servers take no slot of the loop's commands", async () => {
  const narrow = await createSandbox({ ...optionsFor(stage), concurrency: 1 });
  const halt = new AbortController();
  const served = await narrow.serve(requestFor(stage, "cat"), halt.signal);
  const { exitCode } = await narrow.run(requestFor(stage, "true"), never);
  expect(exitCode).toBe(0);
  halt.abort();
  expect((await served.ended).ended).toBe("aborted");
  await narrow.close();
});

test("without a sandbox it runs as the user's own commands, and ends as they do", async () => {
  const open = { ...request(["mcp_good"]), sandbox: requestFor(stage, "").settings };
  const used = { ...open, sandbox: { ...open.sandbox, level: "off" as const } };
  const mark = `mark-${process.pid}-off`;
  const home = await servers.lend(used, never, async ({ tools }) => {
    const call = (name: string, input: object) =>
      tools.find((tool) => tool.name === `mcp_good_${name}`)?.call({ ...input }, never);
    await call("child", { mark });
    return call("variable", { name: "HOME" });
  });
  expect(home?.text).toContain(join(stage.home, "sandbox-temp"));
  expect(running(mark)).toEqual([]);
});
