import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeOrigin } from "../../../src/adapters/config/layer.ts";
import { loadConfig, userConfigFiles } from "../../../src/adapters/config/load-config.ts";
import { configSchema } from "../../../src/adapters/config/schema.ts";
import { showConfig, writtenConfig } from "../../../src/adapters/config/show-config.ts";
import { readYaml } from "../../../src/adapters/config/yaml-document.ts";
import { given, load, loaded } from "./bench.ts";

test("without any file the defaults hold", () => {
  const { config, warnings, files } = loaded({});
  expect(config).toEqual(configSchema.parse({}));
  expect(config.llm.default).toBe("anthropic/claude-sonnet-5-5");
  expect(config.iteration).toEqual({ max: 100, "max-turns": 50, timeout: 900_000 });
  expect({ warnings, files }).toEqual({ warnings: [], files: [] });
});

test("default < user < home < project < environment, key by key", () => {
  const { config, origins } = loaded({
    user: "iteration: { max: 1, max-turns: 1, timeout: 1s }\nqueue: { max: 1 }",
    home: "iteration: { max-turns: 2, timeout: 2s }",
    project: "iteration: { timeout: 3s }\nvalidation: { timeout: 3s, stuck-after: 4 }",
    env: { TASKDAEMON_VALIDATION_TIMEOUT: "4s" },
  });
  expect(config.iteration).toEqual({ max: 1, "max-turns": 2, timeout: 3_000 });
  expect(config.validation.timeout).toBe(4_000);
  const from = (key: string) => describeOrigin(origins.get(key) ?? { from: "default" });
  expect(from("queue.poll")).toBe("default");
  expect(from("queue.max")).toMatch(/user\.yml:2:10$/);
  expect(from("iteration.max-turns")).toMatch(/home\.yml:1:14$/);
  expect(from("validation.stuck-after")).toMatch(/taskdaemon\.yml:2:28$/);
  expect(from("validation.timeout")).toBe("$TASKDAEMON_VALIDATION_TIMEOUT");
});

test("lists are replaced and mappings are merged", () => {
  const { config } = loaded({
    user: "validation: { protect: [a, b] }\nconcurrency: { per-type: { ralph: 9, plan: 2 } }",
    project: "validation: { protect: [c] }\nconcurrency: { per-type: { ralph: 5 } }",
  });
  expect(config.validation.protect).toEqual(["c"]);
  expect(config.concurrency["per-type"]).toEqual({ ralph: 5, plan: 2 });
});

test("a section whose keys are all commented out says nothing", () => {
  expect(
    loaded({ user: "iteration:\n  # max: 5\nsandbox:\n  network:\nllm:\n  providers:\n" }).config,
  ).toEqual(configSchema.parse({}));
});

test("environment variables are put into texts, and numbers become numbers", () => {
  const env = { MAX: "7", DIR: "a: b # c", EMPTY: "" };
  const user = [
    `iteration: { max: "\${MAX}", timeout: "\${T:-5m}" }`,
    `validation: { command: 'x \${DIR} \${EMPTY:-none} $\${MAX} $MAX' }`,
  ].join("\n");
  const { config } = loaded({ user, env });
  expect(config.iteration).toMatchObject({ max: 7, timeout: 300_000 });
  expect(config.validation.command).toBe(`x a: b # c none \${MAX} $MAX`);
});

test.each([
  ["TASKDAEMON_ITERATION_MAX_TURNS", "10", { iteration: { "max-turns": 10 } }],
  [
    "TASKDAEMON_SANDBOX_NETWORK_ALLOW",
    "[a.b, '*.c']",
    { sandbox: { network: { allow: ["a.b", "*.c"] } } },
  ],
  ["TASKDAEMON_SANDBOX_LEVEL", "off", { sandbox: { level: "off" } }],
  ["TASKDAEMON_BUDGET", "{ day-usd: 5 }", { budget: { "day-usd": 5 } }],
  ["TASKDAEMON_VALIDATION_COMMAND", "a: b # c", { validation: { command: "a: b # c" } }],
  ["TASKDAEMON_WORKTREE_SETUP", "null", { worktree: { setup: null } }],
  [
    "TASKDAEMON_LLM_PROVIDERS_MY_OWN_API_KEY_ENV",
    "K",
    { llm: { providers: { "my-own": { "api-key-env": "K" } } } },
  ],
  [
    "TASKDAEMON_LLM_PRICES",
    "{ a/b: { input: 1, output: 2 } }",
    { llm: { prices: { "a/b": { input: 1 } } } },
  ],
  ["TASKDAEMON_ITERATION_MAX", "", { iteration: { max: 100 } }],
])("%s=%s overrides its key", (name, value, expected) => {
  expect(loaded({ env: { [name]: value } }).config).toMatchObject(expected);
});

