import { didYouMean } from "../core/did-you-mean.ts";

interface Described {
  readonly description: string;
}
interface StringSchema extends Described {
  readonly type: "string";
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
}
interface IntegerSchema extends Described {
  readonly type: "integer";
  readonly minimum: number;
  readonly maximum: number;
}
interface BooleanSchema extends Described {
  readonly type: "boolean";
}
interface ArraySchema extends Described {
  readonly type: "array";
  readonly items: ObjectSchema;
  readonly maxItems: number;
}
type Schema = StringSchema | IntegerSchema | BooleanSchema | ArraySchema;

/** The JSON Schema of a tool's arguments, as far as our tools need one. */
export interface ObjectSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}

type ValueOf<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: "string" }
    ? string
    : S extends { readonly type: "integer" }
      ? number
      : S extends { readonly type: "boolean" }
        ? boolean
        : S extends { readonly items: infer I extends ObjectSchema }
          ? readonly ArgumentsOf<I>[]
          : never;

/** What a tool gets when its arguments fit the schema. */
export type ArgumentsOf<S extends ObjectSchema> = {
  readonly [K in keyof S["properties"] & S["required"][number]]: ValueOf<S["properties"][K]>;
} & {
  readonly [K in Exclude<keyof S["properties"], S["required"][number]>]?: ValueOf<
    S["properties"][K]
  >;
};

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Checks a model's arguments. Forgives what models do and what can only mean one thing: numbers,
 * booleans and lists as strings, the whole input as a string, null for what was left out.
 */
export function checkArguments<S extends ObjectSchema>(
  schema: S,
  input: unknown,
): Checked<ArgumentsOf<S>> {
  const problems: string[] = [];
  const value = checkObject(schema, parsedIf(input, "{"), "", problems);
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, problemsMax) };
  return { ok: true, value: value as ArgumentsOf<S> }; // every property was just checked
}

const problemsMax = 5;
const shownCharsMax = 60;

function checkObject(schema: ObjectSchema, input: unknown, at: string, problems: string[]): object {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    problems.push(
      `${at === "" ? "the arguments" : at.slice(0, -1)} must be an object, not ${shown(input)}`,
    );
    return {};
  }
  const known = Object.keys(schema.properties);
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined);
  const values: [string, unknown][] = [];
  for (const [name, value] of given) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property === undefined) problems.push(unknownName(at + name, name, known));
    else values.push([name, checkValue(property, value, at + name, problems)]);
  }
  for (const name of schema.required) {
    if (given.some(([key]) => key === name)) continue;
    const property = schema.properties[name];
    problems.push(`${at}${name} is missing (${property === undefined ? "" : expected(property)})`);
  }
  return Object.fromEntries(values);
}

function checkValue(schema: Schema, given: unknown, at: string, problems: string[]): unknown {
  const value = coerced(schema, given);
  if (schema.type === "array" && Array.isArray(value) && value.length <= schema.maxItems) {
    return value.map((item: unknown, index) =>
      checkObject(schema.items, item, `${at}[${index}].`, problems),
    );
  }
  if (!fits(schema, value)) problems.push(`${at} must be ${expected(schema)}, not ${shown(given)}`);
  return value;
}

function coerced(schema: Schema, value: unknown): unknown {
  if (typeof value !== "string") {
    return schema.type === "string" && typeof value === "number" ? String(value) : value;
  }
  switch (schema.type) {
    case "integer":
      return /^\s*-?\d+(?:\.0+)?\s*$/u.test(value) ? Number(value) : value;
    case "boolean":
      return /^(?:true|false)$/iu.test(value.trim())
        ? value.trim().toLowerCase() === "true"
        : value;
    case "array":
      return parsedIf(value, "[");
    case "string":
      return value;
  }
}

/** Some models send JSON in a string where JSON itself was asked for. */
function parsedIf(value: unknown, opening: string): unknown {
  if (typeof value !== "string" || !value.trimStart().startsWith(opening)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function fits(schema: Schema, value: unknown): boolean {
  switch (schema.type) {
    case "string":
      return (
        typeof value === "string" &&
        value.length >= (schema.minLength ?? 0) &&
        value.length <= (schema.maxLength ?? Number.POSITIVE_INFINITY) &&
        (schema.enum?.includes(value) ?? true)
      );
    case "integer":
      return (
        Number.isSafeInteger(value) &&
        Number(value) >= schema.minimum &&
        Number(value) <= schema.maximum
      );
    case "boolean":
      return typeof value === "boolean";
    case "array":
      return false;
  }
}

function expected(schema: Schema): string {
  switch (schema.type) {
    case "string":
      return expectedString(schema);
    case "integer":
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    case "boolean":
      return "true or false";
    case "array":
      return `a list of at most ${schema.maxItems} objects with ${schema.items.required.join(" and ")}`;
  }
}

function expectedString(schema: StringSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  const least = (schema.minLength ?? 0) > 0 ? "a string that is not empty" : "a string";
  return schema.maxLength === undefined
    ? least
    : `${least}, of at most ${schema.maxLength} characters`;
}

function unknownName(path: string, name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known);
  const hint = meant === null ? `it takes ${known.join(", ")}` : `did you mean ${meant}?`;
  return `there is no argument ${path.slice(0, shownCharsMax)}: ${hint}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return value.length > shownCharsMax
    ? `a string of ${value.length} characters`
    : JSON.stringify(value);
}
