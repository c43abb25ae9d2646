import { plain } from "./plain.ts";
import type { LoopChanges, ReportView } from "./report.ts";
import type { Moment } from "./report-history.ts";
import { facts, filesText, moneyText, testsText, verdictWords } from "./report-words.ts";

export interface MarkdownOptions {
  /** Whether the changed lines come along, or only the files. */
  readonly diffs: boolean;
}

/**
 * The report as Markdown: what stands on a pull request. What models and people wrote is code or
 * quoted as code: it can format nothing, link nowhere, and call nobody.
 */
export function reportMarkdown(report: ReportView, { diffs }: MarkdownOptions): string {
  const { id, type, title, request, changes } = report;
  const sections = [
    `# ${type === "plan" ? "Plan" : "Loop"} ${code(id)}: ${code(title)}`,
    bullets(facts(report).map(([name, value]) => `**${name}** ${code(value)}`)),
    section("Request", [block(request)]),
    section("Verdicts", verdictLines(report)),
    section("Loops", loopLines(report)),
    section("Iterations", iterationLines(report)),
    section("Changes by file", changes.flatMap(fileLines)),
    section("Protected files", protectedLines(report)),
    section("Decisions", report.decisions.map(momentText)),
    section("Questions and answers", report.questions.map(questionText)),
    section("Conflicts", report.conflicts.map(momentText)),
    section("Cost", [moneyText(report.usage)]),
    diffs ? section("Changes", changes.flatMap(diffLines)) : "",
    report.isWhole ? "" : "_The log no longer holds the beginning: what happened then is missing._",
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `## ${title}\n\n${lines.join("\n")}`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

function verdictLines({ before, after, command, detectedFrom }: ReportView): string[] {
  const from = detectedFrom === null ? "" : ` (detected from ${code(detectedFrom)})`;
  return [
    `Decided by ${code(command)}${from}.`,
    "",
    ...tableOf(
      ["", "result", "tests", "on commit", "note"],
      [["before", before] as const, ["after", after] as const].map(([name, verdict]) => [
        name,
        verdictWords(verdict),
        testsText(verdict),
        verdict === null ? "" : code(verdict.commit.slice(0, 10)),
        verdict?.note ? code(verdict.note) : "",
      ]),
    ),
  ];
}

function loopLines({ loops }: ReportView): string[] {
  if (loops.length === 0) return [];
  return tableOf(
    ["loop", "type", "title", "status", "iterations", "verdict", "delivered"],
    loops.map(({ id, type, title, status, iteration, after, delivered }) => [
      code(id),
      code(type),
      code(title),
      status,
      String(iteration),
      verdictWords(after),
      delivered === null ? "" : code(delivered),
    ]),
  );
}

function iterationLines({ iterations }: ReportView): string[] {
  if (iterations.length === 0) return [];
  return tableOf(
    ["iteration", "verdict", "tests", "files", "commit", "at"],
    iterations.map(({ iteration, verdict, filesChanged, at }) => [
      String(iteration),
      verdictWords(verdict),
      testsText(verdict),
      String(filesChanged.length),
      code(verdict.commit.slice(0, 10)),
      at,
    ]),
  );
}

function fileLines({ loop, title, files, isCut }: LoopChanges): string[] {
  return [
    `${code(loop)} ${code(title)}: ${filesText(files)}`,
    "",
    ...tableOf(
      ["file", "", "lines"],
      files.map(({ path, oldPath, status, binary, added, removed }) => [
        code(oldPath === null ? path : `${oldPath} → ${path}`),
        status,
        binary ? "binary" : `+${added} −${removed}`,
      ]),
    ),
    ...(isCut ? ["", "There are more: the diff is too long to be shown whole."] : []),
    "",
  ];
}

function diffLines({ loop, files }: LoopChanges): string[] {
  return files.flatMap(({ path, text }) => [
    `${code(loop)} ${code(path)}`,
    "",
    block(text, "diff"),
    "",
  ]);
}

function protectedLines({ protectedChanges }: ReportView): string[] {
  return protectedChanges.map(
    ({ loop, path, allowed }) =>
      `- ${code(path)} in ${code(loop)}: ${allowed ? "a person allowed it" : "**not allowed**"}`,
  );
}

function momentText({ at, loop, what, words }: Moment): string {
  return `- ${at} ${code(loop)}: ${what}${words === null ? "" : `\n\n${indented(block(words))}\n`}`;
}

function questionText({ at, loop, question, answer }: ReportView["questions"][number]): string {
  const asked = `- ${at} ${code(loop)} asked\n\n${indented(block(question))}\n\n`;
  if (answer === null) return `${asked}  Nobody has answered yet.\n`;
  return `${asked}  and was answered\n\n${indented(block(answer))}\n`;
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)];
}

/** As a code span, also within a table. */
export function code(text: string): string {
  const line = plain(text).replace(/\s+/gu, " ").trim().replaceAll("|", "\\|");
  if (line === "") return "";
  const ticks = "`".repeat(longest(line, /`+/g) + 1);
  return /^`|`$/.test(line) ? `${ticks} ${line} ${ticks}` : `${ticks}${line}${ticks}`;
}

/** As a fenced block that it cannot end. */
export function block(text: string, language = "text"): string {
  const lines = plain(text).trimEnd();
  const ticks = "`".repeat(Math.max(3, longest(lines, /`+/g) + 1));
  return `${ticks}${language}\n${lines}\n${ticks}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function longest(text: string, pattern: RegExp): number {
  let most = 0;
  for (const [found] of text.matchAll(pattern)) most = Math.max(most, found.length);
  return most;
}