test("a variable of ours that names no key is warned of", () => {
  const env = { TASKDAEMON_HOME: "/h", TASKDAEMON_ITERATION_MAXTURNS: "1", TASKDAEMON_FROB: "1" };
  expect(loaded({ env }).warnings).toEqual([
    "$TASKDAEMON_FROB: no such configuration key",
    '$TASKDAEMON_ITERATION_MAXTURNS: no such configuration key — did you mean "TASKDAEMON_ITERATION_MAX_TURNS"?',
  ]);
});

test("paths of loop types are relative to the file that names them", () => {
  const directory = given({ "u/taskdaemon.yml": "loops: { paths: [x, /abs] }" });
  const request = { userFiles: [join(directory, "u/taskdaemon.yml")], projectFile: null, env: {} };
  expect(loadConfig(request).config.loops.paths).toEqual([join(directory, "u/x"), "/abs"]);
});

test("the user-level file is looked for where XDG says, then in the home", () => {
  expect(userConfigFiles({}, "/home/a")).toEqual(["/home/a/.config/taskdaemon/taskdaemon.yml"]);
  expect(userConfigFiles({ XDG_CONFIG_HOME: "/x", TASKDAEMON_HOME: "/t" }, "/home/a")).toEqual([
    "/x/taskdaemon/taskdaemon.yml",
    "/t/taskdaemon.yml",
  ]);
});

test("what is no regular file is refused, and a link to nothing is no file", () => {
  const directory = given({});
  mkdirSync(join(directory, "dir.yml"));
  symlinkSync("nowhere", join(directory, "link.yml"));
  const of = (name: string) => () =>
    loadConfig({ userFiles: [join(directory, name)], projectFile: null, env: {} });
  expect(of("dir.yml")).toThrow("dir.yml: this is not a regular file");
  expect(of("link.yml")().files).toEqual([]);
});

test("what is shown can be loaded again and is the same", () => {
  const user = [
    "llm: { default: 'a/b:c#d', prices: { 'a/b:c#d': { input: 1, output: 2 } }, providers: { p: {",
    "  models: { '*': { concurrency: 1 }, 'm.*x': { requests-per-minute: 2 } } }, q: { concurrency: 3 } } }",
    "validation: { command: \"a\\nb: 'c' # d\", timeout: 90s }",
    "sandbox: { memory: 1.5GiB, network: { allow: [a.b] } }",
    "hooks: { on-fail: 'null' }",
    "mcp: { servers: { a: { command: a }, b: { command: b } } }",
  ].join("\n");
  const { config, origins } = loaded({ user });
  const shown = showConfig(config, origins, "yaml");
  expect(readYaml("shown", shown)).toMatchObject({ problems: [], value: writtenConfig(config) });
  expect(loaded({ user: shown.replaceAll(`\${`, `$\${`) }).config).toEqual(config);
  expect(shown).toMatch(/^ {2}timeout: 90s +# .*user\.yml:3:41$/m);
  const { config: json, origins: from } = JSON.parse(showConfig(config, origins, "json"));
  expect(configSchema.parse(json)).toEqual(config);
  expect(from["queue.max"]).toBe("default");
});

test("a problem names the file as it was asked for", () => {
  expect(load({ project: "queue: 1" })).toMatch(/^taskdaemon\.yml:1:8: /);
});

test("the address of a webhook is not shown: whoever knows it may post there", () => {
  const user = "notify: { webhook: 'https://example.org/T0/secret?key=1' }";
  const { config, origins } = loaded({ user });
  for (const format of ["yaml", "json"] as const) {
    const shown = showConfig(config, origins, format);
    expect(shown).toContain("https://example.org/…");
    expect(shown).not.toContain("secret?");
  }
});
