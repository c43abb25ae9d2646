import { chmod, type FileHandle, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pid } from "node:process";
import { tryLock } from "fs-native-extensions";
import { codeOf, HomeBusy, HomeUnusable } from "./errors.ts";

export const privateDir = 0o700;
export const privateFile = 0o600;

/** The right to write under a home. The kernel takes it back when the process dies, however. */
export interface HomeLock {
  readonly storeDir: string;
  release(): Promise<void>;
}

export function storeDirOf(home: string): string {
  return join(home, "store");
}

/** A whole store that a restore was about to put in place. */
export function readyDirOf(home: string): string {
  return join(home, "store.ready");
}

/** Creates what is missing of the home. Throws HomeBusy or HomeUnusable. */
export async function lockHome(home: string): Promise<HomeLock> {
  try {
    return await lock(home);
  } catch (error) {
    if (error instanceof HomeBusy) throw error;
    throw new HomeUnusable(home, error);
  }
}

async function lock(home: string): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: privateDir });
  const path = join(home, "lock");
  const file = await open(path, "a+", privateFile);
  try {
    if (!tryLock(file.fd)) throw new HomeBusy(home, await readPid(path));
    await file.truncate(0);
    await file.write(`${pid}\n`);
    const storeDir = storeDirOf(home);
    await finishRestore(home, storeDir);
    await mkdir(storeDir, { recursive: true, mode: privateDir });
    await chmod(storeDir, privateDir);
    await syncDir(home);
    await syncDir(dirname(home));
    return { storeDir, release: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where a restore was broken off after the old store had left and before the new one came. */
async function finishRestore(home: string, storeDir: string): Promise<void> {
  try {
    await stat(storeDir);
    return;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  await rename(readyDirOf(home), storeDir).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

async function readPid(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8");
  return /^\d+\n$/.test(text) ? Number(text) : null;
}

/** Makes the names in a directory durable. */
export async function syncDir(dir: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(dir, "r");
  } catch (error) {
    // A directory above the home that we may pass but not read: not ours to make durable.
    if (codeOf(error) === "EACCES") return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The present, as a part of a file name. */
export function timeForName(): string {
  return new Date().toISOString().replaceAll(/[:.]/g, "-");
}
