import { chmod, mkdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** The directories of the home that belong to git. */
export interface HomePlaces {
  readonly home: string;
  readonly shadows: string;
  readonly worktrees: string;
  readonly fresh: string;
  readonly trash: string;
  /** What set-up commands have made. */
  readonly setUps: string;
  /** Blocks of ports that are taken. */
  readonly ports: string;
}

function homePlaces(home: string): HomePlaces {
  return {
    home,
    shadows: join(home, "shadows"),
    worktrees: join(home, "worktrees"),
    fresh: join(home, "fresh"),
    trash: join(home, "trash"),
    setUps: join(home, "set-ups"),
    ports: join(home, "ports"),
  };
}

/**
 * Makes them, all closed; when commands run under another uid it may pass through (but not list)
 * those above a worktree. Resolves to the places under the home's real path.
 */
export async function openHome(home: string, uid: number | null): Promise<HomePlaces> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const places = homePlaces(await realpath(home));
  const { shadows, worktrees, fresh, trash, setUps, ports } = places;
  for (const dir of [shadows, worktrees, fresh, trash, setUps, ports]) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  }
  if (uid === null) return places;
  for (const dir of [places.home, worktrees, fresh]) {
    await chmod(dir, ((await stat(dir)).mode & 0o777) | 0o011);
  }
  return places;
}
