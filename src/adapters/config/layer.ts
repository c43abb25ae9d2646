import { problemsOf, type Written } from "./issues.ts";
import { type ConfigKey, keyAt, keysOf, matches } from "./keys.ts";
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
  const named = configKeys.filter((key) => !key.path.includes("*"));
  return named.flatMap((key) => leavesOf(key, value)).filter((path) => has(value, path));
}

function leavesOf(key: ConfigKey, value: unknown): readonly (readonly string[])[] {
  if (key.kind === "section") return [];
  if (key.kind !== "map") return [key.path];
  const entries = valueAt(value, key.path);
  const names = isTree(entries) ? Object.keys(entries) : [];
  const below = configKeys.filter(({ path, kind }) => {
    return (
      kind !== "section" &&
      path.length > key.path.length &&
      matches(key.path, path.slice(0, key.path.length))
    );
  });
  return names.flatMap((name) => below.map(({ path }) => path.with(key.path.length, name)));
}

function has(value: unknown, path: KeyPath): boolean {
  return valueAt(value, path) !== undefined;
}
