/** The command line's grammar: the one file that knows commander. */
import {
  Argument,
  Command,
  CommanderError,
  type CommandUnknownOpts,
  InvalidArgumentError,
  Option,
} from "@commander-js/extra-typings";
import { exitCodes, UserError } from "../protocol/errors.ts";
import { chatIdPattern, loopIdPattern } from "../protocol/ids.ts";
import type { CliWorld } from "./cli-world.ts";
import { type GlobalOptions, jsonText, openSession, type Session } from "./session.ts";
import { cut, oneLine, strip } from "./text.ts";

export type AnyCommand = CommandUnknownOpts;
export type Body = (session: Session) => Promise<number>;

export class Grammar {
  readonly root;
  readonly #world: CliWorld;
  readonly #gone: AbortSignal;
  #exitCode: number = exitCodes.done;
  /** What help and version say with --json, in pieces. */
  #told = "";

  constructor(world: CliWorld, version: string, gone: AbortSignal) {
    this.#world = world;
    this.#gone = gone;
    this.root = rootCommand(world, version, (text) => {
      if (world.argv.includes("--json")) this.#told += text;
      else world.stdout.write(text);
    });
    this.root.on("beforeAllHelp", refuseSilence);
  }

  /** A command that is not in the tree yet. */
  command(name: string, description: string) {
    const command = new Command(name).copyInheritedSettings(this.root).description(description);
    return command.configureOutput({
      outputError: (text, write) => write(usageError(text, `${pathOf(command)} --help`)),
    });
  }

  /**
   * A command that only has commands. The first is meant when none is named, unless it needs words
   * of its own: `td send 3 "…"` is no alert to all.
   */
  group(name: string, description: string, commands: readonly AnyCommand[]) {
    const group = this.command(name, description).helpCommand(false);
    for (const [index, command] of commands.entries()) {
      const isDefault =
        index === 0 && command.registeredArguments.every(({ required }) => !required);
      // Words too many reach the default command, which tells what the group has.
      command.allowExcessArguments(isDefault);
      group.addCommand(command, { isDefault });
    }
    return group;
  }

  /** What an action does: a session is opened, and the body's number is the exit code. */
  async run(command: CommandUnknownOpts, body: Body): Promise<void> {
    refuseExcess(command);
    const options: GlobalOptions = this.root.opts();
    this.#exitCode = await body(openSession(this.#world, options, this.#gone));
  }

  /** Resolves to the exit code. Throws what the bodies throw; wrong usage is told here. */
  async parse(): Promise<number> {
    const { argv, stdout } = this.#world;
    if (argv.length === 0) {
      stdout.write(firstSteps);
      return exitCodes.done;
    }
    try {
      await this.root.parseAsync(helped(this.root, argv), { from: "user" });
      return this.#exitCode;
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      const { code } = error;
      if (this.#told !== "") stdout.write(`${jsonText(toldBy(code, this.#told), false)}\n`);
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    }
  }
}

const firstSteps = `td carries software work out by itself: each piece in its own worktree and
sandbox, again and again with a fresh mind, until a command of yours passes.

Try:
  td demo                        see it work; no key and no account needed
  td doctor                      is this machine ready?
  td run ralph "fix the tests"   in a git repository: one piece of work

td help lists all commands, td help run explains one.
`;

function toldBy(code: string, text: string): object {
  return code === "commander.version" ? { version: text.trim() } : { help: text };
}

function rootCommand({ stderr }: CliWorld, version: string, writeOut: (text: string) => void) {
  return new Command("td")
    .description("Completes software work by itself: AI loops that a command of yours judges.")
    .option("--home <dir>", "where all state is kept (default: $TASKDAEMON_HOME)", text)
    .option("--repo <dir>", "the repository (default: the one around the current directory)", text)
    .option("--json", "stdout is JSON and nothing else")
    .option("--no-start", "do not start the daemon; what needs one is refused without")
    .option("--no-color", "no colours (NO_COLOR does the same)")
    .option("-q, --quiet", "errors and the result only")
    .option("-v, --verbose", "more of what goes on")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "explain a command")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut,
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(usageError(text, "td help")),
    });
}

