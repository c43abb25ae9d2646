import { createHash } from "node:crypto";
import { readdirSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { didYouMean } from "../../core/did-you-mean.ts";
import type { LoopType, LoopTypes, PromptValues } from "../../ports.ts";
import { staysInside } from "./fields.ts";
import { documentWork, hierarchyProblems, withoutBuiltInGate } from "./hierarchy-types.ts";
import { problemsOf } from "./issues.ts";
import { keysOf } from "./keys.ts";
import { type LoopTypeDefinition, loopTypeSchema } from "./loop-type-schema.ts";
import { ConfigError, meant, type Problem, quoted, throwProblems } from "./problem.ts";
import { readText } from "./read-text.ts";
import { compileTemplate, type Template } from "./template.ts";
import { isTree, type Tree } from "./tree.ts";
import { type KeyPath, type Place, readYaml, type YamlDocument } from "./yaml-document.ts";

export interface LoopTypeDirectory {
  /** Absolute. */
  readonly path: string;
  /** A directory that somebody named must be there. */
  readonly mustExist: boolean;
}

export interface LoopTypesRequest {
  /** Besides the built-in ones; a later directory overrides an earlier one, type by type. */
  readonly directories: readonly LoopTypeDirectory[];
  /** A directory in there, and what its types read, may not lead out of there. */
  readonly repo: string | null;
  readonly toolNames: readonly string[];
}

export interface LoadedLoopType extends LoopType {
  readonly definition: LoopTypeDefinition;
  /** As it was written, and where. */
  readonly written: Tree;
  readonly file: string;
  placeOf(path: KeyPath): Place;
  /** The file of the type of this name that it overrides. */
  readonly overrides: string | null;
}

export interface LoadedLoopTypes extends LoopTypes {
  get(name: string): LoadedLoopType | null;
  list(): readonly LoadedLoopType[];
}

/** The types that come with the program; from `src` and from `dist` the way is the same. */
const builtInDirectory = resolve(import.meta.dirname, "../../../loops");

const filesMax = 200;
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
  const problems: Problem[] = [];
  const types = new Map<string, LoadedLoopType>();
  const directories = [{ path: builtInDirectory, mustExist: true }, ...request.directories];
  for (const directory of directories) {
    const here = new Set<string>();
    for (const file of attempt(problems, () => filesOf(directory, request.repo)) ?? []) {
      const type = attempt(problems, () => readType(file, directory.path, request, types));
      if (type === null) continue;
      if (here.has(type.name)) {
        problems.push(problemAt(type, ["name"], `there are two types "${type.name}" here`));
      }
      here.add(type.name);
      types.set(type.name, type);
    }
  }
  problems.push(...unknownParents(types), ...hierarchyProblems(types));
  throwProblems(problems);
  const sorted = [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { get: (name) => types.get(name) ?? null, list: () => sorted };
}

function attempt<Result>(problems: Problem[], read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

function filesOf(directory: LoopTypeDirectory, repo: string | null): readonly string[] {
  const { path, mustExist } = directory;
  let names: readonly string[];
  try {
    names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && !mustExist) return [];
    throw refusal(path, `this directory of loop types cannot be read (${code})`);
  }
  if (names.length > filesMax) throw refusal(path, `more than ${filesMax} loop types`);
  if (repo !== null && isInside(path, repo)) confine(path, repo);
  return [...names].sort().map((name) => join(path, name));
}

function readType(
  file: string,
  directory: string,
  request: LoopTypesRequest,
  known: ReadonlyMap<string, LoadedLoopType>,
): LoadedLoopType {
  const text = readConfined(file, directory);
  const document = readYaml(file, text);
  throwProblems(document.problems);
  const parsed = loopTypeSchema.safeParse(withoutBuiltInGate(document.value));
  if (!parsed.success) {
    throw new ConfigError(problemsOf(parsed.error.issues, document, loopTypeKeys));
  }
  const definition = parsed.data;
  throwProblems(toolProblems(definition, document, request.toolNames));
  const prompt = readTemplate(document, "prompt", definition.prompt, directory);
  const system = readTemplate(document, "system", definition.system, directory);
  const version = createHash("sha256").update(JSON.stringify([text, prompt.text, system.text]));
  return {
    name: definition.name,
    description: definition.description,
    tools: definition.tools,
    begets: documentWork(definition),
    ...(definition.model === undefined ? {} : { model: definition.model }),
    version: version.digest("hex").slice(0, 16),
    origin: directory === builtInDirectory ? "built-in" : file,
    definition,
    written: isTree(document.value) ? document.value : {},
    file,
    placeOf: (path) => document.keyPlace(path),
    overrides: known.get(definition.name)?.file ?? null,
    renderPrompt: (values: PromptValues) => prompt.render(values),
    renderSystem: (values: PromptValues) => system.render(values),
  };
}

function toolProblems(
  definition: LoopTypeDefinition,
  document: YamlDocument,
  toolNames: readonly string[],
): readonly Problem[] {
  return definition.tools.flatMap((tool, index) => {
    const isTwice = definition.tools.indexOf(tool) !== index;
    if (toolNames.includes(tool) && !isTwice) return [];
    const message = isTwice ? `the tool "${tool}" is here twice` : `unknown tool ${quoted(tool)}`;
    const suggestion = isTwice ? null : meant(didYouMean(tool, toolNames));
    const place = document.valuePlace(["tools", index]);
    return [{ file: document.file, ...place, message, suggestion }];
  });
}

function readTemplate(
  document: YamlDocument,
  key: "prompt" | "system",
  path: string | undefined,
  directory: string,
): { readonly text: string; readonly render: Template } {
  if (path === undefined) return { text: "", render: () => "" };
  const file = join(dirname(document.file), path);
  const place = { file: document.file, ...document.valuePlace([key]) };
  const text = readText(file) === null ? null : readConfined(file, directory);
  if (text === null) {
    const message = `there is no file ${quoted(path)} beside this one`;
    throw new ConfigError([{ ...place, message, suggestion: null }]);
  }
  const template = compileTemplate(file, text);
  if (!template.ok) throw new ConfigError(template.problems);
  return { text, render: template.render };
}

/** A prompt goes to a model: no link may lead it to a file elsewhere. */
function readConfined(file: string, directory: string): string {
  const text = readText(file);
  if (text === null) throw refusal(file, "this link leads nowhere");
  confine(file, directory);
  return text;
}

function confine(path: string, directory: string): void {
  if (isInside(realpathSync(path), realpathSync(directory))) return;
  throw refusal(path, `this is a link that leads out of ${directory}`);
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || staysInside(way);
}

function unknownParents(types: ReadonlyMap<string, LoadedLoopType>): readonly Problem[] {
  return [...types.values()].flatMap((type) => {
    const { parent } = type.definition;
    if (parent === undefined || types.has(parent)) return [];
    const near = meant(didYouMean(parent, [...types.keys()]));
    return [problemAt(type, ["parent"], `unknown loop type ${quoted(parent)}`, near)];
  });
}

function problemAt(
  type: LoadedLoopType,
  path: KeyPath,
  message: string,
  suggestion: string | null = null,
): Problem {
  return { file: type.file, ...type.placeOf(path), message, suggestion };
}

function refusal(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, message, suggestion: null }]);
}
