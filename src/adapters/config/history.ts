import { hash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SourceFile } from "./config-files.ts";

/** A configuration as it was once: which files, and what was in them. */
export interface ConfigVersion {
  readonly id: string;
  readonly at: string;
  readonly repo: string;
  /** False for what was broken and only put aside. */
  readonly good: boolean;
  readonly files: readonly { readonly file: string; readonly hash: string }[];
  /** The version of each loop type, as `iteration.started` names it. */
  readonly types: Readonly<Record<string, string>>;
}

export interface NewVersion extends Pick<ConfigVersion, "at" | "repo" | "good" | "types"> {
  readonly sources: readonly SourceFile[];
}

const versionsMax = 500;
/** So many more may be there before the oldest go. */
const slack = 100;
const idChars = 12;

/** The versions of a home: a line each, and the files by the hash of their text. */
export class ConfigHistory {
  readonly #dir: string;
  readonly #lines: string;

  constructor(home: string) {
    this.#dir = join(home, "config");
    this.#lines = join(this.#dir, "versions.jsonl");
  }

  /** Adds nothing when the newest of the repository is the same. */
  async record({ sources, ...about }: NewVersion): Promise<ConfigVersion> {
    const files = sources.map(({ file, text }) => ({ file, hash: hash("sha256", text) }));
    const id = hash("sha256", JSON.stringify([about.repo, files])).slice(0, idChars);
    const version: ConfigVersion = { id, ...about, files };
    const known = await this.#read();
    if (known.findLast(({ repo }) => repo === about.repo)?.id === id) return version;
    await mkdir(join(this.#dir, "files"), { recursive: true, mode: 0o700 });
    for (const [index, { text }] of sources.entries()) {
      await this.#keep(files[index]?.hash ?? "", text);
    }
    await appendFile(this.#lines, `${JSON.stringify(version)}\n`, { mode: 0o600 });
    if (known.length >= versionsMax + slack) await this.#prune([...known, version]);
    return version;
  }

  /** Of one repository, the oldest first. */
  async list(repo: string): Promise<readonly ConfigVersion[]> {
    return (await this.#read()).filter((version) => version.repo === repo);
  }

  text(name: string): Promise<string> {
    return readFile(join(this.#dir, "files", name), "utf8");
  }

  async #keep(name: string, text: string): Promise<void> {
    const file = join(this.#dir, "files", name);
    const part = `${file}.part`;
    await writeFile(part, text, { mode: 0o600 });
    await rename(part, file);
  }

  async #read(): Promise<readonly ConfigVersion[]> {
    const text = await readFile(this.#lines, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    return text.split("\n").flatMap(versionIn);
  }

  async #prune(known: readonly ConfigVersion[]): Promise<void> {
    const kept = known.slice(-versionsMax);
    const part = `${this.#lines}.part`;
    const lines = kept.map((version) => `${JSON.stringify(version)}\n`).join("");
    await writeFile(part, lines, { mode: 0o600 });
    await rename(part, this.#lines);
    const needed = new Set(kept.flatMap(({ files }) => files.map((file) => file.hash)));
    for (const name of await readdir(join(this.#dir, "files"))) {
      if (!needed.has(name)) await rm(join(this.#dir, "files", name), { force: true });
    }
  }
}

/** A line that a crash has torn is no version. */
function versionIn(line: string): ConfigVersion[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as ConfigVersion];
  } catch {
    return [];
  }
}
