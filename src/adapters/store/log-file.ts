import { writeSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { privateFile, syncDir } from "./home.ts";

/** A segment that is being written. Small, so that a test can fail it at any byte. */
export interface LogFile {
  /**
   * Appends all bytes or throws; then any part of them may be in the file. At once: it is a copy
   * into the page cache, and the sync must be on its way before the next batch is encoded.
   */
  write(bytes: Uint8Array): void;
  /** The same in a thread of its own, for much that nobody waits for: a copy can take 20 ms. */
  writeAside(bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written is durable. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface LogFiles {
  /** Creates the file, which must not exist, and makes its name durable. */
  create(path: string): Promise<LogFile>;
  /** Opens an existing file for appending. */
  append(path: string): Promise<LogFile>;
  /** Makes durable what others wrote to an existing file. */
  sync(path: string): Promise<void>;
  /** Puts the file there at once and durably, in place of what had that name. */
  rename(from: string, to: string): Promise<void>;
  /** Removes the file if it is there. */
  remove(path: string): Promise<void>;
}

export const diskFiles: LogFiles = {
  async create(path) {
    const handle = await open(path, "ax", privateFile);
    try {
      await syncDir(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return onDisk(handle);
  },
  async append(path) {
    return onDisk(await open(path, "a", privateFile));
  },
  async sync(path) {
    const handle = await open(path, "r");
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  },
  async rename(from, to) {
    await rename(from, to);
    await syncDir(dirname(to));
    if (dirname(from) !== dirname(to)) await syncDir(dirname(from));
  },
  remove: (path) => rm(path, { force: true }),
};

function onDisk(handle: FileHandle): LogFile {
  return {
    write(bytes) {
      let written = 0;
      while (written < bytes.length) written += writeSync(handle.fd, bytes, written);
    },
    writeAside: (bytes) => handle.writeFile(bytes),
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** Writes a whole new file and makes it durable, name and all. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await diskFiles.create(path);
  try {
    file.write(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}
