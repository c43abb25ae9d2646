import { isTree, type Tree, valueAt } from "./tree.ts";
import type { KeyPath, YamlEdit } from "./yaml-document.ts";

/** A file of an older format as one of the next: pure, and exact about what it changes. */
interface Migration {
  readonly to: number;
  readonly edits: (tree: Tree) => readonly YamlEdit[];
}

/** In order; a file without `version` is one of before there were versions, 0. */
const migrations: readonly Migration[] = [
  {
    to: 1,
    // The protocol of OpenAI had a longer name.
    edits: (tree) =>
      Object.keys(treeAt(tree, ["llm", "providers"])).flatMap((name) => {
        const path = ["llm", "providers", name, "kind"];
        const isOld = valueAt(tree, path) === "openai-compatible";
        return isOld ? [{ path, value: "openai" }] : [];
      }),
  },
];

/** The format that this program reads. */
export const newestVersion = 1;

/** The version that a file says it has; null when it says nothing sensible. */
export function versionOf(tree: Tree): number | null {
  const { version = 0 } = tree as { readonly version?: unknown };
  return Number.isInteger(version) && Number(version) >= 0 ? Number(version) : null;
}

export interface Migrated {
  readonly tree: Tree;
  readonly edits: readonly YamlEdit[];
}

/** The same in the newest format. */
export function migrated(tree: Tree, steps: readonly Migration[] = migrations): Migrated {
  const from = versionOf(tree) ?? 0;
  const all: YamlEdit[] = [];
  let now = tree;
  for (const { to, edits } of steps) {
    if (to <= from) continue;
    for (const edit of edits(now)) {
      all.push(edit);
      now = edited(now, edit) as Tree;
    }
  }
  return { tree: now, edits: all };
}

function edited(value: unknown, edit: YamlEdit): unknown {
  const [name, ...rest] = edit.path;
  if (name === undefined) return "value" in edit ? edit.value : value;
  const tree = isTree(value) ? value : {};
  if (rest.length > 0) {
    return { ...tree, [name]: edited(tree[name], { ...edit, path: rest }) };
  }
  if ("value" in edit) return { ...tree, [name]: edit.value };
  const entries = Object.entries(tree).flatMap(([key, item]): [string, unknown][] => {
    if (key !== name) return [[key, item]];
    return edit.name === null ? [] : [[edit.name, item]];
  });
  return Object.fromEntries(entries);
}

function treeAt(tree: Tree, path: KeyPath): Tree {
  const found = valueAt(tree, path);
  return isTree(found) ? found : {};
}