/** One or two lines: commander's own, under our name, and where to read on. */
function usageError(text: string, manual: string): string {
  const plain = strip(text)
    .trim()
    .replace(/^error: /, "td: ")
    .replace(/command-argument value ('.*') is invalid for argument '(.*?)'/, "$1 is no valid $2");
  return plain.includes("\n") ? `${plain}\n` : `${plain}\n(${manual} explains it)\n`;
}

/** `td trash restore` */
function pathOf(command: AnyCommand): string {
  const { parent } = command;
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

/** Options alone: commander would print all of its help as an error. */
function refuseSilence({
  error,
  command,
}: {
  readonly error: boolean;
  readonly command: CommandUnknownOpts;
}): void {
  if (!error) return;
  const known = command.commands.map((each) => each.name()).join(", ");
  const which =
    command.parent === null
      ? "which command? td help lists them"
      : `${pathOf(command)} what? There are: ${known} (${pathOf(command)} --help explains them)`;
  throw new UserError(exitCodes.usage, which);
}

/** `td help trash list` asks `td trash list --help`; commander knows one word only. */
function helped(root: AnyCommand, argv: readonly string[]): string[] {
  const isFlag = (word: string) =>
    root.options.some(
      ({ short, long, required }) => !required && (word === short || word === long),
    );
  const flags = argv.filter(isFlag);
  const [first, ...words] = argv.filter((word) => !isFlag(word));
  if (first !== "help" || words.length === 0 || words.some((word) => word.startsWith("-"))) {
    return [...argv];
  }
  const isKnown = root.commands.some((command) => command.name() === words[0]);
  return [...words, ...flags, ...(isKnown ? ["--help"] : [])];
}

/** The default command of a group sees the words that are no command of the group. */
function refuseExcess(command: CommandUnknownOpts): void {
  const { parent, args, registeredArguments } = command;
  const excess = args[registeredArguments.length];
  if (excess === undefined || registeredArguments.at(-1)?.variadic === true) return;
  const known = parent?.commands.map((sibling) => sibling.name()).join(", ") ?? "";
  throw new UserError(
    exitCodes.usage,
    `unknown command '${excess}' of td ${parent?.name() ?? ""} (there are: ${known})`,
  );
}

/** An option that takes one of some words. */
export function choice<const Flags extends string, const Word extends string>(
  flags: Flags,
  description: string,
  words: readonly Word[],
) {
  return new Option(flags, description).choices(words);
}

export function choiceArgument<const Name extends string, const Word extends string>(
  name: Name,
  description: string,
  words: readonly Word[],
) {
  return new Argument(name, description).choices(words);
}

const strangeCharsMax = 60;

/** What cannot be an id names nothing, whether a daemon is asked or the log. */
export function loopId(value: string): string {
  if (loopIdPattern.test(text(value))) return value;
  const message = `there is no loop ${cut(oneLine(value), strangeCharsMax)}: an id is like 7 or 7.2.1 (td list shows all)`;
  throw new UserError(exitCodes.notFound, message);
}

/** The same for an option that may be given several times. */
export function loopIds(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), loopId(value)];
}

export function chatId(value: string): string {
  if (chatIdPattern.test(text(value))) return value;
  const message = `there is no conversation ${cut(oneLine(value), strangeCharsMax)} (/history in td tui lists those there are)`;
  throw new UserError(exitCodes.notFound, message);
}

/** A parser of whole numbers within bounds. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A parser of numbers above zero. */
export function positive(max: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^(\d+\.?\d*|\.\d+)$/.test(text) && value > 0 && value <= max) return value;
    throw new InvalidArgumentError(`It must be ${unit} above 0, at most ${max}.`);
  };
}

/** A parser that refuses nothing: an empty text is a variable that was not set. */
export function text(value: string): string {
  if (value.trim() !== "") return value;
  throw new InvalidArgumentError("It must not be empty.");
}

/** The same for an option that may be given several times. */
export function texts(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text(value)];
}
