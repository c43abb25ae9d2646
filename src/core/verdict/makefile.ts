/** A target of a Makefile or a recipe of a justfile. */
export interface Target {
  readonly name: string;
  readonly needs: readonly string[];
  /** Its lines as written, and whether a file of its name would keep it from running. */
  readonly text: string;
  readonly phony: boolean;
  /** The commands of it, for a shell. */
  readonly shell: string;
}

const variable = /^ *(?:export\s+|override\s+|private\s+)*([\w.-]+)\s*(?:[:?+!]{0,3}=)\s*(.*)$/;
/** Whatever else acts outside of recipes; `%: X = y` is a variable of every target. */
const special =
  /^ *(?!\t)(?:-?s?include\b|load\b|undefine\b|\.(?:SHELLFLAGS|ONESHELL|IGNORE|DEFAULT_GOAL|EXPORT_ALL_VARIABLES|RECIPEPREFIX)|SHELL\s*[:?]?=|MAKEFLAGS\s*[:?+]?=|set |export\b|\$[({]|[^:=#%\t]*%[^:=#]*:[^=]*=|.*\$[({](?:eval|shell|file)\b)/;
const defineBegins = /^ *(?:export\s+|override\s+)*define\b/;
const defineEnds = /^ *endef\b/;

/**
 * The targets that `names` need, themselves included, in no deeper than all of them; and the
 * settings of the whole file as a target named "".
 */
export function targetsOf(text: string, names: readonly string[]): readonly Target[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  const all = headsIn(lines);
  const byName = Map.groupBy(all, ({ name }) => name);
  // A set grows while it is gone through.
  const wanted = new Set(names.length > 0 ? names : [defaultGoal(lines, all)]);
  for (const name of wanted) {
    for (const { needs } of byName.get(name) ?? [])
      for (const need of wordsOf(needs)) wanted.add(need);
  }
  const file = factsOf(lines);
  const found = all
    .filter(({ name }) => wanted.has(name))
    .map((head) => targetOf(head, lines, file));
  const settings = settingsOf(lines, found.map((target) => target.text).join("\n"));
  const rest = { name: "", needs: [], text: settings, phony: true, shell: "" };
  return settings === "" ? found : [...found, rest];
}

/** Files that a Makefile includes, as it names them. */
export function includesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line) => /^ *-?s?include\s+(.+)$/.exec(line)?.[1]?.trim().split(/\s+/) ?? [])
    .filter((path) => !path.includes("$") && !path.includes("*"));
}

function defaultGoal(lines: readonly string[], all: readonly Head[]): string {
  const named = lines.map((line) => /^\.DEFAULT_GOAL\s*[:?]?=\s*(\S+)/.exec(line)?.[1]);
  return (
    named.find((name) => name !== undefined) ??
    all.find(({ name }) => !name.startsWith("."))?.name ??
    "all"
  );
}

/** Where a target is, and what stands on its line. */
interface Head {
  readonly name: string;
  readonly needs: string;
  readonly inline: string;
  readonly at: number;
}

/** What concerns all targets of a file. */
interface FileFacts {
  readonly values: ReadonlyMap<string, string>;
  readonly phony: ReadonlySet<string>;
}

function factsOf(lines: readonly string[]): FileFacts {
  const values = new Map<string, string>();
  for (const line of lines) {
    const match = variable.exec(line);
    if (match?.[1] !== undefined) values.set(match[1], match[2] ?? "");
  }
  const phony = new Set(
    lines.flatMap((line) => /^\.PHONY\s*:([^#]*)/.exec(line)?.[1]?.trim().split(/\s+/) ?? []),
  );
  return { values, phony };
}

/** Each line is gone through once: it is a model's. */
function headsIn(lines: readonly string[]): readonly Head[] {
  return lines.flatMap((whole, at) => {
    const line = whole.replace(/^ +/, "");
    const colon = line.search(/[:=]/);
    const names = /^[\w./%@ -]+?(?=\s|$)/.exec(line.slice(0, Math.max(colon, 0)))?.[0];
    const rest = /^::?(?![=])\s*([^#]*)/.exec(line.slice(Math.max(colon, 0)))?.[1];
    if (names === undefined || rest === undefined || /^\s/.test(line)) return [];
    const [needs = "", inline = ""] = rest.split(";");
    return names
      .trim()
      .split(/\s+/)
      .map((name) => ({ name, needs: needs.trim(), inline, at }));
  });
}

function recipeAfter(lines: readonly string[], at: number): readonly string[] {
  let end = at + 1;
  while (end < lines.length && /^\s+\S|^\s*#|^\s*$/.test(lines[end] ?? "")) end += 1;
  return lines.slice(at + 1, end);
}

function wordsOf(needs: string): readonly string[] {
  return needs.split(/[\s|&()]+/).filter((word) => word !== "");
}

function targetOf(
  { name, needs, inline, at }: Head,
  lines: readonly string[],
  { values, phony }: FileFacts,
): Target {
  const isPhony = phony.has(name);
  const recipe = [inline, ...recipeAfter(lines, at)]
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return {
    name,
    needs: wordsOf(needs),
    text: [`${name}: ${needs}`, ...recipe, ...(isPhony ? [`.PHONY: ${name}`] : [])].join("\n"),
    phony: isPhony,
    shell: expand(recipe.map((line) => line.replace(/^[@+-]+/, "")).join("\n"), values),
  };
}

const expansionsMax = 5;
/** Of values in one recipe; what goes beyond it stays a name. */
const expandedCharsMax = 1_000_000;

function expand(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  let room = expandedCharsMax;
  for (let round = 0; round < expansionsMax && result.length < 100_000; round += 1) {
    result = result.replace(/\$[({]([\w.-]+)[)}]|\{\{\s*([\w-]+)\s*\}\}/g, (whole, make, just) => {
      const name = String(make ?? just);
      if (name === "MAKE") return "make";
      const value = values.get(name)?.replace(/^(["'])(.*)\1$/, "$2") ?? whole;
      if (value.length > room) return whole;
      room -= value.length;
      return value;
    });
  }
  return result;
}

/** What changes how every recipe runs, and the variables that the recipes use. */
function settingsOf(lines: readonly string[], recipes: string): string {
  const used = new Set<string>();
  let text = recipes;
  for (let round = 0; round < expansionsMax; round += 1) {
    for (const match of text.matchAll(/\$[({]([\w.-]+)|\{\{\s*([\w-]+)/g))
      used.add(match[1] ?? match[2] ?? "");
    text = lines.filter((line) => used.has(variable.exec(line)?.[1] ?? "")).join("\n");
  }
  const defined = definedIn(lines);
  return lines
    .filter(
      (line, at) =>
        defined.has(at) || special.test(line) || used.has(variable.exec(line)?.[1] ?? ""),
    )
    .map((line) => line.trim())
    .join("\n");
}

/** The lines of all that stands from `define` to `endef`. */
function definedIn(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  let isInside = false;
  for (const [at, line] of lines.entries()) {
    isInside ||= defineBegins.test(line);
    if (isInside) found.add(at);
    if (defineEnds.test(line)) isInside = false;
  }
  return found;
}
