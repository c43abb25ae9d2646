/** What one run of a test runner said in its summary. */
export interface Tally {
  readonly ran: number;
  readonly failed: number;
  readonly skipped: number;
}

/** `cut`: the runner began and ended without its summary. Null: there is no sign of it. */
export type Reading = Tally | "cut" | null;

export interface Runner {
  readonly name: string;
  /** The words of a command that run it, joined by spaces, wrappers such as npx taken off. */
  readonly named: RegExp;
  /** Others print the like: believed only where no surer runner spoke. */
  readonly weak: boolean;
  /** Prints a summary unless a reporter option says otherwise. */
  readonly talks: boolean;
  read(lines: readonly string[]): Reading;
}

/** The runner's name where node:test saw files, and no tests in them. */
export const wholeFiles = "node:test (whole files)";

export const nothing: Tally = { ran: 0, failed: 0, skipped: 0 };

/** Numbers that stand before a word ("3 passed") or after it ("Passed: 3"), by the word. */
export type Counts = (...words: readonly string[]) => number;

/** Reads `3 passed, 1 failed`; a word that is not there counts 0. */
export function countsBefore(line: string): Counts {
  return lookup(line, /(\d{1,9}) ([A-Za-z]{1,20})/g, { number: 1, word: 2 });
}

/** Reads `Passed: 3, Failed: 1`; a word that is not there counts 0. */
export function countsAfter(line: string): Counts {
  return lookup(line, /([A-Za-z]{1,20})[:=] {0,9}(\d{1,9})/g, { number: 2, word: 1 });
}

function lookup(line: string, pattern: RegExp, group: { number: number; word: number }): Counts {
  const found = new Map<string, number>();
  for (const match of line.matchAll(pattern)) {
    found.set((match[group.word] ?? "").toLowerCase(), Number(match[group.number]));
  }
  return (...words) => words.reduce((sum, word) => sum + (found.get(word) ?? 0), 0);
}

export function lastLine(lines: readonly string[], pattern: RegExp): string | null {
  return lines.findLast((line) => pattern.test(line)) ?? null;
}

/** Sums; null when there is nothing to sum. One run that was cut spoils all of it. */
export function sum(readings: readonly Reading[]): Reading {
  let total: Tally | null = null;
  for (const reading of readings) {
    if (reading === "cut") return "cut";
    if (reading === null) continue;
    const so: Tally = total ?? nothing;
    total = {
      ran: so.ran + reading.ran,
      failed: so.failed + reading.failed,
      skipped: so.skipped + reading.skipped,
    };
  }
  return total;
}

/** The stretches that begin with a line like `start`; what is before the first is left out. */
export function stretches(lines: readonly string[], start: RegExp): readonly (readonly string[])[] {
  const starts = lines.flatMap((line, index) => (start.test(line) ? [index] : []));
  return starts.map((from, index) => lines.slice(from, starts[index + 1]));
}
