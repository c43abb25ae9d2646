import { keysOf } from "./keys.ts";
import { loopTypeSchema } from "./loop-type-schema.ts";
import type { LoadedLoopTypes } from "./loop-types.ts";
import { sampleValues } from "./prompt-values.ts";
import { nodeAt, plain } from "./sourced.ts";

export interface LoopTypeExplanation {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly origin: string;
  /** The file of the type of this name that is not used because of this one. */
  readonly overrides: string | null;
  /** Names of the types that it was made from, the first of them first. */
  readonly bases: readonly string[];
  /** Each value that it or its bases set, as written; what it leaves out comes from taskdaemon.yml. */
  readonly values: readonly {
    readonly key: string;
    readonly value: unknown;
    readonly from: string;
  }[];
  /** Rendered with sample values. */
  readonly system: string;
  readonly prompt: string;
}

const keys = keysOf(loopTypeSchema);

/** What there is to know of a type; null when there is none of that name. */
export function explainLoopType(types: LoadedLoopTypes, name: string): LoopTypeExplanation | null {
  const type = types.get(name);
  if (type === null) return null;
  const sample = { ...sampleValues, type: type.name, tools: type.tools };
  const values = keys.flatMap(({ kind, path }) => {
    const node = nodeAt(type.written, path);
    if (kind === "section" || node === null) return [];
    const { file, line, column } = type.placeOf(path);
    return [{ key: path.join("."), value: plain(node), from: `${file}:${line}:${column}` }];
  });
  return {
    name: type.name,
    description: type.description,
    version: type.version,
    origin: type.origin,
    overrides: type.overrides,
    bases: type.bases,
    values,
    system: type.renderSystem(sample),
    prompt: type.renderPrompt(sample),
  };
}
