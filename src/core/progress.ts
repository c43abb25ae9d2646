import type { Progress, Verdict } from "./loop.ts";

/**
 * What earlier iterations teach, newest last and whole, older ones shortened first, in at most
 * `charsMax` characters. A failure seen before is named, not repeated.
 */
export function progressText(entries: readonly Progress[], charsMax: number): string {
  const parts: string[] = [];
  let left = charsMax;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index] as Progress;
    const again = entries.slice(index + 1).find((later) => later.fingerprint === entry.fingerprint);
    const part =
      again === undefined
        ? whole(entry)
        : `${heading(entry)}\nSame failure as in iteration ${again.iteration}.`;
    const fitting = part.length <= left ? part : heading(entry);
    const shown = parts.length === 0 ? fitting.slice(0, left) : fitting;
    if (shown.length > left) break;
    parts.unshift(shown);
    left -= shown.length + 2;
  }
  return parts.join("\n\n");
}

/** What the model should know of the command's run on the base; empty when there is nothing. */
export function baselineText(baseline: Verdict | null): string {
  if (baseline === null) return "";
  const tests =
    baseline.evidence === null
      ? ""
      : ` (${baseline.evidence.ran} tests, ${baseline.evidence.failed} failed)`;
  return baseline.passed
    ? `On the base commit the validation command passes${tests}.`
    : `On the base commit the validation command already fails${tests}.`;
}

function heading({ iteration, passed, exitCode, filesChanged, durationMs }: Progress): string {
  const verdict = passed ? "passed" : exitCode === null ? "was killed" : `exit code ${exitCode}`;
  const files =
    filesChanged.length === 0 ? "no file changed" : `changed ${filesChanged.join(", ")}`;
  const seconds = (durationMs / 1_000).toFixed(1);
  return `### Iteration ${iteration}: validation ${verdict} after ${seconds} s; ${files}`;
}

function whole(entry: Progress): string {
  return `${heading(entry)}\n${entry.feedback}`;
}
