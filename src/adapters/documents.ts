import { type Dirent, constants as flags } from "node:fs";
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rm,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  documentBytesMax,
  documentsBytesMax,
  documentsMax,
  type OutputFile,
  outputDirectory,
} from "../core/documents.ts";
import type { Documents, OutputDirectory } from "../ports/documents.ts";
import { readFrontMatter } from "./config/front-matter.ts";
import { giveTo, removeTree } from "./git/files.ts";
import { codeOf } from "./store/errors.ts";

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
        read: () => readFiles(dir),
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

async function readFiles(dir: string): Promise<readonly OutputFile[]> {
  const files: OutputFile[] = [];
  const sum = { bytes: 0 };
  for (const { path, entry } of await walk(dir, "", depthMax)) {
    if (files.length >= entriesMax) break;
    files.push(await readOne(dir, path, entry, sum));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Found {
  readonly path: string;
  readonly entry: Dirent;
}

async function walk(dir: string, below: string, depth: number): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
    if (found.length > entriesMax) break;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && depth > 1) found.push(...(await walk(dir, path, depth - 1)));
    else found.push({ path, entry });
  }
  return found;
}

/** Never waits: pipes and devices are not opened, and what took a file's place is no link. */
async function readOne(
  dir: string,
  path: string,
  entry: Dirent,
  sum: { bytes: number },
): Promise<OutputFile> {
  const refused = (problem: string): OutputFile => ({ path, text: null, problem });
  if (entry.isSymbolicLink()) return refused("this is a link, and no link is followed");
  if (entry.isDirectory()) return refused("this directory is too deep");
  if (!entry.isFile()) return refused("this is no regular file");
  const handle = await openPlain(join(dir, path));
  // A name that is no text, for one, cannot be spoken.
  if (handle === null) return refused("this file cannot be opened");
  try {
    const { size } = await handle.stat();
    if (size > documentBytesMax) {
      return refused(`this file has ${size} bytes, a document at most ${documentBytesMax}`);
    }
    sum.bytes += size;
    if (sum.bytes > documentsBytesMax) {
      return refused(`all documents together have more than ${documentsBytesMax} bytes`);
    }
    const bytes = await handle.readFile();
    return { path, text: decoded(bytes), problem: null };
  } catch (error) {
    if (error instanceof TypeError) return refused("this is no text in UTF-8");
    throw error;
  } finally {
    await handle.close();
  }
}

async function openPlain(file: string): Promise<FileHandle | null> {
  const how = flags.O_RDONLY | flags.O_NOFOLLOW | flags.O_NONBLOCK;
  return open(file, how).catch((error: unknown) => {
    if (["ENOENT", "ELOOP", "EACCES", "ENXIO"].includes(codeOf(error) ?? "")) return null;
    throw error;
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw new TypeError("a NUL byte");
  return utf8.decode(bytes);
}
