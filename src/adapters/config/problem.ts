/** A wrong place in what a person wrote. `line` is null where there are no lines (a variable). */
export interface Problem {
  /** As the loader was given it. */
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  /** What to write instead, or where. */
  readonly suggestion: string | null;
}

/** A message names at most so many problems. */
const problemsShownMax = 20;

/** The configuration, or a loop type, is not usable; the message is for the person. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const shown = problems.slice(0, problemsShownMax).map(describeProblem);
    const more = problems.length - shown.length;
    if (more > 0) shown.push(`… and ${more} more`);
    super(shown.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

export function describeProblem(problem: Problem): string {
  const { file, line, column, message, suggestion } = problem;
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return `${place}: ${message}${suggestion === null ? "" : ` — ${suggestion}`}`;
}

/** Throws what was found, if anything was. */
export function throwProblems(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}

const quotedCharsMax = 60;

/** A value as it may stand in a message: one line, short, nothing that moves the cursor. */
export function quoted(value: unknown): string {
  return oneLine(typeof value === "number" ? String(value) : JSON.stringify(value), quotedCharsMax);
}

/** Without what would move the cursor or turn the writing around. */
export function oneLine(text: string, charsMax: number): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  return clean.length <= charsMax ? clean : `${clean.slice(0, charsMax)}…`;
}

/** "did you mean "max"?", or null. */
export function meant(candidate: string | null): string | null {
  return candidate === null ? null : `did you mean "${candidate}"?`;
}
