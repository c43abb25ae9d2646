import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFrontMatter } from "../../src/adapters/config/front-matter.ts";
import {
  type Begets,
  checkDocuments,
  documentsMax,
  type OutputFile,
  problemsText,
} from "../../src/core/documents.ts";

const specs: Begets = { type: "phase", from: ["phases"], document: null, alone: false };
const plan: Begets = { type: "spec", from: ["specs"], document: "plan.md", alone: true };
const task = { title: "the task", text: "do it" };

function file(path: string, text: string): OutputFile {
  return { path, text, problem: null };
}

function titled(path: string, ...lines: readonly string[]): OutputFile {
  return file(path, ["---", "title: T", ...lines, "---", "Body"].join("\n"));
}

function check(files: readonly OutputFile[], begets: Begets = specs) {
  return checkDocuments(files, begets, task, readFrontMatter);
}

function told(...files: readonly OutputFile[]): string {
  return problemsText(check(files).problems, ".td-out");
}

test("whole documents become children, none before what it waits for", () => {
  const first = titled("phases/01-a.md", "depends-on: [02-b]", "priority: high");
  const second = titled("phases/02-b.md", 'touches: ["src/**"]', "validate: npm test -- b");
  const { documents, problems } = check([first, second]);
  expect(problems).toEqual([]);
  expect(documents.map(({ name, becomes, dependsOn }) => [name, becomes, dependsOn])).toEqual([
    ["02-b", "phase", []],
    ["01-a", "phase", ["02-b"]],
  ]);
  expect(documents[0]).toMatchObject({ touches: ["src/**"], validate: "npm test -- b" });
  expect(documents[1]).toMatchObject({ priority: "high", title: "T" });
});

test("a byte order mark and the line ends of other systems are no problem", () => {
  const text = "\uFEFF---\r\ntitle: T\r\nacceptance:\r\n  - it works\r\n---\r\nBody\r\n";
  const { documents, problems } = check([file("phases/01-a.md", text)]);
  expect(problems).toEqual([]);
  expect(documents[0]).toMatchObject({ title: "T", acceptance: ["it works"] });
  expect(documents[0]?.text).toBe("---\ntitle: T\nacceptance:\n  - it works\n---\nBody\n");
});

test("one child carries out a document alone, or the task where there is none", () => {
  const own = check([titled("plan.md")], plan);
  expect(own.documents.map(({ name, becomes }) => [name, becomes])).toEqual([["plan", "spec"]]);
  const none = check([], { ...specs, alone: true });
  expect(none.documents).toMatchObject([{ ...task, name: "task", becomes: "phase", path: "" }]);
  const both = check([titled("plan.md"), titled("specs/01-a.md")], plan);
  expect(both.documents.map(({ name, becomes }) => [name, becomes])).toEqual([
    ["plan", null],
    ["01-a", "spec"],
  ]);
});

const bomb = [
  "a: &a [x,x,x,x,x,x,x,x,x,x]",
  "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]",
  "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]",
  "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]",
  "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
];

const one = "phases/01-a.md";

