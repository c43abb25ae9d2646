import type { Problem } from "./problem.ts";
import { isTree } from "./tree.ts";
import type { KeyPath, YamlDocument } from "./yaml-document.ts";

/** Where a value was written. */
export interface Source {
  readonly document: YamlDocument;
  readonly path: KeyPath;
}

/** A value of several files put together: every part of it knows where it was written. */
export type Sourced =
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, Sourced>; readonly from: Source }
  | { readonly kind: "list"; readonly items: readonly Sourced[]; readonly from: Source }
  | { readonly kind: "value"; readonly value: unknown; readonly from: Source };

export type SourcedMap = Extract<Sourced, { kind: "map" }>;

export function sourced(document: YamlDocument, value: unknown, path: KeyPath = []): Sourced {
  const from = { document, path };
  if (Array.isArray(value)) {
    const items = value.map((item, index) => sourced(document, item, [...path, index]));
    return { kind: "list", items, from };
  }
  if (!isTree(value)) return { kind: "value", value, from };
  const entries = Object.entries(value).map(
    ([name, item]) => [name, sourced(document, item, [...path, name])] as const,
  );
  return { kind: "map", entries: new Map(entries), from };
}

export function emptyMap(document: YamlDocument): SourcedMap {
  return { kind: "map", entries: new Map(), from: { document, path: [] } };
}

/** Mappings are merged; whatever else the later one has replaces what the earlier one had. */
export function mergedSources(earlier: Sourced, later: Sourced): Sourced {
  if (earlier.kind !== "map" || later.kind !== "map") return later;
  const entries = new Map(earlier.entries);
  for (const [name, item] of later.entries) {
    const before = entries.get(name);
    entries.set(name, before === undefined ? item : mergedSources(before, item));
  }
  return { kind: "map", entries, from: later.from };
}

export function without(map: SourcedMap, names: readonly string[]): SourcedMap {
  const entries = [...map.entries].filter(([name]) => !names.includes(name));
  return { ...map, entries: new Map(entries) };
}

export function plain(node: Sourced): unknown {
  if (node.kind === "value") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([name, item]) => [name, plain(item)]));
}

export function nodeAt(node: Sourced, path: KeyPath): Sourced | null {
  let found: Sourced | undefined = node;
  for (const part of path) {
    if (found === undefined) return null;
    if (found.kind === "map") found = found.entries.get(String(part));
    else found = found.kind === "list" ? found.items[Number(part)] : undefined;
  }
  return found ?? null;
}

/** What a problem says of its place; of a key, or of its value. */
export function placeOfSource(
  { document, path }: Source,
  what: "key" | "value",
): Pick<Problem, "file" | "line" | "column"> {
  const place = what === "key" ? document.keyPlace(path) : document.valuePlace(path);
  return { file: document.file, ...place };
}

export function problemAtSource(
  from: Source,
  message: string,
  suggestion: string | null = null,
): Problem {
  return { ...placeOfSource(from, "value"), message, suggestion };
}
