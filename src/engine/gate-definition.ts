import type { Gate } from "../core/loop.ts";
import { baseName, type Command, commandsIn, dirName, joinPath } from "../core/verdict/commands.ts";
import { includesOf, targetsOf } from "../core/verdict/makefile.ts";
import {
  configurationText,
  listedParts,
  packageScripts,
  packageSettings,
  withoutComments,
} from "../core/verdict/manifests.ts";
import { type ToolsInUse, toolsInUse } from "../core/verdict/protected.ts";
import { filesReferenced, withExtensions } from "../core/verdict/references.ts";
import { scriptCall, scriptsCalled } from "../core/verdict/script-calls.ts";
import {
  pathDirs,
  pathsMeant,
  scriptsGoneThrough,
  withPlacesNamed,
} from "../core/verdict/shell-places.ts";
import { testFacts } from "../core/verdict/test-facts.ts";

/** A file, or a part of one, that says what the gate's command does. */
export interface GatePiece {
  readonly path: string;
  readonly what: string;
  readonly text: string;
}

export interface GateDefinition {
  readonly pieces: readonly GatePiece[];
  /** The command and every script text that it leads to: what `judge` takes as `shell`. */
  readonly shell: string;
  readonly tools: ToolsInUse;
}

/** The files of one commit. */
export interface Tree {
  readonly paths: ReadonlySet<string>;
  /** Null when there is no such file; `irregular` when it is a link or a submodule. */
  read(path: string): Promise<string | null>;
}

/** Stands for the text of what is no regular file (or too large to be read). */
export const irregular = "\u0000not a regular file";

/** A file by which make thinks that a target is done. */
export const namesake = "a file named as a target of make";
/** A script of checks that no runner runs: it may grow, and lose nothing. */
export const scriptOfChecks = "the script of checks";
/** Of those that a shell goes through: others may come. */
export const oneOfTheScripts = "one of the scripts of checks";
/** A file that a command names by its name alone. */
export const onThePath = "a program on the PATH";

const piecesMax = 5_000;
const depthMax = 8;
const packagesMax = 300;
const placesMax = 20;
/** Questions to all paths of a commit: there may be many of both. */
const searchesMax = 300;

interface Walk {
  readonly tree: Tree;
  readonly pieces: Map<string, GatePiece>;
  readonly commands: (readonly string[])[];
  readonly shells: string[];
  readonly seen: Set<string>;
  /** Directories of the repository that are on the PATH. */
  readonly places: Set<string>;
  searches: number;
  /** Where the script stands that is followed. */
  beside: string;
}

/** Follows the gate's command through scripts, targets and files to all that defines it. */
export async function readGateDefinition(gate: Gate, tree: Tree): Promise<GateDefinition> {
  const walk: Walk = {
    tree,
    pieces: new Map(),
    commands: [],
    shells: [],
    seen: new Set(),
    places: new Set(),
    searches: 0,
    beside: "",
  };
  await follow(walk, gate.command, "", 0);
  const tools = toolsInUse(walk.commands);
  for (const path of rootConfigurations(tree, tools)) {
    const text = await tree.read(path);
    if (text === null) continue;
    add(walk, { path, what: "configuration", text: settled(path, text) });
    for (const part of listedParts(path, text)) add(walk, { path, ...part });
    await addReferenced(walk, dirName(path), text);
  }
  await addEncodings(walk);
  await packageParts(walk, tools);
  return { pieces: [...walk.pieces.values()], shell: walk.shells.join("\n"), tools };
}

/** What a configuration loads is a part of it. */
async function addReferenced(walk: Walk, dir: string, text: string): Promise<void> {
  for (const path of filesReferenced(dir, text)) {
    if (looksLikeTest(path) || !once(walk, path)) continue;
    const loaded = await walk.tree.read(path);
    if (loaded !== null) add(walk, { path, what: "file", text: settled(path, loaded) });
  }
}

