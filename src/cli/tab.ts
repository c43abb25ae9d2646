/** Shell completion: the one file that knows @bomb.sh/tab. */
import { RootCommand, script } from "@bomb.sh/tab";
import type { AnyCommand } from "./grammar.ts";
import type { Shell } from "./shells.ts";

/** What TAB offers where the grammar names an id or a type. */
export interface Offers {
  readonly ids: readonly Offer[];
  readonly types: readonly Offer[];
}

export interface Offer {
  readonly value: string;
  readonly description: string;
}

/** The script that a shell sources, also twice. */
export function completionScript(shell: Shell): string {
  const text = printed(() => script(shell === "pwsh" ? "powershell" : shell, "td", "td"));
  return shell === "bash" ? bashAlone + text.replaceAll(/^readonly /gm, "") : text;
}

/** What tab's script takes from the bash-completion package, for where that is not installed. */
const bashAlone = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
  _get_comp_words_by_ref() {
    cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
    words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
  }
fi
`;

/** The lines that the script reads: a candidate and its description each, a directive last. */
export function complete(root: AnyCommand, words: readonly string[], offers: Offers): string {
  const tree = new RootCommand();
  describe(tree, root, offers);
  for (const child of visible(root)) plant(tree, child, child.name(), offers);
  const answer = printed(() => tree.parse([...words]));
  return wantsPath(words) ? `:${directiveDefault}\n` : answer;
}

/** The shell's own completion of file names. */
const directiveDefault = 0;
const pathOptions = new Set(["--file", "--batch", "--scenario", "--out", "--home", "--repo"]);

function wantsPath(words: readonly string[]): boolean {
  return pathOptions.has(words.at(-2) ?? "");
}

function plant(tree: RootCommand, command: AnyCommand, path: string, offers: Offers): void {
  describe(tree.command(path, command.description()), command, offers);
  for (const child of visible(command)) plant(tree, child, `${path} ${child.name()}`, offers);
}

function visible(command: AnyCommand): readonly AnyCommand[] {
  return command.createHelp().visibleCommands(command);
}

type Node = ReturnType<RootCommand["command"]>;

function describe(node: Node, command: AnyCommand, offers: Offers): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const letter = option.short?.slice(1);
    if (!option.required && !option.optional) {
      node.option(name, option.description, letter);
      continue;
    }
    const word = /<([^>]+)>/.exec(option.flags)?.[1] ?? "";
    const candidates = candidatesOf(word, option.argChoices, offers);
    node.option(name, option.description, (offer) => tell(candidates, offer), letter);
  }
  for (const argument of command.registeredArguments) {
    const candidates = candidatesOf(argument.name(), argument.argChoices, offers);
    node.argument(argument.name(), (offer) => tell(candidates, offer), argument.variadic);
  }
}

function candidatesOf(
  name: string,
  choices: readonly string[] | undefined,
  { ids, types }: Offers,
): readonly Offer[] {
  if (choices !== undefined) return choices.map((value) => ({ value, description: "" }));
  if (name === "id") return ids;
  return name === "type" ? types : [];
}

function tell(
  candidates: readonly Offer[],
  offer: (value: string, description: string) => void,
): void {
  for (const { value, description } of candidates) offer(value, description);
}

/** What `act`, which is synchronous, prints by console.log: tab knows no other way to speak. */
function printed(act: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: unknown) => lines.push(String(line));
  try {
    act();
  } finally {
    console.log = log;
  }
  return lines.map((line) => `${line}\n`).join("");
}
