/** A list as a file of another program. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { oneLine } from "../cli/text.ts";
import type { BoardRow } from "../protocol/board.ts";

const heads = ["id", "type", "status", "title", "iterations", "costUsd", "updatedAt", "delivered"];

function cellsOf(row: BoardRow): readonly string[] {
  return [
    row.id,
    row.type,
    row.status,
    oneLine(row.title),
    String(row.iteration),
    row.usage.costUsd === null ? "" : String(row.usage.costUsd),
    row.updatedAt,
    row.delivered?.to ?? "",
  ];
}

export function exportText(format: string, rows: readonly BoardRow[]): string {
  if (format === "json") return `${JSON.stringify(rows, null, 2)}\n`;
  if (format === "csv") {
    return [heads, ...rows.map(cellsOf)]
      .map((cells) => `${cells.map(quoted).join(",")}\r\n`)
      .join("");
  }
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map((row) => line(cellsOf(row)))].join(
    "",
  );
}

/** A cell that a spreadsheet takes for a formula is text. */
function quoted(cell: string): string {
  const inert = /^[=+\-@]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

const namesMax = 1_000;

/** Writes a file of a name that is not taken; resolves to its path. */
export async function exportRows(
  dir: string,
  format: string,
  rows: readonly BoardRow[],
): Promise<string> {
  const text = exportText(format, rows);
  for (let index = 1; index <= namesMax; index += 1) {
    const file = join(dir, `td-export${index === 1 ? "" : `-${index}`}.${format}`);
    try {
      await writeFile(file, text, { flag: "wx" });
      return file;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
  throw new Error(`there are ${namesMax} exports in ${dir} already`);
}
