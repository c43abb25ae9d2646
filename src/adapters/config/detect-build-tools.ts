import {
  type DetectedValidation,
  type Detector,
  firstOf,
  type RepositoryFacts,
  readIfThere,
  stringInJson,
} from "./repository-facts.ts";

/** Build files that are the same whatever the language, then those of other languages. */
const detectors: readonly Detector[] = [
  makefile,
  justfile,
  gradle,
  maven,
  async (facts) => given(facts, ["mix.exs"], "mix test"),
  composer,
  rake,
  dotnet,
  deno,
];

export async function detectElsewhere(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  for (const detect of detectors) {
    const found = await detect(facts);
    if (found !== null) return found;
  }
  return null;
}

function given(
  facts: RepositoryFacts,
  files: readonly string[],
  command: string,
): DetectedValidation | null {
  const from = firstOf(facts, files);
  return from === null ? null : { command, from };
}

/** make itself looks in this order. */
async function makefile(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const file = firstOf(facts, ["GNUmakefile", "makefile", "Makefile"]);
  if (file === null) return null;
  const text = (await facts.read(file)) ?? "";
  const targets = new Set(text.split("\n").flatMap(targetsOf));
  const target = ["test", "check"].find((name) => targets.has(name));
  return target === undefined
    ? null
    : { command: `make ${target}`, from: `${file} target ${target}` };
}

/** What a line of a Makefile defines: `test check: build` two, `TEST := 1` none. */
function targetsOf(line: string): readonly string[] {
  const [names, ...rest] = line.split(":");
  if (names === undefined || rest.length === 0 || !/^[\w./%-]/.test(names)) return [];
  const isAssignment = names.includes("=") || rest.find((part) => part !== "")?.startsWith("=");
  return isAssignment ? [] : names.split(/[ \t]+/);
}

async function justfile(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const file = firstOf(facts, ["justfile", "Justfile", ".justfile"]);
  if (file === null) return null;
  const text = (await facts.read(file)) ?? "";
  const recipe = ["test", "check"].find((name) =>
    new RegExp(`^@?${name}(\\s[^:\\n=]*)?:(?!=)`, "m").test(text),
  );
  return recipe === undefined
    ? null
    : { command: `just ${recipe}`, from: `${file} recipe ${recipe}` };
}

async function gradle(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const command = facts.paths.includes("gradlew") ? "./gradlew test" : "gradle test";
  const files = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
  return given(facts, files, command);
}

async function maven(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  return given(facts, ["pom.xml"], facts.paths.includes("mvnw") ? "./mvnw test" : "mvn test");
}

async function composer(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const manifest = await readIfThere(facts, "composer.json");
  const script = stringInJson(manifest, ["scripts", "test"]);
  const isList = /"test"\s*:\s*\[/.test(manifest ?? "");
  if (script !== null || isList) {
    return { command: "composer test", from: "composer.json scripts.test" };
  }
  return given(facts, ["phpunit.xml", "phpunit.xml.dist"], "vendor/bin/phpunit");
}

async function rake(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const prefix = facts.paths.includes("Gemfile") ? "bundle exec " : "";
  const text = (await readIfThere(facts, "Rakefile")) ?? "";
  if (/TestTask|task\s*\(?\s*(:test\b|test:|["']test["'])/.test(text)) {
    return { command: `${prefix}rake test`, from: "Rakefile" };
  }
  if (/RSpec::Core::RakeTask|task\s*\(?\s*(:spec\b|spec:)/.test(text)) {
    return { command: `${prefix}rake spec`, from: "Rakefile" };
  }
  return given(facts, [".rspec", "spec/spec_helper.rb"], `${prefix}rspec`);
}

async function dotnet({ paths }: RepositoryFacts): Promise<DetectedValidation | null> {
  const file =
    paths.find((path) => /^[^/]+\.slnx?$/.test(path)) ??
    paths.find((path) => /^[^/]+\.(cs|fs|vb)proj$/.test(path));
  return file === undefined ? null : { command: "dotnet test", from: file };
}

async function deno(facts: RepositoryFacts): Promise<DetectedValidation | null> {
  const file = firstOf(facts, ["deno.json", "deno.jsonc"]);
  if (file === null) return null;
  const text = (await facts.read(file)) ?? "";
  return /"tasks"\s*:\s*\{[^}]*"test"\s*:/.test(text)
    ? { command: "deno task test", from: `${file} tasks.test` }
    : { command: "deno test", from: file };
}
