import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  type YAMLError,
} from "yaml";
import { oneLine, type Problem } from "./problem.ts";

export type KeyPath = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One YAML file as plain values, and where each of them stands. */
export interface YamlDocument {
  readonly file: string;
  /** Null for an empty file. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Of the key itself; of the nearest place above it when there is no such key. */
  keyPlace(path: KeyPath): Place;
  valuePlace(path: KeyPath): Place;
}

export const yamlBytesMax = 1_000_000;
const depthMax = 20;
/** Aliases are followed, so this is also the bound of an alias bomb. */
const nodesMax = 20_000;
const errorsMax = 3;

/** Never throws: whatever is wrong with the text is in `problems`. */
export function readYaml(file: string, text: string): YamlDocument {
  const lines = new LineCounter();
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (isTooDeep(source)) return empty(file, `nested deeper than ${depthMax} levels`);
  // Its own check of keys takes time quadratic in their number; ours does not.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false };
  const parsed = parseDocument(source, options);
  const reader = new Reader(file, lines, (alias) => alias.resolve(parsed));
  const errors = [...parsed.errors, ...parsed.warnings];
  if (errors.length > 0) reader.refuseAll(errors, source.split("\n"));
  const value = errors.length > 0 ? null : reader.read(parsed.contents, [], depthMax);
  return {
    file,
    value,
    problems: reader.problems,
    keyPlace: (path) => nearest(reader.keys, path),
    valuePlace: (path) => reader.values.get(joined(path)) ?? nearest(reader.keys, path),
  };
}

/** Brackets left open: far more than any depth we accept, for they may stand in texts too. */
const openBracketsMax = 200;
const compactNesting = /([-?:][ \t]+){50}/;

/** The parser would take minutes to give up. */
function isTooDeep(source: string): boolean {
  let open = 0;
  for (const [bracket] of source.matchAll(/[[\]{}]/g)) {
    open = Math.max(0, open + (bracket === "[" || bracket === "{" ? 1 : -1));
    if (open > openBracketsMax) return true;
  }
  return compactNesting.test(source);
}

function empty(file: string, message: string): YamlDocument {
  const start = { line: 1, column: 1 };
  const problems = [{ file, ...start, message, suggestion: null }];
  return { file, value: null, problems, keyPlace: () => start, valuePlace: () => start };
}

/** Another value at a path; or another name for its key, null for none any more. */
export type YamlEdit =
  | { readonly path: readonly string[]; readonly value: unknown }
  | { readonly path: readonly string[]; readonly name: string | null };

/** The same text with some values changed and `first` before everything; comments stay. */
export function editYaml(
  text: string,
  edits: readonly YamlEdit[],
  first: { readonly name: string; readonly value: unknown },
): string {
  const parsed = parseDocument(text.startsWith("\uFEFF") ? text.slice(1) : text);
  for (const edit of edits) {
    if ("value" in edit) parsed.setIn(edit.path, edit.value);
    else if (edit.name === null) parsed.deleteIn(edit.path);
    else {
      const pair = pairAt(parsed.getIn(edit.path.slice(0, -1), true), edit.path.at(-1) ?? "");
      if (isScalar(pair?.key)) pair.key.value = edit.name;
    }
  }
  if (parsed.has(first.name)) parsed.set(first.name, first.value);
  else if (isMap(parsed.contents)) {
    parsed.contents.items.unshift(parsed.createPair(first.name, first.value));
  }
  return parsed.toString({ lineWidth: 0 });
}

function pairAt(map: unknown, name: string): Pair | undefined {
  if (!isMap(map)) return undefined;
  return map.items.find(({ key }) => isScalar(key) && String(key.value) === name);
}

/** One value in YAML, without its final line break. */
function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, defaultStringType: "PLAIN" }).trimEnd();
}

/** One value in YAML on one line. */
export function writeYamlInline(value: unknown): string {
  if (typeof value === "string" && /[\r\n]/.test(value)) return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return writeYaml(value);
  return writeYaml(value) === "{}" || writeYaml(value) === "[]"
    ? writeYaml(value)
    : stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: true })
        .trimEnd()
        .replaceAll(/\n\s*/g, " ");
}

