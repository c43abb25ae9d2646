import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A small repository: 40 sources, 20 tests, a manifest. Resolves to its only commit. */
export async function plant(repo: string): Promise<string> {
  const files: Record<string, string> = {
    "package.json": `${JSON.stringify({ name: "small", type: "module", scripts: { test: "node --test" } })}\n`,
    ".gitignore": "node_modules/\n",
    "README.md": "# small\n",
  };
  for (let n = 0; n < 40; n += 1)
    files[`src/part-${n}.js`] = `export const part${n} = ${n};\n`.repeat(20);
  for (let n = 0; n < 20; n += 1)
    files[`test/part-${n}.test.js`] = `test("${n}", () => {});\n`.repeat(20);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await writeFile(join(repo, path), text);
  }
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repo, encoding: "utf8" });
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git(
    "-c",
    "user.name=You",
    "-c",
    "user.email=you@example.org",
    "commit",
    "--quiet",
    "-m",
    "start",
  );
  return git("rev-parse", "HEAD").trim();
}
