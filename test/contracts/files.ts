import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileMissing, type Files, type GrepQuery, ToolRefusal } from "../../src/ports.ts";

/** A worktree to try Files on, seen past them. */
export interface FilesPlace {
  readonly files: Files;
  put(path: string, text: string): Promise<void>;
  /** Null when there is no such file. */
  peek(path: string): Promise<string | null>;
  remove(): Promise<void>;
}

const never = new AbortController().signal;

export function query(pattern: string, more: Partial<GrepQuery> = {}): GrepQuery {
  return { pattern, path: "", glob: null, ignoreCase: false, context: 0, ...more };
}

/** What every implementation of Files does. */
export function filesContract(name: string, open: () => Promise<FilesPlace>): void {
  describe(`${name} as Files`, () => {
    let place: FilesPlace;
    beforeEach(async () => {
      place = await open();
    });
    afterEach(() => place.remove());

    test("gives every path one name", () => {
      const { files } = place;
      expect(
        ["", ".", "./a//b/", "a/./b", "x/../a", "ä ö/ü.ts"].map((p) => files.relative(p)),
      ).toEqual(["", "", "a/b", "a/b", "a", "ä ö/ü.ts"]);
    });

    test.each([
      "..",
      "../x",
      "a/../../x",
      "/etc/passwd",
      "~/x",
      ".git",
      ".git/config",
      "a/.GIT/config",
      ".git./x",
      ".git /x",
      "git~1/x",
      ".g\u200cit/x",
      ".git::$INDEX_ALLOCATION/x",
      "a\0b",
      "a\nb",
      "\uD800",
      "x".repeat(300),
      "x/".repeat(1500),
    ])("refuses the path %j everywhere", async (path) => {
      const { files } = place;
      expect(() => files.relative(path)).toThrow(ToolRefusal);
      await expect(files.read(path)).rejects.toThrow(ToolRefusal);
      await expect(files.write(path, "x", null)).rejects.toThrow(ToolRefusal);
      await expect(files.list(path, 1)).rejects.toThrow(ToolRefusal);
      await expect(files.glob("*", path)).rejects.toThrow(ToolRefusal);
      await expect(files.grep(query("x", { path }), never)).rejects.toThrow(ToolRefusal);
    });

    test("reads what it wrote, byte for byte, and makes the directories", async () => {
      const { files } = place;
      const text = "\uFEFFa\r\n\tß 👨‍👩‍👧\r\nno end";
      const { version } = await files.write("neu/tief/ä.txt", text, null);
      expect(await files.read("neu/tief/ä.txt")).toEqual({ text, version });
      expect(await place.peek("neu/tief/ä.txt")).toBe(text);
    });

    test("the same text has the same version, another text another", async () => {
      const { files } = place;
      await place.put("a", "1");
      const { version } = await files.read("a");
      expect((await files.read("a")).version).toBe(version);
      await place.put("a", "2");
      expect((await files.read("a")).version).not.toBe(version);
    });

    test("replaces a file only for whoever read it as it is", async () => {
      const { files } = place;
      await place.put("a", "1");
      await expect(files.write("a", "x", null)).rejects.toThrow(/exists already: read it/u);
      const { version } = await files.read("a");
      await place.put("a", "2");
      await expect(files.write("a", "x", version)).rejects.toThrow(/changed since you read it/u);
      expect(await place.peek("a")).toBe("2");
      const fresh = await files.read("a");
      const written = await files.write("a", "3", fresh.version);
      await files.write("a", "4", written.version);
      expect(await place.peek("a")).toBe("4");
      await expect(files.write("b", "x", version)).rejects.toThrow(/removed since you read it/u);
    });

    test("tells a missing file from a refused one", async () => {
      const { files } = place;
      await place.put("dir/file", "x");
      await expect(files.read("nothing")).rejects.toThrow(FileMissing);
      await expect(files.read("no/thing")).rejects.toThrow(FileMissing);
      await expect(files.list("nothing", 1)).rejects.toThrow(FileMissing);
      await expect(files.glob("*", "nothing")).rejects.toThrow(FileMissing);
      await expect(files.grep(query("x", { path: "nothing" }), never)).rejects.toThrow(FileMissing);
      const refused = [
        () => files.read("dir"),
        () => files.write("dir", "x", null),
        () => files.list("dir/file", 1),
      ];
      for (const call of refused) {
        const error: unknown = await call().catch((each: unknown) => each);
        expect(error).toBeInstanceOf(ToolRefusal);
        expect(error).not.toBeInstanceOf(FileMissing);
      }
      await expect(files.write("dir/file/x", "x", null)).rejects.toThrow(/not a directory/u);
    });

    test("refuses what is no text or too large", async () => {
      await place.put("binary", "a\0b");
      await place.put("large", "line\n".repeat(400_001));
      await expect(place.files.read("binary")).rejects.toThrow(/binary file/u);
      await expect(place.files.read("large")).rejects.toThrow(/2\.0 MB.*grep/u);
      await expect(place.files.write("huge", "x".repeat(2_000_001), null)).rejects.toThrow(
        ToolRefusal,
      );
    });

    test("lists to a depth, sorted, without .git and what is in node_modules", async () => {
      const { files } = place;
      for (const path of [".git/config", "b", "a/x/deep", "a/y", "node_modules/m/i.js", ".env"]) {
        await place.put(path, "x");
      }
      expect(await files.list("", 1)).toEqual({
        paths: [".env", "a/", "b", "node_modules/"],
        more: 0,
      });
      expect((await files.list("", 3)).paths).toEqual([
        ".env",
        "a/",
        "a/x/",
        "a/x/deep",
        "a/y",
        "b",
        "node_modules/",
      ]);
      expect((await files.list("node_modules/m", 2)).paths).toEqual(["node_modules/m/i.js"]);
    });

    test("finds files by pattern", async () => {
      const { files } = place;
      for (const path of [
        "a.ts",
        "src/b.ts",
        "src/in/c.ts",
        ".github/w.yml",
        "node_modules/m/d.ts",
      ]) {
        await place.put(path, "x");
      }
      const found = async (pattern: string, path = ""): Promise<readonly string[]> =>
        (await files.glob(pattern, path)).paths;
      expect(await found("**/*.ts")).toEqual(["a.ts", "src/b.ts", "src/in/c.ts"]);
      expect(await found("*.ts")).toEqual(["a.ts"]);
      expect(await found("*.ts", "src")).toEqual(["src/b.ts"]);
      expect(await found("**/*.{yml,yaml}")).toEqual([".github/w.yml"]);
      expect(await found("node_modules/**/*.ts")).toEqual(["node_modules/m/d.ts"]);
      expect(await found("*.nothing")).toEqual([]);
      await expect(found("../*")).rejects.toThrow(ToolRefusal);
      await expect(found("/etc/*")).rejects.toThrow(ToolRefusal);
    });

    test("searches a tree, a directory and a file", async () => {
      const { files } = place;
      await place.put("b/one.ts", "zero\nalpha\nbeta\r\n");
      await place.put("a.md", "Alpha\n");
      await place.put(".git/config", "alpha\n");
      await place.put("node_modules/m/i.js", "alpha\n");
      const found = (pattern: string, more: Partial<GrepQuery> = {}): Promise<string> =>
        files.grep(query(pattern, more), never);
      expect(await found("al(ph|f)a")).toBe("b/one.ts:2:alpha\n");
      expect(await found("alpha", { ignoreCase: true })).toBe("a.md:1:Alpha\nb/one.ts:2:alpha\n");
      expect(await found("alpha", { ignoreCase: true, glob: "*.md" })).toBe("a.md:1:Alpha\n");
      expect(await found("beta", { path: "b" })).toBe("b/one.ts:3:beta\n");
      expect(await found("beta", { path: "b/one.ts", context: 1 })).toBe(
        "b/one.ts-2-alpha\nb/one.ts:3:beta\n",
      );
      expect(await found("alpha", { path: "node_modules/m" })).toBe(
        "node_modules/m/i.js:1:alpha\n",
      );
      expect(await found("-e")).toBe("");
      await expect(found("a(")).rejects.toThrow(ToolRefusal);
      await expect(found("")).rejects.toThrow(ToolRefusal);
      await expect(files.grep(query("x"), AbortSignal.abort(new Error("over")))).rejects.toThrow(
        "over",
      );
    });
  });
}
