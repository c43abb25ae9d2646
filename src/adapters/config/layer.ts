import { problemsOf, type Written } from "./issues.ts";
import { type ConfigKey, keyAt, keysOf } from "./keys.ts";
import { migrated, newestVersion, versionOf } from "./migrate.ts";
import type { Problem } from "./problem.ts";
import { configSchema } from "./schema.ts";
import { type Environment, type Refused, substitute } from "./substitute.ts";
import { isTree, mapTexts, type Tree, valueAt } from "./tree.ts";
import { type KeyPath, readYaml, type YamlDocument } from "./yaml-document.ts";

/** Where a value was written. */
export type Origin =
  | { readonly from: "default" }
  | { readonly from: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly from: "environment"; readonly variable: string };

/** One source of configuration: what it says, and where it says it. */
export interface Layer {
  readonly value: Tree;
  readonly problems: readonly Problem[];
  /** Of an older format: how it is made new. */
  readonly warnings?: readonly string[];
  originOf(path: KeyPath): Origin;
}

export const configKeys: readonly ConfigKey[] = keysOf(configSchema);

export function describeOrigin(origin: Origin): string {
  if (origin.from === "default") return "default";
  if (origin.from === "environment") return `$${origin.variable}`;
  return `${origin.file}:${origin.line}:${origin.column}`;
}

/** A file of the user or of a repository. `refused` names variables that it may not read. */
export function fileLayer(file: string, text: string, env: Environment, refused: Refused): Layer {
  const document = readYaml(file, text);
  const originOf = (path: KeyPath): Origin => ({ from: "file", file, ...document.keyPlace(path) });
  const value = document.value ?? {};
  if (document.problems.length > 0) return { value: {}, problems: document.problems, originOf };
  if (!isTree(value)) {
    const message = "expected keys such as `validation:` at the top level";
    const problem = { file, ...document.valuePlace([]), message, suggestion: null };
    return { value: {}, problems: [problem], originOf };
  }
  const version = versionOf(value);
  if (version === null || version > newestVersion) {
    const message = `version: this program reads files up to version ${newestVersion}`;
    const place = document.valuePlace(["version"]);
    const problem = { file, ...place, message, suggestion: "a newer TaskDaemon may read it" };
    return { value: {}, problems: [problem], originOf };
  }
  const { tree, edits } = migrated(value);
  const { version: _, ...current } = tree;
  const problems: Problem[] = [];
  const replaced = mapTexts(current, (written, path) => {
    const result = substitute(written, env, refused);
    if (result.ok) return asKind(result.text, written, path);
    const place = document.valuePlace(path);
    problems.push({ file, ...place, message: result.reason, suggestion: result.remedy });
    return written;
  }) as Tree;
  if (problems.length > 0) return { value: {}, problems, originOf };
  const warnings = edits.length === 0 ? [] : [`${file} is of an older format: td config migrate`];
  return { ...validated(withoutEmptySections(replaced), document), originOf, warnings };
}

/** `max: ${MAX}` is a number, though a substituted text. */
function asKind(text: string, written: string, path: KeyPath): unknown {
  const substituted = text !== written && keyAt(configKeys, path)?.kind === "number";
  return substituted && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** What the schema says of one layer. */
export function validated(value: Tree, written: YamlDocument | Written): Omit<Layer, "originOf"> {
  const { error } = configSchema.safeParse(value);
  return { value, problems: error ? problemsOf(error.issues, written, configKeys) : [] };
}

/** A section whose keys are all commented out is null in YAML; it says nothing. */
function withoutEmptySections(tree: Tree, path: KeyPath = []): Tree {
  const entries = Object.entries(tree).flatMap(([name, value]): [string, unknown][] => {
    const here = [...path, name];
    if (isTree(value)) return [[name, withoutEmptySections(value, here)]];
    const kind = keyAt(configKeys, here)?.kind;
    return value === null && (kind === "section" || kind === "map") ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

/** Every path that has a value of its own, maps of the person's own names unfolded. */
export function leafPaths(value: unknown): readonly (readonly string[])[] {
  const leaves = configKeys.filter(({ kind }) => kind !== "section" && kind !== "map");
  const paths = leaves.map(({ path }) => path);
  return named(paths, value).filter((path) => has(value, path));
}

/** Each path once for every name in the place of a `*` at `from` or after; by name together. */
function named(
  paths: readonly (readonly string[])[],
  value: unknown,
  from = 0,
): readonly (readonly string[])[] {
  const starIn = (path: readonly string[]) => path.indexOf("*", from);
  const startOf = (path: readonly string[]) =>
    starIn(path) === -1 ? path : path.slice(0, starIn(path));
  const starts = Map.groupBy(paths, (path) => JSON.stringify(startOf(path)));
  return [...starts.values()].flatMap((alike) => {
    const [first = []] = alike;
    const star = starIn(first);
    if (star === -1) return alike;
    const entries = valueAt(value, first.slice(0, star));
    const names = isTree(entries) ? Object.keys(entries) : [];
    const withName = (name: string) => alike.map((path) => path.with(star, name));
    return names.flatMap((name) => named(withName(name), value, star + 1));
  });
}

function has(value: unknown, path: KeyPath): boolean {
  return valueAt(value, path) !== undefined;
}
