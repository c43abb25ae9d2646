import { createHash, randomBytes } from "node:crypto";
import { constants as flags } from "node:fs";
import { type FileHandle, rename, unlink } from "node:fs/promises";
import { FileMissing, ToolRefusal } from "../../ports.ts";
import { codeOf, type Directory } from "./directory.ts";
import { atNewPlace, atPlace, type Place, type Roots } from "./walk.ts";

const fileBytesMax = 2_000_000;
const sniffedBytes = 8192;

/** Whose the new files are (user and group have one number); null leaves them to the process. */
export type Owner = number | null;

/** The text of the file, as it is. */
export function readText(
  roots: Roots,
  path: string,
): Promise<{ readonly text: string; readonly version: string }> {
  return atPlace(roots, path, async (place) => {
    const bytes = await readBytes(place, path);
    return { text: textOf(bytes, path), version: versionOf(bytes) };
  });
}

/**
 * Replaces the file as a whole or not at all: a new file is renamed over the old one, so that what
 * stands there (a hard link, or a link put there just now) is replaced and never written through.
 */
export function writeText(
  roots: Roots,
  owner: Owner,
  path: string,
  { text, version }: { readonly text: string; readonly version: string | null },
): Promise<{ readonly version: string }> {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > fileBytesMax) {
    throw new ToolRefusal(
      `the text is ${size(bytes.length)}; a file may have ${size(fileBytesMax)}`,
    );
  }
  const own = async (directory: Directory): Promise<void> => {
    if (owner !== null) await directory.chown(owner, owner);
  };
  return atNewPlace(roots, path, own, async (place) => {
    await refuseStale(place, path, version);
    if (place.name === null) throw isDirectory(path);
    const mode = place.stats === null ? null : place.stats.mode & 0o777;
    await replace(place.directory, place.name, bytes, { owner, mode });
    return { version: versionOf(bytes) };
  });
}

/** The bytes of a regular file of bounded size; null when it has more than `bytesMax`. */
export async function readBounded(
  directory: Directory,
  name: string,
  bytesMax: number,
): Promise<Uint8Array | null> {
  const handle = await directory.openFile(name, flags.O_RDONLY);
  try {
    if (!(await handle.stat()).isFile()) throw new ToolRefusal(`${name} is not a regular file`);
    return await readAll(handle, bytesMax);
  } finally {
    await handle.close();
  }
}

/** Whether the bytes are no text, by their beginning, as git and grep see it. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, sniffedBytes).includes(0);
}

async function readBytes(place: Place, path: string): Promise<Uint8Array> {
  const { directory, name, stats } = place;
  if (name === null || stats?.isDirectory()) throw isDirectory(path);
  if (stats === null) throw new FileMissing(`${path} does not exist`);
  if (!stats.isFile()) throw new ToolRefusal(`${path} is not a regular file`);
  const bytes = await readBounded(directory, name, fileBytesMax);
  if (bytes === null) {
    throw new ToolRefusal(
      `${path} is ${size(stats.size)}, more than the ${size(fileBytesMax)} that can be read: ` +
        "find the lines you need with grep and its context argument",
    );
  }
  return bytes;
}

/** Reads to the end, which may be further than the size said: it may grow, or be in /proc. */
async function readAll(handle: FileHandle, bytesMax: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total <= bytesMax) {
    const chunk = new Uint8Array(Math.min(65_536, bytesMax + 1 - total));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, total);
    if (bytesRead === 0) return join(chunks, total);
    chunks.push(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return null;
}

function join(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function textOf(bytes: Uint8Array, path: string): string {
  if (isBinary(bytes))
    throw new ToolRefusal(`${path} is a binary file of ${size(bytes.length)}, not text`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ToolRefusal(
      `${path} (${size(bytes.length)}) is not valid UTF-8 text: look at it with bash, if you must`,
    );
  }
}

async function refuseStale(place: Place, path: string, version: string | null): Promise<void> {
  if (place.name === null || place.stats?.isDirectory()) throw isDirectory(path);
  if (place.stats === null) {
    if (version === null) return;
    throw new ToolRefusal(`${path} was removed since you read it: list its directory`);
  }
  if (!place.stats.isFile()) throw new ToolRefusal(`${path} is not a regular file`);
  if (version === null) {
    throw new ToolRefusal(`${path} exists already: read it before you write it`);
  }
  const bytes = await readBounded(place.directory, place.name, fileBytesMax);
  if (bytes === null || versionOf(bytes) !== version) {
    throw new ToolRefusal(`${path} changed since you read it: read it again`);
  }
}

async function replace(
  directory: Directory,
  name: string,
  bytes: Uint8Array,
  { owner, mode }: { readonly owner: Owner; readonly mode: number | null },
): Promise<void> {
  const temporary = `.td-write-${randomBytes(8).toString("hex")}`;
  const fresh = flags.O_WRONLY | flags.O_CREAT | flags.O_EXCL;
  const handle = await directory.openFile(temporary, fresh);
  try {
    try {
      await handle.writeFile(bytes);
      if (mode !== null) await handle.chmod(mode);
      if (owner !== null) await handle.chown(owner, owner);
    } finally {
      await handle.close();
    }
    await rename(directory.at(temporary), directory.at(name));
  } catch (error) {
    await removeIfThere(directory.at(temporary));
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

function versionOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}

function isDirectory(path: string): ToolRefusal {
  return new ToolRefusal(`${path} is a directory: use list`);
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
