import { resolve } from "node:path";
import type { Reader } from "../protocol/door.ts";
import { exitCodes, UserError } from "../protocol/errors.ts";
import type { Place } from "../protocol/program.ts";
import type { CliWorld } from "./cli-world.ts";
import { type Look, lookOf } from "./look.ts";
import { strip } from "./text.ts";

/** The global options, as given. */
export interface GlobalOptions {
  readonly home?: string | undefined;
  readonly repo?: string | undefined;
  readonly json?: boolean | undefined;
  readonly color: boolean;
  readonly start: boolean;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** One call of the program: where it works and how it speaks. */
export interface Session {
  readonly world: CliWorld;
  readonly place: Place;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether a daemon may be started for what needs one. */
  readonly mayStart: boolean;
  readonly look: Look;
  readonly errorLook: Look;
  /** Aborts when nobody reads stdout any more. */
  readonly gone: AbortSignal;
  /** A line, or lines, on stdout: trusted text, already stripped. */
  print(text: string): void;
  /** Exactly as it is. */
  printRaw(text: string): void;
  printJson(value: unknown): void;
  /** A line on stderr; not with --quiet. */
  say(text: string): void;
}

export function openSession(world: CliWorld, options: GlobalOptions, gone: AbortSignal): Session {
  const { stdout, stderr, env, cwd } = world;
  const quiet = options.quiet === true;
  const printRaw = (text: string) => {
    if (!gone.aborted) stdout.write(text);
  };
  return {
    world,
    place: { home: world.homeOf(options.home ?? null), dir: resolve(cwd, options.repo ?? ".") },
    json: options.json === true,
    quiet,
    verbose: options.verbose === true,
    mayStart: options.start,
    look: lookOf(stdout, env, options.color),
    errorLook: lookOf(stderr, env, options.color),
    gone,
    printRaw,
    print: (text) => printRaw(`${text}\n`),
    printJson: (value) => printRaw(`${jsonText(value, stdout.isTTY === true)}\n`),
    say: (text) => {
      if (!quiet) stderr.write(`${text}\n`);
    },
  };
}

/** JSON with the control characters escaped that JSON itself lets through. */
export function jsonText(value: unknown, pretty: boolean): string {
  const text = JSON.stringify(value, null, pretty ? 2 : 0) ?? "null";
  return text.replace(
    /[\u007f-\u009f]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** An error's message as it may be shown. */
export function shown(message: string): string {
  return strip(message).trimEnd();
}

/**
 * Asks a running daemon, which knows what its loops wait for; without one, and where it ends while
 * it is asked, the log as it is on disk.
 */
export async function askLive<Answer>(
  session: Session,
  ask: (reader: Reader) => Promise<Answer>,
): Promise<Answer> {
  const { world, place } = session;
  const door = await world.program.daemon(place);
  if (door === null) return ask(await openReader(session));
  try {
    return await ask(door);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== exitCodes.daemon) throw error;
    return ask(await openReader(session));
  }
}

export async function openReader({ world, place }: Session): Promise<Reader> {
  return world.program.openReader(place);
}
