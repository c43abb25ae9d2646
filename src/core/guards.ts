import type { Hold } from "./dispatch.ts";

export interface GuardLimits {
  /** What the daemon's process may take before nothing new starts. */
  readonly memoryBytesMax: number;
  /** What must be free on the disk of the home for something new to start. */
  readonly freeBytesMin: number;
}

export interface Measured {
  readonly residentBytes: number;
  readonly freeBytes: number;
}

/** A hold ends only when there is a tenth to spare, so that it does not come and go. */
const spare = 0.1;

/** So far above what it may take, loops that run are parked. */
const parksAt = 1.15;

/** Whether something may start, and whether those that run may go on. */
export function holdOf(
  before: Hold | null,
  { residentBytes, freeBytes }: Measured,
  { memoryBytesMax, freeBytesMin }: GuardLimits,
): Hold | null {
  const freeWanted = freeBytesMin * (before?.on === "disk" ? 1 + spare : 1);
  if (freeBytes < freeWanted) {
    const reason = `${amount(freeBytes)} are free on the disk of the home, ${amount(freeWanted)} are wanted`;
    return { on: "disk", reason };
  }
  const allowed = memoryBytesMax * (before?.on === "memory" ? 1 - spare : 1);
  if (residentBytes <= allowed) return null;
  const reason = `the daemon takes ${amount(residentBytes)} of memory, more than ${amount(allowed)}`;
  const parks = residentBytes > memoryBytesMax * parksAt;
  return { on: "memory", reason, ...(parks ? { parks } : {}) };
}

function amount(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
