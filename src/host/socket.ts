import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Of `sockaddr_un`, with its terminating zero; the shortest that any platform has. */
const pathBytesMax = 103;

/** Where the daemon of a home listens. A home with too long a path has its socket elsewhere. */
export function socketOf(home: string): string {
  const usual = join(home, "daemon.sock");
  if (Buffer.byteLength(usual) <= pathBytesMax) return usual;
  const name = createHash("sha256").update(home).digest("hex").slice(0, 16);
  return join(tmpdir(), `taskdaemon-${name}`, "daemon.sock");
}

export function pidFileOf(home: string): string {
  return join(home, "daemon.pid");
}
