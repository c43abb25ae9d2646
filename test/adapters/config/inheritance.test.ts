import { join } from "node:path";
import { expect, test } from "vitest";
import { explainLoopType } from "../../../src/adapters/config/explain-loop-type.ts";
import { loadLoopTypes, loopTypeDirectories } from "../../../src/adapters/config/loop-types.ts";
import { readParameters } from "../../../src/adapters/config/parameters.ts";
import { sampleValues } from "../../../src/adapters/config/prompt-values.ts";
import { given, toolNames } from "./bench.ts";

type Files = Readonly<Record<string, string>>;

const base = "name: base\ndescription: Base.\nprompt: p.hbs\ntools: [read, grep]\n";

/** Types of a repository, and of a user where the name begins with `user/`. */
function load(files: Files) {
  const placed = Object.entries({ "p.hbs": "base {{title}}", "base.yml": base, ...files }).map(
    ([name, text]) => [
      name.startsWith("user/") ? name.replace("/", "/loops/") : `.taskdaemon/loops/${name}`,
      text,
    ],
  );
  const repo = given(Object.fromEntries(placed));
  const directories = loopTypeDirectories({ userFiles: [join(repo, "user/x")], repo, paths: [] });
  try {
    return loadLoopTypes({ directories, repo, toolNames });
  } catch (error) {
    return (error as Error).message.replaceAll(`${repo}/.taskdaemon/loops/`, "");
  }
}

function type(files: Files, name = "mine") {
  const types = load(files);
  if (typeof types === "string") throw new Error(types);
  const found = types.get(name);
  if (found === null) throw new Error(`there is no ${name}`);
  return { ...found, types };
}

const mine = (more: string) => ({ "mine.yml": `name: mine\nextends: base\n${more}` });

test("what a type does not say is as in its base", () => {
  const { tools, description, bases, renderPrompt } = type(mine(""));
  expect({ tools, description, bases }).toEqual({
    tools: ["read", "grep"],
    description: "Base.",
    bases: ["base"],
  });
  expect(renderPrompt({ ...sampleValues, title: "T" })).toBe("base T");
});

test("three levels: mappings are merged key by key, lists are replaced", () => {
  const { definition } = type({
    "base.yml": `${base}iteration: { max: 3, timeout: 5m }\nmodel: a/b\n`,
    "middle.yml": "name: middle\nextends: base\niteration: { max: 4 }\ntools: [read]\n",
    "mine.yml": "name: mine\nextends: middle\niteration: { max-turns: 7 }\n",
  });
  expect(definition).toMatchObject({
    iteration: { max: 4, timeout: 300_000, "max-turns": 7 },
    tools: ["read"],
    model: "a/b",
  });
});

test("of two bases the later wins, and one that both have counts once, before them", () => {
  const files = {
    "base.yml": `${base}model: of/base\n`,
    "left.yml": "name: left\nextends: base\nmodel: of/left\niteration: { max: 1 }\n",
    "right.yml": "name: right\nextends: base\niteration: { max: 2 }\n",
  };
  const both = { ...files, "mine.yml": "name: mine\nextends: [left, right]\n" };
  expect(type(both).definition).toMatchObject({ model: "of/left", iteration: { max: 2 } });
  expect(type(both).bases).toEqual(["base", "left", "right"]);
  const turned = { ...files, "mine.yml": "name: mine\nextends: [right, left]\n" };
  expect(type(turned).definition).toMatchObject({ model: "of/left", iteration: { max: 1 } });
});

test("override replaces whole sections, append lengthens lists and templates, remove takes away", () => {
  const { definition, renderPrompt, renderSystem } = type({
    "base.yml": `${base}model: a/b\nsystem: s.hbs\nvalidation: { command: make, timeout: 5m }\n`,
    "s.hbs": "system\n",
    "more.hbs": "more {{id}}\n",
    ...mine(
      [
        "override: { validation: { command: other } }",
        "append: { tools: [edit], prompt: more.hbs, system: more.hbs, validation: { protect: [a] } }",
        "remove: { tools: [grep], model: true }",
      ].join("\n"),
    ),
  });
  expect(definition.validation).toEqual({ command: "other", protect: ["a"] });
  expect(definition.tools).toEqual(["read", "edit"]);
  expect(definition.model).toBeUndefined();
  const values = { ...sampleValues, title: "T", id: "7" };
  expect(renderPrompt(values)).toBe("base T\n\nmore 7");
  expect(renderSystem(values)).toBe("system\n\nmore 7");
});