/** By these a checkout holds something else than the commit. */
async function addEncodings(walk: Walk): Promise<void> {
  for (const path of walk.tree.paths) {
    if (baseName(path) !== ".gitattributes") continue;
    const text = (await walk.tree.read(path)) ?? "";
    const lines = text.split("\n").filter((line) => /working-tree-encoding|\bident\b/.test(line));
    add(walk, { path, what: "encodings", text: text === irregular ? text : lines.join("\n") });
  }
}

function settled(path: string, text: string): string {
  return text === irregular ? text : configurationText(path, text);
}

/** A vite.config is build configuration, unless vitest has no configuration of its own. */
function rootConfigurations({ paths }: Tree, tools: ToolsInUse): readonly string[] {
  const own = [...paths].filter((path) => /^vitest\.config\./.test(baseName(path))).map(dirName);
  const withOwn = new Set(own);
  return [...paths]
    .filter((path) => tools.isConfiguration(path))
    .filter((path) => !/^vite\.config\./.test(baseName(path)) || !withOwn.has(dirName(path)))
    .slice(0, piecesMax);
}

async function packageParts(walk: Walk, tools: ToolsInUse): Promise<void> {
  const manifests = new Set(["package.json"]);
  for (const { path } of walk.pieces.values()) {
    if (baseName(path) === "package.json") manifests.add(path);
  }
  for (const path of manifests) {
    const text = await walk.tree.read(path);
    if (text === null) continue;
    for (const part of packageSettings(text, tools)) {
      add(walk, { path, ...part });
      if (part.what.startsWith('"'))
        await addReferenced(walk, dirName(path), `${part.what}:${part.text}`);
    }
  }
}

function add(walk: Walk, piece: GatePiece): void {
  const key = `${piece.path}\n${piece.what}`;
  if (walk.pieces.size < piecesMax) walk.pieces.set(key, piece);
}

async function follow(walk: Walk, text: string, dir: string, depth: number): Promise<void> {
  if (depth > depthMax) return;
  const shell = withPlacesNamed(text);
  for (const place of pathDirs(shell)) if (walk.places.size < placesMax) walk.places.add(place);
  walk.shells.push(shell);
  for (const command of commandsIn(shell, dir)) {
    walk.commands.push(command.words);
    await followScripts(walk, command, depth);
    await followTargets(walk, command, depth);
    await followFiles(walk, command, depth);
    await addScriptsOfChecks(walk, command);
  }
}

async function followScripts(walk: Walk, command: Command, depth: number): Promise<void> {
  const call = scriptCall(command.words, command.dir);
  if (call === null) return;
  const dirs = call.workspaces ? [call.dir, ...packageDirs(walk.tree)] : [call.dir];
  for (const dir of new Set(dirs)) {
    const path = joinPath(dir, "package.json");
    const scripts = packageScripts((await walk.tree.read(path)) ?? "");
    for (const name of call.scripts) {
      for (const [key, text] of scriptsCalled(scripts, name)) {
        if (!once(walk, `${path}#${key}`)) continue;
        add(walk, { path, what: `scripts.${key}`, text });
        await follow(walk, text, dir, depth + 1);
      }
    }
  }
}

function packageDirs(tree: Tree): readonly string[] {
  return [...tree.paths]
    .filter((path) => baseName(path) === "package.json" && !path.includes("node_modules/"))
    .slice(0, packagesMax)
    .map(dirName);
}

const makefiles = ["GNUmakefile", "makefile", "Makefile"];
const justfiles = ["justfile", "Justfile", ".justfile"];

async function followTargets(walk: Walk, { words, dir }: Command, depth: number): Promise<void> {
  const isMake = /^g?make$/.test(words[0] ?? "");
  if (!isMake && words[0] !== "just") return;
  const option = (name: string) => {
    const at = words.indexOf(name);
    return at === -1 ? null : (words[at + 1] ?? null);
  };
  const here = joinPath(dir, option("-C") ?? "");
  const given = option("-f");
  const names = given === null ? (isMake ? makefiles : justfiles) : [given];
  const goals = words
    .slice(1)
    .filter(
      (word, at) =>
        /^[\w./-]+$/.test(word) && !/^-/.test(word) && !/^-[Cfj]$/.test(words[at] ?? ""),
    );
  for (const name of names) {
    const path = joinPath(here, name);
    const text = await walk.tree.read(path);
    if (text === null || !once(walk, `${path}#${goals.join(" ")}`)) continue;
    await targets(walk, { path, text, goals, dir: here }, depth);
    return;
  }
}

