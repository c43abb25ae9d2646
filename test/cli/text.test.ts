import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { cut, oneLine, pad, strip, width } from "../../src/cli/text.ts";
import { cpuMs } from "../cpu-time.ts";

const family = "👨‍👩‍👧‍👦";
const flag = "🇩🇪";
const accented = "e\u0301";

describe("width counts columns", () => {
  test.each([
    ["abc", 3],
    ["数据", 4],
    [family, 2],
    [flag, 2],
    [accented, 1],
    ["✓", 1],
    ["…", 1],
    ["", 0],
  ])("%s: %i", (text, columns) => {
    expect(width(text)).toBe(columns);
  });
});

test("width is that of the tables for what it needs no table for", () => {
  const signs = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
  const around = signs.map((sign) => `a${sign}${sign}b`);
  expect(around.filter((text) => width(text) !== stringWidth(text))).toEqual([]);
});

describe("cut", () => {
  test.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["abcdef", 1, "…"],
    ["abcdef", 0, ""],
    ["数据库", 5, "数据…"],
    ["数据库", 4, "数…"],
    [`a${family}b`, 3, "a…"],
    [`a${family}b`, 4, `a${family}b`],
    [`${accented}${accented}${accented}`, 2, `${accented}…`],
    [`${flag}${flag}`, 3, `${flag}…`],
  ])("%s to %i columns is %s", (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
  });

  test("is never wider than it may be, and is a beginning of the text", () => {
    const texts = fc.string({ unit: "grapheme", maxLength: 40 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 30 }), (raw, columns) => {
        const text = oneLine(raw);
        const result = cut(text, columns);
        expect(width(result)).toBeLessThanOrEqual(columns);
        if (result !== text) expect(text.startsWith(result.replace(/…$/, ""))).toBe(true);
        expect(width(pad(text, columns))).toBe(columns);
      }),
    );
  });

  test("ends where the tables say, also in a text that begins without a need of them", () => {
    const units = fc.constantFrom(
      "a",
      "b",
      "─",
      "…",
      "1",
      accented,
      family,
      "数",
      "\u0301",
      "\ufe0f",
    );
    const texts = fc.array(units, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, columns) => {
        const result = cut(text, columns);
        expect(stringWidth(result)).toBeLessThanOrEqual(columns);
        expect(result === text).toBe(stringWidth(text) <= columns);
      }),
    );
  });

  test("takes a huge text as far as it needs it", () => {
    expect(cut("x".repeat(50_000_000), 4)).toBe("xxx…");
  });

  test("draws no tower of marks", () => {
    expect(cut(`a${"\u0301".repeat(1_000)}b`, 10)).toBe("\ufffdb");
  });
});

test("pad aligns by columns", () => {
  expect(pad("数据", 6)).toBe("数据  ");
  expect(pad("7/20", 6, "right")).toBe("  7/20");
  expect(pad("数据库", 5, "right")).toBe("数据…");
});

describe("strip leaves nothing that a terminal obeys", () => {
  test.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a cleared screen", "a\u001b[2J\u001b[Hb", "ab"],
    ["a title", "a\u001b]0;owned\u0007b", "ab"],
    ["a title ended by ST", "a\u001b]0;owned\u001b\\b", "ab"],
    ["the clipboard", "\u001b]52;c;ZXZpbA==\u0007x", "x"],
    ["a link", "\u001b]8;;http://evil\u001b\\text\u001b]8;;\u001b\\", "text"],
    ["C1 controls", "a\u009b31mb\u009d0;t\u0007c", "abc"],
    ["a device string", "a\u001bPq#0\u001b\\b", "ab"],
    ["an unfinished sequence", "a\u001b[", "a"],
    ["a sequence in a sequence", "\u001b\u001b[31m[31mx", "[31mx"],
    ["a backspace and a bell", "abc\b\b\u0007", "abc"],
    ["a line drawn over", "safe\rrm -rf", "safe\nrm -rf"],
    ["a turned reading order", "a\u202eb\u2066c\u200f", "abc"],
    ["half a surrogate pair", "a\ud83dx", "a\ufffdx"],
    ["tabs and lines", "a\tb\r\nc\u2028d", "a    b\nc\nd"],
  ])("%s", (_, hostile, plain) => {
    expect(strip(hostile)).toBe(plain);
  });

  test("whatever it is given, and a second time changes nothing", () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        "\u001b",
        "[",
        "]",
        "P",
        "3",
        "1",
        "m",
        ";",
        "\u0007",
        "\u009b",
        "\\",
        "a",
        "\n",
        "\r",
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(hostile, (text) => {
        const plain = strip(text);
        expect(plain.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
        expect(strip(plain)).toBe(plain);
      }),
    );
  });

  test("in linear time", () => {
    const attacks = ["\u001b]", "\u001b[", "\u001bP", "\u009d0;", "\r"].map((each) =>
      each.repeat(200_000),
    );
    const startedAt = cpuMs();
    for (const attack of attacks) strip(attack);
    expect(cpuMs() - startedAt).toBeLessThan(5_000);
  });
});