test("passes are removed by their names, and a template of one's own takes what was added away", () => {
  const { definition, renderPrompt } = type({
    "base.yml": `${base}begets: { type: ralph, from: parts }\npasses: [{ name: a, focus: x }, { name: b, focus: y }]\n`,
    "middle.yml": "name: middle\nextends: base\nappend: { prompt: q.hbs }\n",
    "q.hbs": "q",
    "mine.yml": "name: mine\nextends: middle\nprompt: q.hbs\nremove: { passes: [a] }\n",
  });
  expect(definition.passes).toEqual([{ name: "b", focus: "y" }]);
  expect(renderPrompt(sampleValues)).toBe("q");
});

test("a type that extends its own name extends the one whose place it takes", () => {
  const { tools, overrides, renderPrompt } = type(
    { "ralph.yml": "name: ralph\nextends: ralph\nremove: { tools: [fetch] }\n" },
    "ralph",
  );
  expect(tools).not.toContain("fetch");
  expect(tools).toContain("bash");
  expect(overrides).toMatch(/loops\/ralph\.yml$/);
  expect(renderPrompt(sampleValues)).toContain("# Loop 7.2.1");
});

test("a base may be the user's, and its template is read beside it", () => {
  const { renderPrompt } = type({
    "user/theirs.yml": base.replace("name: base", "name: theirs"),
    "user/p.hbs": "the user's",
    "mine.yml": "name: mine\nextends: theirs\n",
  });
  expect(renderPrompt(sampleValues)).toBe("the user's");
});

test("the version changes when a base, its template or a partial does", () => {
  const version = (files: Files) =>
    type({ ...mine("append: { prompt: q.hbs }"), ...files }).version;
  const partial = { "q.hbs": "{{> rules}}", "partials/rules.hbs": "be kind" };
  const first = version(partial);
  expect(version(partial)).toBe(first);
  const others = [
    { ...partial, "base.yml": base.replace("grep", "glob") },
    { ...partial, "p.hbs": "other" },
    { ...partial, "partials/rules.hbs": "be strict" },
  ].map(version);
  expect(new Set([first, ...others]).size).toBe(4);
});

test.each([
  ["extends: bse", 'mine.yml:2:10: unknown loop type "bse" — did you mean "base"?'],
  ["extends: [base, raplh]", 'mine.yml:2:17: unknown loop type "raplh" — did you mean "ralph"?'],
  ["extends: mine", 'mine.yml:2:10: there is no other type "mine" that this one could extend'],
  ["extends: Base", "mine.yml:2:10: extends: expected a name of lower-case letters, digits and -"],
  [
    "extends: base\nremove: { tools: [fetch] }",
    'mine.yml:3:19: no base has "fetch" under tools to remove',
  ],
  [
    "extends: base\nremove: { tools: [grp] }",
    'mine.yml:3:19: no base has "grp" under tools to remove — did you mean "grep"?',
  ],
  ["extends: base\nremove: { model: true }", 'mine.yml:3:18: no base has "model" to remove'],
  [
    "extends: base\nremove: { model: yes }",
    'mine.yml:3:18: remove.model: expected one of true, not "yes"',
  ],
  [
    "extends: base\nappend: { tools: [raed] }",
    'mine.yml:3:19: unknown tool "raed" — did you mean "read"?',
  ],
  ["extends: base\nappend: { tools: [read] }", 'mine.yml:3:19: the tool "read" is here twice'],
  [
    "extends: base\nappend: { model: a/b }",
    'mine.yml:3:11: unknown key "model" under append — did you mean "model"?',
  ],
  [
    "extends: base\noverride: { itertion: { max: 1 } }",
    'mine.yml:3:13: unknown key "itertion" under override — did you mean "iteration"?',
  ],
  [
    "extends: base\nappend: { prompt: no.hbs }",
    'mine.yml:3:19: there is no file "no.hbs" beside this one',
  ],
  [
    "extends: base\nparameters: { n: { default: 3, max: 2 } }",
    "mine.yml:3:29: parameters.n.default: expected 2 or less, not 3",
  ],
  [
    "extends: base\nparameters: { n: { default: c, choices: [a, b] } }",
    'mine.yml:3:29: parameters.n.default: expected one of a, b, not "c"',
  ],
  [
    "extends: base\nparameters: { n: { max: 2 } }",
    'mine.yml:3:15: "default" is missing under parameters.n',
  ],
])("%s is refused with its place", (text, message) => {
  const told = load({ "mine.yml": `name: mine\n${text}` });
  expect(told).toContain(message);
});

