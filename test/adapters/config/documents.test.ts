import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { writeDuration, writeSize } from "../../../src/adapters/config/fields.ts";
import { initFile } from "../../../src/adapters/config/init-file.ts";
import { type ConfigKey, keysOf } from "../../../src/adapters/config/keys.ts";
import { configKeys } from "../../../src/adapters/config/layer.ts";
import {
  loopTypeJsonSchema,
  loopTypeSchema,
} from "../../../src/adapters/config/loop-type-schema.ts";
import { variableKinds } from "../../../src/adapters/config/prompt-values.ts";
import { configJsonSchema, configSchema } from "../../../src/adapters/config/schema.ts";
import { writeYamlInline } from "../../../src/adapters/config/yaml-document.ts";
import { loaded } from "./bench.ts";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/configuration.md", root), "utf8");
const typesPage = readFileSync(new URL("docs/loop-types.md", root), "utf8");
const facts = {
  detected: { command: "npm test", from: "package.json scripts.test" },
  target: null,
};

/** A key as the page has it; the whole line is compared, so that no default goes stale. */
function row({ path, kind, means, byDefault }: ConfigKey): string {
  const value = byDefault === undefined ? "" : `\`${writeYamlInline(byDefault)}\``;
  return `| \`${path.join(".").replaceAll("*", "NAME")}\` | ${kind} | ${value} | ${means} |`;
}

test("the page has every key of taskdaemon.yml, its default and its meaning", () => {
  const keys = configKeys.filter(({ kind, means }) => kind !== "section" && means !== "");
  expect(keys.map(row).filter((line) => !page.includes(line))).toEqual([]);
});

test("the page has every key of a loop type, and every variable of a template", () => {
  const types = keysOf(loopTypeSchema).filter(({ path }) => path.length === 1);
  const names = [...types.map(({ path }) => path.join(".")), ...Object.keys(variableKinds)];
  expect(names.filter((name) => !typesPage.includes(`\`${name}\``))).toEqual([]);
});

test("every key says what it means", () => {
  const silent = configKeys.filter(({ path, means }) => path.at(-1) !== "*" && means === "");
  expect(silent).toEqual([]);
});

test("the file that td init writes can be loaded by a repository", () => {
  const { config } = loaded({ project: initFile(facts) });
  const defaults = configSchema.parse({});
  const validation = { ...defaults.validation, command: "npm test" };
  expect(config).toEqual({ ...defaults, validation });
});

test("every line that it comments out shows the default", () => {
  const project = initFile({ detected: null, target: null }).replaceAll(
    /^( *)# (?=[a-z-]+: )/gm,
    "$1",
  );
  expect(project).toContain("\n  max-turns: 50 ");
  expect(loaded({ project }).config).toEqual(configSchema.parse({}));
});

test("it names the branch of the repository when that is not main", () => {
  expect(initFile({ detected: null, target: "trunk" })).toMatch(/^ {2}target: trunk +# as in/m);
  expect(initFile({ detected: null, target: "main" })).toMatch(/^ {2}# target: main +# /m);
});

test("the example is a valid file of a user", () => {
  const user = readFileSync(new URL("taskdaemon.example.yml", root), "utf8");
  expect(loaded({ user }).warnings).toEqual([]);
  const uncommented = user.replaceAll(/^( *)# (?=[a-z-]+: |[a-z-]+:$)/gm, "$1");
  expect(loaded({ user: uncommented }).config.llm.escalation).not.toBeNull();
});

test("the JSON Schema for editors knows keys, defaults and choices", () => {
  expect(configJsonSchema()).toMatchObject({
    title: "taskdaemon.yml",
    additionalProperties: false,
    properties: {
      iteration: { properties: { timeout: { default: "15m", type: "string" } } },
      git: { properties: { deliver: { enum: ["branch", "merge", "pr", "none"] } } },
    },
  });
  expect(configJsonSchema()).not.toHaveProperty("required");
  // The rest may come from a base.
  expect(loopTypeJsonSchema()).toMatchObject({ required: ["name"] });
});

test.each([
  [90_000, "90s"],
  [900_000, "15m"],
  [604_800_000, "7d"],
  [1_500, "1500ms"],
  [0, "0s"],
])("%d ms are written %s", (milliseconds, text) => {
  expect(writeDuration(milliseconds)).toBe(text);
});

test.each([
  [4e9, "4GB"],
  [2 ** 30, "1GiB"],
  [1_500_000, "1500KB"],
  [17, "17B"],
])("%d bytes are written %s", (bytes, text) => {
  expect(writeSize(bytes)).toBe(text);
});
