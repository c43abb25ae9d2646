const lineCharsMax = 2_000;

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

const variable = /^(?:export\s+|override\s+)*([\w.-]+)\s*(?:[:?+!]{0,3}=)\s*(.*)$/;
const special =
  /^(?:-?s?include\b|\.(?:SHELLFLAGS|ONESHELL|IGNORE|DEFAULT_GOAL|EXPORT_ALL_VARIABLES)|SHELL\s*[:?]?=|MAKEFLAGS\s*[:?+]?=|set |export\b)/;

/**
 * The targets that `names` need, themselves included, in no deeper than all of them; and the
 * settings of the whole file as a target named "".
 */
export function targetsOf(text: string, names: readonly string[]): readonly Target[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  const all = parse(lines);
  const wanted = new Set<string>();
  const queue = names.length > 0 ? [...names] : [defaultGoal(lines, all)];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (wanted.has(name)) continue;
    wanted.add(name);
    for (const target of all) if (target.name === name) queue.push(...target.needs);
  }
  const found = all.filter(({ name }) => wanted.has(name));
  const settings = settingsOf(lines, found.map((target) => target.text).join("\n"));
  const rest = { name: "", needs: [], text: settings, phony: true, shell: "" };
  return settings === "" ? found : [...found, rest];
}

/** Files that a Makefile includes, as it names them. */
export function includesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line) => /^-?s?include\s+(.+)$/.exec(line)?.[1]?.trim().split(/\s+/) ?? [])
    .filter((path) => !path.includes("$") && !path.includes("*"));
}

function defaultGoal(lines: readonly string[], all: readonly Target[]): string {
  const named = lines.map((line) => /^\.DEFAULT_GOAL\s*[:?]?=\s*(\S+)/.exec(line)?.[1]);
  return (
    named.find((name) => name !== undefined) ??
    all.find(({ name }) => !name.startsWith("."))?.name ??
    "all"
  );
}

function parse(lines: readonly string[]): readonly Target[] {
  const values = new Map<string, string>();
  for (const line of lines) {
    const match = variable.exec(line);
    if (match?.[1] !== undefined) values.set(match[1], match[2] ?? "");
  }
  const phony = new Set(
    lines.flatMap((line) => /^\.PHONY\s*:([^#]*)/.exec(line)?.[1]?.trim().split(/\s+/) ?? []),
  );
  return lines.flatMap((line, at) => {
    const match = /^([\w./%@ -]+?)(?:\s[^:=]*)?::?(?![=])\s*([^#]*)/.exec(
      line.slice(0, lineCharsMax),
    );
    if (match === null || /^\s/.test(line)) return [];
    const [needs = "", inline = ""] = (match[2] ?? "").split(";");
    const body = [inline, ...recipeAfter(lines, at)];
    const names = (match[1] ?? "").trim().split(/\s+/);
    return names.map((name) => targetOf(name, needs.trim(), body, { values, phony }));
  });
}

function recipeAfter(lines: readonly string[], at: number): readonly string[] {
  const end = lines.findIndex((line, index) => index > at && !/^\s+\S|^\s*#|^\s*$/.test(line));
  return lines.slice(at + 1, end === -1 ? undefined : end);
}

function targetOf(
  name: string,
  needs: string,
  body: readonly string[],
  file: { readonly values: ReadonlyMap<string, string>; readonly phony: ReadonlySet<string> },
): Target {
  const isPhony = file.phony.has(name);
  const recipe = body
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return {
    name,
    needs: needs.split(/[\s|&()]+/).filter((word) => word !== ""),
    text: [`${name}: ${needs}`, ...recipe, ...(isPhony ? [`.PHONY: ${name}`] : [])].join("\n"),
    phony: isPhony,
    shell: expand(recipe.map((line) => line.replace(/^[@+-]+/, "")).join("\n"), file.values),
  };
}

const expansionsMax = 5;

function expand(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  for (let round = 0; round < expansionsMax && result.length < 100_000; round += 1) {
    result = result.replace(/\$[({]([\w.-]+)[)}]|\{\{\s*([\w-]+)\s*\}\}/g, (whole, make, just) => {
      const name = String(make ?? just);
      return name === "MAKE"
        ? "make"
        : (values.get(name)?.replace(/^(["'])(.*)\1$/, "$2") ?? whole);
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
  return lines
    .filter((line) => special.test(line) || used.has(variable.exec(line)?.[1] ?? ""))
    .map((line) => line.trim())
    .join("\n");
}
