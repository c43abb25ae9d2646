import { statfs } from "node:fs/promises";
import { memoryUsage } from "node:process";
import type { Hold } from "../core/dispatch.ts";
import { type GuardLimits, holdOf, type Measured } from "../core/guards.ts";

const everyMs = 3_000;

export interface Guards {
  hold(): Hold | null;
  /** At the last look. */
  freeBytes(): number;
  close(): void;
}

/** Looks at memory and disk every few seconds; tells what has changed, and while loops are parked. */
export async function keepGuards(
  home: string,
  limits: GuardLimits,
  told: (hold: Hold | null) => void,
): Promise<Guards> {
  let measured = await measure(home);
  let hold = holdOf(null, measured, limits);
  let isLooking = false;
  const look = async () => {
    const before = hold;
    measured = await measure(home);
    hold = holdOf(before, measured, limits);
    if (before?.on !== hold?.on || hold?.parks === true) told(hold);
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, everyMs);
  timer.unref();
  return {
    hold: () => hold,
    freeBytes: () => measured.freeBytes,
    close: () => clearInterval(timer),
  };
}

/** A disk that cannot be asked is not known to be full. */
async function measure(home: string): Promise<Measured> {
  const freeBytes = await statfs(home).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
  return { residentBytes: memoryUsage.rss(), freeBytes };
}
