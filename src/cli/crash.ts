import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { oneLine } from "./text.ts";

/** The newest; a program that crashes again and again must not fill the disk. */
const crashesKept = 50;

/** A bug in one line for the person; the stack goes to a private file under the home. */
export function crashLine(error: unknown, home: string | null, at: Date): string {
  const message = oneLine(error instanceof Error ? error.message : String(error));
  const file = home === null ? null : writeCrash(error, home, at);
  const where = file === null ? "the details could not be written" : `details in ${oneLine(file)}`;
  return `td: internal error: ${message} (${where})`;
}

function writeCrash(error: unknown, home: string, at: Date): string | null {
  const dir = join(home, "logs");
  const file = join(dir, `crash-${at.toISOString().replaceAll(":", "-")}.log`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${at.toISOString()}\n${stackOf(error)}\n`, { mode: 0o600 });
    removeOld(dir);
    return file;
  } catch {
    return null; // a full or read-only disk must not hide the bug itself
  }
}

/** Their names begin with their time. */
function removeOld(dir: string): void {
  const crashes = readdirSync(dir).filter((name) => /^crash-.*\.log$/.test(name));
  for (const name of crashes.sort().slice(0, -crashesKept))
    rmSync(join(dir, name), { force: true });
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
