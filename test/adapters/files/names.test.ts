import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isGitName, namesOf } from "../../../src/adapters/files/names.ts";
import { ToolRefusal } from "../../../src/ports.ts";

const dir = "/home/ada/worktree";
const piece = fc.oneof(
  fc.constantFrom("..", ".", "", "a", "b", ".git", ".Git", "git~1", "..."),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const path = fc
  .tuple(fc.constantFrom("", "/", `${dir}/`, `${dir}x/`), fc.array(piece, { maxLength: 8 }))
  .map(([start, pieces]) => start + pieces.join("/"));

describe("namesOf", () => {
  test("leads where the path leads, if that is in the worktree, and nowhere else", () => {
    fc.assert(
      fc.property(path, (each) => {
        const meant = posix.resolve(dir, each);
        const names = namesOrNull(each);
        if (names === null) return;
        expect(posix.join(dir, ...names)).toBe(meant);
        expect(meant === dir || meant.startsWith(`${dir}/`)).toBe(true);
        expect(names.some((name) => name === ".." || name === "." || isGitName(name))).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  test("takes every plain path", () => {
    const name = fc.stringMatching(/^[a-z0-9_-][a-z0-9_. -]{0,9}[a-z]$/u);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (names) => {
        expect(namesOf(dir, names.join("/"))).toEqual(names);
        expect(namesOf(dir, `${dir}/${names.join("//")}/`)).toEqual(names);
        expect(namesOf(dir, `x/./../${names.join("/")}`)).toEqual(names);
      }),
    );
  });

  test("refuses .git however it is written", () => {
    const dress = fc.tuple(
      fc.constantFrom(".git", ".GIT", ".gIt", "git~1", "GIT~2", "\uFF0Egit"),
      fc.constantFrom("", ".", " ", "...", ". .", ":x", "::$DATA"),
      fc.constantFrom("", "\u200C", "\u200D", "\u206F", "\uFEFF"),
      fc.nat(4),
    );
    fc.assert(
      fc.property(dress, ([git, end, ignored, at]) => {
        const name = git.slice(0, at) + ignored + git.slice(at) + end;
        expect(isGitName(name)).toBe(true);
        expect(() => namesOf(dir, `a/${name}/hooks`)).toThrow(ToolRefusal);
      }),
    );
  });

  test.each([".gitignore", ".github", "git", "my.git", ".gitattributes", "git~", "x.git.x"])(
    "knows that %s is not .git",
    (name) => {
      expect(isGitName(name)).toBe(false);
    },
  );
});

function namesOrNull(each: string): readonly string[] | null {
  try {
    return namesOf(dir, each);
  } catch (error) {
    expect(error).toBeInstanceOf(ToolRefusal);
    return null;
  }
}
