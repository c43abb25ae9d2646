import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { realpath, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { execPath } from "node:process";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canAnchor } from "../../../src/adapters/files/directory.ts";
import { filesIn } from "../../../src/adapters/files/file-system.ts";
import { ToolRefusal } from "../../../src/ports.ts";
import { query } from "../../contracts/files.ts";
import { type DiskPlace, diskPlace } from "./worktree.ts";

const never = new AbortController().signal;
const searchers = [
  ["ripgrep", "rg"],
  ["no ripgrep", null],
] as const;

describe.each([
  ["open directories", canAnchor],
  ["paths", false],
])("the files of a hostile worktree, from %s", (_, anchored) => {
  let place: DiskPlace;
  beforeEach(async () => {
    place = await diskPlace({ anchored, ripgrep: "rg", readable: ["outside/deep"] });
  });
  afterEach(async () => {
    expect(readFileSync(join(place.outside, "secret"), "utf8")).toBe("secret\n");
    await place.remove();
  });

  function link(target: string, path: string): void {
    symlinkSync(target, join(place.dir, path));
  }

  test("reads through links that stay inside", async () => {
    await place.put("src/v2/a.ts", "inside\n");
    link("v2", "src/current");
    link(join(place.dir, "src"), "absolute");
    link("src/../src/current/a.ts", "file.ts");
    expect((await place.files.read("absolute/current/a.ts")).text).toBe("inside\n");
    expect((await place.files.read("file.ts")).text).toBe("inside\n");
    expect((await place.files.list("src/current", 1)).paths).toEqual(["src/current/a.ts"]);
    expect(await place.files.grep(query("in", { path: "file.ts" }), never)).toBe(
      "file.ts:1:inside\n",
    );
  });

  test("does not read, list or search through links that lead out", async () => {
    link("../outside", "relative");
    link(place.outside, "absolute");
    link("relative", "chain");
    link("../outside/secret", "file");
    link("/proc/self/root", "root");
    for (const name of ["relative", "absolute", "chain"]) {
      const { files } = place;
      await expect(files.read(`${name}/secret`)).rejects.toThrow(/leads out of the worktree/u);
      await expect(files.list(name, 2)).rejects.toThrow(/leads out of the worktree/u);
      await expect(files.glob("*", name)).rejects.toThrow(/leads out of the worktree/u);
      await expect(files.grep(query("s", { path: name }), never)).rejects.toThrow(/leads out/u);
    }
    await expect(place.files.read("file")).rejects.toThrow(/file -> \.\.\/outside\/secret/u);
    await expect(place.files.read("root/etc/passwd")).rejects.toThrow(ToolRefusal);
  });

  test("walks past links", async () => {
    link("../outside", "out");
    link(".", "loop");
    await place.put("a.txt", "secret\n");
    expect((await place.files.list("", 5)).paths).toEqual([
      "a.txt",
      "loop -> .",
      "out -> ../outside",
    ]);
    expect((await place.files.glob("**/secret", "")).paths).toEqual([]);
    for (const [, ripgrep] of searchers) {
      const files = filesIn({ uid: null, ripgrep }, { dir: place.dir, readable: [], anchored });
      expect(await files.grep(query("secret"), never)).toBe("a.txt:1:secret\n");
    }
  });

  test("ends on links in a circle", async () => {
    link("b", "a");
    link("a", "b");
    await expect(place.files.read("a")).rejects.toThrow(/too many links/u);
    await expect(place.files.read("a/x")).rejects.toThrow(/too many links/u);
  });

  test("does not reach .git through a link", async () => {
    await place.put(".git/config", "x");
    link(".git", "dot");
    link(".git/config", "config");
    await expect(place.files.read("dot/config")).rejects.toThrow(/\.git/u);
    await expect(place.files.read("config")).rejects.toThrow(/\.git/u);
  });

  test("reads what is allowed outside, and does not write it", async () => {
    mkdirSync(join(place.dir, "node_modules"));
    link(join(place.outside, "deep"), "node_modules/deep");
    link(join(place.outside, "deep/secret"), "one");
    link("../../outside/deep/../secret", "node_modules/sly");
    const { files } = place;
    expect((await files.read("node_modules/deep/secret")).text).toBe("secret\n");
    expect((await files.read("one")).text).toBe("secret\n");
    expect((await files.list("node_modules/deep", 1)).paths).toEqual(["node_modules/deep/secret"]);
    expect(await files.grep(query("secret", { path: "node_modules/deep" }), never)).toBe(
      "node_modules/deep/secret:1:secret\n",
    );
    await expect(files.read("node_modules/sly")).rejects.toThrow(/leads out/u);
    const { version } = await files.read("node_modules/deep/secret");
    await expect(files.write("node_modules/deep/secret", "x", version)).rejects.toThrow(/link/u);
    await expect(files.write("node_modules/deep/new", "x", null)).rejects.toThrow(/link/u);
  });

  test("writes through no link", async () => {
    await place.put("src/a", "1");
    link("src", "s");
    link("src/a", "a");
    link("../outside/secret", "secret");
    link("nowhere", "dangling");
    for (const path of ["s/a", "s/new", "a", "secret", "dangling", "dangling/x"]) {
      await expect(place.files.write(path, "x", null)).rejects.toThrow(/through links/u);
    }
    expect(await place.peek("src/a")).toBe("1");
  });

  test("replaces a hard link and leaves the other name alone", async () => {
    linkSync(join(place.outside, "secret"), join(place.dir, "hard"));
    const { version } = await place.files.read("hard");
    await place.files.write("hard", "mine\n", version);
    expect(await place.peek("hard")).toBe("mine\n");
    expect(lstatSync(join(place.dir, "hard")).nlink).toBe(1);
  });

  test("neither hangs on a pipe nor opens a device or a socket", async () => {
    execFileSync("sh", ["-c", "mkfifo pipe"], { cwd: place.dir });
    await place.put("plain", "x");
    await expect(place.files.read("pipe")).rejects.toThrow(/not a regular file/u);
    await expect(place.files.write("pipe", "x", null)).rejects.toThrow(/not a regular file/u);
    await expect(place.files.grep(query("x", { path: "pipe" }), never)).rejects.toThrow(
      ToolRefusal,
    );
    for (const [, ripgrep] of searchers) {
      const files = filesIn({ uid: null, ripgrep }, { dir: place.dir, readable: [], anchored });
      expect(await files.grep(query("x"), never)).toBe("plain:1:x\n");
    }
    const device = filesIn({ uid: null, ripgrep: null }, { dir: "/dev", readable: [], anchored });
    await expect(device.read("zero")).rejects.toThrow(/not a regular file/u);
  });

  test("keeps the mode of what it replaces and leaves nothing behind", async () => {
    await place.put("run.sh", "1");
    chmodSync(join(place.dir, "run.sh"), 0o755);
    const { version } = await place.files.read("run.sh");
    await place.files.write("run.sh", "2", version);
    expect(lstatSync(join(place.dir, "run.sh")).mode & 0o777).toBe(0o755);
    expect((await place.files.list("", 3)).paths).toEqual(["run.sh"]);
  });

  test("says the same of any path as the kernel, or refuses", async () => {
    mkdirSync(join(place.dir, "a/b/c"), { recursive: true });
    await place.put("a/f", "f");
    await place.put("a/b/f", "bf");
    const targets = fc.constantFrom(
      ".",
      "..",
      "../..",
      "a",
      "b",
      "c",
      "a/b",
      "../f",
      "../../outside",
    );
    const spots = fc.constantFrom("l", "m", "a/l", "a/m", "a/b/l", "a/b/m", "a/b/c/l");
    const steps = fc.array(fc.constantFrom("a", "b", "c", "f", "l", "m", "secret"), {
      minLength: 1,
      maxLength: 6,
    });
    const links = fc.uniqueArray(fc.tuple(spots, targets), {
      selector: ([spot]) => spot,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(links, steps, async (made, names) => {
        for (const [spot, target] of made) link(target, spot);
        const path = names.join("/");
        const text = await place.files.read(path).then(
          (file) => file.text,
          () => null,
        );
        const real = await realpath(join(place.dir, path)).catch(() => null);
        const kernel = real?.startsWith(`${place.dir}/`) ? await textAt(real) : null;
        for (const [spot] of made) await unlink(join(place.dir, spot));
        if (text !== null) expect(text).toBe(kernel);
      }),
      { numRuns: 300 },
    );
  });
});

async function textAt(path: string): Promise<string | null> {
  return (await stat(path)).isFile() ? readFileSync(path, "utf8") : null;
}

describe.runIf(canAnchor)("files while another process swaps directories for links", () => {
  test("a write, read, search or listing never ends outside", { timeout: 60_000 }, async () => {
    const place = await diskPlace({ anchored: true, ripgrep: null });
    await place.put("src/deep/secret", "mine\n");
    execFileSync("touch", [join(place.outside, "only-outside")]);
    const before = treeOf(place.outside);
    const swapper = spawn(execPath, ["-e", swapping], { cwd: place.dir, stdio: "inherit" });
    const counts = { written: 0, refused: 0, seen: new Set<string>() };
    const attacks = Array.from({ length: 3 }, (_, index) => attack(place, index, counts));
    await Promise.all(attacks);
    swapper.kill("SIGKILL");
    await once(swapper, "exit");
    expect(counts.refused).toBeGreaterThan(0);
    expect(counts.written).toBeGreaterThan(0);
    expect([...counts.seen].filter((text) => text !== "" && text !== "mine\n")).toEqual([]);
    expect(treeOf(place.outside)).toBe(before);
    await place.remove();
  });
});

/** Until it is killed: `src` is a directory, then a link out, then a directory again. */
const swapping = `
  const fs = require("node:fs");
  const tried = (step) => { try { step(); return true; } catch { return false; } };
  for (;;) {
    tried(() => fs.renameSync("src", "parked"));
    tried(() => fs.symlinkSync("../outside", "src"));
    tried(() => fs.unlinkSync("src"));
    if (tried(() => fs.renameSync("parked", "src"))) continue;
    if (fs.existsSync("parked")) tried(() => fs.rmSync("src", { recursive: true, force: true }));
    tried(() => fs.renameSync("parked", "src"));
  }
`;

interface Counts {
  written: number;
  refused: number;
  readonly seen: Set<string>;
}

async function attack({ files }: DiskPlace, index: number, counts: Counts): Promise<void> {
  const refused = (): null => {
    counts.refused += 1;
    return null;
  };
  for (let round = 0; round < 60; round += 1) {
    const path = `src/${index}-${round % 9 === 0 ? round : 0}/new`;
    const wrote = await files.write(path, "canary\n", null).catch(refused);
    if (wrote !== null) counts.written += 1;
    await files.write("src/secret", "canary\n", null).catch(refused);
    const file = await files.read("src/deep/secret").catch(refused);
    counts.seen.add(file?.text ?? "");
    const found = await files.grep(query("secret"), never).catch(refused);
    counts.seen.add(found ?? "");
    const listing = await files.list("", 3).catch(refused);
    const foreign = listing?.paths.find((each) => each.endsWith("only-outside"));
    counts.seen.add(foreign ?? "");
  }
}

/** Every file of a directory with its text. */
function treeOf(directory: string): string {
  return execFileSync("grep", ["-r", "", directory], { encoding: "utf8" })
    .split("\n")
    .toSorted()
    .join("\n");
}
