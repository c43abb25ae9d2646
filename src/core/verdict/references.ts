import { joinPath } from "./commands.ts";

const keys =
  /(?:\b(?:setupFiles\w*|globalSetup|globalTeardown|testRunner|runner|transform|resolver|reporters?|preset|presets|preload|extends|requires?|imports?|loader|testEnvironment|environment|snapshot(?:Serializers|Environment|Resolver)|file|nodeArguments|node-option)["']?\s{0,9}[:=])\s{0,9}(\[[^\]]{0,2000}\]|\{[^}]{0,2000}\}|["'`][^"'`\n]{0,300}["'`]|(?:\n?\s{0,40}-\s[^\n]{1,300}){1,50}|[^\n,]{1,300})/g;
const imports =
  /(?:\bfrom|\bimport|\brequire|\bresolve)\s{0,9}\(?\s{0,9}["'](\.{1,2}\/[^"'\n]{1,200})["']/g;
const pythonPlugins =
  /\bpytest_plugins\s{0,9}=\s{0,9}([^\n]{1,300}|[[(][^)\]]{0,2000})|(?:^|[\s"'])-p[\s"',]{1,4}([\w.]{1,200})/g;

/** Paths, from the root, of files that a configuration may load; most of them are none. */
export function filesReferenced(dir: string, text: string): readonly string[] {
  const named = [...text.matchAll(keys)].flatMap(([, value = ""]) => namesIn(value));
  const imported = [...text.matchAll(imports)].map(([, path = ""]) => path);
  const modules = [...text.matchAll(pythonPlugins)]
    .flatMap(([, list, one]) => one ?? list?.match(/[\w.]{2,200}/g) ?? [])
    .map((name) => `${name.replaceAll(".", "/")}.py`);
  const found = [...named, ...imported].flatMap((path) => withExtensions(joinPath(dir, path)));
  const all = [...found, ...modules.flatMap((path) => [path, joinPath(dir, path)])];
  return [...new Set(all)].filter((path) => !/(?:^|\/)package(?:-lock)?\.json$/.test(path));
}

function namesIn(value: string): readonly string[] {
  const quoted = value.match(/["'`][^"'`\n]{1,300}["'`]/g) ?? [];
  const items = value.match(/(?<=^\s{0,40}-\s+)[^\s"'`#][^\n]{0,300}/gm) ?? [];
  const plain = quoted.length + items.length === 0 ? [value] : [];
  return [...quoted, ...items, ...plain]
    .map((name) => name.replace(/^["'`]|["'`]$/g, "").trim())
    .map((name) => name.replace(/^(?:<rootDir>\/|--(?:require|import)[= ])/, ""))
    .filter((name) => /^[\w@./-]+$/.test(name));
}

const extensions = [
  "",
  ".ts",
  ".js",
  ".mjs",
  ".cjs",
  ".mts",
  ".cts",
  ".tsx",
  ".json",
  "/index.ts",
  "/index.js",
];

/** The files that an import may mean. TypeScript names a file as it will be compiled: `x.js`. */
export function withExtensions(path: string): readonly string[] {
  const source = path.replace(/\.([cm]?)js(x?)$/, ".$1ts$2");
  const found = extensions.map((extension) => `${path}${extension}`);
  return source === path ? found : [...found, source];
}
