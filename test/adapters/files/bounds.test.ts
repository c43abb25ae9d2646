import { chmodSync, chownSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canAnchor } from "../../../src/adapters/files/directory.ts";
import { filesIn } from "../../../src/adapters/files/file-system.ts";
import { type Files, ToolRefusal } from "../../../src/ports.ts";
import { query } from "../../contracts/files.ts";
import { type DiskPlace, diskPlace } from "./worktree.ts";

const never = new AbortController().signal;
const nobody = 65_534;

let place: DiskPlace;
beforeEach(async () => {
  place = await diskPlace({ anchored: canAnchor, ripgrep: "rg" });
});
afterEach(() => place.remove());

function filesWith(ripgrep: string | null, uid: number | null = null): Files {
  return filesIn({ uid, ripgrep }, { dir: place.dir, readable: [], anchored: canAnchor });
}

/** A program in the place of ripgrep. */
function program(script: string): string {
  const path = join(place.outside, "program");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("bounds of files", () => {
  test("a listing keeps what is nearest and counts the rest", async () => {
    await place.put("a/deep/first", "");
    for (let n = 0; n < 2100; n += 1) writeFileSync(join(place.dir, "a", `f${n}`), "");
    await place.put("z", "");
    const { paths, more } = await place.files.list("", 3);
    expect(paths).toHaveLength(2000);
    expect(more).toBe(2105 - 2000 - 1);
    expect(paths).toContain("z");
    expect(paths).not.toContain("a/deep/first");
    const found = await place.files.glob("**/f*", "");
    expect([found.paths.length, found.more]).toEqual([2000, 101]);
  });

  test.each([
    ["ripgrep", "rg"],
    ["no ripgrep", null],
  ])("a search with %s is cut at a line and says so", async (_, ripgrep) => {
    for (let n = 0; n < 5; n += 1) await place.put(`f${n}`, `${"ä".repeat(300)}\n`.repeat(180));
    const found = await filesWith(ripgrep).grep(query("ä"), never);
    const lines = found.split("\n");
    expect(found.length).toBeLessThan(41_000);
    expect(lines.at(-2)).toBe("[there is more: narrow the pattern, the path or the glob]");
    expect(lines.at(-3)).toMatch(/^f\d:\d+:ä+/u);
  });

  test("a long line is cut", async () => {
    await place.put("min.js", `x${"y".repeat(5000)}\n`);
    for (const ripgrep of ["rg", null]) {
      expect((await filesWith(ripgrep).grep(query("x"), never)).length).toBeLessThan(500);
    }
  });

  test("a pattern of exponential cost ends", async () => {
    await place.put("a", `${"a".repeat(60)}!\n`);
    await expect(filesWith(null).grep(query("^(a|a)+$"), never)).rejects.toThrow(/too long/u);
    await place.put("a".repeat(200), "");
    await expect(place.files.glob(`${"*a".repeat(60)}b`, "")).rejects.toThrow(ToolRefusal);
  });
});

describe("ripgrep as a program", () => {
  test("is not needed when it cannot be started", async () => {
    await place.put("a", "x\n");
    expect(await filesWith("/nowhere/rg").grep(query("x"), never)).toBe("a:1:x\n");
  });

  test("gets no configuration and no environment", async () => {
    const files = filesWith(program('env; echo "$@"'));
    const said = await files.grep(query("-x"), never);
    expect(said).not.toMatch(/HOME|RIPGREP_CONFIG_PATH|PATH=\/.*node_modules/u);
    expect(said).toMatch(/--no-config .* -e -x -- \.\//u);
  });

  test("tells why a pattern or a glob is wrong", async () => {
    await expect(place.files.grep(query("a("), never)).rejects.toThrow(/unclosed group/u);
    await expect(place.files.grep(query("a", { glob: "[" }), never)).rejects.toThrow(
      /ripgrep refused/u,
    );
  });

  test("dies with the signal", async () => {
    const over = new AbortController();
    const files = filesWith(program("echo $$ > pid; exec sleep 60"));
    const search = files.grep(query("x"), over.signal);
    search.catch(() => null);
    while ((await place.peek("pid")) === null) await new Promise((done) => setImmediate(done));
    over.abort(new Error("the loop ends"));
    await expect(search).rejects.toThrow("the loop ends");
  });
});

describe.runIf(getuid?.() === 0)("files as root", () => {
  test("new files and directories belong to the sandbox user", async () => {
    chownSync(place.dir, nobody, nobody);
    const files = filesWith("rg", nobody);
    const { version } = await files.write("a/b/c", "1", null);
    await files.write("a/b/c", "2", version);
    for (const path of ["a", "a/b", "a/b/c"]) {
      const { uid, gid } = lstatSync(join(place.dir, path));
      expect([path, uid, gid]).toEqual([path, nobody, nobody]);
    }
  });

  test("ripgrep runs as the sandbox user", async () => {
    chownSync(place.dir, nobody, nobody);
    await place.put("open", "x\n");
    await place.put("closed", "x\n");
    chmodSync(join(place.dir, "closed"), 0o600);
    expect(await filesWith("rg", nobody).grep(query("x"), never)).toBe("open:1:x\n");
    expect(await filesWith("rg").grep(query("x"), never)).toBe("closed:1:x\nopen:1:x\n");
  });
});
