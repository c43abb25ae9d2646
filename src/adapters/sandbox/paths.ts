import { relative, sep } from "node:path";

/** True for the directory itself and everything below it. Both are absolute. */
export function isWithin(path: string, directory: string): boolean {
  const rest = relative(directory, path);
  return rest === "" || (rest !== ".." && !rest.startsWith(`..${sep}`));
}
