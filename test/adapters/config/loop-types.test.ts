import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explainLoopType } from "../../../src/adapters/config/explain-loop-type.ts";
import { loadLoopTypes, loopTypeDirectories } from "../../../src/adapters/config/loop-types.ts";
import { given, toolNames } from "./bench.ts";

const good = "name: mine\ndescription: Mine.\nprompt: p.hbs\ntools: [read]\n";

/** The types of a repository with these files in `.taskdaemon/loops`; messages without its path. */
function load(files: Readonly<Record<string, string>>) {
  const entries = Object.entries({ "p.hbs": "{{brief}}", ...files });
  const repo = given(
    Object.fromEntries(entries.map(([name, text]) => [`.taskdaemon/loops/${name}`, text])),
  );
  return loadFrom(repo);
}

function loadFrom(repo: string, paths: readonly string[] = []) {
  const directories = loopTypeDirectories({ userFiles: [join(repo, "user/x.yml")], repo, paths });
  try {
    return loadLoopTypes({ directories, repo, toolNames });
  } catch (error) {
    return (error as Error).message
      .replaceAll(`${repo}/.taskdaemon/loops/`, "")
      .replaceAll(`${repo}/`, "");
  }
}

function typesOf(result: ReturnType<typeof load>) {
  if (typeof result === "string") throw new Error(result);
  return result;
}

test("four types are built in", () => {
  const types = typesOf(load({}));
  expect(types.list().map(({ name }) => name)).toEqual(["phase", "plan", "ralph", "spec"]);
  expect(types.get("ralph")).toMatchObject({ origin: "built-in", overrides: null });
  expect(types.get("ralph")?.tools).toEqual(expect.arrayContaining(["read", "complete_task"]));
  expect(types.get("nope")).toBeNull();
});

test("later overrides earlier: built-in, user, repository, named paths", () => {
  const repo = given({
    "user/loops/a.yml": good.replace("mine", "ralph").replace("Mine", "User's"),
    "user/loops/p.hbs": "user",
    ".taskdaemon/loops/m.yml": good,
    ".taskdaemon/loops/p.hbs": "project",
    "more/m.yaml": good.replace("Mine", "More"),
    "more/p.hbs": "more",
  });
  const types = typesOf(loadFrom(repo, [join(repo, "more")]));
  expect(types.get("ralph")?.description).toBe("User's.");
  expect(types.get("ralph")?.overrides).toMatch(/loops\/ralph\.yml$/);
  expect(types.get("mine")).toMatchObject({
    description: "More.",
    origin: join(repo, "more/m.yaml"),
    overrides: join(repo, ".taskdaemon/loops/m.yml"),
  });
});

test("the version changes with the definition and with its prompt, and only then", () => {
  const version = (files: Readonly<Record<string, string>>) =>
    typesOf(load(files)).get("mine")?.version;
  const first = version({ "m.yml": good });
  expect(version({ "m.yml": good })).toBe(first);
  expect(version({ "m.yml": good, "p.hbs": "{{title}}" })).not.toBe(first);
  expect(version({ "m.yml": `${good}iteration: { max: 3 }` })).not.toBe(first);
});

test.each([
  [
    "name: Mine",
    'm.yml:1:7: name: expected a name of lower-case letters, digits and -, not "Mine"',
  ],
  ["tools: [raed]", 'm.yml:4:9: unknown tool "raed" — did you mean "read"?'],
  ["tools: [read, read]", 'm.yml:4:15: the tool "read" is here twice'],
  ["tools: read", 'm.yml:4:8: tools: expected a list of tools, not "read"'],
  ["prompt: nope.hbs", 'm.yml:3:9: there is no file "nope.hbs" beside this one'],
  [
    "prompt: ../../p.hbs",
    'm.yml:3:9: prompt: expected a path inside the repository, without a leading / and without .., not "../../p.hbs"',
  ],
])("%s is refused", (line, message) => {
  const key = line.split(":")[0];
  expect(load({ "m.yml": good.replace(new RegExp(`^${key}:.*$`, "m"), line) })).toBe(message);
});

