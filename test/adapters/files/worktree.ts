import { lstat, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { filesIn } from "../../../src/adapters/files/file-system.ts";
import type { FilesPlace } from "../../contracts/files.ts";

export interface Kind {
  readonly anchored: boolean;
  readonly ripgrep: string | null;
  readonly readable?: readonly string[];
}

export interface DiskPlace extends FilesPlace {
  readonly dir: string;
  /** A directory beside the worktree with `secret` in it. */
  readonly outside: string;
}

export async function diskPlace({ anchored, ripgrep, readable = [] }: Kind): Promise<DiskPlace> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "td-files-")));
  const dir = join(base, "worktree");
  const outside = join(base, "outside");
  await mkdir(dir);
  await mkdir(join(outside, "deep"), { recursive: true });
  await writeFile(join(outside, "secret"), "secret\n");
  await writeFile(join(outside, "deep/secret"), "secret\n");
  const roots = { dir, readable: readable.map((each) => join(base, each)), anchored };
  return {
    dir,
    outside,
    files: filesIn({ uid: null, ripgrep }, roots),
    async put(path, text) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    },
    peek: async (path) => {
      const there = await lstat(join(dir, path)).then(
        () => true,
        () => false,
      );
      return there ? readFile(join(dir, path), "utf8") : null;
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}
