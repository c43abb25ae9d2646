import { expect, test } from "vitest";
import type { CliWorld } from "../../src/cli/cli-world.ts";
import { addCommands } from "../../src/cli/commands.ts";
import { examples } from "../../src/cli/examples.ts";
import { type AnyCommand, Grammar } from "../../src/cli/grammar.ts";
import { exitCodes } from "../../src/protocol/errors.ts";

const width = 100;

function tree(): AnyCommand {
  const nowhere = { write: () => true };
  const world = { stdout: nowhere, stderr: nowhere, argv: [], env: {} } as unknown as CliWorld;
  const grammar = new Grammar(world, "0", new AbortController().signal);
  addCommands(grammar);
  return grammar.root;
}

function visible(command: AnyCommand): readonly AnyCommand[] {
  const children = command.createHelp().visibleCommands(command);
  return children.filter((child) => child.name() !== "help");
}

/** Every command that does something, and how it is called. */
function leaves(command: AnyCommand, path: string): readonly (readonly [string, AnyCommand])[] {
  const children = visible(command);
  if (children.length === 0) return [[path, command]];
  return children.flatMap((child) => leaves(child, `${path} ${child.name()}`));
}

function helpOf(command: AnyCommand): string {
  let text = "";
  command.configureHelp({ showGlobalOptions: false, helpWidth: width });
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => width });
  command.outputHelp();
  return text
    .split("\n")
    .filter((line) => !/^ +-h, --help/.test(line))
    .join("\n")
    .replace(/\n+Options:\n(?=\n|$)/, "\n")
    .trim();
}

function reference(): string {
  const root = tree();
  const options = helpOf(root).match(/Options:\n(?: .*\n)+/)?.[0] ?? "";
  const sections = leaves(root, "td").map(([path, command]) => {
    return `### ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
  });
  const codes = Object.entries(exitCodes).map(([name, code]) => `| ${code} | ${name} |`);
  return [
    "# Commands",
    "What `td help COMMAND` says, of every command; `npx vitest run test/cli/reference.test.ts -u` writes it anew.",
    `## Options of every command\n\n\`\`\`text\n${options.trimEnd()}\n\`\`\``,
    `## Exit codes\n\n| code | name |\n|---|---|\n${codes.join("\n")}`,
    `## The commands\n\n${sections.join("\n")}`,
  ].join("\n\n");
}

test("docs/commands.md says what the program says", async () => {
  await expect(reference()).toMatchFileSnapshot("../../docs/commands.md");
});

test("every command has an example of its own name", () => {
  const without = leaves(tree(), "td").filter(([path, command]) => {
    const [, examples = ""] = helpOf(command).split(/Examples?:\n/);
    return !examples.includes(path.replace(/ (?:list|check|verify)$/, ""));
  });
  expect(without.map(([path]) => path)).toEqual([]);
});

test("an example belongs to a command that there is, and that has no other", () => {
  const known = leaves(tree(), "td");
  expect(Object.keys(examples).filter((path) => !known.some(([name]) => name === path))).toEqual(
    [],
  );
  const twice = known.filter(([, command]) => helpOf(command).split(/Examples?:\n/).length > 2);
  expect(twice.map(([path]) => path)).toEqual([]);
});