test.each([
  ["promt: x", 'm.yml:5:1: unknown key "promt" — did you mean "prompt"?'],
  [
    "iteration: { max: 0 }",
    "m.yml:5:19: iteration.max: expected a whole number from 1 to 100000, not 0",
  ],
  ["iteration: { mx: 1 }", 'm.yml:5:14: unknown key "mx" under iteration — did you mean "max"?'],
  [
    'validation: { command: " " }',
    "m.yml:5:24: validation.command: the command is empty; write one, or leave the key out",
  ],
  [
    "model: gpt",
    'm.yml:5:8: model: expected provider/model, for example anthropic/claude-sonnet-5-5, not "gpt"',
  ],
  ["parent: ralp", 'm.yml:5:1: unknown loop type "ralp" — did you mean "ralph"?'],
  [
    "begets: { type: ralhp, from: parts }",
    'm.yml:5:11: unknown loop type "ralhp" — did you mean "ralph"?',
  ],
  [
    "begets: { type: mine, from: parts }",
    "m.yml:5:11: types beget each other in a circle: mine → mine",
  ],
  ["begets: { type: ralph }", 'm.yml:5:1: "from" is missing under begets'],
  [
    "begets: { type: ralph, from: ../x }",
    'm.yml:5:30: begets.from: expected a folder name such as specs, not "../x"',
  ],
  [
    "begets: { type: ralph, from: a, document: PLAN }",
    'm.yml:5:43: begets.document: expected the name of a Markdown file such as plan.md, not "PLAN"',
  ],
  [
    "passes: [{ name: a, focus: b }]",
    "m.yml:5:1: passes are for types that beget: begets is missing",
  ],
  [
    "begets: { type: ralph, from: a }\npasses: [{ name: a }]",
    'm.yml:6:10: "focus" is missing under passes.0',
  ],
])("%s is refused as well", (line, message) => {
  expect(load({ "m.yml": `${good}${line}` })).toBe(message);
});

test("a hierarchy of one's own needs no code", () => {
  const epic = good.replace("mine", "epic");
  const begets = "begets: { type: mine, from: [parts, bits], document: epic.md, alone: true }\n";
  const more = "validation: documents\npasses:\n  - { name: once, focus: the whole }\n";
  const types = typesOf(load({ "e.yml": `${epic}${begets}${more}`, "m.yml": good }));
  expect(types.get("epic")?.begets).toEqual({
    type: "mine",
    from: ["parts", "bits"],
    document: "epic.md",
    alone: true,
    approval: false,
    passes: [{ name: "once", focus: "the whole" }],
  });
  expect(types.get("mine")?.begets).toBeNull();
});

test("all problems of all types are told at once", () => {
  expect(load({ "a.yml": "name: a", "b.yml": good, "p.hbs": "\n{{x}}", "c.yml": "[" })).toBe(
    [
      "c.yml:1:2: not valid YAML: Flow sequence must end with a ]",
      'a.yml:1:1: "description" is missing',
      'a.yml:1:1: "prompt" is missing',
      'a.yml:1:1: "tools" is missing',
      'p.hbs:2:3: unknown variable "x"',
    ].join("\n"),
  );
});

test("two types of one name in one directory are refused", () => {
  expect(load({ "a.yml": good, "b.yml": good })).toBe('b.yml:1:1: there are two types "mine" here');
});

test("a link cannot bring a file from elsewhere into a prompt", () => {
  const repo = given({ secret: "hush", ".taskdaemon/loops/m.yml": good });
  symlinkSync(join(repo, "secret"), join(repo, ".taskdaemon/loops/p.hbs"));
  expect(loadFrom(repo)).toMatch(/^p\.hbs: this is a link that leads out of/);
});

test("a directory of types cannot be a link out of the repository", () => {
  const [repo, other] = [given({}), given({ "m.yml": good, "p.hbs": "" })];
  mkdirSync(join(repo, ".taskdaemon"));
  symlinkSync(other, join(repo, ".taskdaemon/loops"));
  expect(loadFrom(repo)).toMatch(/this is a link that leads out of/);
});

test("a directory that somebody named must be there", () => {
  const repo = given({});
  expect(loadFrom(repo, [join(repo, "more")])).toBe(
    "more: this directory of loop types cannot be read (ENOENT)",
  );
});

test("explains a type: what it sets, where, and how its prompt looks", () => {
  const types = typesOf(
    load({ "m.yml": `${good}iteration: { timeout: 5m }`, "p.hbs": "{{title}}" }),
  );
  const explained = explainLoopType(types, "mine");
  const values = explained?.values.map(({ key, value, from }) => [key, value, from.slice(-4)]);
  expect(values).toEqual([
    ["name", "mine", ":1:1"],
    ["description", "Mine.", ":2:1"],
    ["prompt", "p.hbs", ":3:1"],
    ["tools", ["read"], ":4:1"],
    ["iteration.timeout", "5m", "5:14"],
  ]);
  expect(explained).toMatchObject({ system: "", prompt: "Refuse expired sessions" });
  expect(explainLoopType(types, "nope")).toBeNull();
});

test("a template that is gone since is a problem, not a crash", () => {
  const repo = given({ ".taskdaemon/loops/m.yml": good });
  writeFileSync(join(repo, ".taskdaemon/loops/q.hbs"), "");
  expect(loadFrom(repo)).toBe('m.yml:3:9: there is no file "p.hbs" beside this one');
});
