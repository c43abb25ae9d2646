import { expect, test } from "vitest";
import type { SimServers } from "../../sim/tool-servers.ts";
import type { LoopType } from "../../src/ports.ts";
import { calls, finished, SmallWorld, writes } from "./small-world.ts";

const seeker: LoopType = {
  ...{ name: "seeker", version: "1", description: "", origin: "built-in", needs: [], begets: null },
  tools: ["read", "write", "mcp_find_it", "complete_task"],
  renderSystem: () => "",
  renderPrompt: ({ brief }) => brief,
};
const servers: SimServers = {
  find: {
    it: ({ what }) => ({ text: `${what} is in the cellar`, isError: false }),
    other: () => ({ text: "", isError: false }),
  },
};
const find = calls(["mcp_find_it", { what: "gold" }]);

test("a model calls a server's tool as any other, and the server ends with the conversation", async () => {
  const small: SmallWorld = await SmallWorld.start({
    types: [seeker],
    servers,
    script: (_request, call) => [find, writes("good"), finished][call - 1] ?? finished,
    runs: (files) => {
      expect(small.toolServers.alive).toEqual([]);
      return files.get("src.txt") === "good" ? 0 : 1;
    },
  });
  const id = await small.createOf("seeker");
  expect((await small.rest(id)).status).toBe("complete");
  const offered = small.requests[0]?.tools.map(({ name }) => name);
  expect(offered).toEqual(["read", "write", "complete_task", "mcp_find_it"]);
  const told = JSON.stringify(small.requests[1]?.messages);
  expect(told).toContain("gold is in the cellar");
  const [request] = small.toolServers.requests;
  expect(request).toMatchObject({ loop: id, names: ["mcp_find_it"] });
  const audited = small.audit.acts.filter(
    (act) => act.type === "tool" && act.name === "mcp_find_it",
  );
  expect(audited.length).toBe(1);
  const result = small.transcripts.find((entry) => entry.type === "toolResult");
  expect(result).toMatchObject({ text: "gold is in the cellar", isError: false });
});

test("a loop whose server does not start waits for a person, who is told why", async () => {
  const small = await SmallWorld.start({ types: [seeker], servers: { find: null } });
  const loop = await small.rest(await small.createOf("seeker"));
  expect(loop).toMatchObject({
    ...{ status: "blocked", blockedOn: "setup" },
    reason: "the MCP server find did not start: it is broken",
  });
  expect(small.requests).toEqual([]);
});

test("what is no object is refused before the server hears of it", async () => {
  const script = [calls(["mcp_find_it", ["gold"]]), writes("good"), finished];
  const small = await SmallWorld.start({
    ...{ types: [seeker], servers },
    script: (_request, call) => script[call - 1] ?? finished,
  });
  await small.rest(await small.createOf("seeker"));
  expect(JSON.stringify(small.requests[1]?.messages)).toContain("the input must be an object");
});

test("a loop that writes documents lets its servers write nothing else", async () => {
  const planner: LoopType = {
    ...{ ...seeker, name: "planner" },
    begets: {
      ...{ type: "ralph", from: ["parts"], document: null, alone: true, approval: false },
      passes: [{ name: "only", focus: "" }],
    },
  };
  const small = await SmallWorld.start({ types: [planner], servers, script: () => finished });
  const id = await small.createOf("planner");
  await small.until(id, () => small.toolServers.requests.length > 0);
  const [request] = small.toolServers.requests;
  expect(request?.writable.length).toBe(1);
  expect(request?.writable[0]).toMatch(/\.td-out$/);
});
