import { truncate } from "node:fs/promises";
import { diskFiles, type LogFile, type LogFiles } from "../../../src/adapters/store/log-file.ts";

export type Operation = "create" | "write" | "datasync" | "rename" | "remove";

/** The disk, with faults: it may fail at any operation, and a write after any number of bytes. */
export class FaultFiles implements LogFiles {
  /** Asked before each operation, which are numbered from 1; an error makes it fail. */
  fault: (operation: Operation, count: number) => NodeJS.ErrnoException | null = () => null;
  /** Bytes that the disk still takes. */
  roomBytes = Number.POSITIVE_INFINITY;
  readonly operations: Operation[] = [];
  readonly #open = new Map<string, { written: number; synced: number }>();

  async create(path: string): Promise<LogFile> {
    this.#ask("create");
    return this.#wrap(path, await diskFiles.create(path), 0);
  }

  async append(path: string): Promise<LogFile> {
    return this.#wrap(path, await diskFiles.append(path), null);
  }

  async sync(path: string): Promise<void> {
    this.#ask("datasync");
    await diskFiles.sync(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#ask("rename");
    await diskFiles.rename(from, to);
    const progress = this.#open.get(from);
    if (progress === undefined) return;
    this.#open.delete(from);
    this.#open.set(to, progress);
  }

  async remove(path: string): Promise<void> {
    this.#ask("remove");
    this.#open.delete(path);
    await diskFiles.remove(path);
  }

  /** Of what was written since the last sync, keeps a part: `share` of it, from 0 to 1. */
  async losePower(share: number): Promise<void> {
    for (const [path, { written, synced }] of this.#open) {
      await truncate(path, synced + Math.floor((written - synced) * share));
    }
    this.#open.clear();
  }

  #ask(operation: Operation): void {
    this.operations.push(operation);
    const error = this.fault(operation, this.operations.length);
    if (error !== null) throw error;
  }

  #wrap(path: string, file: LogFile, size: number | null): LogFile {
    const progress = { written: 0, synced: 0 };
    // Files that were there before are tracked by nobody: they were durable.
    if (size !== null) this.#open.set(path, progress);
    const write = (bytes: Uint8Array) => {
      const room = Math.min(bytes.length, this.roomBytes);
      this.roomBytes -= room;
      let error: unknown = room < bytes.length ? diskError("ENOSPC") : null;
      try {
        this.#ask("write");
      } catch (fault) {
        error = fault;
      }
      file.write(bytes.subarray(0, room));
      progress.written += room;
      if (error !== null) throw error;
    };
    return {
      write,
      writeAside: async (bytes) => write(bytes),
      datasync: async () => {
        this.#ask("datasync");
        await file.datasync();
        progress.synced = progress.written;
      },
      close: () => file.close(),
    };
  }
}

export function diskError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: fault`), { code });
}
