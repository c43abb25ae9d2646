import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkoutFiles } from "../../../src/adapters/files/checkout.ts";
import { ToolRefusal } from "../../../src/ports.ts";

const tracked = ["a.txt", "src/deep/b.ts", "src/c.ts", "link", "door", "odd:1:name.txt"];
const untracked = ["notes.txt", "src/scratch.ts", "dist/out.js", "src/deep/d.ts"];
let dir: string;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "td-checkout-")));
  for (const path of [
    ...tracked.filter((each) => !["link", "door"].includes(each)),
    ...untracked,
  ]) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), `before\nneedle of ${path}\nafter\n`);
  }
  await symlink("notes.txt", join(dir, "link"));
  await symlink("dist", join(dir, "door"));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

const signal = new AbortController().signal;
const query = { pattern: "needle", path: "", glob: null, ignoreCase: false };

for (const ripgrep of ["rg", null]) {
  const of = () => checkoutFiles({ dir, ripgrep, paths: tracked });

  test(`what is not tracked is not there (${ripgrep ?? "no ripgrep"})`, async () => {
    const files = of();
    const { paths } = await files.list("", 5);
    expect(paths.filter((path) => untracked.includes(path))).toEqual([]);
    expect(paths).toContain("src/deep/b.ts");
    expect((await files.glob("**/*.ts", "")).paths).toEqual(["src/c.ts", "src/deep/b.ts"]);
    expect((await files.glob("*.ts", "src/deep")).paths).toEqual(["src/deep/b.ts"]);
    for (const path of [...untracked, "link", "door/out.js", "door", "dist"]) {
      await expect(files.read(path), path).rejects.toThrow(ToolRefusal);
      await expect(files.list(path, 1), path).rejects.toThrow(ToolRefusal);
      await expect(files.grep({ ...query, context: 0, path }, signal), path).rejects.toThrow();
    }
    expect((await files.read("src/c.ts")).text).toContain("needle");
    await expect(files.write("a.txt", "x", null)).rejects.toThrow("nothing can be written");
  });

  test(`a search tells tracked files alone (${ripgrep ?? "no ripgrep"})`, async () => {
    const files = of();
    const found = await files.grep({ ...query, context: 0 }, signal);
    expect(found.trim().split("\n").sort()).toEqual([
      "a.txt:2:needle of a.txt",
      "odd:1:name.txt:2:needle of odd:1:name.txt",
      "src/c.ts:2:needle of src/c.ts",
      "src/deep/b.ts:2:needle of src/deep/b.ts",
    ]);
    const around = await files.grep({ ...query, context: 1, path: "src/deep" }, signal);
    expect(around.trim().split("\n")).toEqual([
      "src/deep/b.ts-1-before",
      "src/deep/b.ts:2:needle of src/deep/b.ts",
      "src/deep/b.ts-3-after",
    ]);
  });

  test(`what is not tracked tells nothing and takes no room (${ripgrep ?? "no ripgrep"})`, async () => {
    const files = checkoutFiles({ dir: join(dir, "crowd"), ripgrep, paths: ["z.txt"] });
    await mkdir(join(dir, "crowd"), { recursive: true });
    await writeFile(join(dir, "crowd/key.p12"), `needle\n${"x\n".repeat(100_000)}\0`);
    for (let n = 0; n < 80; n += 1) {
      await writeFile(join(dir, `crowd/log${n}`), `needle ${"y".repeat(90)}\n`.repeat(60));
    }
    await writeFile(join(dir, "crowd/z.txt"), "needle\n");
    const { signal } = new AbortController();
    expect(await files.grep({ ...query, context: 0 }, signal)).toBe("z.txt:1:needle\n");
  });
}
