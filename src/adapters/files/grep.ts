import { constants as flags } from "node:fs";
import { type GrepQuery, ToolRefusal } from "../../ports.ts";
import type { Directory } from "./directory.ts";
import { type RipgrepRun, runRipgrep } from "./ripgrep.ts";
import { scan } from "./scan.ts";
import { prefixOf } from "./tree.ts";
import { atPlace, holds, inDirectory, type Roots, shownBelow } from "./walk.ts";

const patternCharsMax = 2000;
const contextMax = 20;

/** Who searches: the program, as whom it runs, or we ourselves. */
export interface Searcher {
  /** The program's path; null when there is none. */
  readonly ripgrep: string | null;
  /** Ripgrep runs as this user in the worktree, where a loop may swap directories under it. */
  readonly uid: number | null;
}

/** Searches a file or a directory. Rejects with the signal's reason when it aborts. */
export async function grep(
  roots: Roots,
  searcher: Searcher,
  query: GrepQuery,
  signal: AbortSignal,
): Promise<string> {
  if (query.pattern === "") throw new ToolRefusal("the pattern is empty");
  if (query.pattern.length > patternCharsMax || query.pattern.includes("\n")) {
    throw new ToolRefusal(`the pattern must be one line of at most ${patternCharsMax} characters`);
  }
  const bounded = { ...query, context: Math.min(query.context, contextMax) };
  signal.throwIfAborted();
  const isFile = await atPlace(roots, query.path, async ({ stats }) => stats?.isFile() ?? false);
  return isFile
    ? grepFile(roots, searcher, bounded, signal)
    : inDirectory(roots, query.path, (directory) =>
        search(searcher, bounded, signal, { roots, directory, name: null, stdin: null }),
      );
}

function grepFile(
  roots: Roots,
  searcher: Searcher,
  query: GrepQuery,
  signal: AbortSignal,
): Promise<string> {
  return atPlace(roots, query.path, async ({ directory, name }) => {
    if (name === null) throw new ToolRefusal(`${query.path} changed while it was searched`);
    const handle = await directory.openFile(name, flags.O_RDONLY);
    try {
      if (!(await handle.stat()).isFile()) {
        throw new ToolRefusal(`${query.path} is not a regular file`);
      }
      return await search(searcher, query, signal, { roots, directory, name, stdin: handle.fd });
    } finally {
      await handle.close();
    }
  });
}

interface Where {
  readonly roots: Roots;
  readonly directory: Directory;
  /** The one file to search; null for the whole directory. */
  readonly name: string | null;
  /** That file, open. */
  readonly stdin: number | null;
}

async function search(
  searcher: Searcher,
  query: GrepQuery,
  signal: AbortSignal,
  { roots, directory, name, stdin }: Where,
): Promise<string> {
  const prefix = prefixOf(roots, query.path);
  const shows = name === null ? shownBelow(roots, directory) : null;
  if (searcher.ripgrep !== null) {
    const run: RipgrepRun = {
      program: searcher.ripgrep,
      query,
      directory,
      stdin,
      shows,
      // What lies outside belongs to the user and is perhaps not theirs to see.
      uid: holds(roots.dir, directory.path) ? searcher.uid : null,
    };
    const found = await runRipgrep(run, signal);
    if (found !== null) return named(found, name === null ? prefix : prefix.slice(0, -1));
  }
  return scan(directory, query, { name, prefix, shows }, signal);
}

/** Ripgrep names what it finds `./path`, and a file that it reads from its input not at all. */
function named(found: string, prefix: string): string {
  return found.replace(/\r\n/gu, "\n").replace(/(?<=^|\n)(?:\.\/|<stdin>)/gu, () => prefix);
}
