import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { filesOf } from "../../src/views/diff-files.ts";
import { reportOf } from "../../src/views/report.ts";
import { reportHtml, reportStyle, reportStyleHash } from "../../src/views/report-html.ts";
import { block, code, reportMarkdown } from "../../src/views/report-markdown.ts";
import { diff, events, hostile, reported, sampleReport, verdict } from "../cli/fake-report.ts";
import { given, id, loop } from "../given.ts";

test("a diff falls into its files, and a changed line is no header", () => {
  expect(filesOf(diff)).toMatchObject([
    { path: "src/a.ts", status: "modified", added: 2, removed: 2, binary: false },
    { path: "package.json", status: "added", added: 1, removed: 0 },
  ]);
  expect(
    filesOf(diff)
      .map(({ text }) => text)
      .join(""),
  ).toBe(diff);
});

test("renamed, deleted, binary and strangely named files have their names", () => {
  const text = `diff --git a/old name b/new name
similarity index 100%
rename from old name
rename to new name
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
\\ No newline at end of file
diff --git a/pic b/x/pic.png b/pic b/x/pic.png
index 1..2 100644
Binary files a/pic b/x/pic.png and b/pic b/x/pic.png differ
diff --git "a/\\303\\244\\t\\"" "b/\\303\\244\\t\\""
new file mode 100644
`;
  expect(filesOf(text)).toMatchObject([
    { path: "new name", oldPath: "old name", status: "renamed" },
    { path: "gone", status: "deleted", removed: 1 },
    { path: "pic b/x/pic.png", binary: true, status: "modified" },
    { path: 'ä\t"', status: "added" },
  ]);
});

test("a report has the request, both verdicts, decisions, questions, conflicts and files", () => {
  expect(sampleReport).toMatchObject({
    before: { passed: false },
    after: { passed: true },
    iterations: [{ iteration: 1, filesChanged: ["src/a.ts"] }],
    questions: [{ answer: "allow" }],
    conflicts: [{ words: "src/a.ts" }],
    protectedChanges: [{ loop: "7", path: "package.json", allowed: true }],
    isWhole: true,
  });
  expect(sampleReport.loops.map((row) => row.id)).toEqual(["7.1", "7.2", "7.10"]);
  expect(sampleReport.decisions.map(({ loop, what }) => `${loop} ${what}`)).toEqual([
    "7 a change of its gate was allowed",
    "7.1 its documents were rejected",
  ]);
});

test("a question that nobody answered stays open, and an old log says what it lacks", () => {
  const asked = events.slice(1, 3);
  const why = { id: "7", status: "blocked", sentence: "", causes: [], remedy: null };
  const seven = loop("7 blocked on gate", { gateAsked: ["Makefile"] });
  const view = reportOf({
    state: given(seven),
    ...{ loop: seven, why, events: asked, diffs: new Map() },
  });
  expect(view.questions).toMatchObject([{ answer: null }]);
  expect(view.protectedChanges).toEqual([{ loop: "7", path: "Makefile", allowed: false }]);
  expect(view.isWhole).toBe(false);
  expect(reportMarkdown(view, { diffs: false })).toContain("Nobody has answered yet.");
});

test("as HTML it loads and runs nothing, and what is quoted is text", () => {
  const html = reportHtml(sampleReport);
  for (const bad of ["<script", "\u001b", "\u202e", "http:"]) expect(html).not.toContain(bad);
  expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
  expect(policy).toContain("default-src 'none'");
  expect(html).toContain(`<style>${reportStyle}</style>`);
  const sum = createHash("sha256").update(reportStyle).digest("base64");
  expect(reportStyleHash).toBe(`sha256-${sum}`);
  const tags = new Set([...html.matchAll(/<([a-z]\w*)/g)].map(([, tag]) => tag));
  expect([...tags].sort().join(" ")).toBe(
    "b bdi body code details h1 h2 head html main meta p pre style summary table td th thead title tr",
  );
});

test("no text leaves the code that it stands in", () => {
  const words = fc.string({ unit: fc.constantFrom("`", "a", " ", "\n", "|", "<", "@", "\\") });
  fc.assert(
    fc.property(words, (text) => {
      const [fence = "", ...lines] = block(text).split("\n");
      const ticks = fence.replace("text", "");
      expect(lines.pop()).toBe(ticks);
      expect(lines.some((line) => line.includes(ticks))).toBe(false);
      const span = code(text);
      if (span === "") return;
      const [, edge = "", inner = ""] = /^(`+)([\s\S]*)\1$/.exec(span) ?? [];
      expect(inner.trim()).not.toBe("");
      expect(inner.match(/`+/g) ?? []).not.toContain(edge);
      expect(span).not.toMatch(/\n|(?<!\\)\|/);
    }),
  );
});

test("as Markdown foreign words stand in code only", () => {
  const text = reportMarkdown({ ...sampleReport, title: hostile }, { diffs: true });
  const fenced = text.replace(/^ *(`{3,})\w+\n[\s\S]*?\n *\1$/gm, "");
  const plain = fenced.replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
  expect(plain).not.toMatch(/script|@everyone/);
  expect(text).not.toContain("\u001b");
});

test("what was moved to another base keeps the verdict before its work, and tells of conflicts", () => {
  const rebased = {
    ...{ attempt: 1, base: "d".repeat(40), commit: "e".repeat(40), conflicts: ["src/a.ts"] },
    ...{ verdict: null, progress: null },
  };
  const told = [
    { type: "loop.prepared", loop: id("7"), data: { baseline: verdict(false) }, at: 1 },
    { type: "loop.rebased", loop: id("7"), data: rebased, at: 2 },
  ] as const;
  const why = { id: "7", status: "pending", sentence: "", causes: [], remedy: null };
  const seven = loop("7 pending");
  const view = reportOf({
    state: given(seven),
    ...{ loop: seven, why, events: told, diffs: new Map() },
  });
  expect(view.before?.passed).toBe(false);
  expect(view.conflicts).toMatchObject([{ words: "src/a.ts" }]);
});

test("a report of the same loops is the same, whatever order they are in", () => {
  const other = given("7.2 pending", "7.10 pending", reported, "7.1 failed");
  const why = { id: "7", status: "complete", sentence: "", causes: [], remedy: null };
  const diffs = new Map([[id("7"), { text: diff, isCut: true }]]);
  const view = reportOf({ state: other, loop: reported, why, events, diffs });
  expect(view.loops).toEqual(sampleReport.loops);
  expect(view.changes[0]?.isCut).toBe(true);
});
