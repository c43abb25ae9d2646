import { baseName } from "./commands.ts";
import { conftestText } from "./conftest.ts";
import type { ToolsInUse } from "./protected.ts";
import { isTestFile } from "./test-facts.ts";
import { tomlLines, tomlSections } from "./toml.ts";

/** What is read of package.json and its like; any value may be anything. */
interface Manifest {
  readonly [key: string]: unknown;
  readonly name?: unknown;
  readonly scripts?: unknown;
  readonly imports?: unknown;
  readonly workspaces?: unknown;
  readonly bin?: unknown;
  readonly references?: unknown;
  readonly dependencies?: unknown;
  readonly devDependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly overrides?: unknown;
  readonly resolutions?: unknown;
  readonly pnpm?: unknown;
  readonly tasks?: unknown;
  readonly test?: unknown;
}

/** A part of a file, by a name for people. */
interface Part {
  readonly what: string;
  readonly text: string;
}

/** The object in a JSON text; null when it is none. */
function jsonObject(text: string): Manifest | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isObject(value: unknown): value is Manifest {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The scripts of a package.json (or composer.json), by name. */
export function packageScripts(text: string): ReadonlyMap<string, string> {
  const scripts = jsonObject(text)?.scripts;
  if (!isObject(scripts)) return new Map();
  return new Map(
    Object.entries(scripts).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** Keys of package.json that say how runners run, and where the runners come from. */
export function packageSettings(
  text: string,
  { packageKeys, names }: Pick<ToolsInUse, "packageKeys" | "names">,
): readonly Part[] {
  const manifest = jsonObject(text);
  if (manifest === null) return [];
  const settings = packageKeys.flatMap((key) =>
    manifest[key] === undefined || key === "workspaces"
      ? []
      : [{ what: `"${key}"`, text: JSON.stringify(manifest[key]) }],
  );
  const spaces = packageKeys.includes("workspaces") ? workspaces(manifest.workspaces) : [];
  return [
    ...settings,
    ...spaces,
    ...ownBins(manifest, names),
    ...testImports(manifest),
    ...runnerOrigins(manifest),
  ];
}

/** Any may come; none may go, or be left out. */
function workspaces(value: unknown): readonly Part[] {
  const all = isObject(value) ? value["packages"] : value;
  const patterns = (Array.isArray(all) ? all : []).map(String);
  const left = patterns.filter((pattern) => pattern.startsWith("!")).join(" ");
  const named = patterns
    .filter((pattern) => !pattern.startsWith("!"))
    .map((pattern) => ({ what: `${listed}${pattern}`, text: pattern }));
  return left === "" ? named : [...named, { what: "workspaces left out", text: left }];
}

/** npx runs what the package itself calls by a name before what is installed. */
function ownBins({ bin, name }: Manifest, names: ReadonlySet<string>): readonly Part[] {
  const bins = isObject(bin) ? bin : { [String(name)]: bin };
  return Object.entries(bins)
    .filter(([key, value]) => names.has(key) && value !== undefined)
    .map(([key, value]) => ({ what: `bin ${key}`, text: JSON.stringify(value) }));
}

/** By these the tests reach their helpers: led elsewhere, they check with something else. */
function testImports({ imports }: Manifest): readonly Part[] {
  return Object.entries(isObject(imports) ? imports : {}).flatMap(([name, target]) => {
    const paths = JSON.stringify(target).match(/(?<="\.\/)[^"]+/g) ?? [];
    const text = paths.filter(isTestFile).join(" ");
    return text === "" ? [] : [{ what: `imports ${name}`, text }];
  });
}

const runnerPackage =
  /^(?:vitest|@vitest\/.+|vite|jest|@jest\/.+|jest-.+|mocha|ava|tap|tape|c8|nyc|typescript|tsx|ts-jest|ts-node|eslint|@biomejs\/biome)$/;
const elsewhere = /^(?:file|link|portal|git|git\+\w+|github|https?|npm|patch|workspace):/;

/** A runner that is not the registry's own of that name. A version alone is nobody's business. */
function runnerOrigins(manifest: Manifest): readonly Part[] {
  const { dependencies, devDependencies, optionalDependencies, name } = manifest;
  const pnpm = isObject(manifest.pnpm) ? manifest.pnpm : {};
  const origins = [dependencies, devDependencies, optionalDependencies]
    .flatMap(runnersIn)
    .filter(([, spec]) => elsewhere.test(spec))
    .map(([runner, text]) => ({ what: `origin of ${runner}`, text }));
  const overrides = [manifest.overrides, manifest.resolutions, pnpm.overrides]
    .flatMap(runnersIn)
    .map(([runner, text]) => ({ what: `override of ${runner}`, text }));
  const own =
    typeof name === "string" && runnerPackage.test(name) ? [{ what: '"name"', text: name }] : [];
  return [...origins, ...overrides, ...own];
}

function runnersIn(table: unknown): readonly (readonly [name: string, spec: string])[] {
  return Object.entries(isObject(table) ? table : {})
    .filter(([name]) => runnerPackage.test(name))
    .map(([name, spec]) => [name, typeof spec === "string" ? spec : JSON.stringify(spec)] as const);
}

/** The part of a configuration file that says how tests run; all of it for most files. */
export function configurationText(path: string, text: string): string {
  switch (baseName(path)) {
    case "pyproject.toml":
      return pyprojectText(text);
    case "setup.cfg":
      return sections(text, /^\[(?:tool:pytest|aliases|coverage:|tox|testenv|mypy|flake8)/);
    case "Cargo.toml":
      return cargoText(text);
    case "conftest.py":
      return conftestText(withoutComments("conftest.py", text));
    case "go.mod":
      return goModText(text);
    case "pnpm-workspace.yaml":
      return pnpmText(text);
    case "composer.json":
      return JSON.stringify(jsonObject(text)?.scripts ?? null);
    case ".npmrc":
      return linesBut(text, harmlessOfNpm);
    case "deno.json":
      return JSON.stringify([jsonObject(text)?.tasks, jsonObject(text)?.test]);
    default:
      return /^tsconfig/.test(baseName(path))
        ? compilerText(path, text)
        : withoutComments(path, text);
  }
}

/** All else of .npmrc may change what a script is run by. */
const harmlessOfNpm =
  /^\s*(?:[;#].*|(?:@[\w.-]+:registry|registry|\/\/[^=]*|save(?:-[a-z-]+)?|engine-strict|fund|audit(?:-level)?|legacy-peer-deps|strict-peer-dep(?:endencie)?s|auto-install-peers|package-lock|lockfile|progress|loglevel|update-notifier|provenance|access|tag(?:-version-prefix)?|sign-git-tag|fetch-[a-z-]+|prefer-offline|always-auth|message|init-[a-z.-]+|shamefully-hoist|(?:public-)?hoist-pattern\[\]|link-workspace-packages|resolution-mode)\s*=.*)?$/;

function pyprojectText(text: string): string {
  const whole = tomlSections(
    text,
    /^\[+tool(?:\]|\.(?:pytest|tox|hatch\.envs|nox|poe|pdm\.scripts|rye\.scripts|taskipy|coverage|ruff|mypy|pyright|black|pylint)\b)/,
  );
  return `${whole}\n${tomlLines(text, /^tool[.=]/)}`.trim();
}

function cargoText(text: string): string {
  const whole = tomlSections(
    text,
    /^\[+(?:test|bench|profile[.\w-]*|alias|lints[.\w]*|workspace\.lints[.\w]*|patch[.\w-]*|replace)\]+/,
  );
  const switches = tomlLines(
    text,
    /^(?:[\w-]+\.)*(?:autotests|autobins|harness|doctest|test|build|exclude|default-members)=|\b(?:autotests|harness|doctest|test)=false/,
  );
  return `${whole}\n${switches}`.trim();
}

/** Without what is required: replacements, and which folder is a module. */
function goModText(text: string): string {
  const kept: string[] = [];
  let isRequired = false;
  for (const line of text.split("\n")) {
    isRequired ||= /^require\s{0,40}\(/.test(line);
    if (!isRequired) kept.push(line);
    if (line.includes(")")) isRequired = false;
  }
  return linesBut(kept.join("\n"), /^\s*(?:\/\/.*|(?:go|toolchain|require|retract)\s.*)?$/);
}

const pnpmLists = /^(?:packages|catalogs?|onlyBuiltDependencies):\s*$/;

/** Without the lists that may grow; the patterns of packages are looked at one by one. */
function pnpmText(text: string): string {
  const kept: string[] = [];
  let isList = false;
  for (const line of text.split("\n")) {
    if (/^[^\s#-]/.test(line)) isList = pnpmLists.test(line);
    if (!isList || /^\s*-\s+["']?!/.test(line)) kept.push(line);
  }
  return withoutComments("pnpm-workspace.yaml", kept.join("\n"));
}

function compilerText(path: string, text: string): string {
  const options = jsonObject(text);
  if (options === null) return withoutComments(path, text);
  return JSON.stringify({ ...options, references: undefined });
}

/** Begins the name of a part that may come, and must not go. */
const listed = "listed ";

/** What a configuration lists: members of a workspace. */
export function listedParts(path: string, text: string): readonly Part[] {
  const name = baseName(path);
  const references = /^tsconfig/.test(name) ? jsonObject(text)?.references : undefined;
  const [, members = ""] =
    name === "Cargo.toml"
      ? (/^[ \t]{0,40}members\s{0,40}=\s{0,40}\[([^\]]{0,4000})\]/m.exec(text) ?? [])
      : [];
  const packages =
    name === "pnpm-workspace.yaml"
      ? (text.match(/^[ \t]{0,40}-[ \t]{1,40}["']?[^!\s"'].*$/gm) ?? [])
      : [];
  return [
    ...(Array.isArray(references) ? references.map((each) => JSON.stringify(each)) : []),
    ...(members.match(/["'][^"'\n]+["']/g) ?? []),
    ...packages.map((line) => line.trim()),
  ].map((entry) => ({ what: `${listed}${entry}`, text: entry }));
}

function sections(text: string, heading: RegExp): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of text.split("\n")) {
    if (/^\[/.test(line)) inside = heading.test(line);
    if (inside && line.trim() !== "" && !/^\s*[#;]/.test(line)) kept.push(line.trimEnd());
  }
  return kept.join("\n");
}

function linesBut(text: string, harmless: RegExp): string {
  return text
    .split("\n")
    .filter((line) => !harmless.test(line))
    .map((line) => line.trim())
    .join("\n");
}

/** Without blank lines and whole-line comments that cannot end or begin anything else. */
export function withoutComments(path: string, text: string): string {
  if (text.includes("<<")) return text;
  const comment = /\.(?:[cm]?[jt]sx?|jsonc)$/.test(path)
    ? /^\s*\/\/(?!.*(?:\*\/|@vitest|@jest))/
    : /^\s*#(?!!)(?!.*(?:"""|'''|\\$))/;
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !comment.test(line))
    .map((line) => line.trimEnd())
    .join("\n");
}
