import type { ToolSpec } from "../../ports/llm.ts";
import { allToolsOf } from "../../ports/tool-servers.ts";
import type { Redact } from "../../ports.ts";

/** Model APIs take no longer names. */
const nameCharsMax = 64;
const descriptionCharsMax = 2_000;
const schemaDepthMax = 24;
const schemaNodesMax = 2_000;
const schemaCharsMax = 16_000;
/** Of all tools of one server: they go with every request to a model. */
const schemasCharsMax = 100_000;
/** Of one server, for one loop. */
const toolsMax = 64;
const namedMax = 10;
/** What every model API takes at the top of a schema; the rest (`oneOf` …) some refuse. */
const keysAtTop = ["properties", "required", "additionalProperties", "$defs", "definitions"];
const propertyName = /^(?!__proto__$)[a-zA-Z0-9_.-]{1,64}$/;

type Json = Readonly<Record<string, unknown>>;

interface OfferedTool extends ToolSpec {
  /** As the server calls it. */
  readonly original: string;
}

export interface Offer {
  readonly tools: readonly OfferedTool[];
  readonly notes: readonly string[];
}

/**
 * What a server says that it has, made fit for a model: `only` those names, or all. What does not
 * fit is left out and named. `missing` are wanted names that the server does not have.
 */
export function offerOf(
  server: string,
  listed: readonly unknown[],
  { only, redact }: { readonly only: ReadonlySet<string> | null; readonly redact: Redact },
): Offer & { readonly missing: readonly string[]; readonly names: readonly string[] } {
  const all = named(server, listed);
  const names = all.map(({ name }) => name);
  const wanted = all.filter(({ name }) => only === null || only.has(name));
  const tools: OfferedTool[] = [];
  const unfit: string[] = [];
  let beyond = 0;
  let chars = 0;
  for (const { name, tool } of wanted) {
    if (tools.length >= toolsMax) {
      beyond += 1;
      continue;
    }
    const inputSchema = schemaOf(tool["inputSchema"], redact);
    if (inputSchema === null) {
      unfit.push(name);
      continue;
    }
    chars += JSON.stringify(inputSchema).length;
    if (chars > schemasCharsMax) {
      beyond += 1;
      continue;
    }
    const description = `(${server}) ${redact(clean(tool["description"], descriptionCharsMax))}`;
    tools.push({ name, description, inputSchema, original: String(tool["name"]) });
  }
  const notes = notesOf(server, { unfit, beyond, of: wanted.length });
  const missing = [...(only ?? [])].filter((name) => !names.includes(name));
  return { tools, notes, missing, names };
}

function notesOf(
  server: string,
  { unfit, beyond, of }: { unfit: readonly string[]; beyond: number; of: number },
): string[] {
  const some = unfit.slice(0, namedMax).join(", ");
  const leftOut = `left out of MCP server ${server}: ${some}${unfit.length > namedMax ? " …" : ""}`;
  return [
    ...(unfit.length === 0 ? [] : [`${leftOut}: what they take cannot be told to a model`]),
    ...(beyond === 0
      ? []
      : [
          `MCP server ${server} has ${of} tools, too many: ${beyond} are left out; name single ones`,
        ]),
  ];
}

interface NamedTool {
  readonly name: string;
  readonly tool: Json;
}

/** In the server's order, each under a name of its own that model APIs take. */
function named(server: string, listed: readonly unknown[]): readonly NamedTool[] {
  const taken = new Set<string>();
  return listed.flatMap((tool) => {
    if (!isObject(tool) || typeof tool["name"] !== "string" || tool["name"] === "") return [];
    const wished = `${allToolsOf(server)}_${tool["name"].replaceAll(/[^a-zA-Z0-9_-]/g, "_")}`;
    let name = wished.slice(0, nameCharsMax);
    for (let n = 2; taken.has(name); n += 1) {
      name = `${wished.slice(0, nameCharsMax - `_${n}`.length)}_${n}`;
    }
    taken.add(name);
    return [{ name, tool }];
  });
}

/** Null when it is none, or none that a model could be given. */
function schemaOf(schema: unknown, redact: Redact): Json | null {
  if (!isObject(schema) || (schema["type"] ?? "object") !== "object") return null;
  const { properties = {} } = schema as { readonly properties?: unknown };
  if (!isObject(properties)) return null;
  if (!Object.keys(properties).every((name) => propertyName.test(name))) return null;
  const room = { nodes: schemaNodesMax, redact };
  const kept = Object.entries(schema).flatMap(([key, value]) => {
    return keysAtTop.includes(key) ? [[key, cleaned(value, 1, room)] as const] : [];
  });
  if (room.nodes < 0) return null;
  const result = { type: "object", properties: {}, ...Object.fromEntries(kept) };
  return JSON.stringify(result).length > schemaCharsMax ? null : result;
}

interface Room {
  nodes: number;
  readonly redact: Redact;
}

/** The same without control characters. What is too deep or too much takes all the room. */
function cleaned(value: unknown, depth: number, room: Room): unknown {
  room.nodes -= depth > schemaDepthMax ? schemaNodesMax + 1 : 1;
  if (room.nodes < 0) return null;
  if (typeof value === "string") return room.redact(clean(value, schemaCharsMax));
  if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1, room));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      clean(key, schemaCharsMax),
      cleaned(item, depth + 1, room),
    ]),
  );
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A stranger's text without what moves a cursor or turns the writing around; lines stay lines. */
export function clean(text: unknown, charsMax: number): string {
  if (typeof text !== "string") return "";
  const short = text.slice(0, charsMax).toWellFormed();
  return short.replaceAll(/(?![\n\t])[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu, "");
}
