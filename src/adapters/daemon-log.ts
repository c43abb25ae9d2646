import { mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { destination, type Logger, pino } from "pino";

const fileBytesMax = 10 * 1024 * 1024;
const filesKept = 5;

export interface DaemonLog {
  readonly logger: Logger;
  /** Starts a new file when the old one has grown large; call now and then. */
  rotate(): void;
}

/** Structured lines in `<home>/logs/daemon.log`, rotated by size, five old files kept. */
export function openDaemonLog(home: string): DaemonLog {
  const dir = join(home, "logs");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, "daemon.log");
  shift(file);
  const target = destination({ dest: file, mode: 0o600, sync: true, append: true });
  const logger = pino(
    { base: null, timestamp: () => `,"at":"${new Date().toISOString()}"` },
    target,
  );
  return {
    logger,
    rotate: () => {
      if (shift(file)) target.reopen(file);
    },
  };
}

function shift(file: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size < fileBytesMax) return false;
  for (let index = filesKept - 1; index >= 1; index -= 1) {
    if (statSync(`${file}.${index}`, { throwIfNoEntry: false }) !== undefined) {
      renameSync(`${file}.${index}`, `${file}.${index + 1}`);
    }
  }
  renameSync(file, `${file}.1`);
  return true;
}
