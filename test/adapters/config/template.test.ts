import fc from "fast-check";
import { expect, test } from "vitest";
import { describeProblem } from "../../../src/adapters/config/problem.ts";
import { sampleValues } from "../../../src/adapters/config/prompt-values.ts";
import { compileTemplate } from "../../../src/adapters/config/template.ts";
import { fence, indent, truncate } from "../../../src/adapters/config/template-helpers.ts";

function render(text: string, values: object = {}): string {
  const compiled = compileTemplate("p.hbs", text);
  if (compiled.ok) return compiled.render({ ...sampleValues, ...values });
  return compiled.problems.map(describeProblem).join("\n");
}

test.each([
  ["{{brief}}", "<a> & `b`"],
  ["{{#if progress}}again{{else}}first{{/if}}", "first"],
  ["{{#unless network-allow}}none{{/unless}}", "none"],
  ["{{#each tools}}{{@index}}:{{this}}{{#unless @last}},{{/unless}}{{/each}}", "0:a,1:b"],
  ["{{#each tools as |tool i|}}{{i}}{{tool}}{{../iteration}}{{/each}}", "0a21b2"],
  ["{{#each network-allow}}x{{else}}{{id}}{{/each}}", "7.2.1"],
  ["{{#if iteration}}{{#each tools}}{{#if ../brief}}{{.}}{{/if}}{{/each}}{{/if}}", "ab"],
  ['{{fence brief "t"}}', "```t\n<a> & `b`\n```"],
  [
    "{{fence (truncate brief 3)}}",
    "```\n<\n[… 6 characters left out …]\n`b`\n```".replace("`b`", "b`"),
  ],
  ["{{indent brief 2}}", "  <a> & `b`"],
  ["{{json tools}}", '["a","b"]'],
  ["{{! a comment with {{brief}", "p.hbs:1"],
])("%s renders", (text, expected) => {
  const values = { brief: "<a> & `b`", progress: "", "network-allow": [], tools: ["a", "b"] };
  expect(render(text, values)).toContain(expected);
});

test.each([
  ["a\n  {{breif}}", '2:5: unknown variable "breif" — did you mean "brief"?'],
  ["{{#if x}}{{/if}}", '1:7: unknown variable "x"'],
  ["{{#if brief}}\n{{else}}\n{{x}}{{/if}}", '3:3: unknown variable "x"'],
  ["{{#if brief}}{{else if nope}}{{/if}}", '1:24: unknown variable "nope"'],
  ["{{#each tools}}{{brief}}{{/each}}", '1:18: unknown variable "brief"'],
  [
    "{{#each tools}}{{../breif}}{{/each}}",
    '1:18: unknown variable "../breif" — did you mean "brief"?',
  ],
  ["{{#each tools}}{{@indx}}{{/each}}", '1:18: unknown variable "@indx" — did you mean "index"?'],
  ["{{#each tools as |t|}}{{u}}{{/each}}", '1:25: unknown variable "u"'],
  ["{{#each brief}}{{/each}}", "1:9: #each takes a list"],
  ["{{#each tools}}{{#each ../tools}}{{/each}}{{/each}}", "1:19: #each cannot stand inside #each"],
  ["{{@root.brief}}", '1:3: unknown variable "@root.brief"'],
  ["{{@index}}", '1:3: unknown variable "@index"'],
  ["{{../brief}}", "1:3: ../brief leads out of the template"],
  ["{{this}}", '1:3: unknown variable "this"'],
  ["{{brief.length}}", '1:3: unknown variable "brief.length"'],
  ["{{constructor}}", '1:3: unknown variable "constructor"'],
  ["{{__proto__}}", '1:3: unknown variable "__proto__"'],
  ["{{toString brief}}", '1:3: unknown helper "toString"'],
  ["{{fense brief}}", '1:3: unknown helper "fense" — did you mean "fence"?'],
  ["{{lookup brief 1}}", '1:3: unknown helper "lookup"'],
  ["{{fence (nope brief)}}", '1:10: unknown helper "nope"'],
  ["{{fence}}", "1:3: fence takes 1 to 2 argument(s)"],
  ["{{truncate brief}}", "1:3: truncate takes 2 argument(s)"],
  ["{{fence brief x=1}}", "1:15: named arguments are not known here"],
  ["{{#with brief}}{{/with}}", '1:4: unknown block "with"'],
  ["{{#if}}{{/if}}", "1:4: #if takes 1 argument(s)"],
  ["{{#fence brief}}{{/fence}}", '1:4: unknown block "fence"'],
  ["{{> other}}", '1:1: there is no partial "other"'],
  ["{{* x}}", "1:1: decorators and blocks of partials are not known here"],
  ["{{read-file brief}}", "1:13: read-file takes a text in quotes"],
  ['{{read-file "../x"}}', '1:1: read-file: "../x" leads out of the repository'],
  ['{{list-files "/etc"}}', '1:1: list-files: "/etc" leads out of the repository'],
  ["{{param.x}}", '1:3: unknown variable "param.x"'],
  ["{{'text'}}", "1:3: write the text itself, without {{ }}"],
  ["a\n{{#if brief}}", "2:14: template: the file ends inside a block; close it"],
  ["{{brief", "1:3: template: what follows {{ cannot be read, or is not closed"],
  ["{{#if brief}}{{/each}}", "1:4: template: if doesn't match each"],
  ["{{else}}", "1:1: template: this is not Handlebars"],
])("%s is refused with its place when it is read", (text, message) => {
  expect(render(text)).toBe(`p.hbs:${message}`);
});

test("no text inside a fence can close it", () => {
  const texts = fc
    .array(fc.constantFrom("`", "``", "```", "a", "\n", " ", "~~~"))
    .map((p) => p.join(""));
  fc.assert(
    fc.property(texts, (text) => {
      const lines = fence(text).split("\n");
      const mark = lines[0] ?? "";
      const inside = lines.slice(1, -1);
      expect(lines.at(-1)).toBe(mark);
      expect(inside.some((line) => line.trimStart().startsWith(mark))).toBe(false);
      expect(inside.join("\n")).toBe(text.replace(/\n$/, ""));
    }),
  );
});

test("a label cannot break out of its fence either", () => {
  expect(fence("x", "a`\nb")).toBe("```ab\nx\n```");
});

test("truncate keeps head and tail, within its bound, and splits no character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, most) => {
      const cut = truncate(text, most);
      expect(cut.length).toBeLessThanOrEqual(Math.max(text.length, most + 60));
      expect(cut.isWellFormed()).toBe(text.isWellFormed());
    }),
  );
  expect(truncate("0123456789", 6)).toBe("01\n[… 4 characters left out …]\n6789");
});

test("indent moves lines that have something on them", () => {
  expect(indent("a\n\n b", 2)).toBe("  a\n\n   b");
});

test("what is rendered has a bound", () => {
  expect(render("{{brief}}", { brief: "x".repeat(2_000_000) }).length).toBeLessThan(410_000);
});
