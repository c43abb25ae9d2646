import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { didYouMean } from "../../core/did-you-mean.ts";
import type { RepositoryNeed } from "../../ports/repository-need.ts";
import { allToolsOf, serverOf, serversOfTypeMax } from "../../ports/tool-servers.ts";
import type { LoopType, LoopTypes } from "../../ports.ts";
import { documentWork, hierarchyProblems, withoutBuiltInGate } from "./hierarchy-types.ts";
import { type ResolvedType, resolveType, type TypeFile } from "./inheritance.ts";
import { problemsOf } from "./issues.ts";
import { keysOf } from "./keys.ts";
import { type LoopTypeDefinition, loopTypeSchema } from "./loop-type-schema.ts";
import { checkParameter, parameterValues } from "./parameters.ts";
import { ConfigError, meant, type Problem, quoted, throwProblems } from "./problem.ts";
import { readText } from "./read-text.ts";
import { nodeAt, placeOfSource, plain, type Sourced, type SourcedMap } from "./sourced.ts";
import { compileTemplate, type Template, type TemplateSurroundings } from "./template.ts";
import {
  builtInDirectory,
  filesOf,
  type LoopTypeDirectory,
  partialsOf,
  readConfined,
  readTypeFile,
} from "./type-files.ts";
import type { KeyPath } from "./yaml-document.ts";

export interface LoopTypesRequest {
  /** Besides the built-in ones; a later directory overrides an earlier one, type by type. */
  readonly directories: readonly LoopTypeDirectory[];
  /** A directory in there, and what its types read, may not lead out of there. */
  readonly repo: string | null;
  /** Also `mcp_NAME` of each MCP server that there is. */
  readonly toolNames: readonly string[];
}

export interface LoadedLoopType extends LoopType {
  readonly definition: LoopTypeDefinition;
  /** What its bases and it itself say, each value with where it was written. */
  readonly written: SourcedMap;
  readonly file: string;
  /** Of a key; of the nearest place above it in its own file when there is no such key. */
  placeOf(path: KeyPath): Pick<Problem, "file" | "line" | "column">;
  /** The file of the type of this name that it overrides. */
  readonly overrides: string | null;
  /** Names of the types that it was made from. */
  readonly bases: readonly string[];
}

export interface LoadedLoopTypes extends LoopTypes {
  get(name: string): LoadedLoopType | null;
  list(): readonly LoadedLoopType[];
}

const loopTypeKeys = keysOf(loopTypeSchema);

/** Where types are looked for: beside the user's files, in the repository, where they said. */
export function loopTypeDirectories(places: {
  readonly userFiles: readonly string[];
  readonly repo: string | null;
  /** `loops.paths` of the loaded configuration. */
  readonly paths: readonly string[];
}): readonly LoopTypeDirectory[] {
  const usual = places.userFiles.map((file) => join(dirname(file), "loops"));
  if (places.repo !== null) usual.push(join(places.repo, ".taskdaemon", "loops"));
  return [
    ...usual.map((path) => ({ path: resolve(path), mustExist: false })),
    ...places.paths.map((path) => ({ path: resolve(path), mustExist: true })),
  ];
}

