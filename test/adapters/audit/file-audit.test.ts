import { Buffer } from "node:buffer";
import { appendFile, mkdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encode, origin } from "../../../src/adapters/audit/record.ts";
import { type Anchor, verifyAudit } from "../../../src/adapters/audit/verify.ts";
import type { LoopId } from "../../../src/core/loop.ts";
import { createRedact } from "../../../src/core/redact.ts";
import { StoreBroken } from "../../../src/ports.ts";
import { act, auditContract } from "../../contracts/audit.ts";
import { DiskAudit } from "./audit-place.ts";

auditContract("the audit on disk", () => DiskAudit.make());

let place: DiskAudit;
beforeEach(async () => {
  place = await DiskAudit.make();
});
afterEach(() => place.remove());

/** Records in files of a few each, closed; resolves to the anchor of all of them. */
async function written(count: number, segmentBytesMax = 700): Promise<Anchor> {
  const file = await place.openFile({ segmentBytesMax });
  const audit = file.for((text) => text);
  for (let n = 1; n <= count; n += 1) {
    await audit.record(act(n));
    // One batch each, so that files change between them.
    await audit.anchor();
  }
  const head = await audit.anchor();
  await file.close();
  return { ...head, seq: 40 };
}

test("the chain goes on across files and starts, for nobody else to read", async () => {
  await written(5);
  const anchor = await written(4);
  expect(anchor.count).toBe(9);
  expect(await verifyAudit(place.home, [anchor])).toMatchObject({
    records: 9,
    segments: 3,
    anchoredUpTo: 9,
    tornBytes: 0,
    repaired: 0,
    problem: null,
  });
  expect((await stat(place.dir)).mode & 0o777).toBe(0o700);
  for (const name of (await place.content()).keys()) {
    expect((await stat(join(place.dir, name))).mode & 0o777).toBe(0o600);
  }
});

describe("whatever is done to it afterwards is found", () => {
  type Files = Map<string, Buffer>;
  /** What is left of the files; null when it is what it was. */
  type Change = (files: Files) => Files;

  async function found(change: Change, files: Files, anchors: readonly Anchor[]) {
    await rm(place.dir, { recursive: true });
    await mkdir(place.dir);
    for (const [name, bytes] of change(new Map(files))) {
      await writeFile(join(place.dir, name), bytes);
    }
    return (await verifyAudit(place.home, anchors)).problem;
  }

  /** The same with the lines of all files in another order or number. */
  const onLines =
    (change: (lines: string[]) => string[]): Change =>
    (files) => {
      const counts = [...files.values()].map((bytes) => linesIn(bytes).length);
      const lines = change([...files.values()].flatMap(linesIn));
      const names = [...files.keys()];
      return new Map(
        names.map((name, index) => {
          const isLast = index === names.length - 1;
          const own = lines.splice(0, isLast ? lines.length : (counts[index] ?? 0));
          return [name, Buffer.from(own.map((line) => `${line}\n`).join(""))];
        }),
      );
    };
  const linesIn = (bytes: Buffer) => bytes.toString("utf8").split("\n").slice(0, -1);

  const changes = fc.oneof(
    fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) }).map(
      ({ at, xor }): Change =>
        (files) => {
          const sizes = [...files];
          let offset = at % sizes.reduce((sum, [, bytes]) => sum + bytes.length, 0);
          for (const [name, bytes] of sizes) {
            if (offset < bytes.length) {
              const flipped = Buffer.from(bytes);
              flipped[offset] = (flipped[offset] ?? 0) ^ xor;
              return files.set(name, flipped);
            }
            offset -= bytes.length;
          }
          throw new Error("beyond the end");
        },
    ),
    fc.nat().map((n) => onLines((lines) => lines.toSpliced(n % lines.length, 1))),
    fc
      .tuple(fc.nat(), fc.nat())
      .map(([from, to]) =>
        onLines((lines) =>
          lines.toSpliced(to % (lines.length + 1), 0, lines[from % lines.length] ?? ""),
        ),
      ),
    fc.nat().map((n) =>
      onLines((lines) => {
        const at = n % (lines.length - 1);
        return lines.toSpliced(at, 2, lines[at + 1] ?? "", lines[at] ?? "");
      }),
    ),
    fc.nat().map(
      (n): Change =>
        (files) => {
          files.delete([...files.keys()][n % files.size] ?? "");
          return files;
        },
    ),
    fc.nat().map(
      (n): Change =>
        (files) => {
          const [name, bytes] = [...files].at(-1) ?? ["", Buffer.alloc(1)];
          return files.set(name, bytes.subarray(0, n % bytes.length));
        },
    ),
  );

  test("a changed byte, a record taken out, put in or moved, a missing file, a missing end", async () => {
    const anchor = await written(12);
    const files = await place.content();
    expect(files.size).toBeGreaterThan(3);
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        expect(await found(change, files, [anchor])).not.toBeNull();
      }),
      { numRuns: 400 },
    );
  });

  test("without an anchor every changed byte is found all the same", async () => {
    await written(3, 1_000_000);
    const files = await place.content();
    const [[name, bytes]] = [...files] as [[string, Buffer]];
    for (let offset = 0; offset < bytes.length; offset += 1) {
      const flipped = Buffer.from(bytes);
      flipped[offset] = (flipped[offset] ?? 0) ^ 1;
      expect(await found(() => new Map([[name, flipped]]), files, [])).not.toBeNull();
    }
  });

  test("a chain that was written anew as a whole contradicts the event log", async () => {
    const anchor = await written(3, 1_000_000);
    let prev = origin;
    const lines = [1, 2, 3].map((n) => {
      const { line, hash } = encode(n, 1_000, prev, act(n === 2 ? 99 : n));
      prev = hash;
      return line;
    });
    const files = await place.content();
    const [name = ""] = files.keys();
    const forged = () => new Map([[name, Buffer.from(lines.join(""))]]);
    expect(await found(forged, files, [])).toBeNull();
    expect(await found(forged, files, [anchor])).toMatchObject({
      record: 3,
      what: "event 40 of the event log knows record 3 by another hash",
      means: "the audit was written anew up to here, with all its hashes",
    });
  });

  test("nonsense under a true hash is no record", async () => {
    await written(1);
    const { line } = encode(2, Number.NaN, origin, act(1));
    await appendFile(join(place.dir, [...(await place.content()).keys()][0] ?? ""), line);
    expect((await verifyAudit(place.home, [])).problem?.record).toBe(2);
  });

  test("the first broken record is named by its exact place", async () => {
    const anchor = await written(4, 1_000_000);
    const files = await place.content();
    const [[name, bytes]] = [...files] as [[string, Buffer]];
    const third = bytes.indexOf('{"n":3');
    const changed = Buffer.from(bytes.toString("utf8").replace('{"n":3}', '{"n":8}'));
    const problem = await found(() => new Map([[name, changed]]), files, [anchor]);
    expect(problem).toEqual({
      file: name,
      line: 3,
      offset: third,
      record: 3,
      what: "it does not match its own hash",
      means: "it was changed after it was written, or the disk damaged it",
    });
  });
});

