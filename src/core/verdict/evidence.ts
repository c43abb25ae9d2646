import type { Evidence } from "../loop.ts";
import { stripAnsi } from "./clean.ts";
import { commandsIn } from "./commands.ts";
import { jsRunners } from "./runners-js.ts";
import { otherRunners } from "./runners-other.ts";
import { type Reading, type Runner, sum } from "./tally.ts";

const runners: readonly Runner[] = [...jsRunners, ...otherRunners];
const lineCharsMax = 1_000;

/** A reporter or a quietness that leaves the summary out. */
const mute =
  /(?:^| )(?:--(?:test-)?reporters?[= ](?!spec|default|verbose|dot(?! .*--test)|basic|min|list|nyan|landing|tap|progress|line)|-R (?!spec|dot|tap|min|list|nyan|landing|progress)|--json|--verbosity[= ]q|-qq|--silent|--quiet|--format[= ](?!p|d)|--test-reporter[= ]dot)/;

/**
 * The known runners that a shell text names and whose summary must therefore be in its output.
 * Give it the gate's command together with the scripts that it calls.
 */
export function runnersNamed(shell: string): readonly string[] {
  return named(shell)
    .filter(({ runner, text }) => runner.talks && !mute.test(text))
    .map(({ runner }) => runner.name);
}

/**
 * What the known runners of `command` said of themselves. Runs under several banners (workspaces)
 * and of several runners are summed; within one run its last summary counts. Null when nobody
 * spoke, and when a runner began that never came to its summary.
 */
export function readEvidence(command: string, output: string): Evidence | null {
  const lines = stripAnsi(output)
    .split("\n")
    .map((line) => (line.length > lineCharsMax ? "" : line.trimEnd()));
  const parts = segments(lines);
  const expected = new Set(named(command).map(({ runner }) => runner));
  const groups = [
    runners.filter((runner) => expected.has(runner)),
    runners.filter((runner) => !expected.has(runner) && !runner.weak),
    runners.filter((runner) => !expected.has(runner) && runner.weak),
  ];
  for (const group of groups) {
    const heard = group
      .map((runner) => ({ runner, reading: sum(parts.map((part) => runner.read(part))) }))
      .filter(({ reading }) => reading !== null);
    if (heard.length > 0) {
      const names = heard.map(({ runner }) => runner.name).join(" + ");
      return evidence(names, sum(heard.map(({ reading }) => reading)));
    }
  }
  return null;
}

function evidence(runner: string, reading: Reading): Evidence | null {
  return reading === null || reading === "cut" ? null : { runner, ...reading };
}

function named(shell: string): readonly { readonly runner: Runner; readonly text: string }[] {
  const found = commandsIn(shell).flatMap(({ words }) => {
    const text = words.join(" ");
    const direct = /^(?:yarn|pnpm|bun) (?!test(?: |$)|run )/.test(text)
      ? words.slice(1).join(" ")
      : text;
    return runners
      .filter((runner) => runner.named.test(direct))
      .map((runner) => ({ runner, text: direct }));
  });
  return found.filter((one, at) => found.findIndex(({ runner }) => runner === one.runner) === at);
}

const prefixes = [
  /^([\w@./-]{1,80} test(?::[\w-]{1,40})?)(?:: ?|\$ )/, // pnpm -r
  /^([\w@./-]{1,80}:test(?::[\w-]{1,40})*): ?/, // turbo
  /^(\[(?:\d{1,3}|@?[\w-]{1,40}\/[\w-]{1,40})\]):? /, // concurrently, yarn foreach
];
const banner = /^(?:> (?:nx run \S+|(?:@?[\w./-]+(?:@[\w.+-]+)? )[\w:.-]+(?: \/\S*)?)|\$ \S.*)$/;

/** The output of each package or script by itself: by the prefix of its lines, or by banners. */
function segments(lines: readonly string[]): readonly (readonly string[])[] {
  const streams = new Map<string, string[][]>();
  for (const line of lines) {
    const match = prefixes.map((pattern) => pattern.exec(line)).find((found) => found !== null);
    const name = match?.[1] ?? "";
    const rest = line.slice(match?.[0].length ?? 0);
    const stream = streams.get(name) ?? [[]];
    streams.set(name, stream);
    if (banner.test(rest)) stream.push([]);
    stream.at(-1)?.push(rest);
  }
  return [...streams.values()].flat();
}
