import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise, stripAnsi } from "../../../src/core/verdict/clean.ts";
import { cpuMs } from "../../cpu-time.ts";

const noise = fc.string({
  unit: fc.constantFrom(
    ..."\u001b[]0;mK8\\\u0007\u009b\u009d\r\n\b\u0000aé😀<>/:.-' 12345",
    "/tmp/x",
    " 12.3 ms",
    "(0.45s)",
    "2026-01-02T03:04:05Z",
    "03:04:05",
    "pid 12",
    "seed=4",
    "0xdeadbeef",
    "127.0.0.1:80",
    "/home/me/tree",
    "[=====> ] 12%",
    "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "duration_ms 3",
    "(node:12)",
    "==1==",
  ),
  maxLength: 60,
});

describe("stripAnsi", () => {
  test("takes colours, hyperlinks, titles and single escapes out", () => {
    const text =
      "\u001b[1;31mred\u001b[0m \u001b]8;;https://x.org\u001b\\link\u001b]8;;\u0007 \u001b]0;title\u0007\u001b(Bend\u009b2J";
    expect(stripAnsi(text)).toBe("red link end");
  });

  test("keeps tabs, newlines and every other character", () => {
    expect(stripAnsi("a\tb\r\nc 😀 é\n")).toBe("a\tb\nc 😀 é\n");
  });

  test("shows what a terminal shows after carriage returns, backspaces and erased lines", () => {
    expect(stripAnsi("10%\r100%")).toBe("100%");
    expect(stripAnsi("long text\rab")).toBe("abng text");
    expect(stripAnsi("long text\r\u001b[Kab")).toBe("ab");
    expect(stripAnsi("x\b\by😀\bz")).toBe("yz");
  });

  test("does not let an unfinished sequence eat the following lines", () => {
    expect(stripAnsi("a\u001b]8;;http\nb\u001b[")).toBe("a\nb");
  });

  test("changes nothing when done twice, and leaves no control character", () => {
    fc.assert(
      fc.property(noise, (text) => {
        const once = stripAnsi(text);
        expect(stripAnsi(once)).toBe(once);
        expect(/\p{Cc}/u.test(once.replace(/[\n\t]/g, ""))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("normalise", () => {
  const tree = ["/home/me/tree"];
  test.each([
    ["✔ adds (0.846901ms)", "✔ adds (<time>)"],
    ["Ran 2 tests in 0.001s", "Ran 2 tests in <time>"],
    ["duration_ms: 0.817156", "duration_ms: <time>"],
    ["at 2026-11-22T15:00:43.862Z.", "at <date>."],
    ["Sun Nov 22 15:00:43 UTC 2026 up", "<date> up"],
    ["   Start at  15:00:43", "   Start at  <time>"],
    ["file:///home/me/tree/a.ts:4:42", "file://<worktree>/a.ts:4:42"],
    ["/home/me/trees/a.ts", "/home/me/trees/a.ts"],
    ["/tmp/vfix-X1/a.ts:4:42", "<tmp>/a.ts:4:42"],
    ["/tmp/pytest-of-root/pytest-12/test_x0", "<tmp>/test_x0"],
    ["Object at 0x7ffee3b0", "Object at <hex>"],
    ["thread 'works' (6674) panicked", "thread 'works' (<pid>) panicked"],
    ["(node:4711) Warning", "(node:<pid>) Warning"],
    ["connect ECONNREFUSED 127.0.0.1:43121", "connect ECONNREFUSED 127.0.0.1:<port>"],
    ['{ seed: -123, path: "0:1" }', '{ seed: <seed>, path: "0:1" }'],
    ["Randomized with seed 4242", "Randomized with seed <seed>"],
    ["id 1b4e28ba-2fa1-11d2-883f-0016d3cca427", "id <uuid>"],
    ["deps/demo-8348ca7a80742723", "deps/demo-<hash>"],
    ["a\n[=====>    ] 45%\nb", "a\nb"],
    ["expected 3 to be 4", "expected 3 to be 4"],
    ["error TS2550: a.ts(104,50)", "error TS2550: a.ts(104,50)"],
  ])("%s", (text, expected) => {
    expect(normalise(text, tree)).toBe(expected);
  });

  test("changes nothing when done twice", () => {
    fc.assert(
      fc.property(noise, (text) => {
        const once = normalise(text, tree);
        expect(normalise(once, tree)).toBe(once);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ["many escapes", "\u001b[31mx\u001b"],
    ["backspaces", "ab\b"],
    ["returns", "12%\r"],
    ["bars", "=".repeat(50)],
    ["digits", "1"],
    ["hexadecimal", "a1"],
    ["lines", "✔ adds (0.8ms)\n"],
    ["temporary", "/tmp/"],
    ["an open title", "\u001b]"],
  ])("takes linear time for 10 MB of %s", (_name, unit) => {
    const text = unit.repeat(10_000_000 / unit.length);
    const startedAt = cpuMs();
    normalise(text, tree);
    expect(cpuMs() - startedAt).toBeLessThan(15_000);
  });
});
