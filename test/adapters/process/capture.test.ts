import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedCapture, secretBytesMax, textOf } from "../../../src/adapters/process/capture.ts";

const asIs = (text: string) => text;

function captured(chunks: readonly Buffer[], bytesMax: number, redact = asIs): string {
  const capture = new BoundedCapture(bytesMax);
  for (const chunk of chunks) capture.push(chunk);
  return textOf(capture.captured(), redact);
}

function cutUp(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 });

test("what fits comes out as it went in, however it was cut up", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), sizes, (text, cuts) => {
      expect(captured(cutUp(Buffer.from(text), cuts), 10_000)).toBe(text);
    }),
  );
});

test("what does not fit keeps its head and tail, on characters' boundaries, and says so", () => {
  const line = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(line, sizes, fc.integer({ min: 10, max: 9000 }), (part, cuts, bytesMax) => {
      const text = part.repeat(Math.ceil(60_000 / Buffer.byteLength(part)));
      const output = captured(cutUp(Buffer.from(text), cuts), bytesMax);
      const [, head = "", tail = ""] =
        /^(.*?)\n?\[… \d+ bytes left out …\]\n(.*)$/s.exec(output) ?? [];
      expect(text.startsWith(head)).toBe(true);
      expect(text.endsWith(tail)).toBe(true);
      expect(Buffer.byteLength(head) + Buffer.byteLength(tail)).toBeLessThanOrEqual(bytesMax);
      expect(output.isWellFormed()).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("says how much is missing", () => {
  const output = captured([Buffer.from(`start${"x".repeat(99_990)}the end`)], 20);
  expect(output).toBe("startxxxxx\n[… 99982 bytes left out …]\nxxxthe end");
});

test("bytes that are no text are replaced", () => {
  expect(captured([Buffer.from([0x61, 0xff, 0xc3, 0x62])], 100)).toBe("a\ufffd\ufffdb");
});

test("no half of a secret survives at a cut, wherever the cut falls", () => {
  const secret = "s3cret-".repeat(20);
  const redact = (text: string) => text.replaceAll(secret, "[redacted]");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12_000 }), sizes, (padding, cuts) => {
      const text = ".".repeat(padding) + secret + ".".repeat(30_000) + secret + ".".repeat(padding);
      expect(captured(cutUp(Buffer.from(text), cuts), 4000, redact)).not.toContain("s3c");
    }),
  );
  expect(secretBytesMax).toBeGreaterThan(secret.length);
});

test("memory does not grow with what flows through, in pieces of any size", () => {
  for (const size of [1, 4096, 65_536]) {
    const chunk = Buffer.alloc(size, "x");
    const capture = new BoundedCapture(10_000);
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 200_000; n += 1) capture.push(chunk);
    // Of 13 GB that went through; what the collector has not come to yet is in it.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 << 20);
  }
});
