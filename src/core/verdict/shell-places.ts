import { joinPath } from "./commands.ts";
import { matchesGlob } from "./glob.ts";
import { isTestFile } from "./test-facts.ts";

/** `$(dirname "$0")` and `$(cd … && pwd)` as one word, whatever is in them. */
export function withPlacesNamed(shell: string): string {
  return shell
    .replace(/\$\(\s*dirname\s[^()\n]{1,100}\)|`\s*dirname\s[^`\n]{1,100}`/g, "$$HERE")
    .replace(/\$\(\s*cd\s[^()\n]{1,100}\)|\$\(\s*pwd\s*\)/g, "$$HERE");
}

const placesMax = 3;

/** The files that a path may mean: one that begins with a variable is looked for by its end. */
export function pathsMeant(
  path: string,
  { dir, beside }: { readonly dir: string; readonly beside: string },
  all: ReadonlySet<string>,
): readonly string[] {
  if (!path.includes("$")) return [joinPath(dir, path)];
  const end = path.replace(/^.*(?:\)|\}|\$\w+)\//s, "");
  if (end === "" || end.includes("$")) return [];
  const near = [joinPath(beside, end), joinPath(dir, end)].find((each) => all.has(each));
  if (near !== undefined) return [near];
  const found = [...all].filter((each) => each === end || each.endsWith(`/${end}`));
  return found.length > placesMax ? [joinPath(dir, end)] : found;
}

/** Directories of the repository that a shell text puts on the PATH. */
export function pathDirs(shell: string): readonly string[] {
  return [...shell.matchAll(/\bPATH=("[^"\n]{1,1000}"|'[^'\n]{1,1000}'|[^\s;]{1,1000})/g)]
    .flatMap(([, value = ""]) => value.replace(/["']/g, "").split(":"))
    .map((part) => part.replace(/^(?:\$\{?\w+\}?|\.)\//, ""))
    .filter((part) => /^[\w.][\w./-]*$/.test(part) && part !== "node_modules/.bin")
    .map((part) => joinPath("", part));
}

const placeOfTests = /(?:^|\/)(?:tests?|specs?|checks?|e2e|__tests__)\//;
const isScript = /(?:\.(?:sh|bash|zsh|t|test)|\/[^./]+)$/;

/** The scripts of tests that `for t in test/*.sh` goes through. */
export function scriptsGoneThrough(
  words: readonly string[],
  dir: string,
  all: ReadonlySet<string>,
): readonly string[] {
  if (words[0] !== "for" || words[2] !== "in") return [];
  const patterns = words.slice(3).filter((word) => word.includes("/") && !word.includes("$"));
  return [...all].filter(
    (path) =>
      placeOfTests.test(path) &&
      isScript.test(path) &&
      !isTestFile(path) &&
      patterns.some((pattern) => matchesGlob(joinPath(dir, pattern), path)),
  );
}
