import { Buffer } from "node:buffer";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { geteuid, pid } from "node:process";

/** Of `sockaddr_un`, with its terminating zero; the shortest that any platform has. */
const pathBytesMax = 103;

/**
 * Where the daemon of a home listens. A home with too long a path has its socket elsewhere: at one
 * place whatever TMPDIR says, for who asks may have another than who started the daemon.
 */
export function socketOf(home: string): string {
  const usual = join(home, "daemon.sock");
  if (Buffer.byteLength(usual) <= pathBytesMax) return usual;
  // Not imported: it takes 5 ms to load, and few homes have so long a path.
  const require = createRequire(import.meta.url);
  const { createHash } = require("node:crypto") as typeof import("node:crypto");
  const name = createHash("sha256").update(home).digest("hex").slice(0, 16);
  return join("/tmp", `taskdaemon-${name}`, "daemon.sock");
}

/** In a directory that everybody may write to, somebody else may have been there first. */
export function isOurs(socket: string, home: string): boolean {
  if (dirname(socket) === home) return true;
  const found = lstatSync(dirname(socket), { throwIfNoEntry: false });
  if (found === undefined) return true;
  return found.isDirectory() && found.uid === geteuid?.() && (found.mode & 0o022) === 0;
}

export function pidFileOf(home: string): string {
  return join(home, "daemon.pid");
}

/** The process of the daemon that serves, or was killed; null when none did or it took its leave. */
export function pidOf(home: string): number | null {
  return numberIn(pidFileOf(home));
}

/** Names the guardian of the daemon that has the home. Without it no daemon is started again. */
export function guardianFileOf(home: string): string {
  return join(home, "guardian.pid");
}

export function guardianLogOf(home: string): string {
  return join(home, "logs", "guardian.log");
}

export function guardianPidOf(home: string): number | null {
  return numberIn(guardianFileOf(home));
}

/** Makes this process the guardian; of a home that was removed nobody is. */
export function nameGuardian(home: string): void {
  if (!existsSync(home)) return;
  writeFileSync(guardianFileOf(home), `${pid}\n`, { mode: 0o600 });
}

function numberIn(file: string): number | null {
  try {
    const text = readFileSync(file, "utf8");
    return /^[1-9]\d*\n$/.test(text) ? Number(text) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
