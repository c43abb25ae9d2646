/** The exit codes of CLI.md by name. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  daemon: 4,
  person: 5,
  budget: 6,
  rejected: 7,
  notFound: 8,
  bug: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something a person can mend: one or two lines that say what is wrong and what to do. */
export class UserError extends Error {
  readonly exitCode: ExitCode;
  /** Which of several requests it is about, from 0; null where it is about all. */
  readonly request: number | null;

  constructor(
    exitCode: ExitCode,
    message: string,
    options: { cause?: unknown; request?: number | undefined } = {},
  ) {
    super(message, options);
    this.request = options.request ?? null;
    this.name = "UserError";
    this.exitCode = exitCode;
  }
}
