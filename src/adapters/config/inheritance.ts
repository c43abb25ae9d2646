import { didYouMean } from "../../core/did-you-mean.ts";
import { meant, type Problem, quoted } from "./problem.ts";
import {
  emptyMap,
  mergedSources,
  nodeAt,
  plain,
  problemAtSource,
  type Source,
  type Sourced,
  type SourcedMap,
  sourced,
  without,
} from "./sourced.ts";
import type { YamlDocument } from "./yaml-document.ts";

/** A file of a loop type, its own keys checked. */
export interface TypeFile {
  readonly name: string;
  readonly document: YamlDocument;
  /** The directory of types that it lies in. */
  readonly directory: string;
  /** Names of the types that it extends, as they stand in the file. */
  readonly bases: readonly string[];
}

/** What a type is, its bases included. */
export interface ResolvedType {
  readonly value: SourcedMap;
  /** Templates that are added to `prompt` and `system`, in their order. */
  readonly added: { readonly prompt: readonly Sourced[]; readonly system: readonly Sourced[] };
  /** The files it was put together from, itself last. */
  readonly files: readonly TypeFile[];
  readonly problems: readonly Problem[];
}

/** Keys of a file that say how it changes its bases. */
const operators = ["extends", "override", "append", "remove"];
/** Of a file alone, never of what extends it. */
const notInherited = ["name"];
const templateKeys = ["prompt", "system"] as const;

/**
 * Puts a type together. Its bases come first, left to right, each of them once and after its own
 * bases; what comes later wins. `files` are all files by name, those that are overridden first.
 */
export function resolveType(
  file: TypeFile,
  files: ReadonlyMap<string, readonly TypeFile[]>,
): ResolvedType {
  const problems: Problem[] = [];
  const order: TypeFile[] = [];
  visit(file, [], { files, order, problems });
  let value = emptyMap(file.document);
  let added: ResolvedType["added"] = { prompt: [], system: [] };
  if (problems.length === 0) {
    for (const each of order) {
      const step = applied({ value, added }, each, each === file);
      ({ value, added } = step);
      problems.push(...step.problems);
    }
  }
  return { value, added, files: order, problems };
}

interface Walk {
  readonly files: ReadonlyMap<string, readonly TypeFile[]>;
  readonly order: TypeFile[];
  readonly problems: Problem[];
}

/** Each file once, so the number of files bounds it. */
function visit(file: TypeFile, way: readonly TypeFile[], walk: Walk): void {
  if (walk.order.includes(file)) return;
  const here = [...way, file];
  for (const [index, name] of file.bases.entries()) {
    const path = Array.isArray(plainAt(file, "extends")) ? ["extends", index] : ["extends"];
    const from = { document: file.document, path };
    const base = baseOf(file, name, walk.files);
    if (base === null) walk.problems.push(unknownBase(file, name, from, walk));
    else if (here.includes(base)) {
      const circle = [...here.slice(here.indexOf(base)), base].map((each) => each.name);
      const message = `types extend each other in a circle: ${circle.join(" → ")}`;
      walk.problems.push(problemAtSource(from, message));
    } else visit(base, here, walk);
  }
  walk.order.push(file);
}

function unknownBase(file: TypeFile, name: string, from: Source, { files }: Walk): Problem {
  if (name === file.name) {
    const message = `there is no other type ${quoted(name)} that this one could extend`;
    return problemAtSource(from, message);
  }
  const near = meant(didYouMean(name, [...files.keys()]));
  return problemAtSource(from, `unknown loop type ${quoted(name)}`, near);
}

/** A type that extends its own name extends the one that it takes the place of. */
function baseOf(
  file: TypeFile,
  name: string,
  files: ReadonlyMap<string, readonly TypeFile[]>,
): TypeFile | null {
  const known = files.get(name) ?? [];
  if (name !== file.name) return known.at(-1) ?? null;
  return known[known.indexOf(file) - 1] ?? null;
}

function plainAt({ document }: TypeFile, key: string): unknown {
  return (document.value as Readonly<Record<string, unknown>>)[key];
}

type Sum = Pick<ResolvedType, "value" | "added">;

/** Of one file: what it removes goes first, then its own keys, `override`, and `append` at last. */
function applied(
  before: Sum,
  file: TypeFile,
  isLast: boolean,
): Sum & { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const whole = sourced(file.document, file.document.value);
  const own = whole.kind === "map" ? whole : emptyMap(file.document);
  const part = (name: string) => {
    const found = own.entries.get(name);
    return found?.kind === "map" ? found : emptyMap(file.document);
  };
  const [remove, override, append] = [part("remove"), part("override"), part("append")];
  const keys = without(own, isLast ? operators : [...operators, ...notInherited]);
  const kept = mergedSources(removed(before.value, remove, problems), keys) as SourcedMap;
  const value = { ...kept, entries: new Map([...kept.entries, ...override.entries]) };
  const added = { ...before.added };
  for (const key of templateKeys) {
    if ([keys, override, remove].some(({ entries }) => entries.has(key))) added[key] = [];
    const template = append.entries.get(key);
    if (template !== undefined) added[key] = [...added[key], template];
  }
  return { value: appended(value, without(append, templateKeys), problems), added, problems };
}

/** Lists lose the items that are named, `true` takes the whole key away. */
function removed(value: SourcedMap, remove: SourcedMap, problems: Problem[]): SourcedMap {
  const entries = new Map(value.entries);
  for (const [name, what] of remove.entries) {
    const there = entries.get(name);
    if (there === undefined) {
      const near = meant(didYouMean(name, [...entries.keys()]));
      problems.push(problemAtSource(what.from, `no base has ${quoted(name)} to remove`, near));
    } else if (what.kind === "map" && there.kind === "map") {
      entries.set(name, removed(there, what, problems));
    } else if (what.kind === "list" && there.kind === "list") {
      entries.set(name, withoutItems(there, what, name, problems));
    } else if (what.kind === "value" && what.value === true) entries.delete(name);
    else {
      const message = `${name}: name the items of a list to remove, or write true for all of it`;
      problems.push(problemAtSource(what.from, message));
    }
  }
  return { ...value, entries };
}

type SourcedList = Extract<Sourced, { kind: "list" }>;

function withoutItems(
  there: SourcedList,
  what: SourcedList,
  name: string,
  problems: Problem[],
): SourcedList {
  const names = there.items.map(nameOf);
  for (const item of what.items) {
    if (names.includes(nameOf(item))) continue;
    const near = meant(didYouMean(nameOf(item), names));
    const message = `no base has ${quoted(nameOf(item))} under ${name} to remove`;
    problems.push(problemAtSource(item.from, message, near));
  }
  const gone = what.items.map(nameOf);
  return { ...there, items: there.items.filter((item) => !gone.includes(nameOf(item))) };
}

/** A text is its own name; a pass has one. */
function nameOf(item: Sourced): string {
  const name = item.kind === "map" ? nodeAt(item, ["name"]) : item;
  return String(name === null ? "" : plain(name));
}

function appended(value: SourcedMap, append: SourcedMap, problems: Problem[]): SourcedMap {
  const entries = new Map(value.entries);
  for (const [name, more] of append.entries) {
    const there = entries.get(name);
    if (there === undefined) entries.set(name, more);
    else if (there.kind === "map" && more.kind === "map") {
      entries.set(name, appended(there, more, problems));
    } else if (more.kind === "list") {
      const before = there.kind === "list" ? there.items : [there];
      entries.set(name, { ...more, items: [...before, ...more.items] });
    } else problems.push(problemAtSource(more.from, `${name}: only to lists can be appended`));
  }
  return { ...value, entries };
}