describe("feedback for the model", () => {
  test.each<readonly [string, readonly OutputFile[], string]>([
    ["no documents", [], ".td-out/phases/: there are no documents — write at least one"],
    ["no title", [file(one, "---\npriority: low\n---\n")], `${one}:1: title is missing`],
    ["an empty title", [file(one, "---\ntitle: ''\n---\n")], `${one}:2: title is missing`],
    ["a title of another kind", [file(one, "---\ntitle: [a]\n---\n")], "title is missing"],
    ["a long title", [file(one, `---\ntitle: ${"x".repeat(201)}\n---\n`)], "more than 200"],
    ["no front matter", [file(one, "# Title\n")], `${one}:1: there is no front matter`],
    ["an empty file", [file(one, "")], `${one}:1: there is no front matter`],
    ["a front matter without an end", [file(one, "---\ntitle: T\n")], "has no end"],
    ["a front matter that is a list", [file(one, "---\n- a\n---\n")], "there is no front matter"],
    ["an unknown key", [titled(one, "depend-on: []")], `:3: unknown key "depend-on" — did you`],
    ["a key of nobody", [titled(one, "colour: red")], "the keys are title, depends-on"],
    ["a key that is there twice", [titled(one, "title: U")], `${one}:3: this key is here twice`],
    [
      "an unknown sibling",
      [titled(one, 'depends-on: ["02"]'), titled("phases/02-b.md")],
      'unknown document "02" — did you mean 02-b?',
    ],
    [
      "a sibling with .md",
      [titled(one, "depends-on: [02-b.md]"), titled("phases/02-b.md")],
      "did you mean 02-b?",
    ],
    ["an absolute dependency", [titled(one, "depends-on: [/etc/passwd]")], "unknown document"],
    ["waiting for itself", [titled(one, "depends-on: [01-a]")], "in a circle: 01-a → 01-a"],
    [
      "a circle",
      [
        titled(one, "depends-on: [03-c]"),
        titled("phases/02-b.md", "depends-on: [01-a]"),
        titled("phases/03-c.md", "depends-on: [02-b]"),
      ],
      "goes in a circle: 01-a → 03-c → 02-b → 01-a",
    ],
    ["a name twice", [titled(one), titled("phases/01-A.md")], "once more"],
    ["an absolute path", [titled(one, "touches: [/etc/**]")], '"/etc/**" leads out of the repo'],
    ["a path with ..", [titled(one, "allow-gate-change: [../x]")], "leads out of the repository"],
    [
      "an unknown priority",
      [titled(one, "priority: hihg")],
      `:3: no priority "hihg" — did you mean high?`,
    ],
    ["a priority of another kind", [titled(one, "priority: [high]")], "no priority"],
    ["an empty check", [titled(one, "validate: ''")], "validate is not a text"],
    ["a check that is a map", [titled(one, "validate: {a: b}")], "validate is not a text"],
    ["entries of another kind", [titled(one, "touches:", "  - {a: b}")], ":4: touches: an entry"],
    ["too many entries", [titled(one, `touches: [${"a,".repeat(60)}]`)], "more than 50 entries"],
    ["a tab that indents", [titled(one, "touches:", "\t- a")], "a tab cannot indent YAML"],
    ["YAML that is none", [titled(one, "touches: [")], "not valid YAML"],
    ["a tag", [titled(one, "validate: !!js/function x")], "is not allowed"],
    ["an alias bomb", [titled(one, ...bomb)], "more than 20000 values"],
    ["deep nesting", [titled(one, `touches: ${"[".repeat(5_000)}`)], "nested deeper"],
    ["a key of the prototype", [titled(one, "__proto__: {a: b}")], "a key must be a plain word"],
    ["another folder", [titled("phase/01-a.md")], "did you mean phases?"],
    ["a folder in the folder", [titled("phases/a/01.md")], "nothing reads this file"],
    ["another file", [titled(one), file("notes.txt", "x")], ".td-out/notes.txt: nothing reads"],
    ["another ending", [file("phases/01-a.txt", "x")], "name it like 01-slug.md"],
    ["a name with a line break", [titled("phases/a\nb.md")], ".td-out/phases/a?b.md: this name"],
    ["a name that turns the writing", [titled("phases/\u202Edm.md")], "phases/?dm.md: this name"],
    ["a name like an option", [titled("phases/-rf.md")], "this name cannot be used"],
    ["a long name", [titled(`phases/${"x".repeat(90)}.md`)], "at most 80"],
    [
      "what cannot be read",
      [{ path: one, text: null, problem: "this is a link" }],
      `${one}: this is a link — write a plain`,
    ],
  ])("%s", (_, files, expected) => {
    expect(told(...files)).toContain(expected);
  });

  test("a missing document of the loop's own", () => {
    const { problems } = check([titled("specs/01-a.md")], plan);
    expect(problemsText(problems, ".td-out")).toBe(
      ".td-out/plan.md: this document is missing — write it, with a title: in front",
    );
  });

  test("more files than are read", () => {
    const many = Array.from({ length: documentsMax + 1 }, (_, n) => titled(`phases/${n}.md`));
    expect(told(...many)).toContain("there are 61 files");
  });
});

test("whatever is in a file, the answer is a list of problems or whole documents", () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "---",
      "title: T",
      "touches: [a]",
      "depends-on: [x]",
      "- &a",
      "*a",
      "? {",
      "\t",
    ),
  );
  const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));
  const path = fc.oneof(fc.string(), fc.constantFrom("phases/a.md", "phases/b.md", "plan.md"));
  fc.assert(
    fc.property(fc.array(fc.tuple(path, text), { maxLength: 5 }), (files) => {
      const { documents, problems } = check(files.map(([name, body]) => file(name, body)));
      for (const { message, remedy } of problems) expect([message, remedy]).not.toContain("");
      if (problems.length > 0) return;
      const names = documents.map(({ name }) => name);
      for (const [index, { title, dependsOn }] of documents.entries()) {
        expect(title).not.toBe("");
        for (const other of dependsOn) expect(names.slice(0, index)).toContain(other);
      }
    }),
  );
});