async function targets(
  walk: Walk,
  file: { path: string; text: string; goals: readonly string[]; dir: string },
  depth: number,
): Promise<void> {
  let text = file.text;
  for (const include of includesOf(file.text)) {
    const path = joinPath(file.dir, include);
    const included = await walk.tree.read(path);
    if (included === null) continue;
    add(walk, { path, what: "included file", text: withoutComments(path, included) });
    text += `\n${included}`;
  }
  const found = targetsOf(text, file.goals).slice(0, piecesMax);
  // Rules and variables of one target add up, wherever they stand.
  for (const [name, rules] of Map.groupBy(found, (target) => target.name)) {
    const what = name === "" ? "settings" : `target ${name}`;
    add(walk, { path: file.path, what, text: rules.map((rule) => rule.text).join("\n") });
    if (rules[0]?.phony !== true) addNamesake(walk, joinPath(file.dir, name));
    for (const { shell } of rules) await follow(walk, shell, file.dir, depth + 1);
  }
}

/** `make check` does nothing where there is a file, or a directory, of that name. */
function addNamesake(walk: Walk, target: string): void {
  const path = [...walk.tree.paths].find(
    (each) => each === target || each.startsWith(`${target}/`),
  );
  if (path !== undefined) add(walk, { path, what: namesake, text: target });
}

const interpreters =
  /^(?:(?:ba|da|z|k)?sh|source|\.|node|tsx|ts-node|bun|deno|python[\d.]*|pypy\d?|ruby|perl|php|pwsh)$/;
const fileOption =
  /^(?:-r|-c|-p|--require|--import|--loader|--experimental-loader|--config|--configuration|--reporter|--test-reporter|--setupFiles|--setup-files|--globalSetup|--env-file|--env-file-if-exists|--rootdir|--ini|-f|--file|--makefile|--test-global-setup)$/;

