import { exitCodes, UserError } from "../protocol/errors.ts";
import type { CliWorld } from "./cli-world.ts";
import { addCommands } from "./commands.ts";
import { crashLine } from "./crash.ts";
import { Grammar } from "./grammar.ts";
import { shown } from "./session.ts";

/** Carries one command line out; resolves to the exit code and never rejects. */
export async function runCli(world: CliWorld): Promise<number> {
  const pipe = watchPipes(world);
  const grammar = new Grammar(world, world.program.version, pipe.gone);
  addCommands(grammar);
  const code = await parsed(grammar, world);
  await flushed(world);
  return pipe.isBroken() && code === exitCodes.done ? exitCodes.failed : code;
}

async function parsed(grammar: Grammar, world: CliWorld): Promise<number> {
  try {
    return await grammar.parse();
  } catch (error) {
    if (error instanceof UserError) {
      world.stderr.write(`td: ${shown(error.message)}\n`);
      return error.exitCode;
    }
    const home = homeOrNull(world, grammar.root.opts().home ?? null);
    world.stderr.write(`${crashLine(error, home, new Date())}\n`);
    return exitCodes.bug;
  }
}

interface Pipe {
  /** Aborts when stdout takes nothing more. */
  readonly gone: AbortSignal;
  /** Whether that was an error, and not a reader who has seen enough. */
  isBroken(): boolean;
}

/** `td logs 1 | head`: who stops reading is no error, and nothing more is written. */
function watchPipes({ stdout, stderr }: CliWorld): Pipe {
  const gone = new AbortController();
  let broken = false;
  stdout.on("error", (error) => {
    if (!gone.signal.aborted && !isClosedPipe(error)) {
      broken = true;
      stderr.write(`td: cannot write to stdout: ${shown(error.message)}\n`);
    }
    gone.abort();
  });
  stderr.on("error", () => undefined);
  return { gone: gone.signal, isBroken: () => broken };
}

/** Resolves once stdout took, or refused, all that was written. */
function flushed({ stdout }: CliWorld): Promise<void> {
  return new Promise((resolve) => {
    // The error comes after the callback: one turn later both are known.
    stdout.write("", () => setImmediate(resolve));
  });
}

function isClosedPipe(error: Error): boolean {
  return "code" in error && (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED");
}

function homeOrNull({ homeOf }: CliWorld, option: string | null): string | null {
  try {
    return homeOf(option);
  } catch {
    return null; // then the bug is told without its details
  }
}
