import type { z } from "zod";
import { type Unit, units } from "./fields.ts";
import type { KeyPath } from "./yaml-document.ts";

export interface ConfigKey {
  /** `*` stands for a name that the person chooses. */
  readonly path: readonly string[];
  /** Of a leaf; a section has keys below it, a map has entries of the person's own. */
  readonly kind: "section" | "map" | "list" | "text" | "number" | "choice" | Unit;
  readonly means: string;
  /** As it would be written; undefined when leaving it out has no value at all. */
  readonly byDefault: unknown;
  readonly nullable: boolean;
}

/** Every key of a schema of ours, sections before what is in them. */
export function keysOf(schema: z.ZodType): readonly ConfigKey[] {
  return [...walk(schema as unknown as z.core.$ZodTypes, [], bare)].slice(1);
}

/** The key at a path that a person wrote; null when there is none. */
export function keyAt(keys: readonly ConfigKey[], path: KeyPath): ConfigKey | null {
  return keys.find((key) => matches(key.path, path)) ?? null;
}

export function matches(path: readonly string[], written: KeyPath): boolean {
  if (path.length !== written.length) return false;
  return path.every((part, index) => part === "*" || part === written[index]);
}

/** The names that may stand directly below a path. */
export function namesBelow(keys: readonly ConfigKey[], path: KeyPath): readonly string[] {
  const below = keys.filter((key) => key.path.length === path.length + 1);
  return below
    .filter((key) => matches(key.path.slice(0, -1), path))
    .map((key) => key.path.at(-1) ?? "")
    .filter((name) => name !== "*");
}

interface Wrapping {
  readonly means: string;
  readonly byDefault: unknown;
  readonly nullable: boolean;
}

const bare: Wrapping = { means: "", byDefault: undefined, nullable: false };

function* walk(
  schema: z.core.$ZodTypes,
  path: readonly string[],
  outer: Wrapping,
): Generator<ConfigKey> {
  const means = outer.means || ((schema as unknown as z.ZodType).description ?? "");
  const { def } = schema._zod;
  if (isWrapper(def)) {
    const byDefault = def.type === "prefault" ? def.defaultValue : outer.byDefault;
    const nullable = outer.nullable || def.type === "nullable";
    yield* walk(def.innerType as z.core.$ZodTypes, path, { means, byDefault, nullable });
    return;
  }
  yield { path, kind: kindOf(schema), means, byDefault: outer.byDefault, nullable: outer.nullable };
  if (def.type === "record") {
    yield* walk(def.valueType as z.core.$ZodTypes, [...path, "*"], bare);
  }
  if (def.type !== "object") return;
  for (const [name, field] of Object.entries(def.shape)) {
    yield* walk(field as z.core.$ZodTypes, [...path, name], bare);
  }
}

type Def = z.core.$ZodTypes["_zod"]["def"];
type Wrapper = Extract<Def, { type: "prefault" | "nullable" | "optional" | "readonly" }>;

function isWrapper(def: Def): def is Wrapper {
  return ["prefault", "nullable", "optional", "readonly"].includes(def.type);
}

function kindOf(schema: z.core.$ZodTypes): ConfigKey["kind"] {
  const unit = units.get(schema as never)?.unit;
  if (unit !== undefined) return unit;
  switch (schema._zod.def.type) {
    case "object":
      return "section";
    case "record":
      return "map";
    case "array":
      return "list";
    case "number":
      return "number";
    case "enum":
      return "choice";
    case "union":
      return unionKind(schema._zod.def.options as readonly z.core.$ZodTypes[]);
    default:
      return "text";
  }
}

/** `auto` or something: it is of that something's kind. */
function unionKind(options: readonly z.core.$ZodTypes[]): ConfigKey["kind"] {
  const other = options.at(-1);
  if (other === undefined) return "text";
  const { def } = other._zod;
  return kindOf(def.type === "readonly" ? (def.innerType as z.core.$ZodTypes) : other);
}
