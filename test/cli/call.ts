/** One call of the command line with streams in memory. */
import { Buffer } from "node:buffer";
import { PassThrough, Readable } from "node:stream";
import type { CliWorld, SignalName } from "../../src/cli/cli-world.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Program } from "../../src/protocol/program.ts";

interface Terminal {
  readonly columns?: number;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly stdin?: boolean;
}

export interface CallOptions {
  readonly env?: Record<string, string>;
  readonly stdin?: string | Buffer;
  readonly terminal?: Terminal;
  readonly home?: string;
  readonly cwd?: string;
  readonly exit?: (code: number) => void;
}

export interface Call {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunningCall {
  readonly done: Promise<Call>;
  /** What was written so far. */
  out(): string;
  err(): string;
  readonly stdout: PassThrough;
  signal(name: SignalName): void;
  listeners(name: SignalName): number;
}

export function start(
  program: Program,
  argv: readonly string[],
  options: CallOptions = {},
): RunningCall {
  const { terminal = {}, env = {}, home = "/dev/null/td", cwd = "/repo", exit } = options;
  const stdout = screen(terminal.stdout === true, terminal.columns);
  const stderr = screen(terminal.stderr === true, terminal.columns);
  const listeners = new Map<SignalName, Set<() => void>>();
  const of = (name: SignalName) => {
    const set = listeners.get(name) ?? new Set();
    listeners.set(name, set);
    return set;
  };
  const world: CliWorld = {
    argv,
    env,
    cwd,
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin: Object.assign(Readable.from(options.stdin === undefined ? [] : [options.stdin]), {
      isTTY: terminal.stdin === true,
      setRawMode: () => undefined,
    }) as unknown as CliWorld["stdin"],
    homeOf: (option) => option ?? home,
    program,
    suspend: () => undefined,
    become: () => undefined,
    onCrash: () => () => undefined,
    tui: async () => 0,
    onSignal: (name, listener) => {
      of(name).add(listener);
      return () => of(name).delete(listener);
    },
    ...(exit === undefined ? {} : { exit }),
  };
  const done = runCli(world).then((code) => ({ code, out: stdout.text(), err: stderr.text() }));
  return {
    done,
    out: stdout.text,
    err: stderr.text,
    stdout: stdout.stream,
    signal: (name) => {
      for (const listener of [...of(name)]) listener();
    },
    listeners: (name) => of(name).size,
  };
}

export async function call(
  program: Program,
  argv: readonly string[],
  options: CallOptions = {},
): Promise<Call> {
  return start(program, argv, options).done;
}

function screen(isTTY: boolean, columns = 80) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}
