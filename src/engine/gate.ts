import type { CommitId, Gate } from "../core/loop.ts";
import { baseName, dirName } from "../core/verdict/commands.ts";
import {
  isProtected,
  protectedDefaults,
  shadowOf,
  type ToolsInUse,
} from "../core/verdict/protected.ts";
import {
  changedExpectations,
  concernsTests,
  type FilePair,
  weakenedTests,
} from "../core/verdict/test-changes.ts";
import { isTestFile } from "../core/verdict/test-facts.ts";
import { exitsAtStart } from "../core/verdict/test-tools.ts";
import type { FileChange, Worktrees } from "../ports.ts";
import {
  type GateDefinition,
  type GatePiece,
  irregular,
  namesake,
  oneOfTheScripts,
  onThePath,
  readGateDefinition,
  scriptOfChecks,
  type Tree,
} from "./gate-definition.ts";

/** A change of what decides. A person must allow it; `reason` is a sentence that names the path. */
export interface GateChange {
  readonly path: string;
  readonly reason: string;
}

export interface GateQuestion {
  readonly worktrees: Worktrees;
  readonly repo: string;
  readonly gate: Gate;
  readonly base: CommitId;
  readonly head: CommitId;
  /** Paths, or patterns of paths, that a person allowed to change. */
  readonly allowed: readonly string[];
}

/** The gate as a commit defines it, and the files to compare later ones with. */
export interface GateAt extends GateDefinition {
  readonly tree: Tree;
}

/** The definition of the gate as it stands in a commit. */
export async function gateDefinitionAt(
  question: Pick<GateQuestion, "worktrees" | "repo" | "gate">,
  commit: CommitId,
): Promise<GateAt> {
  const tree = await treeOf(question, commit);
  return { ...(await readGateDefinition(question.gate, tree)), tree };
}

/** What was changed of the gate from `base` to `head`, by path; empty when nothing was. */
export async function gateChanges(question: GateQuestion): Promise<readonly GateChange[]> {
  return gateChangesIn(await readSince(question), question);
}

/** What became of a base commit: read from git once, for all that is asked of it. */
export interface Since {
  readonly old: GateAt;
  readonly changes: readonly FileChange[];
  readonly after: Tree;
}

/** `old` is the gate at `base`: the same for every head of a loop. */
export async function sinceBase(
  old: GateAt,
  question: Pick<GateQuestion, "worktrees" | "repo" | "base" | "head">,
): Promise<Since> {
  const { worktrees, repo, base, head } = question;
  const changes = await worktrees.changes(repo, base, head);
  return { old, changes, after: treeAfter(question, head, old.tree, changes) };
}

async function readSince(question: Omit<GateQuestion, "allowed">): Promise<Since> {
  return sinceBase(await gateDefinitionAt(question, question.base), question);
}

