import { rm, stat } from "node:fs/promises";
import { absent } from "./files.ts";

/** No git of ours holds a lock for so long: whoever made it is dead. */
const staleMs = 10_000;

/** The lock that git found in its way; null when that was not what it said. */
export function lockIn(stderr: string): string | null {
  return /Unable to create '([^'\n]+\.lock)': File exists/.exec(stderr)?.[1] ?? null;
}

/** Removes a lock of the daemon's own that a dead git left behind; true when there is none any more. */
export async function clearStale(lock: string): Promise<boolean> {
  const found = await stat(lock).catch(absent);
  if (found !== null && Date.now() - found.mtimeMs < staleMs) return false;
  await rm(lock, { force: true });
  return true;
}
