import { exitCodes, UserError } from "../protocol/errors.ts";
import type { LoopView } from "../views/loop-view.ts";
import { code } from "../views/report-markdown.ts";
import { jsonText, openReader, type Session } from "./session.ts";

/** `td export`: every loop with its numbers, for other programs. */
export async function exportLoops(
  session: Session,
  { format }: { readonly format?: "jsonl" | "csv" | "md" | undefined },
): Promise<number> {
  if (session.json && format !== undefined) {
    throw new UserError(
      exitCodes.usage,
      `--json and --format ${format} exclude each other: leave one out`,
    );
  }
  const reader = await openReader(session);
  const loops = await reader.loops({ status: null, type: null, plan: null });
  if (session.json) session.printJson(loops);
  else if (format === "csv") session.printRaw(csvOf(loops));
  else if (format === "md") session.printRaw(markdownOf(loops));
  else for (const loop of loops) session.print(jsonText(loop, false));
  return exitCodes.done;
}

const columns: readonly (readonly [name: string, cell: (loop: LoopView) => unknown])[] = [
  ["id", ({ id }) => id],
  ["type", ({ type }) => type],
  ["parent", ({ parent }) => parent],
  ["title", ({ title }) => title],
  ["status", ({ status }) => status],
  ["reason", ({ reason }) => reason],
  ["priority", ({ priority }) => priority],
  ["attempt", ({ attempt }) => attempt],
  ["iteration", ({ iteration }) => iteration],
  ["model", ({ model }) => model],
  ["inputTokens", ({ usage }) => usage.inputTokens],
  ["outputTokens", ({ usage }) => usage.outputTokens],
  ["cacheReadTokens", ({ usage }) => usage.cacheReadTokens],
  ["cacheWriteTokens", ({ usage }) => usage.cacheWriteTokens],
  ["requests", ({ usage }) => usage.requests],
  ["costUsd", ({ usage }) => usage.costUsd],
  ["repo", ({ repo }) => repo],
  ["branch", ({ branch }) => branch],
  ["headCommit", ({ headCommit }) => headCommit],
  ["createdAt", ({ createdAt }) => createdAt],
  ["updatedAt", ({ updatedAt }) => updatedAt],
];

function csvOf(loops: readonly LoopView[]): string {
  const lines = [
    columns.map(([name]) => name),
    ...loops.map((loop) => columns.map(([, cell]) => csvCell(cell(loop)))),
  ];
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** RFC 4180; what a spreadsheet would take for a formula is text. */
function csvCell(value: unknown): string {
  if (typeof value !== "string") return value === null ? "" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function markdownOf(loops: readonly LoopView[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const lines = loops.map((loop) => row(columns.map(([, cell]) => code(String(cell(loop) ?? "")))));
  return [row(columns.map(([name]) => name)), row(columns.map(() => "---")), ...lines].join("");
}
