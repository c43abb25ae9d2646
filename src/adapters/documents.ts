import { type Dirent, constants as flags } from "node:fs";
import { chmod, lstat, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  documentBytesMax,
  documentsBytesMax,
  documentsMax,
  type OutputFile,
  outputDirectory,
} from "../core/documents.ts";
import type { Documents, OutputDirectory } from "../ports/documents.ts";
import { ToolRefusal } from "../ports.ts";
import { readFrontMatter } from "./config/front-matter.ts";
import { canAnchor, codeOf, Directory } from "./files/directory.ts";
import { giveTo, removeTree } from "./git/files.ts";

/** Deeper or more is not looked at: it is named as a problem by what is above it. */
const depthMax = 3;
const entriesMax = 4 * documentsMax;

/** `uid`: whom commands run as when the daemon is root; null otherwise. */
export function createDocuments(uid: number | null): Documents {
  return {
    readFrontMatter,
    open: async ({ dir: worktree }): Promise<OutputDirectory> => {
      const dir = join(worktree, outputDirectory);
      await prepare(dir, uid);
      return {
        dir,
        read: () => readFiles(worktree),
        write: async (files) => {
          // Nobody of the loop runs now, and what a tree of links holds is removed, not followed.
          await removeTree(dir);
          await prepare(dir, uid);
          for (const { path, text } of files) {
            await mkdir(dirname(join(dir, path)), { recursive: true });
            await writeFile(join(dir, path), text, { flag: "wx" });
          }
          await giveTo(uid, [dir]);
        },
      };
    },
  };
}

/** A directory, whatever a commit may have put in its place. */
async function prepare(dir: string, uid: number | null): Promise<void> {
  const found = await lstat(dir).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  });
  if (found !== null && !found.isDirectory()) await rm(dir, { force: true });
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o755);
  await giveTo(uid, [dir]);
}

/** What one look has found so far. */
interface Look {
  readonly files: OutputFile[];
  bytes: number;
}

/** Goes from open directory to open directory: what takes one's place meanwhile leads nowhere. */
async function readFiles(worktree: string): Promise<readonly OutputFile[]> {
  const look: Look = { files: [], bytes: 0 };
  const top = await Directory.root(worktree, canAnchor);
  try {
    await readBelow(look, top, { name: outputDirectory, path: "", depth: depthMax });
  } finally {
    await top.close();
  }
  return look.files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The directory of that name in `above`, called `path` in what is told of it. */
async function readBelow(
  look: Look,
  above: Directory,
  { name, path, depth }: { readonly name: string; readonly path: string; readonly depth: number },
): Promise<void> {
  const directory = await above.openDirectory(name).catch(closed);
  if (directory === null) {
    if (path !== "") look.files.push(refused(path, "this directory cannot be opened"));
    return;
  }
  try {
    for (const entry of await readdir(directory.at(null), { withFileTypes: true })) {
      if (look.files.length >= entriesMax) return;
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      const next = { name: entry.name, path: inner, depth: depth - 1 };
      if (entry.isDirectory() && depth > 1) await readBelow(look, directory, next);
      else look.files.push(await readOne(look, directory, entry, inner));
    }
  } finally {
    await directory.close();
  }
}

/** Never waits: pipes and devices are not opened, and what took a file's place is no link. */
async function readOne(
  look: Look,
  directory: Directory,
  entry: Dirent,
  path: string,
): Promise<OutputFile> {
  if (entry.isSymbolicLink()) return refused(path, "this is a link, and no link is followed");
  if (entry.isDirectory()) return refused(path, "this directory is too deep");
  if (!entry.isFile()) return refused(path, "this is no regular file");
  const handle = await directory.openFile(entry.name, flags.O_RDONLY).catch(closed);
  if (handle === null) return refused(path, "this file cannot be opened");
  try {
    const { size } = await handle.stat();
    if (size > documentBytesMax) {
      return refused(path, `this file has ${size} bytes, a document at most ${documentBytesMax}`);
    }
    look.bytes += size;
    if (look.bytes > documentsBytesMax) {
      return refused(path, `all documents together have more than ${documentsBytesMax} bytes`);
    }
    const bytes = await handle.readFile();
    return { path, text: decoded(bytes), problem: null };
  } catch (error) {
    if (error instanceof TypeError) return refused(path, "this is no text in UTF-8");
    throw error;
  } finally {
    await handle.close();
  }
}

function refused(path: string, problem: string): OutputFile {
  return { path, text: null, problem };
}

/** For `catch`: null where a name is no text, for one, and cannot be spoken; or changed meanwhile. */
function closed(error: unknown): null {
  if (error instanceof ToolRefusal) return null;
  const codes = ["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENXIO"];
  if (codes.includes(codeOf(error) ?? "")) return null;
  throw error;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw new TypeError("a NUL byte");
  return utf8.decode(bytes);
}
