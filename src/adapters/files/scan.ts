import { basename } from "node:path";
import type { GrepQuery } from "../../ports.ts";
import { ToolRefusal } from "../../ports.ts";
import { isBinary, readBounded } from "./content.ts";
import { type Directory, refusalOf } from "./directory.ts";
import { matcher, matchingPaths, regexOf } from "./patterns.ts";
import { columnsMax, fileMatchesMax, grepCharsMax, wholeLines } from "./ripgrep.ts";
import { depthMax, skipped, type Tree, walkTree } from "./tree.ts";

const fileBytesMax = 5_000_000;

export interface Scanned {
  /** The one file to search; null for the whole directory. */
  readonly name: string | null;
  readonly prefix: string;
  /** Of a path in the directory; null shows all. */
  readonly shows: ((path: string) => boolean) | null;
}

/** Searches line by line where there is no ripgrep: slower, and it knows no ignore files. */
export async function scan(
  directory: Directory,
  query: GrepQuery,
  { name, prefix, shows }: Scanned,
  signal: AbortSignal,
): Promise<string> {
  const tested = matcher(regexOf(query.pattern, query.ignoreCase));
  if (name !== null) {
    return wholeLines(
      await scanFile(directory, name, prefix.slice(0, -1), query, tested),
      grepCharsMax,
    );
  }
  let found = "";
  for (const path of wanted(await walkTree(directory, { ...depths, shows }), query.glob)) {
    signal.throwIfAborted();
    const lines = await inner(directory, path.split("/"), (parent, last) =>
      scanFile(parent, last, prefix + path, query, tested),
    );
    found += found === "" || lines === "" || query.context === 0 ? lines : `--\n${lines}`;
    if (found.length > grepCharsMax) break;
  }
  return wholeLines(found, grepCharsMax);
}

type Tested = ReturnType<typeof matcher>;

const depths = { depth: depthMax, enter: (name: string) => name !== skipped };

/** A glob without a slash is for names, as ripgrep and gitignore have it. */
function wanted(tree: Tree, glob: string | null): readonly string[] {
  const files = tree.entries.filter(({ kind }) => kind === "file").map(({ path }) => path);
  if (glob === null) return files;
  if (glob.startsWith("!")) {
    const unwanted = new Set(wanted(tree, glob.slice(1)));
    return files.filter((path) => !unwanted.has(path));
  }
  if (glob.includes("/")) return matchingPaths(glob.replace(/^\//u, ""), files);
  const names = new Set(
    matchingPaths(
      glob,
      files.map((path) => basename(path)),
    ),
  );
  return files.filter((path) => names.has(basename(path)));
}

/** Opens the directories on the way one by one; what vanished or closed meanwhile has no lines. */
async function inner(
  directory: Directory,
  [name, ...rest]: readonly string[],
  use: (parent: Directory, last: string) => Promise<string>,
): Promise<string> {
  try {
    if (name === undefined) return "";
    if (rest.length === 0) return await use(directory, name);
    const next = await directory.openDirectory(name);
    try {
      return await inner(next, rest, use);
    } finally {
      await next.close();
    }
  } catch (error) {
    const refusal = refusalOf(error, "");
    if (refusal instanceof ToolRefusal && refusal !== error) return "";
    throw error;
  }
}

async function scanFile(
  directory: Directory,
  name: string,
  path: string,
  query: GrepQuery,
  tested: Tested,
): Promise<string> {
  const bytes = await readBounded(directory, name, fileBytesMax);
  if (bytes === null || isBinary(bytes)) return "";
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/u);
  if (lines.at(-1) === "") lines.pop();
  const hits = tested(lines);
  let last = -1;
  let found = "";
  for (const at of around(hits, query.context)) {
    const mark = hits[at] ? ":" : "-";
    if (query.context > 0 && last >= 0 && at > last + 1) found += "--\n";
    found += `${path}${mark}${at + 1}${mark}${(lines[at] ?? "").slice(0, columnsMax)}\n`;
    last = at;
  }
  return found.toWellFormed();
}

/** The indexes of the lines to show. */
function around(hits: readonly boolean[], context: number): readonly number[] {
  const shown = new Set<number>();
  let count = 0;
  for (const [at, hit] of hits.entries()) {
    if (!hit) continue;
    count += 1;
    if (count > fileMatchesMax) break;
    const end = Math.min(hits.length - 1, at + context);
    for (let line = Math.max(0, at - context); line <= end; line += 1) shown.add(line);
  }
  return [...shown].sort((a, b) => a - b);
}
