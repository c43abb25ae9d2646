import { join } from "node:path";
import { expect, test } from "vitest";
import { loadLoopTypes } from "../../../src/adapters/config/loop-types.ts";
import { ConfigError } from "../../../src/adapters/config/problem.ts";
import { given, load, loaded, toolNames } from "./bench.ts";

const server = (name: string, more = "") =>
  `mcp:\n  servers:\n    ${name}: { command: x${more} }\n`;

test("a server has a command; the rest has defaults", () => {
  expect(loaded({ project: server("find") }).config.mcp.servers).toEqual({
    find: { command: "x", "network-allow": [], env: [], timeout: 30_000 },
  });
});

test.each([
  [server("Find_It"), "3:5: mcp.servers.Find_It: expected a name of lower-case letters"],
  ["mcp:\n  servers:\n    a: { comand: x }\n", '3:10: unknown key "comand" under mcp.servers.a'],
  ["mcp:\n  servers:\n    a: { comand: x }\n", 'did you mean "command"?'],
  ["mcp:\n  servers:\n    a: {}\n", '3:5: "command" is missing under mcp.servers.a'],
  [server("a", ", timeout: 9"), "expected a duration from 1s to 1h"],
])("what is wrong with one is told with its place: %j", (user, message) => {
  expect(load({ user })).toContain(message);
});

test("a repository's server gets no more than its commands do, and none of the user's", () => {
  const user = `${server("mine", ", network-allow: [a.org], env: [KEY]")}sandbox: { network: { allow: [ok.org] } }\n`;
  const fails: readonly (readonly [string, string])[] = [
    [server("mine"), "mcp.servers.mine is a server of the user and cannot be changed"],
    [server("own", ", network-allow: [a.org]"), "own.network-allow cannot be widened"],
    [server("own", ", env: [KEY]"), "own.env cannot be set by a repository"],
    [server("own", `, timeout: '$${"{KEY}"}'`), "KEY"],
  ];
  for (const [project, message] of fails) {
    expect(load({ user, project, env: { KEY: "5s" } })).toContain(message);
  }
  const { servers } = loaded({ user, project: server("own", ", network-allow: [ok.org]") }).config
    .mcp;
  expect(Object.keys(servers)).toEqual(["mine", "own"]);
});

function typeWith(tools: string): string {
  const text = `name: t\ndescription: d\nprompt: t.hbs\ntools: ${tools}\n`;
  const path = given({ "t.yml": text, "t.hbs": "x" });
  const known = [...toolNames, "mcp_find", "mcp_a1", "mcp_a2", "mcp_a3", "mcp_a4", "mcp_a5"];
  known.push("mcp_a6", "mcp_a7", "mcp_a8");
  try {
    loadLoopTypes({ directories: [{ path, mustExist: true }], repo: null, toolNames: known });
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(join(path, "/"), "");
  }
}

test.each([
  ["[read, mcp_find]", ""],
  ["[mcp_find_a, mcp_find_b-c_D]", ""],
  ["[mcp_fnd]", 't.yml:4:9: unknown tool "mcp_fnd" — did you mean "mcp_find"?'],
  ["[mcp_fin_it]", 'did you mean "mcp_find"?'],
  ["[mcp_zzzzzzzz_it]", "mcp.servers in taskdaemon.yml names MCP servers"],
  ["['mcp_find_a b']", "unknown tool"],
  ["[mcp_find_]", "unknown tool"],
  ["[mcp_find, mcp_a1, mcp_a2, mcp_a3, mcp_a4, mcp_a5, mcp_a6, mcp_a7, mcp_a8_x]", "more than 8"],
])("a loop type names tools of known servers: %s", (tools, message) => {
  if (message === "") expect(typeWith(tools)).toBe("");
  else expect(typeWith(tools)).toContain(message);
});