test("types that extend each other are told with the way around", () => {
  const told = load({
    "a.yml": "name: a\nextends: b\n",
    "b.yml": "name: b\nextends: [base, c]\n",
    "c.yml": "name: c\nextends: a\n",
  });
  expect(told).toContain("c.yml:2:10: types extend each other in a circle: a → b → c → a");
});

test("what is wrong in a base is told once, where it is", () => {
  const files = {
    "base.yml": base.replace("grep", "gerp"),
    "mine.yml": "name: mine\nextends: base\n",
    "other.yml": "name: other\nextends: base\n",
  };
  expect(load(files)).toBe('base.yml:4:15: unknown tool "gerp" — did you mean "grep"?');
});

test("partials are the last directory's, and what is wrong in them is told there", () => {
  const files = (text: string) => ({
    ...mine("prompt: q.hbs"),
    "q.hbs": "{{> rules}}\n{{#if brief}}{{> rules}}{{/if}}",
    "partials/rules.hbs": text,
    "user/partials/rules.hbs": "the user's",
  });
  const { renderPrompt } = type(files("of {{type}}\n"));
  expect(renderPrompt({ ...sampleValues, type: "t" })).toBe("of t\nof t\n");
  expect(load(files("\n{{breif}}"))).toBe(
    'partials/rules.hbs:2:3: unknown variable "breif" — did you mean "brief"?',
  );
  expect(load(files("{{> rulse}}"))).toBe(
    'partials/rules.hbs:1:1: there is no partial "rulse" — did you mean "rules"?',
  );
  expect(load(files("{{> rules}}"))).toBe(
    "partials/rules.hbs:1:1: partials include each other in a circle: rules → rules",
  );
});

test("partials that multiply are bounded", () => {
  const partials = Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [`partials/p${n}.hbs`, `{{> p${n + 1}}}`.repeat(8)]),
  );
  const told = load({
    ...mine("prompt: q.hbs"),
    "q.hbs": "{{> p0}}",
    ...partials,
    "partials/p8.hbs": "",
  });
  expect(told).toContain("more than 50 partials");
});

test("parameters have their defaults, a base's can be changed, and values are checked", () => {
  const { renderPrompt, definition } = type({
    "base.yml": `${base}parameters: { who: { default: all, choices: [all, me] }, n: { default: 3, max: 9 } }\n`,
    "p.hbs": "{{param.who}} {{param.n}}{{#each tools}}{{../param.n}}{{/each}}",
    ...mine("parameters: { who: { default: me } }"),
  });
  const values = { ...sampleValues, tools: ["a"] };
  expect(renderPrompt(values)).toBe("me 33");
  expect(renderPrompt({ ...values, param: { n: 5, who: "all" } })).toBe("all 55");
  expect(renderPrompt({ ...values, param: { n: 50, toString: "x" } })).toBe("me 33");
  const read = (given: Readonly<Record<string, string>>) =>
    readParameters("mine", definition.parameters ?? {}, given);
  expect(read({ n: "7", who: "all" })).toEqual({ ok: true, values: { n: 7, who: "all" } });
  expect(read({ n: "70" })).toEqual({ ok: false, reason: "--set n: expected 9 or less, not 70" });
  expect(read({ n: "x" })).toMatchObject({ reason: '--set n: expected a number, not "x"' });
  expect(read({ whom: "x" })).toMatchObject({
    reason: 'mine has no parameter "whom" (did you mean "who"?)',
  });
});

test("what a template wants of the repository is known before it is rendered", () => {
  const { needs, renderPrompt } = type({
    ...mine("prompt: q.hbs"),
    "q.hbs": '{{#if (git-diff)}}{{fence (git-diff) "diff"}}{{/if}}{{list-files "docs/**"}}',
  });
  expect(new Set(needs.map(({ helper, argument }) => `${helper} ${argument}`))).toEqual(
    new Set(["git-diff ", "list-files docs/**"]),
  );
  expect(renderPrompt(sampleValues)).toBe("");
  const repository = { "git-diff ": "+x", "list-files docs/**": "docs/a.md" };
  expect(renderPrompt({ ...sampleValues, repository })).toBe("```diff\n+x\n```docs/a.md");
});

test("explains what came from which file", () => {
  const { types } = type(mine("iteration: { max: 2 }"));
  const explained = explainLoopType(types, "mine");
  expect(explained?.bases).toEqual(["base"]);
  const values = explained?.values.map(({ key, from }) => [key, from.split("/").at(-1)]);
  expect(values).toEqual([
    ["name", "mine.yml:1:1"],
    ["description", "base.yml:2:1"],
    ["prompt", "base.yml:3:1"],
    ["tools", "base.yml:4:1"],
    ["iteration.max", "mine.yml:3:14"],
  ]);
});
