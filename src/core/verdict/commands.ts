/** One simple command of a shell text, as the shell would split it. */
export interface Command {
  /** Assignments and wrappers (npx, env, timeout, poetry run …) taken off. */
  readonly words: readonly string[];
  /** Where an earlier `cd` of the same text led, "" for the start; relative. */
  readonly dir: string;
}

const wordsMax = 10_000;
const nestingMax = 4;

/** The simple commands of a shell text, in order; what runs inside `sh -c` and `$( )` too. */
export function commandsIn(shell: string, dir = "", nesting = 0): readonly Command[] {
  if (nesting > nestingMax) return [];
  const commands: Command[] = [];
  let here = dir;
  for (const raw of split(shell)) {
    const words = unwrapped(raw);
    const [first, second] = words;
    if (first === undefined) continue;
    if (first === "cd" && second !== undefined) here = joinPath(here, second);
    else commands.push({ words, dir: here });
    for (const inner of shellsInside(words)) commands.push(...commandsIn(inner, here, nesting + 1));
  }
  return commands;
}

/** `a/b` + `../c` = `a/c`. Leaves absolute paths alone. */
export function joinPath(dir: string, path: string): string {
  if (path.startsWith("/")) return path;
  const parts = dir === "" ? [] : dir.split("/");
  for (const part of path.split("/")) {
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function dirName(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

function split(shell: string): readonly (readonly string[])[] {
  const pieces =
    shell
      .replaceAll("\\\n", " ")
      .match(
        /\n|#[^\n]*|(?:\d?>>?|<)(?:&\d|\s*[^\s;&|()]+)|&&|\|\||\$\(|[;&|()`{}]|(?:\$\{[^}\n]{0,200}\}|"(?:\\[\s\S]|[^"\\])*"?|'[^']*'?|\\[\s\S]|[^\s"'\\;&|()`<>{}])+|[\s\S]/g,
      ) ?? [];
  const commands: string[][] = [[]];
  for (const piece of pieces.slice(0, wordsMax)) {
    if (piece === "\n" || /^(?:&&|\|\||\$\(|[;&|()`{}])$/.test(piece)) commands.push([]);
    else if (!/^(?:\s|#|\d?>|<)/.test(piece)) commands.at(-1)?.push(unquoted(piece));
  }
  return commands.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replace(
    /"((?:\\[\s\S]|[^"\\])*)"?|'([^']*)'?|\\([\s\S])/g,
    (...groups: unknown[]) => {
      const [, double, single, escaped] = groups;
      if (typeof double === "string") return double.replace(/\\(["\\$`])/g, "$1");
      return typeof single === "string" ? single : String(escaped ?? "");
    },
  );
}

const keyword =
  /^(?:if|then|elif|else|do|while|until|!|time|exec|command|nohup|cross-env(?:-shell)?|c8|nyc|bunx|pnpx|sudo|dotenv|xvfb-run)$/;
const runPrefix =
  /^(?:poetry|uv|pipenv|pdm|rye) run$|^bundle exec$|^(?:pnpm|yarn|npm) exec$|^bun x$|^(?:pnpm|yarn) dlx$/;
const takesValue =
  /^(?:-n|-p|-e|-s|-k|-r|--package|--signal|--kill-after|--reporter|--with|--group|--extra|--project|--python|--temp-dir|--include|--exclude|-x)$/;

/** Takes off what only prepares the command: assignments, runners of runners. */
function unwrapped(words: readonly string[]): readonly string[] {
  let rest = words;
  for (let round = 0; round < 12; round += 1) {
    const shorter = unwrappedOnce(rest);
    if (shorter === rest) return withoutBinPath(rest);
    rest = shorter;
  }
  return withoutBinPath(rest);
}

function unwrappedOnce(words: readonly string[]): readonly string[] {
  const [first = "", second = "", third = ""] = words;
  if (/^[A-Za-z_]\w*=/.test(first)) return words.slice(1);
  if (keyword.test(first) || first === "npx" || first === "env")
    return afterOptions(words.slice(1));
  if (runPrefix.test(`${first} ${second}`)) return afterOptions(words.slice(2));
  if (first === "timeout" || first === "gtimeout") return afterOptions(words.slice(1)).slice(1);
  if (first === "nice" || first === "stdbuf") return afterOptions(words.slice(1));
  if (first === "coverage" && second === "run") return ["python", ...words.slice(2)];
  if (/^python[\d.]*$/.test(first) && second === "-m" && third === "coverage") {
    return words.slice(2);
  }
  return words;
}

function afterOptions(words: readonly string[]): readonly string[] {
  let index = 0;
  while (index < words.length && words[index]?.startsWith("-") === true) {
    if (words[index] === "--") return words.slice(index + 1);
    index += takesValue.test(words[index] ?? "") ? 2 : 1;
  }
  return words.slice(index);
}

/** `node --flag ./node_modules/.bin/jest x` is `jest x`. */
function withoutBinPath(words: readonly string[]): readonly string[] {
  const from = /^(?:node|tsx|bun)$/.test(words[0] ?? "") ? 1 : 0;
  const at = words.findIndex((word, index) => index >= from && !word.startsWith("-"));
  const found =
    /^(?:\.\/)?(?:\S*\/)?(?:node_modules|vendor|\.venv|venv)\/(?:\.?bin\/)?((?:@[\w-]+\/)?[\w.-]+)/.exec(
      words[at] ?? "",
    );
  if (found === null || (from === 0 && at !== 0)) return words;
  return [found[1] ?? "", ...words.slice(at + 1)];
}

/** Texts among the words that are commands themselves. */
function shellsInside(words: readonly string[]): readonly string[] {
  const [first = ""] = words;
  if (/^(?:ba|da|z|k)?sh$|\/(?:ba|da|z|k)?sh$/.test(first)) {
    const at = words.findIndex((word) => /^-\w*c$/.test(word));
    const text = at === -1 ? undefined : words[at + 1];
    return text === undefined ? [] : [text];
  }
  if (first === "eval") return [words.slice(1).join(" ")];
  if (!/^(?:concurrently|start-server-and-test|wait-on|run-z)$/.test(first)) return [];
  return words
    .slice(1)
    .filter((word) => /\s|^npm:/.test(word))
    .map((word) => word.replace(/^npm:/, "npm run "));
}
