import { joinPath } from "./commands.ts";

/** A command that runs scripts of package.json. */
export interface ScriptCall {
  /** Names; `test:*` stands for all that begin so. */
  readonly scripts: readonly string[];
  readonly dir: string;
  /** In every package of the workspace. */
  readonly workspaces: boolean;
}

const managers = /^(?:npm|pnpm|yarn|bun)$/;
const runWords = /^(?:run|run-script|rum|urn)$/;
const ownCommands =
  /^(?:add|audit|build|ci|config|create|dedupe|dlx|exec|i|info|init|install|link|list|ls|outdated|pack|prune|publish|rebuild|remove|update|version|view|why|x)$/;
const dirOption = /^(?:-C|--prefix|--dir|--cwd)$/;
const manyOption = /^(?:-r|--recursive|-ws|--workspaces?|-w|--filter|-F)(?:=.*)?$/;
const valueOption = /^(?:-C|--prefix|--dir|--cwd|-w|--workspace|--filter|-F)$/;

/** What a command line calls of package.json; null when it is no such call. */
export function scriptCall(words: readonly string[], dir: string): ScriptCall | null {
  const [first = "", second = ""] = words;
  if (managers.test(first)) return managerCall(first, words.slice(1), dir);
  if (first === "node") {
    const at = words.indexOf("--run");
    const joined = words.find((word) => word.startsWith("--run="))?.slice(6);
    const name = joined ?? (at === -1 ? undefined : words[at + 1]);
    return name === undefined ? null : { scripts: [name], dir, workspaces: false };
  }
  if (/^(?:npm-run-all2?|run-s|run-p)$/.test(first)) {
    const scripts = words
      .slice(1)
      .flatMap((word) => (word.startsWith("-") ? [] : [word.split(" ")[0] ?? ""]));
    return { scripts, dir, workspaces: false };
  }
  if (/^(?:turbo|lerna|nx|wireit|lage)$/.test(first)) {
    const scripts = words
      .slice(1)
      .filter((word) => !word.startsWith("-") && !/^run(?:-many)?$/.test(word));
    return { scripts: second === "" ? [] : scripts, dir, workspaces: true };
  }
  return null;
}

function managerCall(manager: string, words: readonly string[], dir: string): ScriptCall | null {
  const end = words.indexOf("--");
  const { here, workspaces, rest } = withoutOptions(end === -1 ? words : words.slice(0, end), dir);
  const everywhere = manager === "yarn" && /^workspaces?$/.test(rest[0] ?? "");
  const skipped = rest[0] === "workspace" || rest[1] === "foreach" ? 2 : 1;
  const script = scriptName(manager, everywhere ? rest.slice(skipped) : rest);
  if (script === null) return null;
  return { scripts: [script], dir: here, workspaces: workspaces || everywhere };
}

function withoutOptions(words: readonly string[], dir: string) {
  let here = dir;
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const [option = "", value] = word.split("=");
    if (dirOption.test(option)) here = joinPath(here, value ?? words[index + 1] ?? "");
    if (valueOption.test(word)) index += 1;
    else if (!word.startsWith("-")) rest.push(word);
  }
  return { here, workspaces: words.some((word) => manyOption.test(word)), rest };
}

function scriptName(manager: string, rest: readonly string[]): string | null {
  const [first, second] = rest;
  if (first === undefined) return null;
  if (runWords.test(first)) return second ?? null;
  if (/^(?:test|t|tst)$/.test(first)) return manager === "bun" ? null : "test";
  if (manager === "npm") return /^(?:start|stop|restart)$/.test(first) ? first : null;
  return ownCommands.test(first) && manager !== "yarn" ? null : first;
}

/** The scripts of a name or pattern, with what runs before and after each of them. */
export function scriptsCalled(
  scripts: ReadonlyMap<string, string>,
  name: string,
): readonly (readonly [name: string, text: string])[] {
  const names = name.includes("*")
    ? [...scripts.keys()].filter((key) => key.startsWith(name.slice(0, name.indexOf("*"))))
    : [name];
  return names.flatMap((each) =>
    scripts.has(each)
      ? [`pre${each}`, each, `post${each}`].flatMap((key) => {
          const text = scripts.get(key);
          return text === undefined ? [] : [[key, text] as const];
        })
      : [],
  );
}
