import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "./problem.ts";
import { yamlBytesMax } from "./yaml-document.ts";

/** Null when there is no such file. Throws ConfigError when there is one that cannot be read. */
export function readText(file: string): string | null {
  const stats = attempt(file, () => statSync(file));
  if (stats === null) return null;
  if (!stats.isFile()) throw refusal(file, "this is not a regular file");
  if (stats.size > yamlBytesMax) throw refusal(file, "this file is larger than 1 MB");
  const bytes = attempt(file, () => readFileSync(file));
  if (bytes === null) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw refusal(file, "this file is not UTF-8 text", error);
  }
}

function attempt<Result>(file: string, read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw refusal(file, `this file cannot be read (${code})`, error);
  }
}

function refusal(file: string, message: string, cause?: unknown): ConfigError {
  const problem = { file, line: null, column: null, message, suggestion: null };
  return Object.assign(new ConfigError([problem]), { cause });
}
