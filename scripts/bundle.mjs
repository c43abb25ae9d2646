// Bundles the program into a directory (dist/ unless one is named): docs/decisions/0012-bundle.md.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = process.argv[2] ?? join(root, "dist");

/** Native code, programs that lie beside it, and what is loaded only once it is needed. */
const leftInstalled = ["@anthropic-ai/sandbox-runtime", "fs-native-extensions", "string-width"];

/**
 * An import of one of node's modules makes node read all its exports, and with them load what
 * hardly anybody uses: of node:process alone for 10 ms. Taken by its name it comes without.
 */
const builtins = {
  name: "builtins",
  renderChunk: (code) => ({
    code: code.replace(/^(?:(?:import .*|\/\/.*)?\n)*/, taken),
    map: null,
  }),
};

function taken(imports) {
  // One that names the default in its braces stays as it is: a module has no such property.
  const one = /^import (?:([\w$]+)(?:, )?)?(\{(?!.*\bdefault\b)[^}]*\})? from ("node:[^"]+");$/gm;
  return imports.replace(one, (_line, whole, names, id) =>
    [whole, names?.replaceAll(" as ", ": ")]
      .filter((each) => each !== undefined)
      .map((each) => `const ${each} = globalThis.process.getBuiltinModule(${id});`)
      .join(" "),
  );
}

const bundle = await rolldown({
  cwd: root,
  // What is found by its name: by the launcher, by the daemon, and by the bench of the screen.
  input: {
    main: "src/main.ts",
    "hand-main": "src/adapters/process/hand-main.ts",
    tui: "src/tui/tui.ts",
  },
  platform: "node",
  external: leftInstalled,
  plugins: [builtins],
  checks: { ineffectiveDynamicImport: false },
});
const { output } = await bundle.write({
  dir: directory,
  format: "esm",
  // Side by side, for what finds the package by its own place; with a hash, so that a daemon whose
  // files were replaced misses one rather than mixing two builds.
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  sourcemap: true,
  sourcemapExcludeSources: true,
});
await bundle.close();
writeFileSync(join(directory, "LICENSES.txt"), noticesOf(output));

/** What the licences of all that was copied into the output want to be told. */
function noticesOf(chunks) {
  const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds ?? []);
  const places = new Set(modules.flatMap((id) => inPackage.exec(id)?.[0] ?? []));
  const copied = [...places].sort().map(readPackage);
  const told = new Set(copied.filter(({ text }) => text !== "").map(({ license }) => license));
  return copied.map((each) => noticeOf(each, told)).join(`\n${"-".repeat(80)}\n\n`);
}

function readPackage(place) {
  const about = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  const files = readdirSync(place).filter((file) => /^(?:licen[cs]e|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(place, file), "utf8").trim());
  return { ...about, text: texts.join("\n\n") };
}

function noticeOf({ name, version, license, author, text }, told) {
  const head = `${name} ${version} (${license})`;
  if (text !== "") return `${head}\n\n${text}\n`;
  if (!told.has(license)) throw new Error(`${head} brings no licence text: leave it as installed`);
  const by = author?.name ?? author ?? "its authors";
  return `${head}\n\nBy ${by}. It brings no text of its licence, which stands here with others.\n`;
}
