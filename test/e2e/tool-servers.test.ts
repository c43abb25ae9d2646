/** Tools of MCP servers: a real daemon, its sandbox, a server that is a script of the repository. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { startMockLlm } from "../../src/mock-llm/mock-llm.ts";
import { daemonsOf, endProcessesOf, killIfThere, processesOf } from "./processes.ts";
import { makeDesk, td } from "./program.ts";
import { done, loopTimeoutMs, read, removePlaces, type Turn, write } from "./support.ts";

vi.setConfig({ testTimeout: loopTimeoutMs });
afterAll(removePlaces);

const patience = { timeout: 30_000, interval: 250 };
const fixture = join(import.meta.dirname, "../adapters/mcp/server.mjs");
const ask = (tool: string, input: Readonly<Record<string, unknown>>) => ({
  name: `mcp_notes_${tool}`,
  input,
});

test("a model works with a server's tools, and the server dies with the daemon", async () => {
  const files = {
    "sum.txt": "minus\n",
    "check.sh": "#!/bin/sh\ngrep -q plus sum.txt\n",
    "notes.mjs": await readFile(fixture, "utf8"),
    "taskdaemon.yml":
      "validation: { command: ./check.sh }\nmcp: { servers: { notes: { command: node notes.mjs } } }\n",
    ".taskdaemon/loops/seeker.yml":
      "name: seeker\nextends: ralph\nappend: { tools: [mcp_notes_echo, mcp_notes_slow] }\n",
  };
  const turns: readonly Turn[] = [
    [ask("echo", { words: "the sign is plus" }), read("sum.txt")],
    [write("sum.txt", "plus\n")],
    [done],
  ];
  const waiting: Turn = [ask("slow", {})];
  const mock = await startMockLlm({
    policy: ({ text, turn }) => {
      const said = text.includes("Wait for ever") ? waiting : (turns[turn] ?? []);
      return { tools: said.filter((part) => typeof part !== "string") as never };
    },
  });
  const desk = await makeDesk({ modelUrl: mock.url, files });
  try {
    const ran = await td(desk, ["run", "seeker", "Mend the sign."]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const [first, second] = mock.journal();
    expect(JSON.stringify(first?.body)).toContain('"mcp_notes_slow"');
    expect(JSON.stringify(second?.body)).toContain("the sign is plus");
    const isServer = ({ command }: { command: string }) => command.includes("notes.mjs");
    expect((await processesOf(desk.home)).filter(isServer)).toEqual([]);

    await td(desk, ["run", "seeker", "Wait for ever.", "--detach"]);
    const servers = async () => (await processesOf(desk.home)).filter(isServer);
    await vi.waitFor(async () => expect(await servers()).not.toEqual([]), patience);
    // The guardian first, or it would start another.
    const daemons = [...(await daemonsOf(desk.home))].reverse();
    for (const guardian of daemons.filter(({ command }) => command.includes("--guardian"))) {
      killIfThere(guardian.pid, "SIGKILL");
    }
    for (const { pid } of daemons) killIfThere(pid, "SIGKILL");
    await vi.waitFor(async () => expect(await servers()).toEqual([]), patience);
  } finally {
    await endProcessesOf(desk.place);
    await mock.close();
  }
});
