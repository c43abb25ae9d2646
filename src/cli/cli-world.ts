import type { Program } from "../protocol/program.ts";

/** Where text goes; a terminal says how wide it is. */
export type Screen = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

export type Keyboard = NodeJS.ReadableStream & { readonly isTTY?: boolean };

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Everything the command line knows of the process around it. */
export interface CliWorld {
  /** Without the names of the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly stdin: Keyboard;
  /** Where state lives, given what `--home` says or null. */
  readonly homeOf: (option: string | null) => string;
  readonly program: Program;
  /** Returns what takes the listener off again. */
  readonly onSignal: (name: SignalName, listener: () => void) => () => void;
  /** Ends the process at once; without it the second Ctrl-C is left to the system's default. */
  readonly exit?: (code: number) => void;
}
