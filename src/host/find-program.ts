import { access, constants } from "node:fs/promises";
import { join } from "node:path";

/** The first of that name in the directories; null where there is none. */
export async function findProgram(
  name: string,
  directories: readonly string[],
): Promise<string | null> {
  for (const directory of directories) {
    const path = join(directory, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
