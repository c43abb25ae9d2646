import { type ConfigKey, namesBelow } from "./keys.ts";
import { configKeys } from "./layer.ts";
import type { DetectedValidation } from "./repository-facts.ts";
import { isForUsersAlone } from "./tighten.ts";
import { writeYamlInline } from "./yaml-document.ts";

export interface InitFacts {
  readonly detected: DetectedValidation | null;
  /** The branch that finished work is meant for; null when there is no telling. */
  readonly target: string | null;
}

const head = `# TaskDaemon in this repository. Every key is optional; what is commented out shows its default.
# sandbox, budget and concurrency can only be tightened here. To loosen them, or to set up models,
# write them in the user-level file. \`td config show\` prints what holds, and why.
`;

const commentColumn = 44;

/** The `taskdaemon.yml` that `td init` writes. */
export function initFile(facts: InitFacts): string {
  const keys = configKeys.filter(({ path }) => !path.includes("*") && !isForUsersAlone(path));
  const lines = keys
    .filter((key) => key.kind !== "section" || namesBelow(keys, key.path).length > 0)
    .flatMap((key) => linesOf(key, facts));
  return `${head}${lines.join("\n")}\n`;
}

function linesOf(key: ConfigKey, facts: InitFacts): readonly string[] {
  const margin = "  ".repeat(key.path.length - 1);
  const name = key.path.at(-1) ?? "";
  if (key.kind === "section") {
    const heading = commented(`${margin}${name}:`, key.means);
    return key.path.length === 1 ? ["", heading] : [heading];
  }
  const found = factFor(key.path.join("."), facts);
  const value = found === null ? key.byDefault : found.value;
  const line = `${margin}${found === null ? "# " : ""}${name}: ${writeYamlInline(value)}`;
  return [commented(line, found?.why ?? key.means)];
}

function commented(line: string, means: string): string {
  return `${line.padEnd(commentColumn)} # ${means}`;
}

function factFor(
  key: string,
  { detected, target }: InitFacts,
): { readonly value: string; readonly why: string } | null {
  if (key === "validation.command" && detected !== null) {
    return { value: detected.command, why: `detected: ${detected.from}` };
  }
  const isOther = target !== null && target !== "main";
  return key === "git.target" && isOther ? { value: target, why: "as in this repository" } : null;
}
