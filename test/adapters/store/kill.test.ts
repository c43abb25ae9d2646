import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HomeBusy } from "../../../src/adapters/store/errors.ts";
import { openTaskStore } from "../../../src/adapters/store/jsonl-task-store.ts";
import { verifyStore } from "../../../src/adapters/store/repair.ts";
import { readAll } from "../../contracts/task-store.ts";
import { DiskPlace } from "./place.ts";

let place: DiskPlace;
const children: ChildProcess[] = [];
beforeEach(async () => {
  place = await DiskPlace.make();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await place.remove();
});

/** A process that appends, and how often it was acknowledged so far. */
class Writer {
  readonly #child: ChildProcess;
  readonly #file: string;
  #dots = 0;

  constructor(home: string, writers: number) {
    const script = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
    this.#file = join(home, "acknowledged");
    this.#child = spawn(execPath, [script, home, this.#file, String(writers)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(this.#child);
    this.#child.stdout?.on("data", (chunk: Uint8Array) => {
      this.#dots += chunk.length;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves once it has opened the home and so many appends were acknowledged. */
  async appends(count: number): Promise<void> {
    const ended = once(this.#child, "exit").then(() => "ended");
    while (this.#dots <= count) {
      const next = once(this.#child.stdout ?? this.#child, "data");
      expect(await Promise.race([next, ended])).not.toBe("ended");
    }
  }

  /** Ends it at once; resolves to all numbers that were acknowledged in this home. */
  async kill(): Promise<number[]> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "close");
    const text = await readFile(this.#file, "utf8");
    return text.split("\n").slice(0, -1).map(Number);
  }
}

test("nothing that was acknowledged is lost when the process is killed, again and again", async () => {
  let acknowledged: number[] = [];
  for (const [writers, appends] of [
    [1, 7],
    [50, 300],
    [200, 2500],
    [200, 1 + 13],
    [50, 1111],
    [7, 100],
  ] as const) {
    const writer = new Writer(place.home, writers);
    await writer.appends(appends);
    acknowledged = await writer.kill();
    const store = await openTaskStore({ home: place.home });
    const survived = await readAll(store);
    await store.close();
    const numbers = new Set(survived.map(({ seq }) => seq));
    expect(acknowledged.filter((seq) => !numbers.has(seq))).toEqual([]);
    expect((await verifyStore(place.home)).problems).toEqual([]);
  }
  expect(acknowledged.length).toBeGreaterThan(4000);
});

test("a home is free at once when its process was killed, and not before", async () => {
  const writer = new Writer(place.home, 1);
  await writer.appends(0);
  const refused = await openTaskStore({ home: place.home }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(HomeBusy);
  expect(refused).toMatchObject({ pid: writer.pid });
  await writer.kill();
  await (await openTaskStore({ home: place.home })).close();
});

test("a log can be verified while another process writes it", async () => {
  const writer = new Writer(place.home, 50);
  await writer.appends(200);
  const report = await verifyStore(place.home);
  expect(report.problems).toEqual([]);
  expect(report.transactions).toBeGreaterThanOrEqual(200);
  await writer.kill();
});