/** What only looks at its files, or moves them: `-f` of `test` asks whether the work is there. */
const utilities =
  /^(?:\[{1,2}|test|cat|cmp|cp|cut|diff|du|echo|file|find|head|ln|ls|mkdir|mv|printf|rm|sort|stat|tail|tee|touch|tr|uniq|wc)$/;

/** Whether the next word is a file that says what the command does. */
function takesFile(first: string, option: string): boolean {
  const name = baseName(first);
  if (/^(?:[ef]?grep|rg)$/.test(name)) return /^(?:-f|--file)$/.test(option);
  return !utilities.test(name) && fileOption.test(option);
}

/** Files that the words of a command name: the script itself, and what options load. */
async function followFiles(walk: Walk, { words, dir }: Command, depth: number): Promise<void> {
  const [first = ""] = words;
  const named = filesNamed(words).flatMap((candidate) =>
    pathsMeant(
      candidate,
      { dir, beside: walk.beside },
      searched(walk, candidate.includes("$")),
    ).map((path) => ({
      candidate,
      path,
    })),
  );
  const placed = first.includes("/") ? [] : [...walk.places].map((place) => joinPath(place, first));
  for (const { candidate, path } of [
    ...named,
    ...placed.map((path) => ({ candidate: first, path })),
  ]) {
    if (path.startsWith("/") || path.startsWith("..") || !once(walk, path)) continue;
    const text = await walk.tree.read(path);
    if (text === null) continue;
    const what = placed.includes(path) ? onThePath : partOf(words, candidate, text);
    if (what === null) continue;
    add(walk, { path, what, text: withoutComments(path, text) });
    await followImports(walk, path, text, depth);
    const isShell = /\.(?:ba|z|k)?sh$/.test(path) || /^#!.*\b(?:ba|da|z|k)?sh\b/.test(text);
    if (isShell || /^(?:\.|source|(?:ba|da|z|k)?sh)$/.test(first)) {
      const { beside } = walk;
      walk.beside = dirName(path);
      await follow(walk, text, dir, depth + 1);
      walk.beside = beside;
    }
  }
}

async function addScriptsOfChecks(walk: Walk, { words, dir }: Command): Promise<void> {
  for (const path of scriptsGoneThrough(words, dir, searched(walk, words[0] === "for"))) {
    if (!once(walk, path)) continue;
    const text = (await walk.tree.read(path)) ?? irregular;
    add(walk, { path, what: oneOfTheScripts, text: withoutComments(path, text) });
  }
}

/** Null for tests with names: they are looked at one by one, and may be extended. */
function partOf(words: readonly string[], path: string, text: string): string | null {
  const before = words[words.indexOf(path) - 1] ?? "";
  if (!looksLikeTest(path) || takesFile(words[0] ?? "", before)) return "file";
  return testFacts(path, text).declared > 0 ? null : scriptOfChecks;
}

const toolPlace = /^(?:.*\/)?(?:scripts?|tools?|tasks?|ci|\.ci|build|hack|dev)\//;
const relativeImport =
  /(?:\bfrom|\bimport|\brequire)\s{0,9}\(?\s{0,9}["'](\.{1,2}\/[^"'\n]{1,200})["']/g;

const pythonImport = /^\s{0,40}(?:from|import)\s+\.{0,3}([\w.]{1,200})/gm;

/** What a script imports from beside itself is a part of it; the program under test is not. */
async function followImports(walk: Walk, from: string, text: string, depth: number): Promise<void> {
  const place = toolPlace.exec(from)?.[0];
  if (place === undefined || depth > depthMax) return;
  const wanted = [...text.matchAll(relativeImport)].map(([, path = ""]) => path);
  const modules = /\.py$/.test(from) ? [...text.matchAll(pythonImport)] : [];
  const paths = [
    ...wanted.flatMap((path) => withExtensions(joinPath(dirName(from), path))),
    ...modules.flatMap(([, name = ""]) => modulePaths(name).map((path) => place + path)),
  ];
  for (const path of paths) {
    if (!path.startsWith(place) || looksLikeTest(path) || !once(walk, path)) continue;
    const imported = await walk.tree.read(path);
    if (imported === null) continue;
    add(walk, { path, what: "file", text: withoutComments(path, imported) });
    await followImports(walk, path, imported, depth + 1);
  }
}

function filesNamed(words: readonly string[]): readonly string[] {
  const [first = "", ...rest] = words;
  const found = first.includes("/") || /\.\w+$/.test(first) ? [first] : [];
  for (const [at, word] of rest.entries()) {
    const [option = "", value] = word.split("=");
    if (takesFile(first, option)) found.push(...scriptsMeant(value ?? rest[at + 1] ?? ""));
  }
  if (interpreters.test(first) && !rest.includes("--test")) {
    const script = rest.find(
      (word, at) => /^[^-]/.test(word) && !takesFile(first, rest[at - 1] ?? ""),
    );
    if (rest[0] === "-m") found.push(...modulePaths(rest[1] ?? ""));
    else if (script !== undefined) found.push(...scriptsMeant(script));
  }
  return found.filter((path) => path !== "");
}

/** The files that a word of a command may mean. */
function scriptsMeant(path: string): readonly string[] {
  return /\.\w+$/.test(path) ? [path] : withExtensions(path);
}

function modulePaths(name: string): readonly string[] {
  const path = name.replaceAll(".", "/");
  return [`${path}.py`, `${path}/__main__.py`];
}

/** A test that is named by itself is a test: it may be extended. */
function looksLikeTest(path: string): boolean {
  return /^(?:tests?\.\w+|test[._-].*|.*[._-](?:test|spec)\.\w+)$/.test(baseName(path));
}

/** All paths, as often as is bearable. */
function searched(walk: Walk, isSearch: boolean): ReadonlySet<string> {
  walk.searches += isSearch ? 1 : 0;
  return walk.searches > searchesMax ? new Set() : walk.tree.paths;
}

function once(walk: Walk, key: string): boolean {
  if (walk.seen.has(key)) return false;
  walk.seen.add(key);
  return true;
}