test("an unfinished record is taken off at the next start, noted, and no tampering", async () => {
  await written(3, 1_000_000);
  const [name = ""] = (await place.content()).keys();
  const { size } = await stat(join(place.dir, name));
  await truncate(join(place.dir, name), size - 30);
  const before = await verifyAudit(place.home, []);
  expect(before).toMatchObject({ records: 2, problem: null });
  expect(before.tornBytes).toBeGreaterThan(100);
  const anchor = await written(1, 1_000_000);
  expect(anchor.count).toBe(4);
  expect(await verifyAudit(place.home, [anchor])).toMatchObject({ repaired: 1, problem: null });
  expect((await place.acts()).map(({ type }) => type)).toEqual([
    "tool",
    "tool",
    "repaired",
    "tool",
  ]);
});

test("a damaged record stays as it is, and the chain goes on behind it", async () => {
  await written(2, 1_000_000);
  const [name = ""] = (await place.content()).keys();
  await appendFile(join(place.dir, name), "garbage\n");
  expect((await written(2, 1_000_000)).count).toBe(5);
  expect((await verifyAudit(place.home, [])).problem).toMatchObject({ record: 3, line: 3 });
  expect(await place.acts()).toHaveLength(4);
});

test("a secret is in no record, and no record is large", async () => {
  const file = await place.openFile();
  const audit = file.for(createRedact(["hunter2-hunter2"]));
  const text = `${"x".repeat(2_040)}hunter2-hunter2`;
  const input = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`${n}${text}`, text]));
  await audit.record({ type: "tool", loop: "1" as LoopId, iteration: 1, name: text, input });
  await audit.record({
    type: "command",
    loop: "1" as LoopId,
    purpose: "hook",
    command: `curl -H 'authorization: bearer ${"s".repeat(40)}' ${"y".repeat(1_000_000)}`,
    sandbox: "off",
    network: [],
  });
  await audit.anchor();
  const [bytes = Buffer.alloc(0)] = (await place.content()).values();
  expect(bytes.toString("utf8")).not.toMatch(/hunter|ssss/);
  expect(bytes.length).toBeLessThan(20_000);
  expect((await verifyAudit(place.home, [])).records).toBe(2);
});

test("a full buffer holds back whoever acts, and loses nothing", async () => {
  const held = Promise.withResolvers<void>();
  const slow = {
    ...place.files,
    create: async (path: string) => {
      const file = await place.files.create(path);
      return {
        ...file,
        datasync: () => file.datasync(),
        close: () => file.close(),
        write: () => {},
        writeAside: async (bytes: Uint8Array) => {
          await held.promise;
          await file.writeAside(bytes);
        },
      };
    },
  };
  const files = Object.assign(Object.create(place.files), slow);
  const file = await place.openFile({ files, pendingBytesMax: 2_000 });
  const audit = file.for((text) => text);
  let passed = 0;
  const recording = Array.from({ length: 40 }, (_, n) =>
    audit.record(act(n)).then(() => {
      passed += 1;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toBeGreaterThan(0);
  expect(passed).toBeLessThan(40);
  held.resolve();
  await Promise.all(recording);
  await audit.anchor();
  expect(await place.acts()).toHaveLength(40);
});

test("a disk that refuses says so, and what was anchored stays whole", async () => {
  const audit = await place.open();
  await audit.record(act(1));
  const anchor = { ...(await audit.anchor()), seq: 1 };
  place.breakDisk();
  const refused = await audit
    .record(act(2))
    .then(
      () => audit.anchor(),
      (error: unknown) => error,
    )
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(StoreBroken);
  expect(String(refused)).toMatch(/audit log cannot be written: the disk is full .*unrecorded/);
  expect((await verifyAudit(place.home, [anchor])).problem).toBeNull();
});
