import { writeDuration, writeSize } from "./fields.ts";
import { type ConfigKey, keyAt } from "./keys.ts";
import { configKeys, describeOrigin, leafPaths } from "./layer.ts";
import type { Origins } from "./load-config.ts";
import type { Config } from "./schema.ts";
import { merged, type Tree, treeOf, valueAt } from "./tree.ts";
import { writeYamlInline } from "./yaml-document.ts";

/** The whole configuration as it holds, each value with where it came from. */
export function showConfig(config: Config, origins: Origins, format: "yaml" | "json"): string {
  return format === "json" ? asJson(config, origins) : asYaml(config, origins);
}

/** The configuration as a person would write it: durations and sizes with their units. */
export function writtenConfig(config: Config): Tree {
  return leafPaths(config).reduce<Tree>(
    (sum, path) => merged(sum, treeOf(path, written(path, valueAt(config, path)))),
    {},
  );
}

function asJson(config: Config, origins: Origins): string {
  const from = Object.fromEntries([...origins].map(([path, at]) => [path, describeOrigin(at)]));
  return JSON.stringify({ config: writtenConfig(config), origins: from }, null, 2);
}

/** Comments begin here, if the value leaves the room. */
const commentColumn = 44;

function asYaml(config: Config, origins: Origins): string {
  const lines: string[] = [];
  let above: readonly string[] = [];
  for (const path of leafPaths(config)) {
    const shared = path.findIndex(
      (part, index) => index === path.length - 1 || part !== above[index],
    );
    for (let depth = shared; depth < path.length - 1; depth += 1) {
      lines.push(`${"  ".repeat(depth)}${writeYamlInline(path[depth])}:`);
    }
    above = path;
    const value = writeYamlInline(written(path, valueAt(config, path)));
    const name = writeYamlInline(path.at(-1));
    const line = `${"  ".repeat(path.length - 1)}${name}: ${value}`;
    const origin = origins.get(path.join("."));
    const comment = origin === undefined ? "" : ` # ${describeOrigin(origin)}`;
    lines.push(line.padEnd(commentColumn) + comment);
  }
  return `${lines.join("\n")}\n`;
}

function written(path: readonly string[], value: unknown): unknown {
  const kind: ConfigKey["kind"] | undefined = keyAt(configKeys, path)?.kind;
  // Whoever knows the whole address may post to it.
  if (path.join(".") === "notify.webhook" && typeof value === "string") {
    return `${new URL(value).origin}/…`;
  }
  if (typeof value !== "number") return value;
  if (kind === "duration") return writeDuration(value);
  return kind === "size" ? writeSize(value) : value;
}
