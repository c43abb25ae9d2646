import { z } from "zod";

/** What a person sees of a key's type; the rest follows from the schema itself. */
export type Unit = "duration" | "size";
export const units = z.registry<{ unit: Unit }>();

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;
const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const sizePattern = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Milliseconds of `90s`, `1.5h`; NaN for anything else. */
function durationMs(text: string): number {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  return Math.round(Number(amount) * (durationUnits[unit as keyof typeof durationUnits] ?? NaN));
}

/** Bytes of `4GB`, `512MiB`; NaN for anything else. */
function sizeBytes(text: string): number {
  const [, amount, unit] = sizePattern.exec(text) ?? [];
  return Math.round(Number(amount) * (sizeUnits[unit as keyof typeof sizeUnits] ?? NaN));
}

/** The shortest exact spelling of a duration: 90000 is `90s`. */
export function writeDuration(milliseconds: number): string {
  return milliseconds === 0 ? "0s" : spelled(milliseconds, durationUnits);
}

export function writeSize(bytes: number): string {
  return spelled(bytes, sizeUnits);
}

function spelled(amount: number, table: Readonly<Record<string, number>>): string {
  const exact = Object.entries(table).filter(([, size]) => amount % size === 0 && amount >= size);
  const [unit, size] = exact.sort(([, a], [, b]) => b - a)[0] ?? ["", 1];
  return `${amount / size}${unit}`;
}

/** A duration, parsed to milliseconds. */
export function duration(least: string, most: string) {
  const error = `expected a duration from ${least} to ${most}, written like 90s, 5m, 2h or 7d`;
  const field = z
    .string({ error })
    .regex(durationPattern, { error, abort: true })
    .refine((text) => within(durationMs(text), durationMs(least), durationMs(most)), { error })
    .transform(durationMs);
  return field.register(units, { unit: "duration" });
}

/** A size, parsed to bytes. */
export function size(least: string, most: string) {
  const error = `expected a size from ${least} to ${most}, written like 512MB, 4GB or 1GiB`;
  const field = z
    .string({ error })
    .regex(sizePattern, { error, abort: true })
    .refine((text) => within(sizeBytes(text), sizeBytes(least), sizeBytes(most)), { error })
    .transform(sizeBytes);
  return field.register(units, { unit: "size" });
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

export function whole(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function dollars() {
  const error = "expected dollars, a number greater than 0";
  return z.number({ error }).positive({ error }).max(1_000_000, { error });
}

export function price() {
  const error = "expected dollars per million tokens, 0 or more";
  return z.number({ error }).min(0, { error }).max(100_000, { error });
}

const commandCharsMax = 10_000;

/** The sentence about a command that is none, or null: an empty command would pass everything. */
export function checkCommand(text: string): string | null {
  if (text.trim() === "") return "the command is empty; write one, or leave the key out";
  if (text.includes("\u0000")) return "the command has a NUL character in it";
  return text.length > commandCharsMax ? "the command is longer than 10,000 characters" : null;
}

export function command() {
  return z.string({ error: "expected a shell command" }).superRefine((text, check) => {
    const message = checkCommand(text);
    if (message !== null) check.addIssue({ code: "custom", message });
  });
}

/** Of a variable that holds a secret: whoever writes the secret itself is told so. */
export function variableName() {
  const error = "expected the name of an environment variable";
  return z
    .string({ error })
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: `${error}, not the key itself` });
}

export function webAddress() {
  return z.url({ protocol: /^https?$/, error: "expected an http or https address" });
}

export function modelName() {
  const error = "expected provider/model, for example anthropic/claude-sonnet-5-5";
  return z.string({ error }).regex(/^[a-z][a-z0-9-]*\/[^\s\p{Cc}]{1,200}$/u, { error });
}

/** Without its provider. */
export function modelId() {
  const error = "expected the name of a model without its provider, for example claude-sonnet-5-5";
  return z.string({ error }).regex(/^[^\s\p{Cc}]{1,200}$/u, { error });
}

export function hostName() {
  const error = "expected a host name such as registry.npmjs.org or *.example.org";
  const pattern = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
  return z.string({ error }).max(253, { error }).regex(pattern, { error });
}

/** A path below the repository: nothing absolute, nothing that climbs. */
export function pathInside() {
  const error = "expected a path inside the repository, without a leading / and without ..";
  return z.string({ error }).refine(staysInside, { error });
}

/** True for a relative path that does not climb. */
export function staysInside(path: string): boolean {
  if (path.trim() === "" || path.includes("\u0000") || /^([/\\~]|[a-z]:)/i.test(path)) return false;
  return !path.split(/[/\\]/).includes("..");
}

/** A glob pattern of files in the repository. */
export function pattern() {
  const error = "expected a glob pattern such as test/** or Makefile";
  return z.string({ error }).min(1, { error }).max(1_000, { error });
}

const listItemsMax = 1_000;

export function listOf<Item extends z.ZodType>(item: Item, what: string) {
  const error = `expected a list of ${what}`;
  return z.array(item, { error }).max(listItemsMax, { error }).readonly();
}

const sectionError = "expected keys below it";

/** `byDefault` is what a person would write, so the JSON Schema shows it as it is written. */
export function key<Field extends z.ZodType>(
  field: Field,
  byDefault: z.input<Field>,
  means: string,
) {
  return z.prefault(field, byDefault as z.core.util.NoUndefined<z.input<Field>>).describe(means);
}

/** Keys of ours; left out it is all defaults. */
export function section<Shape extends z.ZodRawShape>(shape: Shape, means: string) {
  const keys = z.strictObject(shape, { error: sectionErrors });
  return z.prefault(keys, {} as z.core.util.NoUndefined<z.input<typeof keys>>).describe(means);
}

/** Unknown keys keep zod's own issue, which names them. */
export function sectionErrors(issue: { readonly code: string }): string | undefined {
  return issue.code === "invalid_type" ? sectionError : undefined;
}

export function serverName() {
  const error = "expected a name of lower-case letters, digits and -, at most 31";
  return z.string({ error }).regex(/^[a-z][a-z0-9-]{0,30}$/, { error });
}

/** A program that speaks MCP. */
export function toolServer() {
  const means =
    "Shell command, run in the worktree and in the sandbox, that speaks MCP over its input and output.";
  const fields = {
    command: command().describe(means),
    "network-allow": key(
      listOf(hostName(), "host names"),
      [],
      "Hosts that it may reach besides those of `sandbox.network.allow`.",
    ),
    env: key(
      listOf(variableName(), "names of environment variables"),
      [],
      "Environment variables of the daemon that it is given, for example a key.",
    ),
    timeout: key(duration("1s", "1h"), "30s", "Longest wait for the answer to one call."),
  };
  return z.strictObject(fields, { error: sectionErrors });
}
