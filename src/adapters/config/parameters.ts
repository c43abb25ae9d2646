import { didYouMean } from "../../core/did-you-mean.ts";
import type { Parameter } from "./loop-type-schema.ts";
import { meant, quoted } from "./problem.ts";

export type ParameterValue = string | number | boolean;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;
export type Parameters = Readonly<Record<string, Parameter>>;

/** The sentence about a value that a parameter cannot have, or null. */
export function checkParameter(parameter: Parameter, given: ParameterValue): string | null {
  const { choices, min, max } = parameter;
  const kind = kindOf(parameter);
  const is = typeof given === "string" ? "text" : typeof given;
  if (is !== kind) return `expected a ${kind}, not ${quoted(given)}`;
  if (choices !== undefined && !choices.includes(given)) {
    return `expected one of ${choices.map(String).join(", ")}, not ${quoted(given)}`;
  }
  if (typeof given !== "number") return null;
  if (min !== undefined && given < min) return `expected ${min} or more, not ${given}`;
  return max !== undefined && given > max ? `expected ${max} or less, not ${given}` : null;
}

/** What `--set name=value` texts say for a type, or why they do not. */
export function readParameters(
  type: string,
  parameters: Parameters,
  given: Readonly<Record<string, string>>,
): { readonly ok: true; readonly values: ParameterValues } | { ok: false; reason: string } {
  const values: Record<string, ParameterValue> = {};
  for (const [name, written] of Object.entries(given)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (parameter === undefined) {
      const known = Object.keys(parameters);
      const near = meant(didYouMean(name, known));
      const there = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
      return { ok: false, reason: `${type} has no parameter ${quoted(name)} (${near ?? there})` };
    }
    const read = asKind(kindOf(parameter), written);
    const problem = checkParameter(parameter, read);
    if (problem !== null) return { ok: false, reason: `--set ${name}: ${problem}` };
    values[name] = read;
  }
  return { ok: true, values };
}

/** Each parameter with the value that was given, or its default where none fits. */
export function parameterValues(
  parameters: Parameters,
  given: ParameterValues = {},
): ParameterValues {
  const entries = Object.entries(parameters).map(([name, parameter]) => {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const fits = own !== undefined && checkParameter(parameter, own) === null;
    return [name, fits ? own : parameter.default] as const;
  });
  return Object.fromEntries(entries);
}

type Kind = "text" | "number" | "boolean";

function kindOf({ kind, default: usual }: Parameter): Kind {
  if (kind !== undefined) return kind;
  return typeof usual === "string" ? "text" : (typeof usual as "number" | "boolean");
}

function asKind(kind: Kind, written: string): ParameterValue {
  if (kind === "number" && /^-?\d+(\.\d+)?$/.test(written)) return Number(written);
  if (kind === "boolean" && (written === "true" || written === "false")) return written === "true";
  return written;
}
