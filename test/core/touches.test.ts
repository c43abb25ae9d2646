import fc from "fast-check";
import { expect, test } from "vitest";
import { touchesOverlap } from "../../src/core/touches.ts";
import { matchesGlob } from "../../src/core/verdict/glob.ts";

test.each([
  ["src/session/**", "src/session/store.ts", true],
  ["src/session/**", "src/user/**", false],
  ["src/*.ts", "src/session.ts", true],
  ["src/*.ts", "src/*.css", false],
  ["**/*.ts", "docs/**", true],
  ["src/a?.ts", "src/[ab]b.ts", true],
  ["src/{a,b}/x.ts", "src/b/x.ts", true],
  ["src/{a/x,b}.ts", "src/c.ts", true],
  ["src", "src/deep/file.ts", true],
  ["./src/", "src/file.ts", true],
  ["srcs", "src/file.ts", false],
] as const)("%s and %s", (a, b, expected) => {
  expect([touchesOverlap([a], [b]), touchesOverlap([b], [a])]).toEqual([expected, expected]);
});

test("nothing touches nothing", () => {
  expect(touchesOverlap([], ["**"])).toBe(false);
});

test("two patterns that match one path overlap", () => {
  const part = fc.constantFrom("a", "b", "*", "**", "?", "a*", "*b", "[ab]", "{a,b}", "{a/b,b}");
  const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const path = fc.array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(pattern, pattern, path, (one, other, parts) => {
      const name = parts.join("/");
      fc.pre(matchesGlob(one, name) && matchesGlob(other, name));
      expect(touchesOverlap([one], [other])).toBe(true);
    }),
    { numRuns: 500, maxSkipsPerRun: 1_000 },
  );
});
