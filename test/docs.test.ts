/** What the documentation names is there: commands, options, keys, files, messages. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { expect, test } from "vitest";
import { configKeys } from "../src/adapters/config/layer.ts";
import type { CliWorld } from "../src/cli/cli-world.ts";
import { addCommands } from "../src/cli/commands.ts";
import { type AnyCommand, Grammar } from "../src/cli/grammar.ts";

const root = join(import.meta.dirname, "..");
const files = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
].sort();
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

// ── links ────────────────────────────────────────────────────────────────────────────────────

/** As GitHub makes them of headings. */
function anchorsOf(text: string): readonly string[] {
  const headings = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function problemOf(file: string, link: string): string | null {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? file : normalize(join(dirname(file), path));
  if (!existsSync(join(root, target))) return `${link}: no such file`;
  if (anchor === undefined || anchorsOf(textOf(target)).includes(anchor)) return null;
  return `${link}: no such heading`;
}

test.each(files)("every link of %s leads somewhere", (file) => {
  const prose = textOf(file).replace(/^```[\s\S]*?^```/gm, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const inner = links.filter((link) => !/^[a-z]+:/.test(link));
  expect(inner.flatMap((link) => problemOf(file, link) ?? [])).toEqual([]);
});

// ── commands ─────────────────────────────────────────────────────────────────────────────────

const nowhere = { write: () => true };
const world = { stdout: nowhere, stderr: nowhere, argv: [], env: {} } as unknown as CliWorld;
const grammar = new Grammar(world, "0", new AbortController().signal);
addCommands(grammar);

/** In code, inline or fenced: each `td …` up to where a shell would end it. */
function callsIn(text: string): readonly string[] {
  const fenced = [...text.matchAll(/^```(?:sh|console|text)?\n([\s\S]*?)^```/gm)];
  const inline = text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g);
  const codes = [
    ...fenced.flatMap(([, code = ""]) => code.split("\n")),
    ...[...inline].map(([, code = ""]) => code),
  ].map((code) => code.replace(/^\$ /, "").replace(/ # .*$/, ""));
  return codes.flatMap((code) =>
    [...code.matchAll(/(?:^|[&;|(] ?|npx |"\$\()td ([a-z][^;&|#)]*)/g)].map(
      ([, call = ""]) => call,
    ),
  );
}

function wordsOf(call: string): readonly string[] {
  const plain = call.replaceAll(/"[^"]*"?/g, "TEXT").replaceAll(/'[^']*'?/g, "TEXT");
  return plain.split(/\s+/).filter((word) => word !== "");
}

/** Down the tree of commands; a group's first is meant where none is named. */
function commandOf(words: readonly string[]): AnyCommand | string {
  let command: AnyCommand = grammar.root;
  for (const word of words.filter((each) => !each.startsWith("-"))) {
    const child = command.commands.find((each) => each.name() === word);
    if (child !== undefined) command = child;
    else if (command === grammar.root) return `there is no td ${word}`;
    else break;
  }
  return command;
}

function problemOfCall(call: string): string | null {
  const words = wordsOf(call);
  if (words[0] === "help" || words[0] === undefined) return null;
  const command = commandOf(words);
  if (typeof command === "string") return command;
  const first = command.commands[0];
  const options = [command, ...(first === undefined ? [] : [first]), grammar.root].flatMap(
    ({ options: all }) => all,
  );
  const known = options.flatMap(({ long, short }) => [long, short]);
  const unknown = words
    .filter((word) => /^-{1,2}[a-z]/.test(word))
    .map((word) => word.split("=")[0])
    .find((word) => !known.includes(word) && word !== "--help");
  return unknown === undefined ? null : `td ${call}: there is no ${unknown}`;
}

test.each(files)("every command and option in %s is there", (file) => {
  expect(callsIn(textOf(file)).flatMap((call) => problemOfCall(call) ?? [])).toEqual([]);
});

test("a command or an option that is not there would be found", () => {
  const text =
    "`td rnu x`, `td run ralph --bugdet 2`, `td trash lost`\n```sh\nnpx td shwo 3\n```\n";
  expect(callsIn(text).flatMap((call) => problemOfCall(call) ?? [])).toEqual([
    "there is no td shwo",
    "there is no td rnu",
    "td run ralph --bugdet 2: there is no --bugdet",
  ]);
});

// ── keys of the configuration ────────────────────────────────────────────────────────────────

const keys = configKeys.map(({ path }) => path.join("."));
const sections = new Set(keys.map((key) => key.split(".")[0]));

/** Names of sections of loop types, which have keys of their own. */
const ofTypes = new Set(["docs/loop-types.md", "docs/mock-llm.md"]);
/** Events and files have dots in their names too. */
const noKeys = /\.(?:started|finished|created|ended|status|json|jsonl|ya?ml|md)$/;

function isKnownKey(name: string): boolean {
  const wanted = name.split(".");
  return keys.some((key) => {
    const parts = key.split(".");
    return wanted.every((part, at) => part === parts[at] || parts[at] === "*" || part === "NAME");
  });
}

test.each(files.filter((file) => !ofTypes.has(file)))("every key in %s is there", (file) => {
  const inline = [...textOf(file).matchAll(/`([a-z]+(?:\.(?:[a-z-]+|NAME))+)`/g)];
  const named = inline
    .map(([, name = ""]) => name)
    .filter((name) => sections.has(name.split(".")[0]) && !noKeys.test(name));
  expect(named.filter((name) => !isKnownKey(name))).toEqual([]);
});

test("a key that is not there would be found", () => {
  expect(isKnownKey("iteration.max")).toBe(true);
  expect(isKnownKey("llm.providers.NAME.concurrency")).toBe(true);
  expect(isKnownKey("iteration.maximum")).toBe(false);
});

// ── messages ─────────────────────────────────────────────────────────────────────────────────

const thrown =
  /(?:refuse\(|new (?:UserError|WorktreeError|Backup(?:Refused|Invalid)|ModelUnavailable|SandboxUnavailable)\((?:\s*exitCodes\.\w+,)?)\s*((?:(["`'])(?:(?!\2)[^\\\n]|\\.)*\2(?:\s*\+\s*)?)+)/g;
/** What a message says to do, or what else there is. */
const remedy =
  /\btd [a-z]|--[a-z]|[:;,(] ?(?:[a-z$]|there (?:is|are))|\. [A-Z]|\(\d|\bfirst\b|\byet\b|already|instead|only /;

/** Those that only the engine, a model or a client of the API is told. */
const notForPeople = [
  /has moved on/,
  /begets its children itself/,
  /waits for \$\{unmet\}/,
  /has no reservation|is not reserved/,
  /is yourself/,
  /there is no loop \$\{letter\.to\}/,
  /answered \$\{statusCode\}/,
  /the body is not JSON/,
  /`\$\{loop\.id\} is \$\{loop\.status\}`/,
];

/** Without a remedy of their own. */
function bareMessages(): readonly string[] {
  const src = join(root, "src");
  const paths = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".ts") && !path.startsWith("mock-llm"),
  );
  return paths.flatMap((path) => {
    const text = readFileSync(join(src, path), "utf8");
    return [...text.matchAll(thrown)]
      .map(([, message = ""]) => message.replaceAll(/["`']\s*\+\s*["`']/g, ""))
      .filter((message) => !remedy.test(message))
      .filter((message) => !notForPeople.some((known) => known.test(message)))
      .map((message) => `${relative(root, join(src, path))}: ${message}`);
  });
}

test("every message says what to do", () => {
  expect(bareMessages()).toEqual([]);
});
