import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { packageRoot } from "../../package-root.ts";
import { staysInside } from "./fields.ts";
import { withoutGateName } from "./hierarchy-types.ts";
import type { TypeFile } from "./inheritance.ts";
import { problemsOf } from "./issues.ts";
import { keysOf } from "./keys.ts";
import { typeFileSchema } from "./loop-type-schema.ts";
import { ConfigError, throwProblems } from "./problem.ts";
import { readText } from "./read-text.ts";
import type { PartialReader } from "./template-check.ts";
import { readYaml } from "./yaml-document.ts";

export interface LoopTypeDirectory {
  /** Absolute. */
  readonly path: string;
  /** A directory that somebody named must be there. */
  readonly mustExist: boolean;
}

/** The types that come with the program. */
export const builtInDirectory = join(packageRoot, "loops");

const filesMax = 200;
const typeFileKeys = keysOf(typeFileSchema);

/** The YAML files of a directory. Throws ConfigError when they cannot be used. */
export function filesOf(directory: LoopTypeDirectory, repo: string | null): readonly string[] {
  const { path, mustExist } = directory;
  let names: readonly string[];
  try {
    names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Also where what should hold it is a file: that is somebody else's to say.
    if (!existsSync(path) && !mustExist) return [];
    throw refusal(path, `this directory of loop types cannot be read (${code})`);
  }
  if (names.length > filesMax) throw refusal(path, `more than ${filesMax} loop types`);
  if (repo !== null && isInside(path, repo)) confine(path, repo);
  return [...names].sort().map((name) => join(path, name));
}

/** One file, what it says itself checked. Throws ConfigError. */
export function readTypeFile(file: string, directory: string): TypeFile {
  const document = readYaml(file, readConfined(file, directory));
  throwProblems(document.problems);
  const parsed = typeFileSchema.safeParse(withoutGateName(document.value));
  if (!parsed.success) {
    throw new ConfigError(problemsOf(parsed.error.issues, document, typeFileKeys));
  }
  const { name, extends: bases = [] } = parsed.data;
  const names = typeof bases === "string" ? [bases] : bases;
  return { name, document, directory, bases: names };
}

const partialName = /^[a-z][a-z0-9-]{0,62}$/;
const partialSuffixes = [".hbs", ".md.hbs"];

/** `partials/NAME.hbs` of the directories, the last one first. */
export function partialsOf(directories: readonly string[]): PartialReader {
  const places = [builtInDirectory, ...directories].reverse();
  return {
    read: (name) => {
      if (!partialName.test(name)) return null;
      for (const directory of places) {
        for (const suffix of partialSuffixes) {
          const file = join(directory, "partials", `${name}${suffix}`);
          if (readText(file) === null) continue;
          return { file, text: readConfined(file, directory) };
        }
      }
      return null;
    },
    names: () => places.flatMap((directory) => namesIn(join(directory, "partials"))),
  };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => name.replace(/(\.md)?\.hbs$/, ""));
  } catch {
    // Only for a suggestion.
    return [];
  }
}

/** A prompt goes to a model: no link may lead it to a file elsewhere. */
export function readConfined(file: string, directory: string): string {
  const text = readText(file);
  if (text === null) throw refusal(file, "this link leads nowhere");
  confine(file, directory);
  return text;
}

function confine(path: string, directory: string): void {
  if (isInside(realpathSync(path), realpathSync(directory))) return;
  throw refusal(path, `this is a link that leads out of ${directory}`);
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || staysInside(way);
}

function refusal(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, message, suggestion: null }]);
}
