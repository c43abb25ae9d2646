import { baseName } from "./commands.ts";
import { isTestFile } from "./test-facts.ts";

/** What is read of package.json and its like; any value may be anything. */
interface Manifest {
  readonly [key: string]: unknown;
  readonly name?: unknown;
  readonly scripts?: unknown;
  readonly imports?: unknown;
  readonly dependencies?: unknown;
  readonly devDependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly overrides?: unknown;
  readonly resolutions?: unknown;
  readonly pnpm?: unknown;
  readonly tasks?: unknown;
  readonly test?: unknown;
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
  keys: readonly string[],
): readonly { readonly what: string; readonly text: string }[] {
  const manifest = jsonObject(text);
  if (manifest === null) return [];
  const settings = keys.flatMap((key) =>
    manifest[key] === undefined ? [] : [{ what: `"${key}"`, text: JSON.stringify(manifest[key]) }],
  );
  return [...settings, ...testImports(manifest), ...runnerOrigins(manifest)];
}

/** By these the tests reach their helpers: led elsewhere, they check with something else. */
function testImports({ imports }: Manifest): readonly { what: string; text: string }[] {
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
function runnerOrigins(
  manifest: Manifest,
): readonly { readonly what: string; readonly text: string }[] {
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
      return sections(
        text,
        /^\[+tool\.(?:pytest|tox|hatch\.envs|nox|poe|coverage|ruff|mypy|pyright)\b/,
      );
    case "setup.cfg":
      return sections(text, /^\[(?:tool:pytest|aliases|coverage:|tox|testenv|mypy|flake8)/);
    case "Cargo.toml":
      return cargoText(text);
    case "conftest.py":
      return conftestText(text);
    case "composer.json":
      return JSON.stringify(jsonObject(text)?.scripts ?? null);
    case ".npmrc":
      return linesLike(
        text,
        /^\s*(?:script-shell|node-options|shell-emulator|prefix|globalconfig|userconfig|node-linker)\s*=/,
      );
    case "deno.json":
      return JSON.stringify([jsonObject(text)?.tasks, jsonObject(text)?.test]);
    default:
      return withoutComments(path, text);
  }
}

function cargoText(text: string): string {
  const whole = sections(
    text,
    /^\[+(?:test|bench|profile[.\w-]*|alias|lints[.\w]*|workspace\.lints[.\w]*)\]+/,
  );
  const switches = linesLike(
    text,
    /^\s*(?:autotests|autobins|harness|doctest|test|build|exclude|default-members)\s*=/,
  );
  return `${whole}\n${switches}`.trim();
}

/** Hooks and what is collected: with these a conftest.py can make every test pass. Fixtures may come and go. */
function conftestText(text: string): string {
  const plain = withoutComments("conftest.py", text).split("\n");
  const kept: string[] = [];
  let inHook = false;
  for (const line of plain) {
    if (/^\S/.test(line)) {
      inHook =
        /^(?:async )?def pytest_|^@(?:pytest\.)?hookimpl|^(?:collect_ignore|pytest_plugins)/.test(
          line,
        );
      const ends = /^(?:os\._exit|sys\.exit|pytest\.exit|pytest\.skip|exit|quit)\b/.test(line);
      if (ends) kept.push(line);
    }
    if (inHook) kept.push(line);
  }
  return kept.join("\n");
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

function linesLike(text: string, pattern: RegExp): string {
  return text
    .split("\n")
    .filter((line) => pattern.test(line))
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
