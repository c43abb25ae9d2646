import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { ReportView } from "../views/report.ts";
import { reportHtml } from "../views/report-html.ts";
import { reportMarkdown } from "../views/report-markdown.ts";
import { openReader, type Session } from "./session.ts";

export interface ReportOptions {
  readonly format?: "md" | "html" | undefined;
  readonly out?: string | undefined;
}

/** `td report ID`: everything a reviewer wants to see, on one page. */
export async function report(
  session: Session,
  id: string,
  { format, out }: ReportOptions,
): Promise<number> {
  if (session.json && (format !== undefined || out !== undefined)) {
    throw new UserError(
      exitCodes.usage,
      "--json excludes --format and --out: leave one of them out",
    );
  }
  const view = await (await openReader(session)).report(id);
  if (session.json) {
    session.printJson(view);
    return exitCodes.done;
  }
  const text = pageOf(view, format ?? (out?.endsWith(".html") === true ? "html" : "md"));
  if (out === undefined) session.printRaw(text);
  else await write(session, out, text);
  return exitCodes.done;
}

function pageOf(view: ReportView, format: "md" | "html"): string {
  return format === "html" ? reportHtml(view) : reportMarkdown(view, { diffs: true });
}

async function write(session: Session, out: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(session.world.cwd, out), text);
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const said = cause instanceof Error ? cause.message : String(cause);
    const why = isAbsent ? "there is no such directory" : said;
    throw new UserError(exitCodes.usage, `--out ${out} cannot be written: ${why}`, { cause });
  }
  session.say(`wrote ${out}`);
}
