import type { z } from "zod";
import { didYouMean } from "../../core/did-you-mean.ts";
import { type ConfigKey, namesBelow } from "./keys.ts";
import { meant, type Problem, quoted } from "./problem.ts";
import { valueAt } from "./tree.ts";
import type { KeyPath, Place } from "./yaml-document.ts";

/** What a person wrote, before anything was put in its place. */
export interface Written {
  readonly file: string;
  readonly value: unknown;
  keyPlace(path: KeyPath): Place | null;
  valuePlace(path: KeyPath): Place | null;
}

/** The schema's complaints as sentences with their places, at most one for each value. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  written: Written,
  keys: readonly ConfigKey[],
): readonly Problem[] {
  const seen = new Set<string>();
  const fresh = issues.filter((issue) => {
    const id = issue.path.join("\u0000");
    return seen.has(id) ? false : seen.add(id);
  });
  const problems = fresh.flatMap((issue) => problemsOfIssue(issue, written, keys));
  return problems.sort((a, b) => position(a) - position(b));
}

function position(problem: Problem): number {
  return (problem.line ?? 0) * 1e6 + (problem.column ?? 0);
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  written: Written,
  keys: readonly ConfigKey[],
): readonly Problem[] {
  const path = issue.path as KeyPath;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => unknownKey([...path, name], written, keys));
  }
  const { file } = written;
  if (issue.code === "invalid_key") {
    const inner = issue.issues[0]?.message ?? issue.message;
    const message = `${under(path)}${inner}, not ${quoted(path.at(-1))}`;
    return [{ file, ...at(written.keyPlace(path)), message, suggestion: null }];
  }
  const value = valueAt(written.value, path);
  if (value === undefined) {
    const message = `"${path.at(-1)}" is missing${where(path.slice(0, -1))}`;
    return [{ file, ...at(written.keyPlace(path)), message, suggestion: null }];
  }
  const place = at(written.valuePlace(path));
  return [{ file, ...place, ...wrongValue(issue, path, value) }];
}

function unknownKey(path: KeyPath, written: Written, keys: readonly ConfigKey[]): Problem {
  const name = String(path.at(-1));
  const section = path.slice(0, -1);
  const message = `unknown key ${quoted(name)}${where(section)}`;
  const near = didYouMean(name, namesBelow(keys, section)) ?? elsewhere(name, keys);
  return { file: written.file, ...at(written.keyPlace(path)), message, suggestion: meant(near) };
}

/** A key of that very name in another section. */
function elsewhere(name: string, keys: readonly ConfigKey[]): string | null {
  const key = keys.find(({ path }) => path.at(-1) === name && !path.includes("*"));
  return key?.path.join(".") ?? null;
}

function wrongValue(
  issue: z.core.$ZodIssue,
  path: KeyPath,
  value: unknown,
): { readonly message: string; readonly suggestion: string | null } {
  if (issue.code === "invalid_value") {
    const choices = issue.values.map(String);
    const message = `${under(path)}expected one of ${choices.join(", ")}, not ${quoted(value)}`;
    return { message, suggestion: meant(didYouMean(String(value), choices)) };
  }
  // Someone may have put the key itself where its variable's name belongs.
  const isShown = path.at(-1) !== "api-key-env" && issue.message.startsWith("expected");
  const shown = isShown ? `, not ${quoted(value)}` : "";
  return { message: `${under(path)}${issue.message}${shown}`, suggestion: null };
}

function under(path: KeyPath): string {
  return path.length === 0 ? "" : `${path.join(".")}: `;
}

function where(section: KeyPath): string {
  return section.length === 0 ? "" : ` under ${section.join(".")}`;
}

function at(place: Place | null): { readonly line: number | null; readonly column: number | null } {
  return { line: place?.line ?? null, column: place?.column ?? null };
}
