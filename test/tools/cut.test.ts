import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutEnd, cutMiddle } from "../../src/tools/cut.ts";

const text = fc.string({ unit: "grapheme", maxLength: 400 });
const bound = fc.integer({ min: 0, max: 300 });

describe("cuts", () => {
  test("never split a character and keep to their bound", () => {
    fc.assert(
      fc.property(text, bound, (each, charsMax) => {
        const end = cutEnd(each, charsMax);
        expect(end.length).toBeLessThanOrEqual(charsMax);
        expect(each.startsWith(end)).toBe(true);
        expect(end.isWellFormed()).toBe(true);
        const middle = cutMiddle(each, charsMax + 60);
        expect(middle.length).toBeLessThanOrEqual(charsMax + 60);
        expect(middle.isWellFormed()).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("leave what is short enough", () => {
    expect(cutEnd("abc", 3)).toBe("abc");
    expect(cutMiddle("abc", 3)).toBe("abc");
  });

  test("fall before a family, not into it", () => {
    expect(cutEnd("ab👨‍👩‍👧", 6)).toBe("ab");
    expect(cutEnd("abe\u0301", 3)).toBe("ab");
    expect(cutEnd("👍👍", 3)).toBe("👍");
  });

  test("fall between lines where there are lines", () => {
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n}`).join("\n");
    expect(cutMiddle(lines, 120)).toMatchInlineSnapshot(`
      "line 0
      line 1
      line 2
      line 3
      [… 739 characters left out here …]
      line 97
      line 98
      line 99"
    `);
  });
});
