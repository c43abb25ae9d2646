import { hash } from "node:crypto";
import type { Stats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { yamlBytesMax } from "./yaml-document.ts";

/** What a configuration is read from. Nothing of it need exist. */
export interface ConfigPlaces {
  /** Files named `taskdaemon.yml`. */
  readonly files: readonly string[];
  /** Directories of loop types. */
  readonly directories: readonly string[];
}

export interface SourceFile {
  readonly file: string;
  readonly text: string;
}

const depthMax = 3;
const filesMax = 1_000;
const isSource = /\.(ya?ml|hbs)$/;

/**
 * Changes whenever one of the files does, appears or goes. Looked at again and again: this way an
 * editor's swap, a link, a mount and a file system without notifications are all the same.
 */
export async function signatureOf(places: ConfigPlaces): Promise<string> {
  const found = await listed(places);
  const lines = found.map(({ file, stats }) =>
    [file, stats.mtimeMs, stats.ctimeMs, stats.size, stats.ino].join(":"),
  );
  return hash("sha256", lines.join("\n"));
}

/** The files as they are, but for what cannot be read as a configuration anyway. */
export async function readSources(places: ConfigPlaces): Promise<readonly SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const { file, stats } of await listed(places)) {
    const text = stats.size > yamlBytesMax ? null : await orNull(readFile(file, "utf8"));
    if (text !== null) sources.push({ file, text });
  }
  return sources;
}

interface Listed {
  readonly file: string;
  readonly stats: Stats;
}

async function listed({ files, directories }: ConfigPlaces): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for (const file of files) {
    const stats = await orNull(stat(file));
    if (stats?.isFile()) found.push({ file, stats });
  }
  for (const directory of directories) await walk(directory, depthMax, found);
  return found;
}

async function walk(directory: string, depth: number, found: Listed[]): Promise<void> {
  const names = (await orNull(readdir(directory))) ?? [];
  for (const name of [...names].sort()) {
    if (found.length >= filesMax) return;
    const file = join(directory, name);
    const stats = await orNull(stat(file));
    if (stats?.isDirectory() && depth > 1) await walk(file, depth - 1, found);
    else if (stats?.isFile() && isSource.test(name)) found.push({ file, stats });
  }
}

/** What is not there, or not ours to see, is the loader's to complain about. */
async function orNull<Result>(look: Promise<Result>): Promise<Result | null> {
  try {
    return await look;
  } catch {
    return null;
  }
}
