/** The person's own keys: `keys.json` in the home, where no repository can write. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyMap, remapped } from "./keys.ts";

interface Keys {
  readonly keys: KeyMap;
  /** Why not all of it holds; null when it does. */
  readonly problem: string | null;
}

export function keysOf(home: string): Keys {
  const file = join(home, "keys.json");
  if (!existsSync(file)) return remapped({});
  const { keys, problem } = keysIn(readFileSync(file, "utf8"));
  return { keys, problem: problem === null ? null : `${file}: ${problem}` };
}

/** `{"pause": "P", "down": ["j", "C-n"]}` */
export function keysIn(text: string): Keys {
  const told = parsed(text);
  if (!isKeys(told)) {
    const problem = 'expected JSON such as {"pause": "P", "down": ["j", "down"]}; ours hold';
    return { keys: remapped({}).keys, problem };
  }
  return remapped(told);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // told as what was expected
  }
}

function isKeys(value: unknown): value is Readonly<Record<string, string | readonly string[]>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((keys) =>
    [keys].flat().every((key) => typeof key === "string" && key !== ""),
  );
}
