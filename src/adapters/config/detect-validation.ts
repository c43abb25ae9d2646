import { detectElsewhere } from "./detect-build-tools.ts";
import { detectPython } from "./detect-python.ts";
import {
  type DetectedValidation,
  type Detector,
  type RepositoryFacts,
  readIfThere,
  stringInJson,
} from "./repository-facts.ts";

/**
 * In this order, and only at the top of the repository: package.json, Cargo.toml, go.mod, Python,
 * Makefile, justfile, Gradle, Maven, Mix, Composer, Rake, .NET, Deno. The first that has tests
 * wins. The order is part of the contract: docs/configuration.md.
 */
const detectors: readonly Detector[] = [
  detectPackageJson,
  fileMeans("Cargo.toml", "cargo test"),
  fileMeans("go.mod", "go test ./..."),
  detectPython,
  detectElsewhere,
];

/** Of each file; what says how to test stands near the top. */
const charsReadMax = 200_000;

/** The command that the repository itself tests with, or null when there is no telling. */
export async function detectValidation(
  repository: RepositoryFacts,
): Promise<DetectedValidation | null> {
  const read = async (path: string) =>
    (await repository.read(path))?.slice(0, charsReadMax) ?? null;
  const facts = { paths: repository.paths, read };
  for (const detect of detectors) {
    const found = await detect(facts);
    if (found !== null) return found;
  }
  return null;
}

function fileMeans(file: string, command: string): Detector {
  return async ({ paths }) => (paths.includes(file) ? { command, from: file } : null);
}

async function detectPackageJson(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const manifest = await readIfThere(facts, "package.json");
  const script = stringInJson(manifest, ["scripts", "test"])?.trim() ?? "";
  if (script === "" || /no test specified/i.test(script)) return null;
  const manager = packageManager(stringInJson(manifest, ["packageManager"]), facts.paths);
  // It watches for changes for ever unless it believes to be on a build server.
  const prefix = /\breact-scripts test\b/.test(script) ? "CI=true " : "";
  return { command: `${prefix}${manager}`, from: "package.json scripts.test" };
}

/** `bun test` would run Bun's own tests, not the script. */
const testCommands = {
  npm: "npm test",
  pnpm: "pnpm test",
  yarn: "yarn test",
  bun: "bun run test",
} as const;

const lockFiles: readonly (readonly [string, keyof typeof testCommands])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
  ["package-lock.json", "npm"],
];

function packageManager(declared: string | null, paths: readonly string[]): string {
  const name = /^(npm|pnpm|yarn|bun)@/.exec(declared ?? "")?.[1];
  if (name !== undefined) return testCommands[name as keyof typeof testCommands];
  const lock = lockFiles.find(([file]) => paths.includes(file));
  return testCommands[lock?.[1] ?? "npm"];
}
