/** What is asked about a repository: the text of a file or null, and all paths. */
export interface RepositoryFacts {
  readonly read: (path: string) => Promise<string | null>;
  readonly paths: readonly string[];
}

export interface DetectedValidation {
  readonly command: string;
  /** "package.json scripts.test" */
  readonly from: string;
}

export type Detector = (facts: RepositoryFacts) => Promise<DetectedValidation | null>;

/** Null for a file that is not there, without asking for it. */
export async function readIfThere(facts: RepositoryFacts, path: string): Promise<string | null> {
  return facts.paths.includes(path) ? facts.read(path) : null;
}

/** The first of these files that is there. */
export function firstOf(facts: RepositoryFacts, files: readonly string[]): string | null {
  return files.find((file) => facts.paths.includes(file)) ?? null;
}

/** The string at a path of a JSON text; null for whatever is not so: it tells us nothing. */
export function stringInJson(text: string | null, path: readonly string[]): string | null {
  let found: unknown = parsed(text ?? "null");
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return null;
    found = (found as Record<string, unknown>)[part];
  }
  return typeof found === "string" ? found : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    // The tool that owns the file will complain better than we could.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
