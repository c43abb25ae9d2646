import type { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, sep } from "node:path";

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Its name changes with its content. */
  readonly isHashed: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page's files by path, read once: no request reaches the disk. Empty where none were built. */
export function readAssets(dir: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of namesIn(dir)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const path = `/${name.split(sep).join("/")}`;
    const body = readFileSync(join(dir, name));
    assets.set(path, { type, body, isHashed: path.startsWith("/assets/") });
  }
  return assets;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
