import { Buffer } from "node:buffer";
import { execa } from "execa";

export interface ProgramRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** latin1: each character is a byte. */
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly outputBytesMax?: number;
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  /** -1 when the program could not start or was killed. */
  readonly exitCode: number;
  /** latin1: each character is a byte. */
  readonly stdout: string;
  readonly stderr: string;
  /** The output was longer than asked for, and the program was ended. */
  readonly truncated: boolean;
}

const standardPath =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin";

const outputBytesMaxDefault = 512 * 1024 * 1024;
const timeoutMsDefault = 15 * 60_000;

/** Runs a program of the system with nothing of the daemon's environment. Rejects on abort only. */
export async function runProgramHere(
  { program, args, ...options }: ProgramRequest,
  signal: AbortSignal,
): Promise<ProgramResult> {
  const result = await execa(program, args, {
    cwd: options.cwd,
    env: { PATH: standardPath, LC_ALL: "C", ...options.env },
    extendEnv: false,
    encoding: "latin1",
    stripFinalNewline: false,
    reject: false,
    timeout: options.timeoutMs ?? timeoutMsDefault,
    maxBuffer: options.outputBytesMax ?? outputBytesMaxDefault,
    ...(options.input === undefined
      ? { stdin: "ignore" as const }
      : { input: Buffer.from(options.input, "latin1") }),
    cancelSignal: signal,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  if (result.isCanceled) throw new Error(`${program} was aborted`, { cause: result });
  const exitCode = result.exitCode ?? (result.isMaxBuffer ? 0 : -1);
  const stderr = Buffer.from(result.stderr, "latin1").toString("utf8");
  // Not the whole command line, which would hide it.
  const why = result.originalMessage || (result.shortMessage ?? "");
  return {
    exitCode,
    stdout: result.stdout,
    stderr: exitCode === -1 ? `${stderr}\n${why}` : stderr,
    truncated: result.isMaxBuffer,
  };
}