/** A variable's braces inside braces: to YAML they are a mapping. */
const unquoted = /[[{].*\$\{/;
const quoteIt = `put quotes around \${…} inside { } and [ ]`;

class Reader {
  readonly keys = new Map<string, Place>();
  readonly values = new Map<string, Place>();
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #resolve: (alias: Alias) => Node | undefined;
  #nodesLeft = nodesMax;

  constructor(file: string, lines: LineCounter, resolve: (alias: Alias) => Node | undefined) {
    this.#file = file;
    this.#lines = lines;
    this.#resolve = resolve;
    this.keys.set(joined([]), { line: 1, column: 1 });
  }

  refuseAll(errors: readonly YAMLError[], sourceLines: readonly string[]): void {
    const shownLines = new Set<number>();
    for (const error of errors) {
      const { line } = this.#lines.linePos(error.pos[0]);
      if (shownLines.has(line) || shownLines.size >= errorsMax) continue;
      shownLines.add(line);
      const suggestion = unquoted.test(sourceLines[line - 1] ?? "") ? quoteIt : null;
      this.#refuse(error.pos[0], sentence(error), suggestion);
    }
  }

  read(node: unknown, path: KeyPath, depthLeft: number): unknown {
    if (!isNode(node)) return null;
    this.#nodesLeft -= 1;
    const offset = node.range?.[0] ?? 0;
    if (this.#nodesLeft === 0) this.#refuse(offset, `more than ${nodesMax} values`);
    if (this.#nodesLeft <= 0) return null;
    if (depthLeft === 0) return this.#refuse(offset, `nested deeper than ${depthMax} levels`);
    if (isAlias(node)) return this.#readAlias(node, path, depthLeft);
    this.values.set(joined(path), this.#place(offset));
    if (isMap(node)) return this.#readMap(node.items, path, depthLeft);
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const itemPath = [...path, index];
        if (isNode(item)) this.keys.set(joined(itemPath), this.#place(item.range?.[0] ?? 0));
        return this.read(item, itemPath, depthLeft - 1);
      });
    }
    return isScalar(node) ? this.#readScalar(node.value, offset) : null;
  }

  #readScalar(value: unknown, offset: number): unknown {
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value;
    return this.#refuse(offset, "this kind of value is not understood here");
  }

  #readAlias(alias: Alias, path: KeyPath, depthLeft: number): unknown {
    const target = this.#resolve(alias);
    if (target !== undefined) return this.read(target, path, depthLeft - 1);
    return this.#refuse(alias.range?.[0] ?? 0, `there is no anchor &${alias.source}`);
  }

  #readMap(pairs: readonly Pair[], path: KeyPath, depthLeft: number): unknown {
    const entries: [string, unknown][] = [];
    const seen = new Set<string>();
    for (const { key, value } of pairs) {
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      const name = isScalar(key) ? key.value : undefined;
      if ((typeof name !== "string" && typeof name !== "number") || name === "__proto__") {
        this.#refuse(offset, "a key must be a plain word");
        continue;
      }
      const keyPath = [...path, String(name)];
      if (seen.has(String(name))) this.#refuse(offset, "this key is here twice");
      seen.add(String(name));
      this.keys.set(joined(keyPath), this.#place(offset));
      entries.push([String(name), this.read(value, keyPath, depthLeft - 1)]);
    }
    return Object.fromEntries(entries);
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  #refuse(offset: number, message: string, suggestion: string | null = null): null {
    const { line, column } = this.#place(offset);
    this.problems.push({ file: this.#file, line, column, message, suggestion });
    return null;
  }
}

function sentence(error: YAMLError): string {
  if (error.code === "TAB_AS_INDENT") return "a tab cannot indent YAML; use spaces";
  if (error.code === "RESOURCE_EXHAUSTION") return `nested deeper than ${depthMax} levels`;
  if (error.code === "MULTIPLE_DOCS") return "only one YAML document may be in a file";
  if (error.code === "TAG_RESOLVE_FAILED") return `${error.message.toLowerCase()} is not allowed`;
  return `not valid YAML: ${oneLine(error.message, 200)}`;
}

function joined(path: KeyPath): string {
  return path.join("\u0000");
}

function nearest(places: ReadonlyMap<string, Place>, path: KeyPath): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const place = places.get(joined(path.slice(0, length)));
    if (place !== undefined) return place;
  }
  return { line: 1, column: 1 };
}