/** All types that can be used. Throws ConfigError with every problem in any of them. */
export function loadLoopTypes(request: LoopTypesRequest): LoadedLoopTypes {
  const reading = new Reading(request);
  const found = reading.files();
  const byName = new Map<string, TypeFile[]>();
  for (const file of found) byName.set(file.name, [...(byName.get(file.name) ?? []), file]);
  const types = new Map<string, LoadedLoopType>();
  for (const file of found) {
    const type = reading.attempt(() => reading.type(file, byName, types));
    if (type !== null) types.set(type.name, type);
  }
  reading.tell([...unknownParents(types), ...hierarchyProblems(types)]);
  throwProblems(reading.problems());
  const sorted = [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { get: (name) => types.get(name) ?? null, list: () => sorted };
}

/** One look at all directories: what is wrong anywhere, and what was read. */
class Reading {
  readonly #request: LoopTypesRequest;
  readonly #surroundings: Pick<TemplateSurroundings, "partials">;
  readonly #problems: Problem[] = [];

  constructor(request: LoopTypesRequest) {
    this.#request = request;
    this.#surroundings = { partials: partialsOf(request.directories.map(({ path }) => path)) };
  }

  tell(problems: readonly Problem[]): void {
    this.#problems.push(...problems);
  }

  /** By file in the order of reading, each once: what is wrong in a base is wrong in all of it. */
  problems(): readonly Problem[] {
    const texts = this.#problems.map((problem) => JSON.stringify(problem));
    return this.#problems.filter((_, index) => texts.indexOf(texts[index] ?? "") === index);
  }

  attempt<Result>(read: () => Result): Result | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.tell(error.problems);
      return null;
    }
  }

  /** All files of types, those that are overridden first. */
  files(): readonly TypeFile[] {
    const { directories, repo } = this.#request;
    return [{ path: builtInDirectory, mustExist: true }, ...directories].flatMap((directory) => {
      const here: TypeFile[] = [];
      for (const path of this.attempt(() => filesOf(directory, repo)) ?? []) {
        const file = this.attempt(() => readTypeFile(path, directory.path));
        if (file === null) continue;
        if (here.some(({ name }) => name === file.name)) {
          const place = { file: path, ...file.document.keyPlace(["name"]) };
          const message = `there are two types "${file.name}" here`;
          this.tell([{ ...place, message, suggestion: null }]);
        }
        here.push(file);
      }
      return here;
    });
  }

  type(
    file: TypeFile,
    byName: ReadonlyMap<string, readonly TypeFile[]>,
    known: ReadonlyMap<string, LoadedLoopType>,
  ): LoadedLoopType {
    const { document, directory } = file;
    const resolved = resolveType(file, byName);
    throwProblems(resolved.problems);
    const { value } = resolved;
    const parsed = loopTypeSchema.safeParse(withoutBuiltInGate(plain(value)));
    if (!parsed.success) {
      throw new ConfigError(problemsOf(parsed.error.issues, document, loopTypeKeys));
    }
    const definition = parsed.data;
    const { parameters = {} } = definition;
    throwProblems([
      ...this.#toolProblems(value, definition),
      ...parameterProblems(value, definition),
    ]);
    const prompt = this.#templates(resolved, "prompt", Object.keys(parameters));
    const system = this.#templates(resolved, "system", Object.keys(parameters));
    const version = createHash("sha256").update(
      JSON.stringify([plain(value), prompt.texts, system.texts]),
    );
    const filled = (values: object & { readonly param?: object }) => ({
      ...values,
      param: parameterValues(parameters, values.param as never),
    });
    return {
      name: definition.name,
      description: definition.description,
      tools: definition.tools,
      begets: documentWork(definition),
      ...(definition.model === undefined ? {} : { model: definition.model }),
      needs: [...prompt.needs, ...system.needs],
      version: version.digest("hex").slice(0, 16),
      origin: directory === builtInDirectory ? "built-in" : document.file,
      definition,
      written: value,
      file: document.file,
      placeOf: (path) => placeIn(value, document, path),
      overrides: known.get(definition.name)?.file ?? null,
      bases: resolved.files.filter((each) => each !== file).map(({ name }) => name),
      renderPrompt: (values) => prompt.render(filled(values)),
      renderSystem: (values) => system.render(filled(values)),
    };
  }

  #toolProblems(written: SourcedMap, { tools }: LoopTypeDefinition): readonly Problem[] {
    const { toolNames } = this.#request;
    const problems = tools.flatMap((tool, index) => {
      const isTwice = tools.indexOf(tool) !== index;
      if (isKnownTool(tool, toolNames) && !isTwice) return [];
      const message = isTwice ? `the tool "${tool}" is here twice` : `unknown tool ${quoted(tool)}`;
      const suggestion = isTwice ? null : suggestedFor(tool, toolNames);
      return [{ ...placeOfValue(written, ["tools", index]), message, suggestion }];
    });
    const servers = new Set(tools.map(serverOf).filter((server) => server !== null));
    if (servers.size <= serversOfTypeMax) return problems;
    const message = `tools of more than ${serversOfTypeMax} MCP servers`;
    return [...problems, { ...placeOfValue(written, ["tools"]), message, suggestion: null }];
  }

  /** The template of a key, and those that are added to it, as one. */
  #templates(
    { value, added, files }: ResolvedType,
    key: "prompt" | "system",
    parameters: readonly string[],
  ): Compiled {
    const own = nodeAt(value, [key]);
    const nodes = [...(own === null ? [] : [own]), ...added[key]];
    const all = nodes.map((node) => this.#template(node, files, parameters));
    return {
      texts: all.flatMap(({ texts }) => texts),
      needs: all.flatMap(({ needs }) => needs),
      render: (values) => {
        const texts = all.map(({ render }) => render(values));
        return texts.length === 1 ? (texts[0] ?? "") : texts.map((t) => t.trimEnd()).join("\n\n");
      },
    };
  }

  #template(node: Sourced, files: readonly TypeFile[], parameters: readonly string[]): Compiled {
    const { document } = node.from;
    const directory = files.find((file) => file.document === document)?.directory ?? "";
    const path = String(plain(node));
    const file = join(dirname(document.file), path);
    const text = readText(file) === null ? null : readConfined(file, directory);
    if (text === null) {
      const message = `there is no file ${quoted(path)} beside this one`;
      throw new ConfigError([{ ...placeOfSource(node.from, "value"), message, suggestion: null }]);
    }
    const template = compileTemplate(file, text, { parameters, ...this.#surroundings });
    if (!template.ok) throw new ConfigError(template.problems);
    const { render, needs, included } = template;
    return { texts: [text, ...included.values()], needs, render };
  }
}

/** Which tools a server has, only it can say: of a known one every name may be one. */
function isKnownTool(tool: string, toolNames: readonly string[]): boolean {
  if (toolNames.includes(tool)) return true;
  const server = serverOf(tool);
  return server !== null && toolNames.includes(allToolsOf(server)) && serverTool.test(tool);
}

const serverTool = /^mcp_[a-z0-9-]+_[a-zA-Z0-9_-]+$/;

function suggestedFor(tool: string, toolNames: readonly string[]): string | null {
  const server = serverOf(tool);
  const near = didYouMean(tool, toolNames);
  if (near !== null || server === null) return meant(near);
  const other = didYouMean(allToolsOf(server), toolNames);
  return meant(other) ?? "mcp.servers in taskdaemon.yml names MCP servers";
}

interface Compiled {
  readonly texts: readonly string[];
  readonly needs: readonly RepositoryNeed[];
  readonly render: Template;
}

function parameterProblems(
  written: SourcedMap,
  { parameters = {} }: LoopTypeDefinition,
): readonly Problem[] {
  return Object.entries(parameters).flatMap(([name, parameter]) => {
    const path = ["parameters", name, "default"];
    const problem = checkParameter(parameter, parameter.default);
    if (problem === null) return [];
    const message = `${path.join(".")}: ${problem}`;
    return [{ ...placeOfValue(written, path), message, suggestion: null }];
  });
}

function placeOfValue(
  written: SourcedMap,
  path: KeyPath,
): Pick<Problem, "file" | "line" | "column"> {
  return placeOfSource((nodeAt(written, path) ?? written).from, "value");
}

function placeIn(
  written: SourcedMap,
  document: TypeFile["document"],
  path: KeyPath,
): Pick<Problem, "file" | "line" | "column"> {
  const node = nodeAt(written, path);
  if (node !== null) return placeOfSource(node.from, "key");
  return { file: document.file, ...document.keyPlace(path) };
}

function unknownParents(types: ReadonlyMap<string, LoadedLoopType>): readonly Problem[] {
  return [...types.values()].flatMap((type) => {
    const { parent } = type.definition;
    if (parent === undefined || types.has(parent)) return [];
    const suggestion = meant(didYouMean(parent, [...types.keys()]));
    const message = `unknown loop type ${quoted(parent)}`;
    return [{ ...type.placeOf(["parent"]), message, suggestion }];
  });
}
