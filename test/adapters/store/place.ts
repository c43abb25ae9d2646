import { Buffer } from "node:buffer";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonlTaskStore } from "../../../src/adapters/store/jsonl-task-store.ts";
import type { StorePlace } from "../../contracts/task-store.ts";
import { diskError, FaultFiles } from "./fault-files.ts";

/** A home in a temporary directory, and the faults of its disk. */
export class DiskPlace implements StorePlace {
  readonly home: string;
  segmentBytesMax = 1024 * 1024;
  snapshotEvery = 50_000;
  files = new FaultFiles();
  #store: JsonlTaskStore | null = null;

  private constructor(home: string) {
    this.home = home;
  }

  static async make(): Promise<DiskPlace> {
    return new DiskPlace(await mkdtemp(join(tmpdir(), "td-store-")));
  }

  async open(): Promise<JsonlTaskStore> {
    const { home, segmentBytesMax, snapshotEvery } = this;
    this.files = new FaultFiles();
    const options = { home, files: this.files, segmentBytesMax, snapshotEvery };
    this.#store = await JsonlTaskStore.open(options);
    return this.#store;
  }

  breakDisk(): void {
    this.files.fault = (operation) => (operation === "datasync" ? diskError("EIO") : null);
  }

  async crash(): Promise<void> {
    this.breakDisk();
    await this.#store?.close();
    await this.files.losePower(0.5);
  }

  remove(): Promise<void> {
    return rm(this.home, { recursive: true });
  }

  get storeDir(): string {
    return join(this.home, "store");
  }

  /** Names in `store/` that match, sorted. */
  async names(pattern: RegExp): Promise<string[]> {
    return (await readdir(this.storeDir)).filter((name) => pattern.test(name)).sort();
  }

  async segments(): Promise<string[]> {
    return (await this.names(/^events-/)).map((name) => join(this.storeDir, name));
  }

  /** The bytes of the whole log. */
  async log(): Promise<Buffer> {
    return Buffer.concat(await Promise.all((await this.segments()).map((file) => readFile(file))));
  }
}
