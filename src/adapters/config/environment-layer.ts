import { didYouMean } from "../../core/did-you-mean.ts";
import type { ConfigKey } from "./keys.ts";
import { configKeys, type Layer, type Origin, validated } from "./layer.ts";
import { meant, type Problem } from "./problem.ts";
import type { Environment } from "./substitute.ts";
import { merged, type Tree, treeOf } from "./tree.ts";
import { type KeyPath, readYaml } from "./yaml-document.ts";

const variablePrefix = "TASKDAEMON_";
/** Variables of ours that are no configuration keys. */
const otherVariables = ["TASKDAEMON_HOME", "TASKDAEMON_VERSION"];

export interface EnvironmentLayer extends Layer {
  readonly warnings: readonly string[];
}

/** `TASKDAEMON_ITERATION_MAX_TURNS=10` is `iteration: { max-turns: 10 }`. Empty ones are unset. */
export function environmentLayer(env: Environment): EnvironmentLayer {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const variables: { readonly path: readonly string[]; readonly variable: string }[] = [];
  let value: Tree = {};
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable];
    if (!variable.startsWith(variablePrefix) || !text || otherVariables.includes(variable))
      continue;
    const found = pathOfVariable(variable);
    if (found === null) {
      warnings.push(unknownVariable(variable));
      continue;
    }
    const layer = variableLayer(variable, found, text);
    problems.push(...layer.problems);
    value = merged(value, layer.value);
    variables.push({ path: found.path, variable });
  }
  const originOf = (path: KeyPath): Origin => {
    const setHere = variables.filter((item) => item.path.every((part, i) => part === path[i]));
    const longest = setHere.sort((a, b) => b.path.length - a.path.length)[0];
    return longest ? { from: "environment", variable: longest.variable } : { from: "default" };
  };
  return { value, problems, warnings, originOf };
}

function variableLayer(
  variable: string,
  found: { readonly path: readonly string[]; readonly key: ConfigKey },
  text: string,
): Omit<Layer, "originOf"> {
  const { path, key } = found;
  const isText = key.kind === "text" || key.kind === "choice";
  const document = readYaml(`$${variable}`, text);
  const broken = document.problems.map((problem) => ({ ...problem, line: null, column: null }));
  if (!isText && broken.length > 0) return { value: {}, problems: broken };
  const nullable = text === "null" && key.nullable;
  const value = treeOf(path, isText && !nullable ? text : document.value);
  const nowhere = { keyPlace: () => null, valuePlace: () => null };
  return validated(value, { file: `$${variable}`, value, ...nowhere });
}

function variableOf(path: readonly string[]): string {
  return variablePrefix + path.join("_").replaceAll("-", "_").toUpperCase();
}

const deepestFirst = [...configKeys].sort((a, b) => b.path.length - a.path.length);

function pathOfVariable(
  variable: string,
): { readonly path: readonly string[]; readonly key: ConfigKey } | null {
  for (const key of deepestFirst) {
    const wanted = variableOf(key.path).replaceAll("*", "(.+?)");
    const [, name] = new RegExp(`^${wanted}$`).exec(variable) ?? [];
    // Names of models have characters that a variable cannot have.
    if (variable !== variableOf(key.path) && (name === undefined || key.path[1] === "prices")) {
      continue;
    }
    const chosen = name?.toLowerCase().replaceAll("_", "-") ?? "";
    return { key, path: key.path.map((part) => (part === "*" ? chosen : part)) };
  }
  return null;
}

function unknownVariable(variable: string): string {
  const known = configKeys.filter(({ path }) => !path.includes("*"));
  const names = [...otherVariables, ...known.map(({ path }) => variableOf(path))];
  const ends = names.map((name) => name.slice(variablePrefix.length));
  const near = didYouMean(variable.slice(variablePrefix.length), ends);
  const suggestion = near === null ? "" : ` — ${meant(variablePrefix + near)}`;
  return `$${variable}: no such configuration key${suggestion}`;
}
