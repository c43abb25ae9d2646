import type { KeyPath } from "./yaml-document.ts";

/** Plain values as YAML gives them. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined when there is nothing at the path. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) {
      return undefined;
    }
    found = (found as Record<string | number, unknown>)[part];
  }
  return found;
}

/** Mappings are merged; whatever else the later one has replaces what the earlier one had. */
export function merged(earlier: Tree, later: Tree): Tree {
  const result: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(later)) {
    const before = result[name];
    result[name] = isTree(before) && isTree(value) ? merged(before, value) : value;
  }
  return result;
}

/** A tree that has nothing but `value` at `path`. */
export function treeOf(path: readonly string[], value: unknown): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return isTree(value) ? value : {};
  return { [first]: rest.length === 0 ? value : treeOf(rest, value) };
}

/** The same value with every text in it replaced. Keys stay. */
export function mapTexts(
  value: unknown,
  replace: (text: string, path: KeyPath) => unknown,
  path: KeyPath = [],
): unknown {
  if (typeof value === "string") return replace(value, path);
  if (Array.isArray(value)) {
    return value.map((item, index) => mapTexts(item, replace, [...path, index]));
  }
  if (!isTree(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, mapTexts(item, replace, [...path, name])]),
  );
}
