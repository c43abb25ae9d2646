import { plain } from "./plain.ts";
import type { LoopChanges, ReportView } from "./report.ts";
import type { Moment } from "./report-history.ts";
import { facts, filesText, moneyText, testsText, verdictWords } from "./report-words.ts";

/** One style, named by its hash: nothing else that the page holds may be loaded or run. */
export const reportStyle = `:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
pre{background:var(--soft);padding:.75rem;overflow-x:auto;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}
td>b{white-space:nowrap}summary{cursor:pointer}bdi,pre{unicode-bidi:isolate}`;
export const reportStyleHash = "sha256-840tfM6WEd69WvZGN00yv9tFYBM5wvJb2DPFgXNIBOw=";

export const reportPolicy = `default-src 'none'; style-src '${reportStyleHash}'; base-uri 'none'; form-action 'none'`;

/** The report as one page that needs nothing else; whatever it quotes is text. */
export function reportHtml(report: ReportView): string {
  const { id, type, title, request, changes } = report;
  const name = `${type === "plan" ? "Plan" : "Loop"} ${id}: ${title}`;
  const body = [
    `<h1>${text(name)}</h1>`,
    table(
      [],
      facts(report).map(([fact, value]) => [`<b>${fact}</b>`, text(value)]),
    ),
    section("Request", [block(request)]),
    section("Verdicts", verdicts(report)),
    section("Loops", loops(report)),
    section("Iterations", iterations(report)),
    section("Changes by file", changes.flatMap(files)),
    section("Protected files", protectedFiles(report)),
    section("Decisions", report.decisions.map(moment)),
    section("Questions and answers", report.questions.map(question)),
    section("Conflicts", report.conflicts.map(moment)),
    section("Cost", [`<p>${text(moneyText(report.usage))}</p>`]),
    report.isWhole ? "" : "<p>The log no longer holds the beginning.</p>",
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${reportPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(name)}</title>
<style>${reportStyle}</style></head><body><main>
${body.filter((part) => part !== "").join("\n")}
</main></body></html>
`;
}

function section(title: string, parts: readonly string[]): string {
  return parts.length === 0 ? "" : `<h2>${title}</h2>\n${parts.join("\n")}`;
}

function verdicts({ before, after, command, detectedFrom }: ReportView): string[] {
  const from = detectedFrom === null ? "" : ` (detected from ${text(detectedFrom)})`;
  const rows = (
    [
      ["before", before],
      ["after", after],
    ] as const
  ).map(([name, verdict]) => [
    name,
    text(verdictWords(verdict)),
    text(testsText(verdict)),
    text(verdict?.commit.slice(0, 10) ?? ""),
    text(verdict?.note ?? ""),
  ]);
  return [
    `<p>Decided by <code>${text(command)}</code>${from}.</p>`,
    table(["", "result", "tests", "on commit", "note"], rows),
  ];
}

function loops({ loops: rows }: ReportView): string[] {
  if (rows.length === 0) return [];
  const heads = ["loop", "type", "title", "status", "iterations", "verdict", "delivered"];
  const cells = rows.map(({ id, type, title, status, iteration, after, delivered }) =>
    [id, type, title, status, String(iteration), verdictWords(after), delivered ?? ""].map(text),
  );
  return [table(heads, cells)];
}

function iterations({ iterations: rows }: ReportView): string[] {
  if (rows.length === 0) return [];
  const heads = ["iteration", "verdict", "tests", "files", "commit", "at"];
  const cells = rows.map(({ iteration, verdict, filesChanged, at }) =>
    [
      String(iteration),
      verdictWords(verdict),
      testsText(verdict),
      filesChanged.join(", "),
      verdict.commit.slice(0, 10),
      at,
    ].map(text),
  );
  return [table(heads, cells)];
}

function files({ loop, title, files: changed, isCut }: LoopChanges): string[] {
  return [
    `<p><b>${text(loop)}</b> ${text(title)}: ${text(filesText(changed))}</p>`,
    ...changed.map(({ path, oldPath, status, binary, added, removed, text: diff }) => {
      const name = oldPath === null ? path : `${oldPath} → ${path}`;
      const lines = binary ? "binary" : `+${added} −${removed}`;
      return `<details><summary>${text(name)} ${status} ${lines}</summary>${block(diff)}</details>`;
    }),
    ...(isCut ? ["<p>There are more: the diff is too long to be shown whole.</p>"] : []),
  ];
}

function protectedFiles({ protectedChanges }: ReportView): string[] {
  if (protectedChanges.length === 0) return [];
  const rows = protectedChanges.map(({ loop, path, allowed }) => [
    text(path),
    text(loop),
    allowed ? "a person allowed it" : "<b>not allowed</b>",
  ]);
  return [table(["file", "loop", ""], rows)];
}

function moment({ at, loop, what, words }: Moment): string {
  return `<p>${text(at)} <b>${text(loop)}</b> ${text(what)}</p>${words === null ? "" : block(words)}`;
}

function question({ at, loop, question: asked, answer }: ReportView["questions"][number]): string {
  const reply =
    answer === null ? "<p>Nobody has answered yet.</p>" : `<p>and was answered</p>${block(answer)}`;
  return `<p>${text(at)} <b>${text(loop)}</b> asked</p>${block(asked)}${reply}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: "th" | "td") =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  const head = heads.length === 0 ? [] : [`<thead>${row(heads, "th")}</thead>`];
  return ["<table>", ...head, ...rows.map((cells) => row(cells, "td")), "</table>"].join("\n");
}

function block(words: string): string {
  return `<pre>${escaped(plain(words).trimEnd())}</pre>`;
}

/** Whatever it reads like, it does not turn the words beside it round. */
function text(words: string): string {
  return words === "" ? "" : `<bdi>${escaped(words)}</bdi>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(words: string): string {
  return plain(words).replace(/[&<>"']/g, (sign) => entities[sign] ?? "");
}
