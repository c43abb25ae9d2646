import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { feedback } from "../../../src/core/verdict/feedback.ts";
import { fingerprint, isStuck } from "../../../src/core/verdict/fingerprint.ts";

const lines = (count: number, word: string) =>
  Array.from({ length: count }, (_, index) => `${word} ${index}`).join("\n");

describe("feedback", () => {
  test("gives what is short as it is, without colours", () => {
    const text = "\u001b[31mone\u001b[0m\ntwo\n";
    expect(feedback({ output: text, stdout: text, stderr: "" }, 1_000)).toBe("one\ntwo");
  });

  test("keeps a small head and a large tail in whole lines, and says how much it cut", () => {
    const text = lines(1_000, "line");
    const kept = feedback({ output: text, stdout: text, stderr: "" }, 500);
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.startsWith("line 0\nline 1\n")).toBe(true);
    expect(kept.endsWith("\nline 999")).toBe(true);
    const [head, rest] = kept.split(/\n… (?=\d+ lines cut)/);
    const cut = Number(/^\d+/.exec(rest ?? "")?.[0]);
    const tail = (rest ?? "").split("\n").slice(1);
    expect((head ?? "").split("\n").length + cut + tail.length).toBe(1_000);
    expect(tail.length).toBeGreaterThan((head ?? "").split("\n").length);
  });

  test("adds the end of the stream that the other one drowned", () => {
    const stdout = "1 test failed\nexpected 3, received 4";
    const stderr = lines(2_000, "warning");
    const kept = feedback({ output: `${stderr}\n${stdout}\n${stderr}`, stdout, stderr }, 1_200);
    expect(kept.length).toBeLessThanOrEqual(1_200);
    expect(kept).toContain("--- the end of stdout ---\n1 test failed\nexpected 3, received 4");
    expect(kept).toContain("warning 1999");
    expect(kept).not.toContain("the end of stderr");
  });

  test("repeats nothing when the ends of both streams are there", () => {
    const stdout = lines(20, "out");
    const stderr = "last words";
    const output = `${stdout}\n${stderr}\n`;
    expect(feedback({ output, stdout, stderr }, 2_000)).toBe(output.trimEnd());
  });

  test("never cuts a character in two, and never exceeds its measure", () => {
    const text = fc.string({ unit: fc.constantFrom("😀", "a", "\n", "é", " "), maxLength: 400 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 0, max: 300 }), (stdout, stderr, charsMax) => {
        const kept = feedback({ output: stdout + stderr, stdout, stderr }, charsMax);
        expect(kept.length).toBeLessThanOrEqual(charsMax);
        expect(kept.isWellFormed()).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("fingerprint", () => {
  test("is the same for the same failure in another order of lines", () => {
    expect(fingerprint("a\nb", "tree")).toBe(fingerprint("b\n a", "tree"));
  });

  test("differs for another failure and for other files", () => {
    const one = fingerprint("expected 3", "tree");
    expect(fingerprint("expected 4", "tree")).not.toBe(one);
    expect(fingerprint("expected 3", "tree 2")).not.toBe(one);
    expect(one).toMatch(/^[\da-f]{28}$/);
  });

  test("hardly ever collides", () => {
    const all = new Set(Array.from({ length: 100_000 }, (_, n) => fingerprint(`f ${n}`, "t")));
    expect(all.size).toBe(100_000);
  });
});

describe("isStuck", () => {
  test("is true for the same one as many times in a row as asked for", () => {
    expect(isStuck(["a", "b", "b", "b"], 3)).toBe(true);
    expect(isStuck(["b", "b"], 3)).toBe(false);
    expect(isStuck(["b", "b", "a"], 3)).toBe(false);
    expect(isStuck(["b", "a", "b", "b"], 3)).toBe(false);
    expect(isStuck([], 0)).toBe(false);
  });
});
