import { dirname, join, resolve } from "node:path";
import { environmentLayer } from "./environment-layer.ts";
import { fileLayer, type Layer, leafPaths, type Origin } from "./layer.ts";
import { ConfigError, throwProblems } from "./problem.ts";
import { readText } from "./read-text.ts";
import { type Config, configSchema } from "./schema.ts";
import type { Environment, Refused } from "./substitute.ts";
import { looseningOf, secretNames } from "./tighten.ts";
import { merged, type Tree, valueAt } from "./tree.ts";

export interface ConfigRequest {
  /** Candidates at user level; those that exist count, a later one wins key by key. */
  readonly userFiles: readonly string[];
  /** `taskdaemon.yml` of the repository, which need not exist. */
  readonly projectFile: string | null;
  readonly env: Environment;
}

interface FileLayer extends Layer {
  readonly file: string;
}

/** By key path, joined with dots, for every key that has a value. */
export type Origins = ReadonlyMap<string, Origin>;

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Origins;
  readonly warnings: readonly string[];
  /** The files that were read, as they were named in the request. */
  readonly files: readonly string[];
}

/** Where the user-level file may be, the winner last. */
export function userConfigFiles(env: Environment, homeDirectory: string): readonly string[] {
  const { XDG_CONFIG_HOME, TASKDAEMON_HOME } = env;
  const base = XDG_CONFIG_HOME || join(homeDirectory, ".config");
  const files = [join(base, "taskdaemon", "taskdaemon.yml")];
  if (TASKDAEMON_HOME) files.push(join(TASKDAEMON_HOME, "taskdaemon.yml"));
  return files;
}

/**
 * Built-in < user < project < environment. Throws ConfigError with every problem it found; a
 * repository that asks for more than the user allows is one.
 */
export function loadConfig(request: ConfigRequest): LoadedConfig {
  const { env, projectFile } = request;
  const users = request.userFiles.flatMap((file) => readLayer(file, env, () => false));
  const environment = environmentLayer(env);
  const mine = [...users, environment];
  const problems = mine.flatMap((layer) => layer.problems);
  // What a repository may ask for cannot be judged before it is known what the user allows.
  const allowed = problems.length === 0 ? parsed(mine) : null;
  const refused = secretNames(allowed ?? configSchema.parse({}));
  const projects = projectFile === null ? [] : readLayer(projectFile, env, refused);
  for (const project of projects) {
    problems.push(...project.problems);
    if (allowed === null || project.problems.length > 0) continue;
    problems.push(...looseningOf(project, allowed, environment, request.userFiles));
  }
  throwProblems(problems);
  const files = [...users, ...projects];
  const layers = [...files.map((layer) => withAbsolutePaths(layer)), environment];
  const config = parsed(layers);
  const warnings = layers.flatMap((layer) => layer.warnings ?? []);
  return { config, origins: originsOf(config, layers), warnings, files: files.map((l) => l.file) };
}

/** None when there is no such file. */
function readLayer(file: string, env: Environment, refused: Refused): readonly FileLayer[] {
  try {
    const text = readText(file);
    return text === null ? [] : [{ file, ...fileLayer(file, text, env, refused) }];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = error;
    return [{ file, value: {}, problems, originOf: () => ({ from: "default" }) }];
  }
}

/** Directories of loop types are relative to the file that names them. */
function withAbsolutePaths(layer: FileLayer): FileLayer {
  const paths = valueAt(layer.value, ["loops", "paths"]);
  if (!Array.isArray(paths)) return layer;
  const absolute = paths.map((path: string) => resolve(dirname(layer.file), path));
  return { ...layer, value: merged(layer.value, { loops: { paths: absolute } }) };
}

function parsed(layers: readonly Layer[]): Config {
  const value = layers.reduce<Tree>((sum, layer) => merged(sum, layer.value), {});
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  // Each layer was valid by itself; only a merge of ours could have broken that.
  throw new Error("the layers are valid, their sum is not", { cause: result.error });
}

function originsOf(config: Config, layers: readonly Layer[]): Origins {
  const origins = new Map<string, Origin>();
  for (const path of leafPaths(config)) {
    const layer = layers.findLast(({ value }) => valueAt(value, path) !== undefined);
    origins.set(path.join("."), layer?.originOf(path) ?? { from: "default" });
  }
  return origins;
}
