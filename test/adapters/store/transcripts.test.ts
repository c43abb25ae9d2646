import { Buffer } from "node:buffer";
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cutText } from "../../../src/adapters/store/transcript-entry.ts";
import { FileTranscripts } from "../../../src/adapters/store/transcripts.ts";
import { Bug } from "../../../src/core/assert.ts";
import type { LoopId } from "../../../src/core/loop.ts";
import type { Redact, TranscriptEntry } from "../../../src/ports.ts";
import { entries, loop, transcriptsContract } from "../../contracts/transcripts.ts";

transcriptsContract("FileTranscripts", async () => {
  const home = await mkdtemp(join(tmpdir(), "td-transcripts-"));
  return {
    open: (redact) => new FileTranscripts(home, redact),
    remove: () => rm(home, { recursive: true }),
  };
});

const asIs: Redact = (text) => text;
let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "td-transcripts-"));
  file = join(home, "transcripts", "7.1.2", "1.jsonl");
});
afterEach(() => rm(home, { recursive: true }));

function note(text: string): TranscriptEntry {
  return { at: 1, type: "note", text };
}

async function write(...texts: string[]): Promise<readonly TranscriptEntry[]> {
  const transcripts = new FileTranscripts(home, asIs);
  for (const text of texts) transcripts.write(loop, 1, note(text));
  await transcripts.flush();
  return transcripts.read(loop, 1);
}

test("files are private to their user", async () => {
  await write("a");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
});

test("a last line that a crash cut short is left out, and the next entry is not glued to it", async () => {
  await write("a");
  await appendFile(file, '{"at":2,"type":"no');
  const reread = await new FileTranscripts(home, asIs).read(loop, 1);
  expect(reread).toEqual([note("a")]);
  const all = await write("b");
  expect(all.map((entry) => (entry.type === "note" ? entry.text : ""))).toEqual([
    "a",
    "a line that was cut short by a crash",
    "b",
  ]);
});

test("only the id of a loop makes a path", () => {
  const transcripts = new FileTranscripts(home, asIs);
  for (const id of ["../7", "7/1", "", "7..1", "7.", "a", "07", "7.1".repeat(100)]) {
    expect(() => transcripts.write(id as LoopId, 1, note("a"))).toThrow(Bug);
  }
  for (const iteration of [-1, 1.5, Number.NaN]) {
    expect(() => transcripts.write(loop, iteration, note("a"))).toThrow(Bug);
  }
});

test("a text that is too long keeps its head and its tail, and a secret on the cut is gone", async () => {
  const transcripts = new FileTranscripts(home, (text) => text.replaceAll("hunter2", "***"));
  const half = 128 * 1024;
  const text = `head${"x".repeat(half - 7)}hunter2${"y".repeat(half)}tail`;
  transcripts.write(loop, 1, note(text));
  await transcripts.flush();
  const [entry] = await transcripts.read(loop, 1);
  const kept = entry?.type === "note" ? entry.text : "";
  expect(kept).toMatch(/^headx+.*\n\[… \d+ bytes left out …\]\ny+tail$/);
  expect(kept).not.toMatch(/hunt|ter2/);
  expect(Buffer.byteLength(kept)).toBeLessThan(256 * 1024 + 100);
});

test("a cut text is at most so long, begins and ends as the whole, and has no broken character", () => {
  const cases = fc.tuple(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.integer({ min: 16, max: 200 }),
  );
  fc.assert(
    fc.property(cases, ([text, bytesMax]) => {
      const whole = text.toWellFormed();
      const cut = cutText(whole, bytesMax);
      if (Buffer.byteLength(whole) <= bytesMax) {
        expect(cut).toBe(whole);
        return;
      }
      const [, head, tail] = /^(.*)\n\[… \d+ bytes left out …\]\n(.*)$/s.exec(cut) ?? [];
      expect(whole.startsWith(head ?? "?")).toBe(true);
      expect(whole.endsWith(tail ?? "?")).toBe(true);
      expect(Buffer.byteLength(`${head}${tail}`)).toBeLessThanOrEqual(bytesMax);
      expect(cut.isWellFormed()).toBe(true);
    }),
  );
});

test("a huge or bottomless input of a tool call is bounded", async () => {
  const transcripts = new FileTranscripts(home, asIs);
  const many = Array.from({ length: 50 }, () => "z".repeat(100_000));
  let deep: unknown = "bottom";
  for (let depth = 0; depth < 5000; depth += 1) deep = [deep];
  for (const input of [many, deep]) {
    transcripts.write(loop, 1, { at: 1, type: "toolCall", id: "a", name: "run", input });
  }
  await transcripts.flush();
  expect((await readFile(file)).length).toBeLessThan(300 * 1024);
  expect(JSON.stringify(await transcripts.read(loop, 1))).toContain("nested too deep");
});

test("a file that is full ends with one note that says so", async () => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(note("x".repeat(64 * 1024 * 1024 - 200)))}\n`);
  await write("y".repeat(500), "small");
  const size = (await stat(file)).size;
  const all = await write("z");
  expect(all).toHaveLength(2);
  expect(all[1]).toMatchObject({ type: "note", text: expect.stringMatching(/^transcript full/) });
  expect((await stat(file)).size).toBe(size);
});

test("entries that could not be written cost the loop nothing, and leave a note", async () => {
  const transcripts = new FileTranscripts(home, asIs);
  await writeFile(join(home, "transcripts"), "in the way");
  for (const entry of entries) transcripts.write(loop, 1, entry);
  await transcripts.flush();
  await rm(join(home, "transcripts"));
  transcripts.write(loop, 1, note("again"));
  await transcripts.flush();
  const [lost, again] = await transcripts.read(loop, 1);
  expect(lost).toMatchObject({ text: expect.stringMatching(/^entries before this one were lost/) });
  expect(again).toEqual(note("again"));
});

test("entries of one moment are written in order though they come from many iterations", async () => {
  const transcripts = new FileTranscripts(home, asIs);
  for (let n = 0; n < 300; n += 1) {
    transcripts.write(loop, n % 3, note(`${n}`));
    if (n % 50 === 0) await transcripts.flush();
  }
  await transcripts.flush();
  for (const iteration of [0, 1, 2]) {
    const texts = (await transcripts.read(loop, iteration)).map((entry) => JSON.stringify(entry));
    expect(texts).toEqual(
      Array.from({ length: 100 }, (_, n) => JSON.stringify(note(`${n * 3 + iteration}`))),
    );
  }
});
