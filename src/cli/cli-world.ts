import type { Program } from "../protocol/program.ts";
import type { Session } from "./session.ts";

/** Where text goes; a terminal says how wide it is. */
export type Screen = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

export type Keyboard = NodeJS.ReadableStream & { readonly isTTY?: boolean };

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGCONT";

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
  /** Stops this process and what was started with it, as Ctrl-Z does; SIGCONT goes on. */
  readonly suspend: () => void;
  /** Goes on as another program, in place of this one. */
  readonly become: (file: string, argv: readonly string[]) => void;
  /** What is to be done before a bug is printed; returns what takes it off again. */
  readonly onCrash: (listener: () => void) => () => void;
  /** `td tui`, which draws on the whole terminal. */
  readonly tui: (session: Session, options: TuiOptions) => Promise<number>;
}

export interface TuiOptions {
  readonly mouse: boolean;
  readonly restoreTerminal?: true | undefined;
  readonly theme?: string | undefined;
}
