import type { ReportView } from "./report.ts";
import { reportMarkdown } from "./report-markdown.ts";

/** What GitHub takes as the text of a pull request. */
const bodyCharsMax = 65_536;
const note =
  "_The report is too long for this place and ends here: `td report` shows all of it._\n";

/** The report as the text of a pull request. */
export function bodyOf(report: ReportView): string {
  return cutBody(reportMarkdown(report, { diffs: false }), bodyCharsMax);
}

/** At most so many characters, whole lines; a code block that the cut leaves open is closed. */
export function cutBody(markdown: string, charsMax: number): string {
  if (markdown.length <= charsMax) return markdown;
  let kept = "";
  let fence: string | null = null;
  for (const line of markdown.split("\n")) {
    const [, ticks = null] = /^\s*(`{3,})/.exec(line) ?? [];
    const next: string | null = ticks === null ? fence : fenceAfter(fence, ticks);
    const end = closing(next);
    if (kept.length + line.length + 1 + end.length > charsMax) break;
    kept += `${line}\n`;
    fence = next;
  }
  return `${kept}${closing(fence)}`;
}

/** A block is ended by as many ticks as began it, no fewer. */
function fenceAfter(open: string | null, ticks: string): string | null {
  if (open === null) return ticks;
  return ticks.length >= open.length ? null : open;
}

function closing(fence: string | null): string {
  return fence === null ? `\n${note}` : `${fence}\n\n${note}`;
}