export async function gateChangesIn(
  { old, changes, after }: Since,
  { gate, allowed }: Pick<GateQuestion, "gate" | "allowed">,
): Promise<readonly GateChange[]> {
  if (changes.length === 0) return [];
  const before = old.tree;
  const now = await readGateDefinition(gate, after);
  const pairs = await filePairs(changes, before, after, isTestFile);
  const found = [
    ...protectedChanges(changes, gate),
    ...shadows(changes, old.tools),
    ...definitionChanges(old, now, { before, changes }),
    ...replaced(pairs),
    ...tooMany(changes),
    ...(await exitsOfGo(changes, old, after)),
    ...weakenedTests(pairs).map(({ path, reason }) => ({ path, reason: `${path}: ${reason}.` })),
  ];
  const first = new Map<string, GateChange>();
  for (const change of found) {
    if (!first.has(change.path) && !isProtected(change.path, allowed))
      first.set(change.path, change);
  }
  return [...first.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Changes of tests that block nothing, for whoever reviews: expectations and snapshots. */
export async function testNotes(
  question: Omit<GateQuestion, "allowed">,
): Promise<readonly string[]> {
  return testNotesIn(await readSince(question));
}

export async function testNotesIn({ old, changes, after }: Since): Promise<readonly string[]> {
  const pairs = await filePairs(changes, old.tree, after, concernsTests);
  return changedExpectations(pairs).map(({ path, reason }) => `${path}: ${reason}.`);
}

type Place = Pick<GateQuestion, "worktrees" | "repo">;

async function treeOf({ worktrees, repo }: Place, commit: CommitId): Promise<Tree> {
  const paths = new Set(await worktrees.paths(repo, commit));
  const load = async (path: string) => (await worktrees.file(repo, commit, path)) ?? irregular;
  return { paths, read: readOnce(paths, load) };
}

/** The tree of a later commit: what is not among the changes is as it was, and not read again. */
function treeAfter(
  { worktrees, repo }: Place,
  commit: CommitId,
  before: Tree,
  changes: readonly FileChange[],
): Tree {
  const paths = new Set(before.paths);
  for (const { path, oldPath } of changes) paths.delete(oldPath ?? path);
  for (const { path, status } of changes) if (status !== "deleted") paths.add(path);
  const changed = new Set(changes.map(({ path }) => path));
  const load = async (path: string) =>
    changed.has(path)
      ? ((await worktrees.file(repo, commit, path)) ?? irregular)
      : before.read(path);
  return { paths, read: readOnce(paths, load) };
}

function readOnce(
  paths: ReadonlySet<string>,
  load: (path: string) => Promise<string | null>,
): Tree["read"] {
  const texts = new Map<string, string | null>();
  return async (path) => {
    if (!paths.has(path)) return null;
    const known = texts.get(path);
    if (known !== undefined) return known;
    const text = await load(path);
    texts.set(path, text);
    return text;
  };
}

const filesMax = 5_000;

async function filePairs(
  changes: readonly FileChange[],
  before: Tree,
  after: Tree,
  wanted: (path: string) => boolean,
): Promise<readonly FilePair[]> {
  const pairs: FilePair[] = [];
  const about = changes.filter(({ path, oldPath }) => wanted(path) || wanted(oldPath ?? path));
  for (const { path, status, oldPath } of about.slice(0, filesMax)) {
    const old = status === "added" ? null : (oldPath ?? path);
    const now = status === "deleted" ? null : path;
    pairs.push({
      oldPath: old,
      newPath: now,
      before: old === null ? null : await before.read(old),
      after: now === null ? null : await after.read(now),
    });
  }
  return pairs;
}

/** go test says ok when a package ends the process before its tests. */
async function exitsOfGo(
  changes: readonly FileChange[],
  old: GateAt,
  after: Tree,
): Promise<readonly GateChange[]> {
  if (!old.tools.names.has("go")) return [];
  const isProgram = (path: string) => /\.go$/.test(path) && !isTestFile(path);
  const pairs = await filePairs(changes, old.tree, after, isProgram);
  return pairs.flatMap(({ newPath, before, after: text }) => {
    if (newPath === null || exitsAtStart(text ?? "") <= exitsAtStart(before ?? "")) return [];
    return [{ path: newPath, reason: `${newPath}: it ends the process before any test runs.` }];
  });
}

/** What is not looked at must not pass by itself. */
function tooMany(changes: readonly FileChange[]): readonly GateChange[] {
  const [last] = changes.filter(({ path }) => isTestFile(path)).slice(filesMax);
  if (last === undefined) return [];
  const { path } = last;
  return [{ path, reason: `${path}: more than ${filesMax} test files were changed.` }];
}

function protectedChanges(changes: readonly FileChange[], gate: Gate): readonly GateChange[] {
  const patterns = [...protectedDefaults, ...gate.protect];
  return changes.flatMap(({ path, oldPath, status }) =>
    [path, oldPath ?? path]
      .filter((each, at, all) => all.indexOf(each) === at && isProtected(each, patterns))
      .map((each) => ({ path: each, reason: `${each} is protected and was ${status}.` })),
  );
}

/** Pieces that read otherwise now. One that is merely reached no more is not changed itself. */
function definitionChanges(
  old: GateDefinition,
  now: GateDefinition,
  { before, changes }: { readonly before: Tree; readonly changes: readonly FileChange[] },
): readonly GateChange[] {
  const touched = new Set(changes.flatMap(({ path, oldPath }) => [path, oldPath ?? path]));
  const [was, is] = [byKey(old.pieces), byKey(now.pieces)];
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter(
    (key) => !isAsGood(was.get(key), is.get(key)),
  );
  return changed.flatMap((key) => {
    const [piece, next] = [was.get(key) ?? is.get(key), is.get(key)];
    if (piece === undefined || !touched.has(piece.path) || isOfNewFolder(piece, before)) return [];
    if (!was.has(key) && mayCome.test(piece.what)) return [];
    const verb = was.has(key) ? (next === undefined ? "was removed" : "was changed") : "was added";
    const reason = reasonOf(piece, next?.text === irregular ? "is a link now" : verb);
    return [{ path: piece.path, reason }];
  });
}

/** Parts of the gate that may come, and must not go or change. */
const mayCome = /^(?:imports|listed) |^one of the scripts of checks$/;

function isAsGood(was: GatePiece | undefined, is: GatePiece | undefined): boolean {
  if (was?.text === is?.text) return true;
  if (was?.what !== scriptOfChecks && was?.what !== oneOfTheScripts)
    return (was?.text ?? "") === (is?.text ?? "");
  return onlyGrew(was.text, is?.text ?? "");
}

/** What could keep the lines after it from running. */
const diverting =
  /^\s*\w+\s*\(\)\s*\{|\bset \+|\b(?:trap|alias)\b|\/\*|\*\/|"""|'''|`|<<|\b(?:exit|quit|return|break|if|false|while|try|abort)\b|_exit/;

/** All the old lines are there, in their order, and nothing new between them diverts from them. */
function onlyGrew(before: string, after: string): boolean {
  const old = before.split("\n");
  let at = 0;
  for (const line of after.split("\n")) {
    if (at < old.length && line.trim() === old[at]?.trim()) at += 1;
    else if (diverting.test(line)) return false;
  }
  return at === old.length;
}

function byKey(pieces: readonly GatePiece[]): ReadonlyMap<string, GatePiece> {
  return new Map(pieces.map((piece) => [`${piece.path}\n${piece.what}`, piece]));
}

/** A new package brings its own configuration: it says nothing of the tests that were there. */
function isOfNewFolder({ path, what }: GatePiece, before: Tree): boolean {
  const dir = dirName(path);
  const isNeverNew = what === namesake || what === onThePath || /(?:^|\/)\./.test(dir);
  if (isNeverNew || dir === "" || baseName(path) === "conftest.py") return false;
  return ![...before.paths].some((other) => other.startsWith(`${dir}/`));
}

function reasonOf({ path, what }: GatePiece, verb: string): string {
  if (what === "file") return `${path}, which the validation command runs, ${verb}.`;
  if (what === "configuration") return `${path}, which configures the validation command, ${verb}.`;
  return `${path}: ${what}, a part of the validation command, ${verb}.`;
}

function shadows(changes: readonly FileChange[], tools: ToolsInUse): readonly GateChange[] {
  return changes.flatMap(({ path, status }) => {
    const why = status === "deleted" ? null : shadowOf(path, status !== "modified", tools);
    return why === null ? [] : [{ path, reason: `${path} was ${status}: ${why}.` }];
  });
}

function replaced(pairs: readonly FilePair[]): readonly GateChange[] {
  return pairs.flatMap(({ newPath, before, after }) =>
    newPath !== null && after === irregular && before !== null
      ? [{ path: newPath, reason: `${newPath}: the test file is a link or a submodule now.` }]
      : [],
  );
}
